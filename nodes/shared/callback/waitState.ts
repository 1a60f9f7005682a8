import type {
	IDataObject,
	IExecuteFunctions,
	INodeExecutionData,
	IWebhookFunctions,
} from 'n8n-workflow';
import type { TaskRun } from '../../client/tasks/taskRun';
import { isJsonObject } from '../../client/util/json';
import type { TaskStatus } from '../../client/tasks/taskStatus';
import type { DownloadWish } from '../files/downloads';

/** A task that an execution waits for; plain data, because n8n keeps it in its database. */
export interface AwaitedTask {
	readonly id: string;
	/** Its status when the wait began. */
	readonly status: TaskStatus;
	readonly app: string;
	readonly fullTask: boolean;
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

/** How a task that was waited for has ended. */
export type TaskEnd = { readonly awaited: AwaitedTask; readonly durationMs: number } & (
	| { readonly kind: 'completed'; readonly run: TaskRun }
	| { readonly kind: 'failed'; readonly error: unknown }
);

/** An output item, with its place in the run. */
export interface SettledItem {
	readonly ok: boolean;
	readonly position: number;
	readonly item: INodeExecutionData;
}

/** What a waiting execution knows; n8n saves it with the execution. */
export interface WaitState {
	readonly tasks: readonly AwaitedTask[];
	/** Items of which nothing will change. */
	readonly settled: readonly SettledItem[];
	/** What the node needs to make its outputs. */
	readonly facts: IDataObject;
	/** Tasks that are read at once. */
	readonly concurrency: number;
	/** Whether a failed task fails the node. */
	readonly stopOnError: boolean;
}

/** How a node makes its outputs of the ends of its tasks, in the execution and after it. */
export interface WaitingNode {
	/** The output item of a task that has ended. */
	ended(end: TaskEnd): SettledItem;
	/** The output item of a task that has not ended when the wait is over. */
	unfinished(task: AwaitedTask): SettledItem;
	/** @param now end of the run, ms since the epoch */
	outputs(items: readonly SettledItem[], facts: IDataObject, now: number): INodeExecutionData[][];
}

const KEY = 'inferenceShWait';

/** Leaves the state where a callback finds it: in the node's context, which n8n saves. */
export function keepState(context: IExecuteFunctions, state: WaitState): void {
	context.getContext('node')[KEY] = state;
}

function isWaitState(value: unknown): value is WaitState {
	return isJsonObject(value) && Array.isArray(value['tasks']) && Array.isArray(value['settled']);
}

/** The state that a callback's execution waits with; undefined if it has none. */
export function findState(context: IWebhookFunctions): WaitState | undefined {
	// Braces would end the expression.
	const name = JSON.stringify(context.getNode().name)
		.replaceAll('{', '\\x7b')
		.replaceAll('}', '\\x7d');
	const state: unknown = context.evaluateExpression(`{{ $node[${name}].context.${KEY} }}`, 0);
	return isWaitState(state) ? state : undefined;
}
