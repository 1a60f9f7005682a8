import { textOf, type JsonObject } from '../util/json';
import type { Task } from './task';
import { parseTaskStatus } from './taskStatus';

/** Fields that services fill when something has ended; the documented ones have none of them. */
const ENDED_AT = ['finished_at', 'completed_at', 'ended_at', 'failed_at', 'expired_at'];
/** How Go writes that there is no time. */
const NO_TIME = '0001-01-01';

/**
 * The status of a task in the service's own word, if it is none that is known here. A service that
 * learns new words for ends is as likely as one that learns new words for what comes before.
 *
 * @param wire a task, or the answer to a request for its status
 */
export function strangeStatus(wire: JsonObject): string | undefined {
	const said = wire['status'] ?? wire['status_text'];
	if (parseTaskStatus(said) !== 'unknown') return undefined;
	return typeof said === 'number' ? String(said) : textOf(said);
}

/** Whether a task with a status that nobody knows may have ended: it has an error, or an end. */
export function hasSignOfEnd({ error, wire }: Task): boolean {
	const isTime = (name: string) => textOf(wire[name])?.startsWith(NO_TIME) === false;
	return error !== undefined || ENDED_AT.some(isTime);
}

/** A task that has ended with a status that nobody knows: whatever it means, it is no success. */
export function endedStrangely(task: Task, status: string): Task {
	const reason = task.error ?? 'the service gave no reason';
	const error = `${reason} (its status is "${status}", which is not known here, and it does not change any more)`;
	return { ...task, status: 'failed', terminal: true, error };
}
