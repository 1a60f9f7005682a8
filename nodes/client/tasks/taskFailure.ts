import type { Api } from '../api/api';
import { withoutFullStop } from '../api/problem';
import { TaskCancelledError, TaskFailedError, type InferenceError } from '../errors';
import type { Task } from './task';

/** Why a task has no result; undefined unless it has ended without one. */
export function failureOf(task: Task, api: Pick<Api, 'clean'>): InferenceError | undefined {
	if (task.status === 'cancelled') return cancelledElsewhere(task);
	return task.status === 'failed' ? taskFailed(task, api) : undefined;
}

/** What the platform, and not the app, says of a task that it could not run (API notes 3.2). */
const PLATFORM_FAILURES: ReadonlyArray<{ readonly text: RegExp; readonly hint: string }> = [
	{
		text: /please retry$/i,
		hint: 'The platform could not run it. The app and its input are not the cause. Run it again, or add "Failed Task" to "Retry: Which Failures" in the options.',
	},
	{
		text: /^session (?:worker (?:busy too long|offline)|expired or not found)$/i,
		hint: 'The session is gone or busy. The app and its input are not the cause. Start a new session by setting "Task: Session" to "new".',
	},
	{
		text: /^no (?:active|available) workers\b/i,
		hint: 'No worker was free for it. The app and its input are not the cause. Run it again later, or change "Task: Infrastructure" in the options.',
	},
];

/** The error of a task that has failed, with the reason that the service gives. */
export function taskFailed(task: Task, api: Pick<Api, 'clean'>): TaskFailedError {
	const reason = api.clean(task.error ?? 'the service gave no reason');
	const platform = PLATFORM_FAILURES.find(({ text }) => text.test(withoutFullStop(reason)));
	return new TaskFailedError(`Task ${task.id} failed: ${reason}`, {
		about: { kind: 'task', id: task.id },
		hint: platform?.hint ?? 'The reason comes from the app. Check its input and its logs.',
		byPlatform: platform !== undefined,
	});
}

/** The error of a task that was cancelled by somebody else. */
export function cancelledElsewhere({ id }: Task): TaskCancelledError {
	return new TaskCancelledError(`Task ${id} was cancelled on inference.sh`, {
		about: { kind: 'task', id },
		hint: 'Somebody or something outside this workflow cancelled it.',
	});
}
