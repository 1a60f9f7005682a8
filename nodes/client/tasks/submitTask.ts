import type { CancelSignal } from '../util/cancelSignal';
import { createOnce, type Created, type Creation, type SubmitOptions } from '../once/createOnce';
import { canonicalJson, type JsonObject } from '../util/json';
import { lookUpSubmission } from './findTask';
import type { SearchResult } from '../once/searchRecent';
import { runRequestBody, type RunRequest } from './runRequest';
import { taskFromWire, type Task } from './task';
import type { ClientContext } from '../api/context';

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

const WORDS: Creation<Task>['words'] = {
	done: 'the task was started',
	place: 'the task list',
	unclear: 'the task list is too long to find it in',
	hint: 'Look at the task list on inference.sh before running this item again, so that it is not paid twice.',
};

class TaskCreation implements Creation<Task> {
	readonly words = WORDS;
	readonly path = '/apps/run';
	readonly decode = taskFromWire;

	constructor(
		private readonly request: RunRequest,
		private readonly context: ClientContext,
	) {}

	get key(): string {
		const { app, function: entry, input } = this.request;
		return canonicalJson([app, entry, input]);
	}

	body(): JsonObject {
		return runRequestBody(this.request);
	}

	idOf({ id }: Task): string {
		return id;
	}

	async lookUp(
		since: number,
		claim: (id: string) => boolean,
		signal: CancelSignal,
	): Promise<SearchResult<Task>> {
		const lost = { request: this.request, since };
		return await lookUpSubmission(this.context.api, lost, claim, signal);
	}
}
