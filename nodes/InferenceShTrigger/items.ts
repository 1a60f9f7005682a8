import type { INodeExecutionData } from 'n8n-workflow';
import type { InferenceClient } from '../client/client';
import { createdMs } from '../client/api/serviceClock';
import type { Task } from '../client/tasks/task';
import { waitingItem } from '../shared/output/chatItems';
import { failureJson } from '../shared/output/failures';
import { asData, resultItem } from '../shared/output/items';
import type { Waiting } from './chatSource';
import { appOf } from './taskSource';

/** Whether all is there that an item shows of a task; a list may leave something out, or show null for it. */
export function isWhole(task: Task): boolean {
	const hasResult = task.status !== 'completed' || (task.output ?? undefined) !== undefined;
	return hasResult && appOf(task) !== undefined;
}

/**
 * The item of a task that has ended: as Run App puts it out, or as it tells of a failure.
 *
 * @param otherwise its app, if the service does not show it
 */
export function taskItem(
	task: Task,
	{ tasks }: Pick<InferenceClient, 'tasks'>,
	otherwise: string | undefined,
): INodeExecutionData {
	const { createdAt, updatedAt, wire } = task;
	const app = appOf(task) ?? otherwise ?? String(wire['app_id'] ?? '');
	const failure = tasks.failureOf(task);
	if (failure) {
		const { error, details } = failureJson(failure, undefined);
		const times = { created_at: createdAt, updated_at: updatedAt };
		return { json: { error, details: { ...details, ...asData({ app, ...times }) } } };
	}
	const facts = { attempts: 0, reused: false, adopted: false, fellBack: false, notices: [] };
	const run = { ...facts, task, durationMs: durationOf(task), via: 'poll' } as const;
	const { json } = resultItem(run, { app, form: 'task' }, 0);
	return { json };
}

/** From its creation to its end, ms; 0 if that is not known. */
function durationOf({ createdAt, updatedAt }: Task): number {
	return Math.max(0, (createdMs(updatedAt) ?? 0) - (createdMs(createdAt) ?? Infinity));
}

/** The item of a chat whose agent waits for somebody. */
export function chatItem({ view, agent }: Waiting): INodeExecutionData {
	return { json: waitingItem(view, agent) };
}
