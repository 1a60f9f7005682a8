import { createdMs } from '../api/serviceClock';
import { DEFAULT_TIMINGS } from '../settings';
import { errorText, textOf, type JsonObject } from '../util/json';
import type { Task } from './task';
import { parseTaskStatus } from './taskStatus';

/** Fields that services fill when something has ended; the documented ones have none of them. */
const ENDED_AT = ['finished_at', 'completed_at', 'ended_at', 'failed_at', 'expired_at'];
/** How Go writes that there is no time. */
const NO_TIME = '0001-01-01';

/** Stands for the status of a task that has none, but has ended by all it shows. */
const NO_STATUS = 'none';

/**
 * The status of a task in the service's own word, if it is none that is known here. A service that
 * learns new words for ends is as likely as one that learns new words for what comes before. Where
 * there is no status, but an error or an end, it is `none`.
 *
 * @param wire a task, or the answer to a request for its status
 */
export function strangeStatus(wire: JsonObject): string | undefined {
	const said = wire['status'] ?? wire['status_text'] ?? '';
	if (parseTaskStatus(said) !== 'unknown') return undefined;
	if (said === '') return showsEnd(wire) ? NO_STATUS : undefined;
	return typeof said === 'number' ? String(said) : textOf(said);
}

/** Whether a task with a status that nobody knows may have ended: it has an error, or an end. */
export function showsEnd(wire: JsonObject): boolean {
	const isTime = (name: string) => textOf(wire[name])?.startsWith(NO_TIME) === false;
	return errorText(wire['error']) !== undefined || ENDED_AT.some(isTime);
}

/** A task that has ended with a status that nobody knows: whatever it means, it is no success. */
export function endedStrangely(task: Task, status: string): Task {
	const reason = task.error ?? 'the service gave no reason';
	const what =
		status === NO_STATUS
			? 'it has no status any more'
			: `its status is "${status}", which is not known here`;
	const error = `${reason} (${what}, and it does not change any more)`;
	return { ...task, status: 'failed', terminal: true, error };
}

/** Clocks of one service that are further apart than this tell nothing of when something changed. */
const CLOCKS_DIFFER_MS = 5_000;

/**
 * A task as it was read once: with a status that nobody knows, a sign of its end and no change for a
 * while it has ended.
 *
 * @param now the service's own time when it was read, ms; undefined if that is not known
 */
export function withStrangeEnd(task: Task, now: number | undefined): Task {
	const status = strangeStatus(task.wire);
	if (status === undefined || !showsEnd(task.wire)) return task;
	const age = (now ?? Infinity) - (createdMs(task.updatedAt) ?? 0);
	const mayChange = age > -CLOCKS_DIFFER_MS && age < DEFAULT_TIMINGS.stillMs;
	return mayChange ? task : endedStrangely(task, status);
}
