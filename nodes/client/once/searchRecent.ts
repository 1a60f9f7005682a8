import type { ApiCall, ApiReply } from '../api/api';
import type { ClientContext } from '../api/context';
import { certainPage, PAGE_SIZE, readPage } from '../api/paging';
import type { Placed } from '../api/serviceClock';
import type { CancelSignal } from '../util/cancelSignal';
import { monotonicNow } from '../util/clock';
import { textOf, type JsonObject } from '../util/json';
import type { Comparison } from './comparison';

/** How a search ended; `absent` is only said if it is proved. */
export type SearchResult<T> =
	| { readonly kind: 'found'; readonly value: T }
	| { readonly kind: 'absent' }
	| {
			readonly kind: 'inconclusive';
			/** Id of what may be it, if the list shows something of which that cannot be told. */
			readonly candidate: string | undefined;
	  };

/** A row that may be what is looked for. */
export interface Candidate<T> {
	readonly sameness: Exclude<Comparison, 'different'>;
	readonly value: T;
	/** Whether it has ended without a result. */
	readonly hasFailed?: boolean;
}

/** What is looked for, and where. */
export interface Search<T> {
	readonly context: SearchContext;
	readonly signal: CancelSignal;
	/** The request of a page of so many rows at a cursor. */
	page(limit: number, cursor: string | undefined): Omit<ApiCall, 'signal'>;
	/**
	 * When the first attempt to create it began, by the monotonic clock (ms); undefined where nothing
	 * else can have been created before.
	 */
	readonly since: number | undefined;
	/** What a row is; undefined if it is something else, or belongs to somebody. May ask for more. */
	recognise(row: JsonObject): Promise<Candidate<T> | undefined>;
	/** Takes what was found; false if somebody else was quicker. */
	claim(value: T): boolean;
}

export type SearchContext = Pick<ClientContext, 'api' | 'account' | 'clock'>;

const MAX_PAGES = 10;
/** Each halves the doubt about the service's clock, which is a second at first. */
const MOST_TIME_QUESTIONS = 6;

/**
 * Looks through a list for something that was created since a moment.
 *
 * What is equal and was created since is taken. What may be equal, or may have been created since,
 * is left alone, and the search is inconclusive: it could be somebody else's. Of several that could
 * be taken the oldest is: whoever has sent first and looks first is most likely to get what is its
 * own, also where others who cannot be told apart look in other processes. One that has ended without a
 * result comes last: whoever took it would buy again what another one has given already. The list is asked for
 * newest first but is not trusted to be: it is read until it is clear that nothing older can follow.
 *
 * @throws InferenceError if the list cannot be read
 */
export async function searchRecent<T>(search: Search<T>): Promise<SearchResult<T>> {
	const { since } = search;
	const { api } = search.context;
	const equal: Array<Dated<T>> = [];
	let candidate: string | undefined;
	let cursor: string | undefined;
	let isWhole = false;
	for (let pages = 0; pages < MAX_PAGES; pages += 1) {
		const call = { ...search.page(PAGE_SIZE, cursor), signal: search.signal };
		const reply = await api.sendTimed(call);
		const { rows, next } = readPage(api, call, reply, certainPage);
		for (const row of rows) {
			if (place(search, row, reply) === 'before') continue;
			const seen = await search.recognise(row);
			if (!seen) continue;
			const isSince = await isCreatedSince(search, row, reply);
			if (isSince === false) continue;
			if (isSince && seen.sameness === 'equal') {
				const { value, hasFailed = false } = seen;
				equal.push({ at: Date.parse(createdAt(row) ?? ''), value, hasFailed });
			} else {
				candidate ??= textOf(row['id']);
			}
		}
		isWhole = next.kind === 'end' || (since !== undefined && isPast(search, rows, reply));
		if (isWhole || next.kind !== 'more') break;
		({ cursor } = next);
	}
	for (const { value } of inOrder(equal)) {
		if (search.claim(value)) return { kind: 'found', value };
	}
	return isWhole && candidate === undefined
		? { kind: 'absent' }
		: { kind: 'inconclusive', candidate };
}

interface Dated<T> {
	/** Milliseconds since the epoch; NaN if it is not told. */
	readonly at: number;
	readonly value: T;
	readonly hasFailed: boolean;
}

/** Of a list that is newest first; what is not dated keeps its place in it. What has failed comes last. */
function inOrder<T>(newestFirst: ReadonlyArray<Dated<T>>): ReadonlyArray<Dated<T>> {
	const order = (left: Dated<T>, right: Dated<T>) =>
		Number(left.hasFailed) - Number(right.hasFailed) || left.at - right.at || 0;
	return newestFirst.toReversed().sort(order);
}

function createdAt(row: JsonObject): string | undefined {
	return textOf(row['created_at']);
}

function place(search: Search<unknown>, row: JsonObject, reply: ApiReply, mayAsk = true): Placed {
	const { since, context } = search;
	if (since === undefined) return 'after';
	const { serviceClock } = context.account;
	return serviceClock.place(createdAt(row), since, reply.exchange.receivedAt, mayAsk);
}

/** Undefined if it cannot be told. */
async function isCreatedSince(
	search: Search<unknown>,
	row: JsonObject,
	reply: ApiReply,
): Promise<boolean | undefined> {
	let placed = place(search, row, reply);
	for (let asked = 0; placed === 'close' && asked < MOST_TIME_QUESTIONS; asked += 1) {
		await askTime(search);
		placed = place(search, row, reply, asked + 1 < MOST_TIME_QUESTIONS);
	}
	if (placed === 'close' || placed === 'unclear') return undefined;
	return placed === 'after';
}

/** Asks the service for its time once more, at the moment when that tells most. */
async function askTime({ context, signal, page }: Search<unknown>): Promise<void> {
	const { api, account, clock } = context;
	await clock.delay(account.serviceClock.untilTelling(monotonicNow()), signal);
	await api.sendTimed({ ...page(1, undefined), signal });
}

/** Whether a page shows that the list is newest first and has come to what was there before. */
function isPast(search: Search<unknown>, rows: readonly JsonObject[], reply: ApiReply): boolean {
	const times = rows.map((row) => Date.parse(createdAt(row) ?? ''));
	// One row alone shows no order, and none may be a page that somebody has filtered.
	const isNewestFirst =
		times.length > 1 && times.every((at, index) => index === 0 || at <= (times[index - 1] ?? 0));
	const last = rows.at(-1);
	return isNewestFirst && last !== undefined && place(search, last, reply) === 'before';
}
