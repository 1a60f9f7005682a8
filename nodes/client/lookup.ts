import type { CancelSignal } from './cancelSignal';
import { path, type Api } from './api';
import { appName } from './appRef';
import { NotFoundError } from './errors';
import { canonicalJson, isJsonObject, listOf, textOf } from './json';
import { outcomeOf } from './outcome';
import type { RunRequest } from './runRequest';
import { taskFromWire, type Task } from './task';

/** A submission that may or may not have created a task. */
export interface LostSubmission {
	readonly request: RunRequest;
	/** When its first attempt began, ms since the epoch by our clock. */
	readonly since: number;
}

/** `absent` is only said if the list went back far enough to prove it. */
export type LookupResult =
	| { readonly kind: 'found'; readonly task: Task }
	| { readonly kind: 'absent' }
	| { readonly kind: 'inconclusive' };

const PAGE_SIZE = 100;
const MAX_PAGES = 10;
/** `Date` has a resolution of one second. */
const CLOCK_TOLERANCE_MS = 2_000;

function sameApp(task: Task, request: RunRequest): boolean {
	const { app } = task.wire;
	const name = isJsonObject(app) ? textOf(app['name']) : textOf(app);
	if (name === undefined) return true;
	const namespace = isJsonObject(app) ? textOf(app['namespace']) : undefined;
	const wanted = appName(request.app);
	const known = appName(namespace === undefined ? name : `${namespace}/${name}`);
	return wanted.includes('/') && known.includes('/')
		? wanted === known
		: wanted.split('/').at(-1) === known.split('/').at(-1);
}

function sameFunction(task: Task, request: RunRequest): boolean {
	const known = textOf(task.wire['function']);
	return known === undefined || request.function === undefined || known === request.function;
}

/** What a list has not loaded it leaves out or shows as null. */
function shows(task: Task, field: string): boolean {
	return (task.wire[field] ?? undefined) !== undefined;
}

/** The list may leave out what the comparison needs; the task itself has it. */
async function complete(api: Api, task: Task, signal: CancelSignal): Promise<Task | undefined> {
	if (shows(task, 'input') && shows(task, 'app')) return task;
	const reply = await outcomeOf(
		api.send({ method: 'GET', path: path('tasks', task.id), signal, taskId: task.id }),
	);
	if (reply.ok) return taskFromWire(reply.value.value) ?? task;
	// Deleted meanwhile: nobody's task any more, so certainly not the one looked for.
	if (reply.error instanceof NotFoundError) return undefined;
	throw reply.error;
}

/**
 * Looks for the task of a submission whose answer was lost: same app, equal input, created since
 * the attempt began, not belonging to another item of this process. `POST /apps/run` has no
 * idempotency key, so this is what keeps a repeated submission from being paid twice.
 *
 * Creation times are compared by the service's clock. The list is asked for newest first but is
 * not trusted to be: it is read until it is clear that nothing newer can follow.
 *
 * @param claim takes a task for this item; false if it already belongs to another one
 * @throws InferenceError if the list cannot be read
 */
export async function lookUpSubmission(
	api: Api,
	lost: LostSubmission,
	claim: (taskId: string) => boolean,
	signal: CancelSignal,
): Promise<LookupResult> {
	const wanted = canonicalJson(lost.request.input);
	let cursor: string | undefined;
	for (let page = 0; page < MAX_PAGES; page += 1) {
		const call = {
			method: 'POST',
			path: '/tasks/list',
			body: { limit: PAGE_SIZE, sort: [{ field: 'created_at', dir: 'desc' }], cursor },
			signal,
		} as const;
		const reply = await api.send(call);
		const list = reply.value;
		if (!isJsonObject(list) || !('items' in list)) throw api.unexpected(call, reply);
		const since = lost.since + (api.clockOffset(reply) ?? 0) - CLOCK_TOLERANCE_MS;
		const tasks = listOf(list['items'])
			.map(taskFromWire)
			.filter((task) => task !== undefined);
		const created = tasks.map((task) => Date.parse(task.createdAt ?? ''));
		for (const [index, listed] of tasks.entries()) {
			if ((created[index] ?? 0) < since) continue;
			if (shows(listed, 'input') && canonicalJson(listed.wire['input']) !== wanted) continue;
			const task = await complete(api, listed, signal);
			const matches =
				task !== undefined &&
				sameApp(task, lost.request) &&
				sameFunction(task, lost.request) &&
				canonicalJson(task.wire['input']) === wanted;
			if (matches && claim(task.id)) return { kind: 'found', task };
		}
		cursor = textOf(list['next_cursor']);
		// One row alone shows no order, and none may be a page that somebody has filtered.
		const newestFirst =
			created.length > 1 &&
			created.every((at, index) => index === 0 || at <= (created[index - 1] ?? 0));
		const reachedPast = newestFirst && (created.at(-1) ?? 0) < since;
		if (reachedPast || list['has_next'] === false) return { kind: 'absent' };
		if (cursor === undefined) {
			return { kind: list['has_next'] === true ? 'inconclusive' : 'absent' };
		}
	}
	return { kind: 'inconclusive' };
}
