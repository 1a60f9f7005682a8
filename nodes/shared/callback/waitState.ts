import type { IExecuteFunctions, INodeExecutionData, IWebhookFunctions } from 'n8n-workflow';
import type { TaskRun } from '../../client/tasks/taskRun';
import { isJsonObject } from '../../client/util/json';
import type { TaskStatus } from '../../client/tasks/taskStatus';
import { keepWithExecution, keptWithExecution } from '../run/waitingExecution';
import type { DownloadWish } from '../files/downloads';
import type { ItemForm, WantedItem } from '../output/items';

/** A task that an execution waits for; plain data, because n8n keeps it in its database. */
export interface AwaitedTask {
	readonly id: string;
	/** Its status when the wait began. */
	readonly status: TaskStatus;
	readonly app: string;
	/** What its output item is to be; undefined if that was kept by 0.1.0, which had two forms. */
	readonly form?: ItemForm;
	/** As 0.1.0 has kept it. */
	readonly fullTask?: boolean;
	readonly attempts: number;
	/** What to do with the files of its output. */
	readonly download?: DownloadWish['download'];
	/** Place of its item in the run. */
	readonly position: number;
	/** The incoming item that it belongs to. */
	readonly itemIndex: number;
	/** The item itself, for nodes whose failures carry it. */
	readonly original?: unknown;
}

/** What the output item of a task is to be that was waited for. */
export function wantedItem({ app, form, fullTask }: AwaitedTask): WantedItem {
	return { app, form: form ?? (fullTask === true ? 'fullTask' : 'taskOfVersion1') };
}

/** How a task that was waited for has ended. */
export type TaskEnd = { readonly awaited: AwaitedTask; readonly durationMs: number } & (
	| {
			readonly kind: 'completed';
			readonly run: TaskRun;
			/** Its output item. */
			readonly item: INodeExecutionData;
	  }
	| { readonly kind: 'failed'; readonly error: unknown }
);

/** An output item, with its place in the run. */
export interface SettledItem {
	readonly ok: boolean;
	readonly position: number;
	readonly item: INodeExecutionData;
	/** What is known of its task, whose item does not always tell it. */
	readonly task?: { readonly durationMs: number; readonly endedAt: string | undefined };
}

/** What a waiting execution knows; n8n saves it with the execution. */
export interface WaitState<Facts> {
	readonly tasks: readonly AwaitedTask[];
	/** Items of which nothing will change. */
	readonly settled: readonly SettledItem[];
	/** What the node needs to make its outputs. */
	readonly facts: Facts;
	/** Tasks that are read at once. */
	readonly concurrency: number;
	/** Whether a failed task fails the node. */
	readonly stopOnError: boolean;
	/**
	 * Who has started the tasks, as `InferenceClient.accountId` names it; undefined if that was before
	 * it was kept.
	 */
	readonly account: string | undefined;
}

/**
 * How a node makes its outputs of the ends of its tasks, in the execution and after it.
 *
 * @typeParam Facts what it needs for that besides; plain data
 */
export interface WaitingNode<Facts> {
	/** Whether something that n8n has kept is what this node left there. */
	isFacts(kept: unknown): kept is Facts;
	/** The output item of a task that has ended. */
	ended(end: TaskEnd): SettledItem;
	/** The output item of a task that has not ended when the wait is over. */
	unfinished(task: AwaitedTask): SettledItem;
	/** @param now end of the run, ms since the epoch */
	outputs(items: readonly SettledItem[], facts: Facts, now: number): INodeExecutionData[][];
}

const KEY = 'inferenceShWait';

/** Leaves the state where a callback finds it. */
export function keepState<Facts>(context: IExecuteFunctions, state: WaitState<Facts>): void {
	keepWithExecution(context, KEY, state);
}

/** The state that a callback's execution waits with; undefined if it has none. */
export function findState<Facts>(
	context: IWebhookFunctions,
	node: WaitingNode<Facts>,
): WaitState<Facts> | undefined {
	const state = keptWithExecution(context, KEY);
	return isWaitState(state, node) ? state : undefined;
}

function isWaitState<Facts>(value: unknown, node: WaitingNode<Facts>): value is WaitState<Facts> {
	return (
		isJsonObject(value) &&
		Array.isArray(value['tasks']) &&
		Array.isArray(value['settled']) &&
		node.isFacts(value['facts'])
	);
}
