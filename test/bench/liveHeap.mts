/** A large download in a process that holds much: how long it takes beside undici, and its memory. */
import { fork } from 'node:child_process';
import path from 'node:path';
import type { LiveHeapFacts } from './liveHeapProcess.mts';
import type { Bench, Measure } from './measures.mts';
import { figure, ratios } from './statistics.mts';

const BYTES = 300_000_000;
const LIVE_MB = 400;

type Way = 'node' | 'byHand';

async function downloaded(bench: Bench, bytes: number, first: Way): Promise<LiveHeapFacts> {
	const { service, dist } = bench;
	await service.reset();
	const child = fork(
		path.join(import.meta.dirname, 'liveHeapProcess.mts'),
		[dist, service.url, service.apiKey, String(bytes), String(LIVE_MB), first],
		{ execArgv: [], timeout: 240_000 },
	);
	return await new Promise((resolve, reject) => {
		child.once('message', (facts) => resolve(facts as LiveHeapFacts));
		child.once('exit', (code) => reject(new Error(`The download ended with ${code}`)));
	});
}

export async function liveHeap(bench: Bench): Promise<Measure[]> {
	const bytes = bench.quick ? BYTES / 10 : BYTES;
	const facts: Record<Way, LiveHeapFacts[]> = { node: [], byHand: [] };
	for (let round = 0; round < (bench.quick ? 1 : 4); round += 1) {
		// Each goes first in turn.
		for (const first of ['node', 'byHand'] as const) {
			facts[first].push(await downloaded(bench, bytes, first));
		}
	}
	const all = [...facts.node, ...facts.byHand];
	const growth = (first: Way) => figure(facts[first].map(({ growthMb }) => growthMb));
	const what = `Download of ${bytes / 1_000_000} MB beside ${LIVE_MB} MB in use`;
	return [
		{
			id: 'liveHeap.ratio',
			what: `${what} ÷ bare undici to a file: time`,
			unit: '×',
			figure: ratios(
				all.map(({ nodeMs }) => nodeMs),
				all.map(({ byHandMs }) => byHandMs),
			),
			target: { most: 1.15 },
		},
		{
			id: 'liveHeap.memory',
			what: `${what}: growth of resident memory`,
			unit: 'MB',
			figure: growth('node'),
			target: { most: 40 },
			note: `bare undici ${growth('byHand').median.toFixed(0)} MB`,
		},
	];
}
