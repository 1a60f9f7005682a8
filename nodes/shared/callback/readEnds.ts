import { parseAppRef } from '../../client/apps/appRef';
import type { InferenceClient } from '../../client/client';
import { NotFoundError } from '../../client/errors';
import { outcomeOf } from '../../client/util/outcome';
import type { Task } from '../../client/tasks/task';
import type { TaskStatus } from '../../client/tasks/taskStatus';
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
 * Asks for a task's status only. One that has been deleted has failed.
 *
 * @throws InferenceError if it cannot be told
 */
export async function readStatus(
	client: InferenceClient,
	awaited: AwaitedTask,
): Promise<TaskStatus> {
	const read = await outcomeOf(client.tasks.status(awaited.id));
	if (read.ok) return read.value;
	if (read.error instanceof NotFoundError) return 'failed';
	throw read.error;
}

/**
 * Reads how a task has ended; undefined as long as it has not.
 *
 * @throws InferenceError if it cannot be told
 */
export async function readEnd(
	client: InferenceClient,
	awaited: AwaitedTask,
): Promise<TaskEnd | undefined> {
	const read = await outcomeOf(client.tasks.get(awaited.id));
	if (!read.ok) {
		const { error } = read;
		if (error instanceof NotFoundError) return { awaited, kind: 'failed', error, durationMs: 0 };
		throw error;
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
	const run = { task: { ...task, wire }, attempts, durationMs, ...seen };
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
