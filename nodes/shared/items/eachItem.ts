import type { INodeExecutionData } from 'n8n-workflow';
import { AbandonedError, StoppedError } from '../../client/errors';
import type { TaskProgress } from '../../client/tasks/taskRun';
import { notStarted } from '../../client/api/itemTime';
import { systemClock } from '../../client/util/clock';
import type { TaskWait } from '../callback/webhookWait';
import { failureJson, toNodeError } from '../output/failures';
import { runOf, type ItemRun } from '../run/itemRun';
import type { ItemMemory, ItemsMemory } from '../run/retryMemory';
import type { Costs } from '../run/costs';
import type { NodeRun } from '../run/nodeRun';
import { ItemCount, ProgressReports } from '../run/progress';
import { stoppedError, wasStopped, withWhatRunsOn } from '../run/stop';
import { runItems, type ItemOutcome } from '../run/window';

/** Why everything ends if one item fails and the node is not set to continue. */
const ANOTHER_FAILED = 'was given up because another item failed';

/** What an input item gives: one item, or as many as there are. */
export type ItemOutput = INodeExecutionData | readonly INodeExecutionData[];

/**
 * Makes the output of an input item.
 *
 * @param run under the item's account
 * @param earlier what an earlier try has begun for it
 */
type ItemWork = (run: ItemRun, index: number, earlier: TaskProgress) => Promise<ItemOutput>;

interface ItemFailure {
	readonly error: unknown;
	readonly index: number;
}

/**
 * Does `work` for every input item, a few at a time, and returns what they give, in order. What
 * an earlier try has finished is not done again.
 *
 * @param callback waits for what `work` starts, so that nothing is finished yet
 * @throws the error of the first item that fails, unless the node is set to continue, with what may
 * run on of the others; of a stopped execution what became of its tasks
 */
export async function eachItem(
	run: NodeRun,
	work: ItemWork,
	callback?: TaskWait,
): Promise<INodeExecutionData[]> {
	const { context, width } = run;
	/** In the order in which they happened. */
	const failures: ItemFailure[] = [];
	const total = context.getInputData().length;
	const count = new ItemCount(total, systemClock.now());
	const all = async () =>
		await runItems({
			count: total,
			concurrency: width,
			work: async (index) => {
				const item = await unlessDone(run, index, work, callback);
				count.succeeded += 1;
				return item;
			},
			onFailure: (error, index) => {
				count.failed += 1;
				failures.push({ error, index });
				return afterFailure(run);
			},
		});
	const outcomes = total > 1 ? await new ProgressReports(context, count).during(all) : await all();
	await throwIfStopped(run, { total, errors: failures.map(({ error }) => error), callback });
	const [first, ...others] = failures;
	if (first && !context.continueOnFail()) {
		const cancelled = (await callback?.cancelTasks(ANOTHER_FAILED)) ?? [];
		const error = toNodeError(context.getNode(), first.error, first.index);
		throw withWhatRunsOn(error, [...others.map((other) => other.error), ...cancelled]);
	}
	const { costs } = run;
	const items = outcomes.flatMap((outcome, index) => outputOf(outcome, index, costs));
	await costs.settled();
	return items;
}

/** Does the work for one item, unless an earlier try has finished it or its turn comes too late. */
async function unlessDone(
	run: NodeRun,
	index: number,
	work: ItemWork,
	callback: TaskWait | undefined,
): Promise<ItemOutput> {
	const { memory, scope } = run;
	const earlier = memory.recall(index);
	if (earlier.state === 'done') return earlier.item;
	const items = memory.recallItems(index);
	if (items) return items;
	if (!memory.knows(index) && scope.signal.aborted) throw notStarted(scope.signal.reason);
	const itemRun = await runOf(run, { position: index, itemIndex: index });
	const output = await work(itemRun, index, earlier);
	if (!callback) memory.remember(index, achieved(output));
	return output;
}

function achieved(output: ItemOutput): ItemMemory | ItemsMemory {
	return 'json' in output ? { state: 'done', item: output } : { state: 'listed', items: output };
}

/**
 * Whether further items are begun after one has failed. If not: if n8n is going to try again, the
 * other tasks go on meanwhile; else nobody will ever read them, so they are cancelled.
 */
function afterFailure({ context, scope, memory }: NodeRun): 'go on' | 'stop' {
	// After a Stop, tasks of an earlier try are still to be cancelled.
	if (context.continueOnFail() || wasStopped(context)) return 'go on';
	scope.abort(
		memory.hasTriesLeft ? new AbandonedError(ANOTHER_FAILED) : new StoppedError(ANOTHER_FAILED),
	);
	return 'stop';
}

/** What has become of the items of a run. */
export interface RunFates {
	readonly total: number;
	/** What items have failed with. */
	readonly errors: readonly unknown[];
	/** Waits for the tasks that have been started. */
	readonly callback: TaskWait | undefined;
}

/**
 * Ends a run whose execution has been stopped, and cancels what only a callback still waits for.
 *
 * @throws NodeOperationError that says what became of the tasks
 */
export async function throwIfStopped(run: NodeRun, fates: RunFates): Promise<void> {
	const { context, memory } = run;
	if (!wasStopped(context)) return;
	const { total, errors, callback } = fates;
	const cancelled = (await callback?.cancelTasks('was stopped with the execution')) ?? [];
	throw stoppedError(context, [...errors, ...cancelled], { total, finished: memory.finished });
}

function outputOf(
	outcome: ItemOutcome<ItemOutput> | undefined,
	index: number,
	costs: Costs,
): readonly INodeExecutionData[] {
	if (!outcome) return [];
	if (outcome.kind === 'done') return 'json' in outcome.value ? [outcome.value] : outcome.value;
	const json = failureJson(outcome.error, index);
	costs.putFailure(outcome.error, json.details);
	return [{ json, pairedItem: { item: index } }];
}
