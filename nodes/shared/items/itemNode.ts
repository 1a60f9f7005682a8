import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { StoppedError, AbandonedError } from '../../client/errors';
import type { TaskObserver } from '../../client/tasks/followTask';
import { notStarted, type TaskProgress } from '../../client/tasks/runTask';
import type { Task } from '../../client/tasks/task';
import { refuseIfTooExpensive } from './costCheck';
import { fileUploads } from '../files/uploads';
import { addFiles } from '../files/downloads';
import { runItems } from '../run/window';
import { failureItem, forErrorOutput, toNodeError } from '../output/failures';
import { runNode, type NodeRun, type NodeRunOptions } from '../run/nodeRun';
import { resultItem, startedItem } from '../output/items';
import { stoppedError, wasStopped } from '../run/stop';
import { readItemRequest } from '../parameters/taskParameters';
import type { WebhookWait } from '../callback/webhookWait';

type Outputs = INodeExecutionData[][];

/**
 * Runs a node that has one task for each input item and puts one item for each into its first
 * output.
 *
 * @throws NodeApiError or NodeOperationError of the first item that fails, unless the node is set
 * to continue
 */
export async function runItemNode(
	context: IExecuteFunctions,
	options: Omit<NodeRunOptions<Outputs>, 'looksFailed'>,
	job: (run: NodeRun) => Promise<Outputs>,
): Promise<Outputs> {
	const inputs = context.getInputData();
	if (inputs.length === 0) return [[]];
	const looksFailed = ([first]: Outputs) => first?.[0]?.json['error'] !== undefined;
	try {
		const [items = [], ...more] = await runNode(context, { ...options, looksFailed }, job);
		return [forErrorOutput(context, items), ...more];
	} catch (error) {
		if (wasStopped(context) || !context.continueOnFail()) {
			throw toNodeError(context.getNode(), error);
		}
		// Of a node that throws and is set to continue, n8n hands on the input as if it were output.
		const items = inputs.map((_, index) => failureItem(error, index));
		return [forErrorOutput(context, items)];
	}
}

/**
 * Does `work` for every input item, a few at a time, and returns one item for each, in order. What
 * an earlier try has finished is not done again.
 *
 * @param work is told what an earlier try has begun
 * @param callback waits for what `work` starts, so that nothing is finished yet
 * @throws the error of the first item that fails, unless the node is set to continue; of a stopped
 * execution what became of its tasks
 */
export async function eachItem(
	run: NodeRun,
	work: (index: number, earlier: TaskProgress) => Promise<INodeExecutionData>,
	callback?: WebhookWait,
): Promise<INodeExecutionData[]> {
	const { context, settings, memory, scope } = run;
	const goOn = context.continueOnFail();
	const failures: Array<{ readonly error: unknown; readonly index: number }> = [];
	const outcomes = await runItems({
		count: context.getInputData().length,
		concurrency: settings.concurrency,
		work: async (index) => {
			const earlier = memory.recall(index);
			if (earlier.state === 'done') return earlier.item;
			if (!memory.knows(index) && scope.signal.aborted) throw notStarted(scope.signal.reason);
			const item = await work(index, earlier);
			if (!callback) memory.remember(index, { state: 'done', item });
			return item;
		},
		onFailure: (error, index) => {
			failures.push({ error, index });
			// After a Stop, tasks of an earlier try are still to be cancelled.
			if (goOn || wasStopped(context)) return 'go on';
			giveUpOthers(run);
			return 'stop';
		},
	});
	if (wasStopped(context)) {
		const fates = (await callback?.giveUp('was stopped with the execution')) ?? [];
		throw stoppedError(context, [...failures.map(({ error }) => error), ...fates]);
	}
	const [first] = failures;
	if (first && !goOn) {
		await callback?.giveUp('was given up because another item failed');
		throw toNodeError(context.getNode(), first.error, first.index);
	}
	return outcomes.flatMap((outcome, index) => {
		if (!outcome) return [];
		return [outcome.kind === 'done' ? outcome.value : failureItem(outcome.error, index)];
	});
}

/**
 * One item has failed and the node is not set to continue. If n8n is going to try again, the other
 * tasks go on meanwhile; if not, nobody will ever read them, so they are cancelled.
 */
function giveUpOthers({ scope, memory }: NodeRun): void {
	const reason = 'was given up because another item failed';
	scope.abort(memory.hasTriesLeft ? new AbandonedError(reason) : new StoppedError(reason));
}

/**
 * Refuses to start anything if the items are going to cost more than allowed.
 *
 * @throws what `refuseIfTooExpensive` throws
 */
export async function checkCost(run: NodeRun): Promise<void> {
	const { context, settings, client, memory, hints } = run;
	const { maxCostUsd, concurrency } = settings;
	if (maxCostUsd === undefined || memory.hasBegun) return;
	const request = (index: number) => readItemRequest(run, index);
	const items = { count: context.getInputData().length, request };
	await refuseIfTooExpensive(context, client, items, { maxCostUsd, concurrency }, hints);
}

/** How the task of an item is run. */
export interface ItemTaskOptions {
	readonly wait: 'result' | 'none';
	/** What an earlier try has begun. */
	readonly earlier: TaskProgress;
	readonly observer: TaskObserver;
	/** Waits for the task. */
	readonly callback?: WebhookWait | undefined;
	/** Told of everything that may cost money, after it has been remembered. */
	onProgress?(progress: TaskProgress): void;
	/** Told of the task when it has completed. */
	onCompleted?(task: Task): void;
}

/**
 * Runs what an item's parameters ask for and returns its output item.
 *
 * @throws NodeOperationError for a parameter; what `InferenceClient.run` throws
 */
export async function runItemTask(
	run: NodeRun,
	index: number,
	options: ItemTaskOptions,
): Promise<INodeExecutionData> {
	const { context, client, memory, scope, hints } = run;
	const { wait, earlier, observer, callback } = options;
	const asked = await readItemRequest(run, index);
	const { request, app, fullTask, files, download } = asked;
	const prepare = fileUploads(context, client, index, files);
	const taskRun = await client.run(callback?.request(request, index) ?? request, {
		wait,
		full: fullTask,
		observer,
		...(prepare ? { prepare } : {}),
		signal: scope.signal,
		progress: earlier,
		onProgress: (progress) => {
			memory.remember(index, progress);
			options.onProgress?.(progress);
		},
	});
	options.onCompleted?.(taskRun.task);
	hints.add(taskRun);
	callback?.add(taskRun, { app, fullTask, download, position: index, itemIndex: index });
	if (wait === 'none') return startedItem(taskRun, index);
	return await addFiles(run, resultItem(taskRun, { app, fullTask }, index), taskRun, asked);
}
