import { path, type Api } from '../api/api';
import { appName } from '../apps/appRef';
import { NotFoundError } from '../errors';
import { claims } from '../once/claims';
import { lostSubmissions } from '../once/lostSubmissions';
import {
	searchRecent,
	type Candidate,
	type SearchContext,
	type SearchResult,
} from '../once/searchRecent';
import type { CancelSignal } from '../util/cancelSignal';
import { isJsonObject, type JsonObject } from '../util/json';
import { outcomeOf } from '../util/outcome';
import { taskFromWire, type Task } from './task';
import type { TaskFingerprint } from './taskFingerprint';

/** A submission that may or may not have created a task. */
export interface LostSubmission {
	readonly fingerprint: TaskFingerprint;
	/** When its first attempt began, by the monotonic clock (ms). */
	readonly since: number;
}

/**
 * Looks for the task of a submission whose answer was lost: equal in all that the service shows,
 * created since the attempt began, not belonging to another item of this process. `POST /apps/run`
 * has no idempotency key, so this is what keeps a repeated submission from being paid twice.
 *
 * @throws InferenceError if the list cannot be read
 */
export async function findTask(
	{ fingerprint, since }: LostSubmission,
	context: SearchContext,
	signal: CancelSignal,
): Promise<SearchResult<Task>> {
	const { api } = context;
	const apps = new Map<string, Promise<JsonObject>>();
	let unclear = 0;
	const orUnclear = (sameness: Candidate<Task>['sameness'], shown: JsonObject) =>
		lostSubmissions(context.account).mayBeOthers(fingerprint, shown) ? 'unclear' : sameness;
	/** Compares with the task itself and its app, which tell more than the list. */
	const compareWhole = async (listed: Task): Promise<Candidate<Task> | undefined> => {
		const task = await readTask(api, listed, signal);
		if (!task) return undefined;
		const name = appName(fingerprint.request.app);
		const app = apps.get(name) ?? readApp(api, name, task, signal);
		apps.set(name, app);
		const shown = { ...listed.wire, ...task.wire, ...(await app) };
		const sameness = fingerprint.compare(shown);
		if (sameness === 'different') return undefined;
		return candidate(task, orUnclear(sameness, shown));
	};
	return await searchRecent({
		context,
		signal,
		since,
		page: (limit, cursor) => ({
			method: 'POST',
			path: '/tasks/list',
			body: { limit, sort: [{ field: 'created_at', dir: 'desc' }], cursor },
		}),
		async recognise(row) {
			const listed = taskFromWire(row);
			if (!listed || claims.has(listed.id)) return undefined;
			const sameness = fingerprint.compare(row);
			if (sameness === 'different') return undefined;
			if (sameness === 'equal') return candidate(listed, orUnclear(sameness, row));
			unclear += 1;
			return unclear > MOST_READ ? candidate(listed, sameness) : await compareWhole(listed);
		},
		claim: ({ id }) => claims.take(id),
	});
}

function candidate(task: Task, sameness: Candidate<Task>['sameness']): Candidate<Task> {
	const hasFailed = task.status === 'failed' || task.status === 'cancelled';
	return { sameness, value: task, hasFailed };
}

/** Tasks that are read one by one because the list does not tell enough. */
const MOST_READ = 20;

/** The whole task; undefined if there is none any more. */
async function readTask(api: Api, task: Task, signal: CancelSignal): Promise<Task | undefined> {
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

/** The app with its current version, unless the task shows it. */
async function readApp(
	api: Api,
	ref: string,
	{ wire }: Task,
	signal: CancelSignal,
): Promise<JsonObject> {
	const shown = wire['app'];
	if (isJsonObject(shown) && shown['version_id'] !== undefined) return {};
	const [namespace, name] = ref.split('/');
	if (namespace === undefined || name === undefined) return {};
	const call = { method: 'GET', path: path('apps', namespace, name), signal } as const;
	const reply = await outcomeOf(api.send(call));
	return reply.ok && isJsonObject(reply.value.value) ? { app: reply.value.value } : {};
}
