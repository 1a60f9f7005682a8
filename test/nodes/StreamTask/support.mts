/** What the tests of Stream Task share. */
import type { IDataObject } from 'n8n-workflow';
import { StreamTask } from '../../../nodes/StreamTask/StreamTask.node.ts';
import { caller } from '../../sandbox/caller.mts';
import type { Sandbox } from '../../sandbox/index.mts';
import { NODE_NAME, runNode, type EngineRun } from '../../engine/engine.mts';
import {
	appRef,
	clock,
	credentialsOf,
	meanwhile,
	QUICK,
	type RunAppOptions,
} from '../../engine/support.mts';
import { until } from '../../until.mts';

// A second is what lines without an end wait for one; that comes when a test says so.
clock.skippedMs = 900;

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

/**
 * Runs it with the sandbox's time standing still until so many streams are open: so tasks are seen
 * from their start.
 */
export async function fromTheStart(
	sandbox: Sandbox,
	options: RunAppOptions,
	count = options.items?.length ?? 1,
): Promise<EngineRun> {
	sandbox.hold();
	const before = streams(sandbox);
	return await meanwhile(streamTask(sandbox, options), async () => {
		await until(() => streams(sandbox) >= before + count);
		sandbox.release();
	});
}

export function streams(sandbox: Sandbox): number {
	return sandbox.count('GET', /\/stream$/);
}

/** A task of `sandbox/manual` that is followed by the node. */
export interface ManualTask {
	readonly id: string;
	readonly started: Promise<EngineRun>;
	/** What the caller has been told so far: text, or updates as JSON. */
	live(): string;
}

/** Starts a task of `sandbox/manual` and waits until it is being streamed to a caller. */
export async function startManual(
	sandbox: Sandbox,
	options: RunAppOptions = {},
): Promise<ManualTask> {
	const before = streams(sandbox);
	let live = '';
	const started = streamTask(sandbox, {
		app: 'sandbox/manual',
		items: [{}],
		streaming: true,
		...options,
		onChunk: ({ type, content }) => void (live += type === 'item' ? String(content) : ''),
	});
	await until(() => streams(sandbox) > before);
	return { id: sandbox.running().at(-1)?.id ?? '', started, live: () => live };
}

/** Starts a task outside of n8n. */
export async function startTask(
	sandbox: Sandbox,
	app: string,
	input: IDataObject,
): Promise<string> {
	const response = await caller(() => sandbox).call('POST', '/apps/run', { app, input });
	const { data } = (await response.json()) as { data: { id: string } };
	return data.id;
}
