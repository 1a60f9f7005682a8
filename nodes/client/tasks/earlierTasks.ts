import { path } from '../api/api';
import type { ClientContext } from '../api/context';
import { PAGE_SIZE, readPage } from '../api/paging';
import { readService } from '../api/readService';
import { retrying } from '../api/retry';
import { appName } from '../apps/appRef';
import { InferenceError } from '../errors';
import { monotonicNow } from '../util/clock';
import { asJsonObject, textOf, type JsonObject } from '../util/json';
import { outcomeOf } from '../util/outcome';
import { INDEXED, TaskIndex } from './taskIndex';

/** Which earlier tasks count. */
export interface EarlierWanted {
	/** Created at most so long ago, ms. */
	readonly withinMs: number;
	/** Whether those that have not ended yet count, too. */
	readonly running: boolean;
	/** Told how many tasks have been looked at, after each page. */
	onPage?(count: number): void;
}

/** Tasks that are looked at; whoever has more within the time finds the newest of them only. */
const MOST_PAGES = 1_000;
/** Clocks are asked to differ by less; the rest is decided row by row. */
const CLOCKS_DIFFER_MS = 24 * 3_600_000;

/**
 * Reads the tasks that an app has run for this account, page by page, newest first, until they are too
 * old. Filters and fields spare most of the reading where the service knows them; nothing depends on
 * them. A list that ends early or repeats itself only shows fewer tasks.
 *
 * @param ref `namespace/name`, with or without a version
 * @throws InferenceError if the list cannot be read; the abort reason
 */
export async function readEarlier(
	ref: string,
	wanted: EarlierWanted,
	context: ClientContext,
): Promise<TaskIndex> {
	const app = await readApp(ref, context);
	const index = new TaskIndex(app, wanted.running);
	const list = new TaskList(narrowed(app, wanted, context), context);
	for (let pages = 0; pages < MOST_PAGES; pages += 1) {
		const rows = await list.nextPage();
		if (!rows) break;
		const young = rows.filter(({ row, at }) => !isTooOld(row, at, wanted.withinMs, context));
		for (const { row } of young) index.add(row);
		wanted.onPage?.(index.size);
		if (young.length === 0 && rows.length > 0) break;
	}
	return index;
}

/** The app as it is now; undefined if it cannot be read, which running it is going to tell. */
async function readApp(ref: string, context: ClientContext): Promise<JsonObject | undefined> {
	const [namespace, name] = appName(ref).split('/');
	if (namespace === undefined || name === undefined) return undefined;
	const call = { method: 'GET', path: path('apps', namespace, name) } as const;
	const app = await outcomeOf(readService(call, asJsonObject, context));
	context.signal.throwIfAborted();
	return app.ok ? app.value : undefined;
}

/** What the service need not send. */
function narrowed(
	app: JsonObject | undefined,
	{ withinMs }: EarlierWanted,
	{ clock }: ClientContext,
): JsonObject {
	const since = new Date(clock.now() - withinMs - CLOCKS_DIFFER_MS).toISOString();
	const id = textOf(app?.['id']);
	const filters = [
		{ field: 'created_at', operator: 'gte', value: since },
		...(id === undefined ? [] : [{ field: 'app_id', operator: 'eq', value: id }]),
	];
	return { filters, fields: INDEXED };
}

interface ListedRow {
	readonly row: JsonObject;
	/** When it was shown, by the monotonic clock (ms). */
	readonly at: number;
}

/** The task list, page by page. */
class TaskList {
	private readonly asked = new Set<string>();
	private cursor: string | undefined = '';

	/** @param narrow what is asked for in addition, as long as the service takes it */
	constructor(
		private narrow: JsonObject,
		private readonly context: ClientContext,
	) {}

	/** Undefined after the last one. */
	async nextPage(): Promise<readonly ListedRow[] | undefined> {
		const { cursor, asked } = this;
		if (cursor === undefined || asked.has(cursor)) return undefined;
		asked.add(cursor);
		const { rows, next, at } = await this.read(cursor);
		this.cursor = next.kind === 'more' ? next.cursor : undefined;
		return rows.map((row) => ({ row, at }));
	}

	private async read(cursor: string) {
		const answer = await outcomeOf(this.ask(cursor));
		if (answer.ok) return answer.value;
		const { error } = answer;
		const isPlain = Object.keys(this.narrow).length === 0;
		if (isPlain || !(error instanceof InferenceError) || error.httpStatus !== 400) throw error;
		this.narrow = {};
		return await this.ask(cursor);
	}

	private async ask(cursor: string) {
		const { context, narrow } = this;
		const { api, signal } = context;
		const sort = [{ field: 'created_at', dir: 'desc' }];
		const body = { limit: PAGE_SIZE, sort, cursor, ...narrow };
		const call = { method: 'POST', path: '/tasks/list', body, signal } as const;
		return await retrying(async () => {
			const reply = await api.sendTimed(call);
			return { ...readPage(api, call, reply), at: reply.exchange.receivedAt };
		}, context);
	}
}

/** By the service's clock, or by ours where nothing is known of that. */
function isTooOld(
	row: JsonObject,
	at: number,
	withinMs: number,
	{ account, clock }: ClientContext,
): boolean {
	const created = textOf(row['created_at']);
	const placed = account.serviceClock.place(created, monotonicNow() - withinMs, at, false);
	if (placed === 'before' || placed === 'after') return placed === 'before';
	return !(Date.parse(created ?? '') >= clock.now() - withinMs);
}
