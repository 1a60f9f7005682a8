/** What the tests of Stream Task share. */
import type { IDataObject } from 'n8n-workflow';
import { StreamTask } from '../../nodes/StreamTask/StreamTask.node.ts';
import type { Sandbox } from '../sandbox/index.mts';
import { NODE_NAME, runNode, type EngineRun } from './engine.mts';
import { appRef, credentialsOf, QUICK, type RunAppOptions } from './support.mts';

/** Runs Stream Task in the engine. Every change is an update, unless told otherwise. */
export async function streamTask(
	sandbox: Sandbox,
	options: RunAppOptions = {},
): Promise<EngineRun> {
	const { app = 'sandbox/echo', parameters, options: collection, ...rest } = options;
	return await runNode({
		node: new StreamTask(),
		credentials: credentialsOf(sandbox),
		...rest,
		parameters: {
			source: 'run',
			app: appRef(app),
			inputMode: 'item',
			...parameters,
			options: { ...QUICK, minInterval: 0, ...collection },
		},
	});
}

/** Takes the id of an existing task from each item's `task`. */
export const EXISTING = { source: 'existing', taskId: '={{ $json.task }}' };

/** An item of the Updates output. */
export interface UpdateJson extends IDataObject {
	id: string;
	seq: number;
	status: string;
	at: string;
	changed: string[];
	logs?: string[];
	text?: string;
}

export function updatesOf(run: EngineRun): UpdateJson[] {
	return run.output(NODE_NAME, 1).map(({ json }) => json as UpdateJson);
}

/** All log lines of updates, in order. */
export function linesOf(updates: readonly UpdateJson[]): string[] {
	return updates.flatMap(({ logs = [] }) => logs);
}

/** Updates without what differs from run to run. */
export function comparable(updates: readonly UpdateJson[]): IDataObject[] {
	return updates.map(({ id: _id, at: _at, ...rest }) => rest);
}

/** A chunk as the caller of a streaming execution gets it. */
export interface LiveChunk {
	type: string;
	content?: string;
	item: number;
	at: number;
}

/** What the node itself has sent to the caller. */
export function chunksOf(run: EngineRun): LiveChunk[] {
	return run.chunks
		.filter(({ metadata }) => metadata.nodeName === NODE_NAME)
		.map(({ type, content, metadata }) => ({
			type,
			...(content === undefined ? {} : { content }),
			item: metadata.itemIndex,
			at: metadata.timestamp,
		}));
}

/** The text that was sent for an item. */
export function liveText(run: EngineRun, item = 0): string {
	return chunksOf(run)
		.filter((chunk) => chunk.type === 'item' && chunk.item === item)
		.map(({ content }) => content)
		.join('');
}
