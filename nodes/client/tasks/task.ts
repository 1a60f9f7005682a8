import { errorText, isJsonObject, textOf, type JsonObject } from '../util/json';
import { mergeUpdate, type Update } from '../follow/update';
import { isTerminal, parseTaskStatus, type TaskStatus } from './taskStatus';

/**
 * What is known of a task: the merged wire object, plus what this client needs of it in types.
 * The wire object is either the short form of a submit answer or the full one of `GET /tasks/{id}`.
 */
export interface Task {
	readonly id: string;
	readonly status: TaskStatus;
	/** Whether `status` is one after which nothing changes any more. */
	readonly terminal: boolean;
	/** `undefined` if no answer has carried it yet; `null` is a possible output. */
	readonly output: unknown;
	readonly error: string | undefined;
	readonly sessionId: string | undefined;
	readonly createdAt: string | undefined;
	readonly updatedAt: string | undefined;
	/** All fields as they came. */
	readonly wire: JsonObject;
}

/**
 * Views a wire object as a task.
 *
 * @returns undefined if it is no object with an `id`
 */
export function taskFromWire(wire: unknown): Task | undefined {
	if (!isJsonObject(wire)) return undefined;
	const id = textOf(wire['id']);
	if (id === undefined) return undefined;
	const status = parseTaskStatus(wire['status'] ?? wire['status_text']);
	return {
		id,
		status,
		terminal: isTerminal(status),
		output: wire['output'],
		error: errorText(wire['error']),
		sessionId: textOf(wire['session_id']),
		createdAt: textOf(wire['created_at']),
		updatedAt: textOf(wire['updated_at']),
		wire,
	};
}

/** A task of which nothing but its id is known yet. */
export function unreadTask(id: string): Task {
	const nothing = { output: undefined, error: undefined, sessionId: undefined };
	const times = { createdAt: undefined, updatedAt: undefined };
	return { id, status: 'unknown', terminal: false, ...nothing, ...times, wire: { id } };
}

/** Merges an update into a task. One that says nothing of a status leaves it as it was. */
export function mergeTask(task: Task, update: Update): Task {
	return taskFromWire(mergeUpdate(task.wire, update)) ?? task;
}
