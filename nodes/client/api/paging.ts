import { isJsonObject, listOf, textOf, type JsonObject } from '../util/json';
import type { Api, ApiCall, ApiReply } from './api';

/** Entries that are asked for at once where a list is read through. */
export const PAGE_SIZE = 100;

/** How a list goes on after a page. */
export type NextPage =
	| { readonly kind: 'more'; readonly cursor: string }
	| { readonly kind: 'end' }
	/** The list goes on, but does not say where. */
	| { readonly kind: 'lost' };

/**
 * Reads a page of a cursor list; rows without an id are none.
 *
 * @throws ProtocolError if it is not one
 */
export function readPage(
	api: Api,
	call: ApiCall,
	reply: ApiReply,
): { readonly rows: readonly JsonObject[]; readonly next: NextPage } {
	const list = Array.isArray(reply.value) ? { items: reply.value } : reply.value;
	if (!isJsonObject(list) || !('items' in list)) throw api.unexpected(call, reply);
	const rows = listOf(list['items'])
		.filter(isJsonObject)
		.filter((row) => textOf(row['id']) !== undefined);
	const cursor = textOf(list['next_cursor']);
	if (list['has_next'] === false) return { rows, next: { kind: 'end' } };
	if (cursor !== undefined) return { rows, next: { kind: 'more', cursor } };
	return { rows, next: { kind: list['has_next'] === true ? 'lost' : 'end' } };
}
