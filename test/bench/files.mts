/** Files through the node: the memory that a large one takes, and the time that many small ones do. */
import { fork } from 'node:child_process';
import path from 'node:path';
import {
	DOWNLOAD,
	FILE_APP,
	RunAppNode,
	storedFiles,
	transferByHand,
	UPLOAD,
} from './fileNodes.mts';
import type { FilesFacts } from './filesProcess.mts';
import type { Bench, Measure } from './measures.mts';
import { figure, ratios } from './statistics.mts';

const LARGE_BYTES = 300_000_000;
const SMALL_BYTES = 10_000;
const WIDTH = 20;

async function large(bench: Bench, direction: 'in' | 'out', bytes: number): Promise<FilesFacts> {
	const { service, dist } = bench;
	await service.reset();
	const child = fork(
		path.join(import.meta.dirname, 'filesProcess.mts'),
		[dist, service.url, service.apiKey, direction, String(bytes)],
		{ execArgv: [], timeout: 120_000 },
	);
	return await new Promise((resolve, reject) => {
		child.once('message', (facts) => resolve(facts as FilesFacts));
		child.once('exit', (code) => reject(new Error(`The large file ended with ${code}`)));
	});
}

async function memory(bench: Bench): Promise<Measure[]> {
	const bytes = bench.quick ? LARGE_BYTES / 10 : LARGE_BYTES;
	const measures: Measure[] = [];
	for (const direction of ['in', 'out'] as const) {
		const facts: FilesFacts[] = [];
		for (let round = 0; round < (bench.quick ? 1 : 5); round += 1) {
			facts.push(await large(bench, direction, bytes));
		}
		const seconds = figure(facts.map(({ ms }) => ms / 1000)).median;
		measures.push({
			id: `files.large.${direction}`,
			what: `File of ${bytes / 1_000_000} MB ${direction}: growth of resident memory`,
			unit: 'MB',
			figure: figure(facts.map(({ growthMb }) => growthMb)),
			target: { most: 40 },
			note: `${(bytes / 1_000_000 / seconds).toFixed(0)} MB/s`,
		});
	}
	return measures;
}

async function timed(job: () => Promise<unknown>): Promise<number> {
	const started = performance.now();
	await job();
	return performance.now() - started;
}

/** ms of each round: the node's, and those of the same transfers by hand. */
async function small({ service, dist, quick }: Bench): Promise<readonly [number[], number[]]> {
	const node = new RunAppNode(dist, service);
	const items = await storedFiles(quick ? 200 : 1_000, SMALL_BYTES);
	const options = { ...UPLOAD, ...DOWNLOAD, concurrency: WIDTH };
	const ways = [
		async () => await node.run(FILE_APP, items, options),
		async () => await transferByHand(service, items, WIDTH),
	] as const;
	const times: readonly [number[], number[]] = [[], []];
	for (let round = -2; round < (quick ? 3 : 9); round += 1) {
		for (const index of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
			await service.reset();
			const ms = await timed(ways[index]);
			// The first rounds warm up.
			if (round >= 0) times[index].push(ms);
		}
	}
	return times;
}

export async function files(bench: Bench): Promise<Measure[]> {
	const [node, byHand] = await small(bench);
	const count = bench.quick ? 200 : 1_000;
	const perFile = (times: readonly number[]) =>
		`${((figure(times).median / count) * 1000).toFixed(0)} µs`;
	return [
		...(await memory(bench)),
		{
			id: 'files.small.ratio',
			what: `${count.toLocaleString('en-US')} small files in and out, ${WIDTH} at a time ÷ bare undici`,
			unit: '×',
			figure: ratios(node, byHand),
			target: { most: 1.5 },
			note: `${perFile(node)} per file, by hand ${perFile(byHand)}`,
		},
	];
}
