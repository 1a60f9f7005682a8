import type { INodeExecutionData } from 'n8n-workflow';
import type { TaskProgress } from '../client/tasks/taskRun';
import { eachItem } from '../shared/items/eachItem';
import { inputItem, runItemTask } from '../shared/items/itemTask';
import { failureItem } from '../shared/output/failures';
import type { ItemRun } from '../shared/run/itemRun';
import type { NodeRun } from '../shared/run/nodeRun';
import type { WaitingNode } from '../shared/callback/waitState';
import { WebhookWait } from '../shared/callback/webhookWait';

/** One output, with an item for each input item, in order. */
export const waitingApp: WaitingNode<unknown> = {
	/** The tasks alone say all. */
	isFacts: (_kept): _kept is unknown => true,

	ended(end) {
		const { position, itemIndex } = end.awaited;
		return end.kind === 'completed'
			? { ok: true, position, item: end.item }
			: { ok: false, position, item: failureItem(end.error, itemIndex) };
	},
	unfinished({ id, status, app, position, itemIndex: item }) {
		return { ok: false, position, item: { json: { id, status, app }, pairedItem: { item } } };
	},
	outputs(items) {
		const sorted = [...items].sort((left, right) => left.position - right.position);
		return [sorted.map(({ item }) => item)];
	},
};

/**
 * Starts a task for every input item and lets the execution wait for them without a worker.
 *
 * @throws as `eachItem` and `WebhookWait` do
 */
export async function runAndWait(run: NodeRun): Promise<INodeExecutionData[][]> {
	const callback = await WebhookWait.open(run, waitingApp, !run.context.continueOnFail());
	const start = async (own: ItemRun, index: number, earlier: TaskProgress) =>
		await runItemTask(own, inputItem(index), { wait: callback, earlier, observer: {} });
	const items = await eachItem(run, start, callback);
	const failed = items.flatMap((item, position) =>
		item.json['error'] === undefined ? [] : [{ ok: false, position, item }],
	);
	return await callback.outputs(failed, {});
}
