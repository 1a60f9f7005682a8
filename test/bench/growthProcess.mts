/** One batch in a process of its own: memory beyond its results, and how long it blocks n8n. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { INodeExecutionData } from 'n8n-workflow';
import { NODE_NAME } from '../engine/engine.mts';
import { BatchNode } from './batchNode.mts';
import { pause } from './clock.mts';
import { heldMegabytes, residentMegabytes } from './garbage.mts';
import { texts, type Work } from './work.mts';

/** What a batch of one size takes. */
export interface GrowthFacts {
	readonly usPerItem: number;
	readonly longestPauseMs: number;
	/** Growth of the resident memory, garbage included. */
	readonly residentMb: number;
	/** The most that was in use beyond the results so far. */
	readonly workingMb: number;
	readonly resultsMb: number;
	/** Still in use when the results are gone. */
	readonly keptMb: number;
}

const CHECKS = 10;
/** Resolution of the histogram; a pause shorter than that is none. */
const RESOLUTION_MS = 1;

const [dist = '', url = '', apiKey = '', app = '', items = '0', width = '1'] =
	process.argv.slice(2);
const batch = new BatchNode(dist, { url, apiKey });
const work: Work = { app, inputs: texts(Number(items)), width: Number(width) };
const count = work.inputs.length;

async function timed(): Promise<Pick<GrowthFacts, 'usPerItem' | 'longestPauseMs' | 'residentMb'>> {
	heldMegabytes();
	const residentBefore = residentMegabytes();
	const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
	delays.enable();
	const started = performance.now();
	const { error } = await batch.execute(work);
	const ms = performance.now() - started;
	delays.disable();
	if (error) throw error;
	return {
		usPerItem: (ms / count) * 1000,
		longestPauseMs: Math.max(0, delays.max / 1e6 - RESOLUTION_MS),
		residentMb: Math.max(0, residentMegabytes() - residentBefore),
	};
}

/** Outside of any function, so that no frame on the stack keeps it when it is let go. */
let results: INodeExecutionData[] | undefined;

async function run(
	onStart: () => void,
	onProgress: () => void,
	progressEvery: number,
): Promise<void> {
	const { output } = await batch.execute(work, {
		options: { progressEvery },
		onStart,
		onLogLine: onProgress,
	});
	results = output(NODE_NAME, 0);
	if (results.length !== count) throw new Error(`${results.length} of ${count} results`);
}

async function held(): Promise<Pick<GrowthFacts, 'workingMb' | 'resultsMb' | 'keptMb'>> {
	const before = await settledMegabytes();
	const checks: number[] = [];
	const every = Math.max(1, Math.floor(count / CHECKS));
	// n8n's own copy of the input is there when the node starts, and is not the node's doing.
	let atStart = before;
	await run(
		() => (atStart = heldMegabytes()),
		() => checks.push(heldMegabytes() - atStart),
		every,
	);
	const withResults = (await settledMegabytes()) - before;
	results = undefined;
	const kept = (await settledMegabytes()) - before;
	const perResult = (withResults - kept) / count;
	const working = checks.map(
		(megabytes, index) => megabytes - perResult * Math.min(count, (index + 1) * every),
	);
	return {
		workingMb: Math.max(0, ...working),
		resultsMb: withResults - kept,
		keptMb: Math.max(0, kept),
	};
}

/** What is held when everything that was about to be let go has been. */
async function settledMegabytes(): Promise<number> {
	await pause(50);
	return heldMegabytes();
}

await batch.execute({ ...work, inputs: texts(500) });
const time = await timed();
const memory = await held();
process.send?.({ ...time, ...memory }, () => process.disconnect());
