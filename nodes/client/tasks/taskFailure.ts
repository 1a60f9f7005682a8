import type { Api } from '../api/api';
import { TaskCancelledError, TaskFailedError, type InferenceError } from '../errors';
import type { Task } from './task';

/** Why a task has no result; undefined unless it has ended without one. */
export function failureOf(task: Task, api: Pick<Api, 'clean'>): InferenceError | undefined {
	if (task.status === 'cancelled') return cancelledElsewhere(task);
	return task.status === 'failed' ? taskFailed(task, api) : undefined;
}

/** The error of a task that has failed, with the reason that the service gives. */
export function taskFailed(task: Task, api: Pick<Api, 'clean'>): TaskFailedError {
	const reason = api.clean(task.error ?? 'the service gave no reason');
	return new TaskFailedError(`Task ${task.id} failed: ${reason}`, {
		about: { kind: 'task', id: task.id },
		hint: 'The reason comes from the app. Check its input and its logs.',
	});
}

/** The error of a task that was cancelled by somebody else. */
export function cancelledElsewhere({ id }: Task): TaskCancelledError {
	return new TaskCancelledError(`Task ${id} was cancelled on inference.sh`, {
		about: { kind: 'task', id },
		hint: 'Somebody or something outside this workflow cancelled it.',
	});
}
