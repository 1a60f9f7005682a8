import { asJsonObject, isJsonObject, listOf, textOf, type JsonObject } from '../util/json';
import type { Api, ApiCall, ApiReply } from './api';

/** Entries that are asked for at once where a list is read through. */
export const PAGE_SIZE = 100;

/** How a list goes on after a page. */
export type NextPage =
	| { readonly kind: 'more'; readonly cursor: string }
	| { readonly kind: 'end' }
	/** The list goes on, but does not say where. */
	| { readonly kind: 'lost' };

/** What answers call the list that they hold; the API has `items`, searches have `results`. */
const LISTS = ['items', 'results', 'data'] as const;

/**
 * The objects of a list, whichever way it comes: whole, or under one of its names in an answer that may
 * have an envelope inside. Null stands for a list that is empty (API notes 1.3).
 *
 * @returns undefined if there is none
 */
export function listIn(answer: unknown): readonly JsonObject[] | undefined {
	if (answer === null) return [];
	if (Array.isArray(answer)) return answer.filter(isJsonObject);
	if (!isJsonObject(answer)) return undefined;
	const name = LISTS.find((each) => answer[each] === null || Array.isArray(answer[each]));
	if (name !== undefined) return listOf(answer[name]).filter(isJsonObject);
	return isJsonObject(answer['data']) ? listIn(answer['data']) : undefined;
}

/** A page of a list. */
export interface Page {
	readonly items: readonly JsonObject[];
	readonly next: NextPage;
}

/** A page in any of the forms that answers have; undefined if it is none. */
export function anyPage(answer: unknown): Page | undefined {
	const items = listIn(answer);
	return items && { items, next: nextPage(answer, items.length === 0) };
}

/**
 * A page from which it may be concluded that something is not there, and then is bought: only the
 * documented form is a list. Null is none, and a page without rows may be followed by others.
 *
 * @returns undefined if it is not one
 */
export function certainPage(answer: unknown): Page | undefined {
	const items = Array.isArray(answer) ? answer : asJsonObject(answer)?.['items'];
	if (!Array.isArray(items) && items !== null) return undefined;
	return { items: listOf(items).filter(isJsonObject), next: nextPage(answer, false) };
}

/**
 * Reads a page of a cursor list; rows without an id are none.
 *
 * @param pageIn which forms count
 * @throws ProtocolError if it is not one
 */
export function readPage(
	api: Api,
	call: ApiCall,
	reply: ApiReply,
	pageIn: (answer: unknown) => Page | undefined = anyPage,
): { readonly rows: readonly JsonObject[]; readonly next: NextPage } {
	const page = pageIn(reply.value);
	if (!page) throw api.unexpected(call, reply);
	return { rows: page.items.filter((row) => textOf(row['id']) !== undefined), next: page.next };
}

/**
 * How a list goes on after an answer.
 *
 * @param isEmpty whether that had no rows: then only a clear word says that others follow
 */
function nextPage(answer: unknown, isEmpty: boolean): NextPage {
	const around = asJsonObject(answer) ?? {};
	const { has_next: hasNext, next_cursor: cursor } = { ...around, ...asJsonObject(around['data']) };
	if (hasNext === false || (isEmpty && hasNext !== true)) return { kind: 'end' };
	const place = typeof cursor === 'number' ? String(cursor) : textOf(cursor);
	if (place !== undefined) return { kind: 'more', cursor: place };
	return { kind: hasNext === true ? 'lost' : 'end' };
}
