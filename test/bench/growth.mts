/** What one item costs among few and among many: time, memory, pauses. */
import { fork } from 'node:child_process';
import path from 'node:path';
import type { Bench, Measure } from './measures.mts';
import { inTurns, type Cell } from './rounds.mts';
import type { GrowthFacts } from './growthProcess.mts';
import { figure, ratios } from './statistics.mts';
import { texts, type Known, type Way, type Work } from './work.mts';

const APP = 'sandbox/instant';
const WIDTH = 50;

/** Sizes, and how many runs of each make one round: small ones are over before one can look. */
const TIMED = [
	{ items: 100, runs: 10 },
	{ items: 1_000, runs: 2 },
	{ items: 10_000, runs: 1 },
] as const;

/** Memory and pauses of one size, in a process that has done nothing else. */
async function grow(bench: Bench, items: number): Promise<GrowthFacts> {
	const { service, dist } = bench;
	await service.reset();
	const child = fork(
		path.join(import.meta.dirname, 'growthProcess.mts'),
		[dist, service.url, service.apiKey, APP, String(items), String(WIDTH)],
		{ execArgv: [], timeout: 180_000 },
	);
	return await new Promise((resolve, reject) => {
		child.once('message', (facts) => resolve(facts as GrowthFacts));
		child.once('exit', (code) => reject(new Error(`A batch of ${items} exited with ${code}`)));
	});
}

/** Does work in several runs of some of it. */
async function inRuns(way: Way, work: Work, part: Work['inputs']): Promise<Known[]> {
	const known: Known[] = [];
	while (known.length < work.inputs.length) {
		known.push(...(await way.run({ ...work, inputs: part.slice(0, work.inputs.length) })));
	}
	return known;
}

/** µs per item, by size, one number for each round. */
async function timePerItem({ service, batch, quick }: Bench): Promise<number[][]> {
	const way = batch.way('Inference.sh Batch', { timed: false });
	const plan = { rounds: quick ? 2 : 7, warmUps: 1 };
	const warmUp = { app: APP, inputs: texts(200), width: WIDTH };
	const cells = TIMED.map(({ items, runs }): Cell => {
		const inputs = texts(items);
		const work = { app: APP, inputs: texts(items * runs), width: WIDTH };
		return {
			work,
			warmUp,
			way: { name: way.name, run: async (all) => await inRuns(way, all, inputs) },
		};
	});
	const results = await inTurns(cells, plan, service);
	return results.map((rounds) => rounds.map(({ ms, known }) => (ms / known.length) * 1000));
}

export async function growth(bench: Bench): Promise<Measure[]> {
	const times = await timePerItem(bench);
	const [hundred = [], , tenThousand = []] = times;
	const measures: Measure[] = [
		{
			id: 'growth.ratio',
			what: 'Time per item among 10,000 items ÷ among 100',
			unit: '×',
			figure: ratios(tenThousand, hundred),
			target: { most: 1.2 },
		},
	];
	const sizes = [...TIMED.map(({ items }) => items), ...(bench.quick ? [] : [50_000, 100_000])];
	for (const [index, items] of sizes.entries()) {
		const facts = await grow(bench, items);
		const of = `${items.toLocaleString('en-US')} items`;
		measures.push(
			{
				id: `growth.${items}.time`,
				what: `${of}: time per item`,
				unit: 'µs',
				figure: figure(times[index] ?? [facts.usPerItem]),
			},
			{
				id: `growth.${items}.memory`,
				what: `${of}: most memory in use beyond the results`,
				unit: 'MB',
				figure: figure([facts.workingMb]),
				note: `results ${facts.resultsMb.toFixed(1)} MB, kept afterwards ${facts.keptMb.toFixed(1)} MB, resident +${facts.residentMb.toFixed(0)} MB`,
			},
			{
				id: `growth.${items}.pause`,
				what: `${of}: longest pause of the event loop`,
				unit: 'ms',
				figure: figure([facts.longestPauseMs]),
			},
		);
	}
	return measures;
}
