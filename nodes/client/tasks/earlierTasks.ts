import { path } from '../api/api';
import type { ClientContext } from '../api/context';
import { readService } from '../api/readService';
import { appName } from '../apps/appRef';
import { monotonicNow } from '../util/clock';
import { asJsonObject, textOf, type JsonObject } from '../util/json';
import { outcomeOf } from '../util/outcome';
import { INDEXED, TaskIndex } from './taskIndex';
import { TaskList, type RowFilter } from './taskList';

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
	const list = new TaskList(context);
	const question = {
		newestFirst: true,
		fields: INDEXED,
		filters: filtersFor(app, wanted, context),
	};
	const asked = new Set<string>();
	for (let cursor = ''; asked.size < MOST_PAGES && !asked.has(cursor); ) {
		asked.add(cursor);
		const { rows, next, at } = await list.page({ ...question, cursor });
		const young = rows.filter((row) => !isTooOld(row, at, wanted.withinMs, context));
		for (const row of young) index.add(row);
		wanted.onPage?.(index.size);
		if (next.kind !== 'more' || (young.length === 0 && rows.length > 0)) break;
		({ cursor } = next);
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
function filtersFor(
	app: JsonObject | undefined,
	{ withinMs }: EarlierWanted,
	{ clock }: ClientContext,
): readonly RowFilter[] {
	const since = new Date(clock.now() - withinMs - CLOCKS_DIFFER_MS).toISOString();
	const id = textOf(app?.['id']);
	const young = { field: 'created_at', operator: 'gte', value: since } as const;
	return id === undefined ? [young] : [young, { field: 'app_id', operator: 'eq', value: id }];
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
