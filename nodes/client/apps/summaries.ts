import type { ClientContext } from '../api/context';
import { readService } from '../api/readService';
import { asJsonObject, isJsonObject, listOf, textOf } from '../util/json';

/** An app or an agent as a list shows it. */
export interface AppSummary {
	/** `namespace/name` */
	readonly ref: string;
	readonly title: string;
	readonly category: string | undefined;
	readonly description: string | undefined;
}

/** One page of a list. */
export interface Page<T> {
	readonly items: readonly T[];
	/** Undefined if it is the last one. */
	readonly nextCursor: string | undefined;
}

/** Entries that a picker gets at once. */
const PICKER_PAGE = 50;

/**
 * Reads a page of a list of apps or agents.
 *
 * @param search term by which the service filters the list; undefined or blank for all of it
 * @param cursor undefined for the first page
 * @throws InferenceError if the list cannot be read
 */
export async function listSummaries(
	route: '/apps/list' | '/store/apps/list' | '/agents/list' | '/flows/list',
	search: string | undefined,
	cursor: string | undefined,
	context: ClientContext,
): Promise<Page<AppSummary>> {
	const term = search?.trim() ?? '';
	const body = {
		limit: PICKER_PAGE,
		cursor,
		search: term === '' ? undefined : { term, exact: false },
	};
	const list = await readService({ method: 'POST', path: route, body }, asJsonObject, context);
	const items = listOf(list['items'])
		.map(summaryFromWire)
		.filter((app) => app !== undefined);
	const nextCursor = list['has_next'] === false ? undefined : textOf(list['next_cursor']);
	return { items, nextCursor };
}

function summaryFromWire(wire: unknown): AppSummary | undefined {
	if (!isJsonObject(wire)) return undefined;
	const namespace = textOf(wire['namespace']);
	const name = textOf(wire['name']);
	if (name === undefined) return undefined;
	const ref = namespace === undefined ? name : `${namespace}/${name}`;
	return {
		ref,
		title: textOf(wire['title']) ?? name,
		category: textOf(wire['category']),
		description: textOf(wire['description']),
	};
}
