import type { INodeExecutionData } from 'n8n-workflow';
import { isJsonObject, textOf } from '../client/util/json';
import type { NodeRun } from '../shared/run/nodeRun';
import { asData, durationOf } from '../shared/output/items';
import { RunParameters } from '../shared/parameters/runParameters';
import type { AwaitedTask, SettledItem, WaitingNode } from '../shared/callback/waitState';
import { WebhookWait } from '../shared/callback/webhookWait';
import { describeFailure, failedItem, withoutPlace } from './failedItem';
import type { BatchSettings } from './settings';
import { Tally } from './summary';

/** When the task of an output item ended, ms since the epoch. */
function endOf({ item, task }: SettledItem): number {
	return Date.parse(task?.endedAt ?? textOf(item.json['updated_at']) ?? '') || 0;
}

/** How long it took, ms. */
function lengthOf({ item, task }: SettledItem): number {
	return task?.durationMs ?? durationOf(item);
}

/** Names the item's origin: after a wait n8n pairs items by their places in the outputs. */
function withIndex(item: INodeExecutionData): INodeExecutionData {
	const { json, pairedItem } = item;
	const item_index = isJsonObject(pairedItem) ? pairedItem['item'] : undefined;
	return { ...item, json: { ...json, ...asData({ item_index }) } };
}

function failed(task: AwaitedTask, facts: INodeExecutionData['json']) {
	return { ok: false, position: task.position, item: failedItem(facts, task) };
}

/** What a batch keeps for its outputs while it waits. */
export interface BatchFacts {
	readonly order: BatchSettings['order'];
	readonly total: number;
	/** ms since the epoch */
	readonly started_at: number;
	readonly retries: number;
	readonly rate_limited: number;
	readonly max_in_flight: number;
	readonly stopped_by: string | null;
}

function isBatchFacts(kept: unknown): kept is BatchFacts {
	if (!isJsonObject(kept)) return false;
	const { total, started_at, retries, rate_limited, max_in_flight } = kept;
	const counts = [total, started_at, retries, rate_limited, max_in_flight];
	return 'order' in kept && 'stopped_by' in kept && counts.every(Number.isFinite);
}

/** Succeeded, Failed, Summary: the same outputs, made of what was kept during the wait. */
export const waitingBatch: WaitingNode<BatchFacts> = {
	isFacts: isBatchFacts,

	ended(end) {
		const { awaited, durationMs } = end;
		const { position, attempts } = awaited;
		if (end.kind === 'completed') {
			const { item, run } = end;
			return { ok: true, position, item, task: { durationMs, endedAt: run.task.updatedAt } };
		}
		return failed(awaited, describeFailure(end.error, { attempts, duration_ms: durationMs }));
	},

	unfinished(task) {
		const { id, app, attempts } = task;
		const message = `Task ${id} had not ended when the wait began. It may have ended since: follow it by its id, for example with Stream Task`;
		return failed(task, {
			id,
			status: 'timed_out',
			app,
			error: { message, code: 'timeout', retryable: true },
			run: { attempts, duration_ms: 0 },
		});
	},

	outputs(items, facts, now) {
		const { order, retries, rate_limited: rateLimited, max_in_flight, stopped_by } = facts;
		const tally = new Tally(facts.total, facts.started_at);
		for (const settled of items) {
			const { id, status, error } = settled.item.json;
			const message = isJsonObject(error) ? (textOf(error['message']) ?? '') : '';
			if (settled.ok) tally.success(lengthOf(settled));
			else if (status === 'not_started') tally.notStarted += 1;
			else tally.failure(withoutPlace(message, id));
		}
		const sorted = [...items].sort((left, right) =>
			order === 'completion' ? endOf(left) - endOf(right) : left.position - right.position,
		);
		const all = sorted.map(({ ok, item }) => ({ ok, item: withIndex(item) }));
		const durations = items.filter(({ ok }) => ok).map(lengthOf);
		const json = {
			...tally.toJson(now, { retries, rateLimited }, durations),
			max_in_flight,
			stopped_by,
		};
		return [
			all.filter(({ ok }) => ok).map(({ item }) => item),
			all.filter(({ ok }) => !ok).map(({ item }) => item),
			[{ json, pairedItem: { item: 0 } }],
		];
	},
};

/**
 * The wait for callbacks, if the node is set to it.
 *
 * @throws NodeOperationError if this execution cannot be resumed by a callback
 */
export async function openCallback(run: NodeRun): Promise<WebhookWait<BatchFacts> | undefined> {
	const wait = new RunParameters(run.context).get('wait', 'result').oneOf(['result', 'webhook']);
	return wait === 'webhook' ? await WebhookWait.open(run, waitingBatch, false) : undefined;
}
