import type { Api, ApiCall } from '../api/api';
import { isJsonObject, listOf, textOf, type JsonObject } from '../util/json';

/** How a search ended; `absent` is only said if the list went back far enough to prove it. */
export type SearchResult<T> =
	| { readonly kind: 'found'; readonly value: T }
	| { readonly kind: 'absent' }
	| { readonly kind: 'inconclusive' };

const MAX_PAGES = 10;
/** `Date` has a resolution of one second. */
const CLOCK_TOLERANCE_MS = 2_000;

function createdAt(entry: JsonObject): number {
	return Date.parse(textOf(entry['created_at']) ?? '');
}

/**
 * Looks through a list for something that was created since a moment.
 *
 * Creation times are compared by the service's clock. The list is asked for newest first but is
 * not trusted to be: it is read until it is clear that nothing newer can follow.
 *
 * @param page the request of the page at a cursor
 * @param since ms since the epoch by our clock
 * @param match returns what an entry is, or undefined to go on; called for those created since and
 * those that do not tell when
 * @throws InferenceError if the list cannot be read
 */
export async function searchRecent<T>(
	api: Api,
	page: (cursor: string | undefined) => ApiCall,
	since: number,
	match: (entry: JsonObject) => Promise<T | undefined>,
): Promise<SearchResult<T>> {
	let cursor: string | undefined;
	for (let pages = 0; pages < MAX_PAGES; pages += 1) {
		const call = page(cursor);
		const reply = await api.send(call);
		const list = reply.value;
		if (!isJsonObject(list) || !('items' in list)) throw api.unexpected(call, reply);
		const from = since + (api.clockOffset(reply) ?? 0) - CLOCK_TOLERANCE_MS;
		const entries = listOf(list['items'])
			.filter(isJsonObject)
			.filter((entry) => textOf(entry['id']) !== undefined);
		const created = entries.map(createdAt);
		for (const [index, entry] of entries.entries()) {
			if ((created[index] ?? 0) < from) continue;
			const value = await match(entry);
			if (value !== undefined) return { kind: 'found', value };
		}
		cursor = textOf(list['next_cursor']);
		// One row alone shows no order, and none may be a page that somebody has filtered.
		const newestFirst =
			created.length > 1 &&
			created.every((at, index) => index === 0 || at <= (created[index - 1] ?? 0));
		const reachedPast = newestFirst && (created.at(-1) ?? 0) < from;
		if (reachedPast || list['has_next'] === false) return { kind: 'absent' };
		if (cursor === undefined) {
			return { kind: list['has_next'] === true ? 'inconclusive' : 'absent' };
		}
	}
	return { kind: 'inconclusive' };
}
