import { parseAppRef } from '../../client/apps/appRef';
import type { InferenceClient } from '../../client/client';
import { NotFoundError, type InferenceError } from '../../client/errors';
import { outcomeOf } from '../../client/util/outcome';
import type { Task } from '../../client/tasks/task';
import type { TaskStatus } from '../../client/tasks/taskStatus';
import type { Patience } from '../../client/tasks/tasksApi';
import { addFiles, type FileKeeper } from '../files/downloads';
import { resultItem } from '../output/items';
import {
	wantedItem,
	type AwaitedTask,
	type SettledItem,
	type TaskEnd,
	type WaitingNode,
} from './waitState';

/** From a task's creation to its last change, ms, by the clock of the service. */
function taskDuration(task: Task): number {
	const ms = Date.parse(task.updatedAt ?? '') - Date.parse(task.createdAt ?? '');
	return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}

/**
 * Asks for a task's status only.
 *
 * @returns `gone` if the service has not known it for a while: it has been deleted, or moved out of
 * the key's sight. That is no failure of the task.
 * @throws InferenceError if it cannot be told
 */
export async function readStatus(
	client: InferenceClient,
	awaited: AwaitedTask,
): Promise<TaskStatus | 'gone'> {
	const read = await outcomeOf(client.tasks.status(awaited.id, 'patient'));
	if (read.ok) return read.value;
	if (read.error instanceof NotFoundError) return 'gone';
	throw read.error;
}

/**
 * Reads how a task has ended; undefined as long as it has not.
 *
 * @param patience `patient`: what the service has not known for a while has ended without a result
 * @throws InferenceError if it cannot be told
 */
export async function readEnd(
	client: InferenceClient,
	awaited: AwaitedTask,
	patience: Patience = 'patient',
): Promise<TaskEnd | undefined> {
	const read = await outcomeOf(client.tasks.get(awaited.id, patience));
	if (!read.ok) {
		const { error } = read;
		if (patience === 'once' || !(error instanceof NotFoundError)) throw error;
		return { awaited, kind: 'failed', error: gone(awaited.id, error), durationMs: 0 };
	}
	const { task, failure: error } = read.value;
	// Its webhook is n8n's own, and whoever knows it may resume this execution.
	const shown = Object.entries(task.wire).filter(([name]) => name !== 'webhook');
	const wire = Object.fromEntries(shown);
	const durationMs = taskDuration(task);
	if (error) return { awaited, kind: 'failed', error, durationMs };
	if (!task.terminal) return undefined;
	const { attempts, itemIndex } = awaited;
	const seen = { via: 'poll', adopted: false, fellBack: false, notices: [] } as const;
	const reused = attempts === 0;
	const run = { task: { ...task, wire }, attempts, durationMs, reused, ...seen };
	try {
		return {
			awaited,
			kind: 'completed',
			durationMs,
			run,
			item: resultItem(run, wantedItem(awaited), itemIndex),
		};
	} catch (error) {
		return { awaited, kind: 'failed', error, durationMs };
	}
}

function gone(id: string, error: NotFoundError): InferenceError {
	return error.reworded(`Task ${id} cannot be read any more: ${error.message}`, {
		hint: 'It was not cancelled here. It may have been deleted, or the API key cannot see it any more.',
	});
}

/** The output item of a task that has ended, with its files if they are wanted. */
export async function settle(
	node: Pick<WaitingNode<unknown>, 'ended'>,
	end: TaskEnd,
	keeper: FileKeeper,
): Promise<SettledItem> {
	const settled = node.ended(end);
	const { app: ref, download } = end.awaited;
	const request = parseAppRef(ref);
	if (end.kind === 'failed' || !request || !download) return settled;
	return { ...settled, item: await addFiles(keeper, settled.item, end.run, { request, download }) };
}
