import type { ClientContext } from '../api/context';
import { anyPage } from '../api/paging';
import { readService } from '../api/readService';
import { textOf, type JsonObject } from '../util/json';

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
	const call = { method: 'POST', path: route, body } as const;
	const { items: rows, next } = await readService(call, anyPage, context);
	const items = rows.map(summaryFromWire).filter((app) => app !== undefined);
	return { items, nextCursor: next.kind === 'more' ? next.cursor : undefined };
}

function summaryFromWire(wire: JsonObject): AppSummary | undefined {
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
