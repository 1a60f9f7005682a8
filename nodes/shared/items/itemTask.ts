import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { InferenceError } from '../../client/errors';
import type { TaskObserver } from '../../client/tasks/followTask';
import type { RunRequest } from '../../client/tasks/runRequest';
import type { TaskProgress, TaskRun, TaskRunOptions } from '../../client/tasks/taskRun';
import { orAborted } from '../../client/util/cancelSignal';
import { outcomeOf, outcomeOfCall } from '../../client/util/outcome';
import type { Task } from '../../client/tasks/task';
import type { TaskWait } from '../callback/webhookWait';
import { addFiles } from '../files/downloads';
import { fileUploads } from '../files/uploads';
import { resultItem, startedItem, type WantedItem } from '../output/items';
import { readItemRequest, type ItemRequest, type ItemSource } from '../parameters/taskParameters';
import type { CostListener } from '../run/costs';
import { Pace } from '../run/pace';
import type { ItemPlace, ItemRun } from '../run/itemRun';

/** One item of a run: it becomes one task. */
export interface RunItem extends ItemPlace {
	/** The item as it came in, for nodes whose failures carry it. */
	readonly original?: unknown;
	/**
	 * What it asks for; to be read when its turn comes.
	 *
	 * @throws NodeOperationError that names the parameter, the item and the bad value
	 */
	request(source: ItemSource): ItemRequest | Promise<ItemRequest>;
}

/** All items of a run. */
export interface RunItems {
	readonly total: number;
	item(position: number): RunItem;
}

/** The incoming item at an index as an item of the run. */
export function inputItem(index: number): RunItem {
	return {
		position: index,
		itemIndex: index,
		request: (source) => readItemRequest(source, index),
	};
}

/** All incoming items, as the items of the run. */
export function inputItems(context: IExecuteFunctions): RunItems {
	return { total: context.getInputData().length, item: inputItem };
}

/** How the task of an item is run. */
export interface ItemTaskOptions {
	/** Until when: until the task has ended, has been started, or for the service's callback. */
	readonly wait: 'result' | 'none' | TaskWait;
	/** What an earlier try has begun. */
	readonly earlier: TaskProgress;
	readonly observer: TaskObserver;
	/** Told of everything that may cost money, after it has been remembered. */
	onProgress?(progress: TaskProgress): void;
	/** Told of the task when it has completed; if nobody waits for that, when it has been started. */
	onTask?(task: Task): void;
	/** Asked before each submission, with what is going to be sent; throws if it must not be. */
	beforeSubmit?(request: RunRequest): Promise<void>;
	/** Told what its task has cost, when that is known; reused ones cost nothing. */
	onCost?: CostListener;
}

/**
 * Runs what an item asks for and returns its output item: the task's result, or its id if it is not
 * waited for.
 *
 * @throws NodeOperationError for a parameter; what `runTask` throws
 */
export async function runItemTask(
	run: ItemRun,
	item: RunItem,
	options: ItemTaskOptions,
): Promise<INodeExecutionData> {
	const { context, client, memory, scope, hints } = run;
	const { position, itemIndex, original } = item;
	const callback = typeof options.wait === 'object' ? options.wait : undefined;
	const read = item.request(run);
	// Thousands of items need no form: a promise for each of them would cost more than reading.
	const asked = read instanceof Promise ? await read : read;
	const { app, form, files, download } = asked;
	const request = callback?.request(asked.request, itemIndex) ?? asked.request;
	const { settings, reuse, costs } = run;
	const isNew = options.earlier.state === 'none';
	const known =
		settings.reuse && isNew
			? await reuse.tasksFor(client, asked.request, files.length > 0)
			: undefined;
	const prepare = before(fileUploads(context, client, itemIndex, files), options);
	const pace = Pace.of(run);
	const running = client.tasks.run(request, {
		wait: options.wait === 'result' ? 'result' : 'none',
		full: form === 'fullTask',
		observer: options.observer,
		...(pace && { onStatus: (task) => pace.see(task) }),
		...(prepare ? { prepare } : {}),
		...(known && { takeEarlier: () => known.take(asked.request) }),
		signal: scope.signal,
		progress: options.earlier,
		onProgress: (progress) => {
			memory.remember(position, progress);
			if (progress.state === 'running') pace?.see(progress.task);
			options.onProgress?.(progress);
		},
	});
	const taskRun = await (pace || costs.areWanted(options.onCost)
		? told(running, run, pace, options)
		: running);
	options.onTask?.(taskRun.task);
	hints.add(taskRun);
	callback?.add(taskRun, { app, form, download, position, itemIndex, original });
	if (options.wait !== 'result') return startedItem(taskRun, itemIndex);
	const made = completedItem(run, taskRun, asked, itemIndex, options.onCost);
	return download ? await addFiles(run, made, taskRun, asked) : made;
}

/** The output item of a task that has completed, with what it has cost when that is known. */
export function completedItem(
	{ client, costs, settings }: ItemRun,
	taskRun: TaskRun,
	{ app, form }: WantedItem,
	itemIndex: number,
	onCost?: CostListener,
): INodeExecutionData {
	const { id } = taskRun.task;
	const listener = taskRun.reused ? undefined : onCost;
	const wanted = { app, form, cost: settings.includeCost };
	const made = outcomeOfCall(() => resultItem(taskRun, wanted, itemIndex));
	if (!made.ok) {
		// It is paid for all the same.
		if (made.error instanceof InferenceError) costs.ofFailure(client, id, made.error, listener);
		throw made.error;
	}
	const hasPlace = form === 'task' || form === 'taskOfVersion1';
	costs.ofResult(client, id, hasPlace ? made.value.json : undefined, listener);
	return made.value;
}

/** Tells pace and costs how an item has ended. */
async function told(
	running: Promise<TaskRun>,
	{ costs, client }: ItemRun,
	pace: Pace | undefined,
	{ onCost }: ItemTaskOptions,
): Promise<TaskRun> {
	const outcome = await outcomeOf(running);
	pace?.end(outcome.ok && !outcome.value.reused ? outcome.value.task : undefined);
	if (outcome.ok) return outcome.value;
	const { error } = outcome;
	const about = error instanceof InferenceError ? error.about : undefined;
	if (error instanceof InferenceError && about?.kind === 'task') {
		costs.ofFailure(client, about.id, error, onCost);
	}
	throw error;
}

type Prepare = NonNullable<TaskRunOptions['prepare']>;

function before(
	uploads: Prepare | undefined,
	{ beforeSubmit }: ItemTaskOptions,
): Prepare | undefined {
	if (!beforeSubmit) return uploads;
	return async (request, signal) => {
		const whole = uploads ? await uploads(request, signal) : request;
		await orAborted(beforeSubmit(whole), signal);
		return whole;
	};
}
