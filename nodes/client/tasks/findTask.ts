import type { CancelSignal } from '../util/cancelSignal';
import { path, type Api, type ApiCall } from '../api/api';
import { appName } from '../apps/appRef';
import { NotFoundError } from '../errors';
import { canonicalJson, isJsonObject, textOf } from '../util/json';
import { outcomeOf } from '../util/outcome';
import { PAGE_SIZE } from '../api/paging';
import { searchRecent, type SearchResult } from '../once/searchRecent';
import type { RunRequest } from './runRequest';
import { taskFromWire, type Task } from './task';

/** A submission that may or may not have created a task. */
export interface LostSubmission {
	readonly request: RunRequest;
	/** When its first attempt began, ms since the epoch by our clock. */
	readonly since: number;
}

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
		api.send({
			method: 'GET',
			path: path('tasks', task.id),
			signal,
			about: { kind: 'task', id: task.id },
		}),
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
 * @param claim takes a task for this item; false if it already belongs to another one
 * @throws InferenceError if the list cannot be read
 */
export async function lookUpSubmission(
	api: Api,
	lost: LostSubmission,
	claim: (taskId: string) => boolean,
	signal: CancelSignal,
): Promise<SearchResult<Task>> {
	const wanted = canonicalJson(lost.request.input);
	const { request, since } = lost;
	const page = (cursor: string | undefined): ApiCall => ({
		method: 'POST',
		path: '/tasks/list',
		body: { limit: PAGE_SIZE, sort: [{ field: 'created_at', dir: 'desc' }], cursor },
		signal,
	});
	return await searchRecent(api, page, since, async (entry) => {
		const listed = taskFromWire(entry);
		if (!listed || (shows(listed, 'input') && canonicalJson(entry['input']) !== wanted)) {
			return undefined;
		}
		const task = await complete(api, listed, signal);
		const matches =
			task !== undefined &&
			sameApp(task, request) &&
			sameFunction(task, request) &&
			canonicalJson(task.wire['input']) === wanted;
		return matches && claim(task.id) ? task : undefined;
	});
}
