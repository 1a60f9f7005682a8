/** What the tests of Stream Task share. */
import type { IDataObject } from 'n8n-workflow';
import { StreamTask } from '../../../nodes/StreamTask/StreamTask.node.ts';
import type { Sandbox } from '../../sandbox/index.mts';
import { NODE_NAME, runNode, type EngineRun } from '../../engine/engine.mts';
import { appRef, credentialsOf, QUICK, type RunAppOptions } from '../../engine/support.mts';
import { pause, until } from '../../until.mts';

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

/** Something that a task does, with what must have been seen of it before it goes on. */
export interface Step {
	readonly push: Parameters<Sandbox['pushTask']>[1];
	seen(update: UpdateJson): boolean;
}

/** What a task of `sandbox/manual` does: statuses, logs, an output that grows, an end. */
export const STEPS: readonly Step[] = [
	{
		push: { status: 'preparing', logs: 'loading\n', logType: 3 },
		seen: ({ status }) => status === 'preparing',
	},
	{ push: { status: 'running' }, seen: ({ seq, status }) => seq > 2 && status === 'running' },
	{
		push: { logs: 'grüße 🎈 1/2\nha' },
		seen: ({ logs }) => logs?.includes('grüße 🎈 1/2') ?? false,
	},
	{ push: { logs: 'lf\n2/2\n' }, seen: ({ logs }) => logs?.includes('2/2') ?? false },
	{
		push: { output: { preview: '👩‍💻' } },
		seen: ({ changed }) => changed.includes('output'),
	},
	{ push: { status: 'uploading' }, seen: ({ status }) => status === 'uploading' },
];

export const FINAL_OUTPUT = { video: 'https://example.com/ü.mp4', preview: '👩‍💻' };

/**
 * Runs a task step by step: each one is taken only when the update of the one before has come. So
 * every change is an update of its own, whatever happens to the stream.
 */
export async function drive(
	sandbox: Sandbox,
	options: RunAppOptions = {},
	steps: readonly Step[] = STEPS,
): Promise<EngineRun> {
	const seen: UpdateJson[] = [];
	const started = streamTask(sandbox, {
		app: 'sandbox/manual',
		streaming: true,
		...options,
		options: { streamAs: 'json', ...options.options },
		onChunk: ({ type, content }) => {
			if (type === 'item') seen.push(JSON.parse(content ?? '') as UpdateJson);
		},
	});
	const over = started.then(() => {
		throw new Error(`The run has ended after ${JSON.stringify(seen)}`);
	});
	const reached = async (condition: () => boolean) => await Promise.race([until(condition), over]);
	await reached(() => seen.some(({ status }) => status === 'running'));
	const id = sandbox.running()[0]?.id ?? '';
	for (const { push, seen: isSeen } of steps) {
		sandbox.pushTask(id, push);
		await reached(() => seen.some(isSeen));
	}
	over.catch(() => {});
	sandbox.finishTask(id, { output: FINAL_OUTPUT });
	return await started;
}

/** Starts a task of `sandbox/manual` and waits until it is being streamed. */
export async function startManual(
	sandbox: Sandbox,
	options: RunAppOptions = {},
): Promise<{ readonly id: string; readonly started: Promise<EngineRun> }> {
	const before = sandbox.count('GET', /\/stream$/);
	const started = streamTask(sandbox, { app: 'sandbox/manual', items: [{}], ...options });
	await until(() => sandbox.count('GET', /\/stream$/) > before);
	await pause(A_MOMENT);
	return { id: sandbox.running().at(-1)?.id ?? '', started };
}

/** Makes a language model begin only when its stream is open, also on a busy machine. */
export const THINK = { thinkMs: 400 };

/** Time in which a line of a stream arrives, ms. */
export const A_MOMENT = 25;

/** Starts a task outside of n8n. */
export async function startTask(
	sandbox: Sandbox,
	app: string,
	input: IDataObject,
): Promise<string> {
	const response = await fetch(`${sandbox.url}/apps/run`, {
		method: 'POST',
		headers: {
			authorization: `Bearer ${sandbox.apiKey}`,
			'content-type': 'application/json',
		},
		body: JSON.stringify({ app, input }),
	});
	const { data } = (await response.json()) as { data: { id: string } };
	return data.id;
}
