import type { ClientContext } from '../api/context';
import {
	createOnce,
	findCreated,
	type Created,
	type Creation,
	type SubmitOptions,
} from '../once/createOnce';
import type { SearchResult } from '../once/searchRecent';
import type { CancelSignal } from '../util/cancelSignal';
import type { JsonObject } from '../util/json';
import { findTask } from './findTask';
import { runRequestBody, type RunRequest } from './runRequest';
import { taskFromWire, type Task } from './task';
import { TaskFingerprint } from './taskFingerprint';

/**
 * Starts a task at most once; `POST /apps/run` has no idempotency key.
 *
 * @throws what `createOnce` throws
 */
export function submit(
	request: RunRequest,
	options: SubmitOptions<Task>,
	context: ClientContext,
): Promise<Created<Task>> {
	return createOnce(new TaskCreation(request, context), options, context);
}

/**
 * Looks for the task of an earlier try, by what was sent then.
 *
 * @throws what `findCreated` throws
 */
export function findSubmitted(
	sent: SentRequest,
	options: SubmitOptions<Task>,
	context: ClientContext,
): Promise<Created<Task> | undefined> {
	return findCreated(new TaskCreation(sent.request, context), sent.since, options, context);
}

/** A request that may have created a task. */
export interface SentRequest {
	readonly request: RunRequest;
	/** When its first attempt began, by the monotonic clock (ms). */
	readonly since: number;
}

const WORDS: Creation<Task>['words'] = {
	done: 'the task was started',
	place: 'the task list',
	thing: 'task',
	hint: 'Look at the task list on inference.sh before running this item again, so that it is not paid twice.',
	nothing: 'This request has started nothing.',
};

class TaskCreation implements Creation<Task> {
	readonly words = WORDS;
	readonly path = '/apps/run';
	readonly decode = taskFromWire;
	readonly fingerprint: TaskFingerprint;

	constructor(
		request: RunRequest,
		private readonly context: ClientContext,
	) {
		this.fingerprint = new TaskFingerprint(request);
	}

	body(): JsonObject {
		return runRequestBody(this.fingerprint.request);
	}

	idOf({ id }: Task): string {
		return id;
	}

	createdAt({ createdAt }: Task): string | undefined {
		return createdAt;
	}

	async lookUp(since: number, signal: CancelSignal): Promise<SearchResult<Task>> {
		return await findTask({ fingerprint: this.fingerprint, since }, this.context, signal);
	}
}
