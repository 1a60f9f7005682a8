import { isJsonObject, listOf, textOf, type JsonObject } from '../util/json';
import type { Task } from './task';
import { isTerminal, parseTaskStatus, type TaskStatus } from './taskStatus';

/** Nothing has been done for the task yet; it may wait for room in the plan. */
const BEFORE: readonly TaskStatus[] = ['unknown', 'received', 'queued'];

/** Whether the service has begun to work on a task. */
export function hasStarted({ status }: Task): boolean {
	return !BEFORE.includes(status);
}

/**
 * How long a task has waited before the service began to work on it, ms, by the service's own times:
 * ours have jitter that looks like a queue.
 *
 * @returns undefined if it does not tell
 */
export function queuedMs(task: Task): number | undefined {
	const created = Date.parse(task.createdAt ?? '');
	const event = listOf(task.wire['events']).filter(isJsonObject).find(isStart);
	const started = event ? timeOf(event) : isTerminal(task.status) ? undefined : task.updatedAt;
	const waited = Date.parse(started ?? '') - created;
	return Number.isFinite(waited) ? Math.max(0, waited) : undefined;
}

function isStart(event: JsonObject): boolean {
	const status = parseTaskStatus(event['status']);
	return !BEFORE.includes(status) && status !== 'cancelling';
}

function timeOf(event: JsonObject): string | undefined {
	return textOf(event['event_time']) ?? textOf(event['created_at']);
}
