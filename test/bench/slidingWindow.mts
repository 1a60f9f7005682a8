/** Tasks of different lengths: how close the node's window comes to a perfect one. */
import type { Bench, Measure } from './measures.mts';
import { bareUndici } from './rivals.mts';
import { inTurns } from './rounds.mts';
import { figure, seededIntegers } from './statistics.mts';

const WIDTH = 20;
const SEED = 20_260;
const SHORTEST_MS = 50;
const LONGEST_MS = 950;

/** When the last task ends if each one starts the moment a place is free, ms. */
export function perfectWindow(durations: readonly number[], width: number): number {
	const places = new Array<number>(width).fill(0);
	for (const duration of durations) {
		const first = places.indexOf(Math.min(...places));
		places[first] = (places[first] ?? 0) + duration;
	}
	return Math.max(...places);
}

/** The same in groups, each of which waits for its slowest task: Loop Over Items. */
export function perfectBarrier(durations: readonly number[], width: number): number {
	let total = 0;
	for (let start = 0; start < durations.length; start += width) {
		total += Math.max(...durations.slice(start, start + width));
	}
	return total;
}

export async function slidingWindow({ service, batch, quick }: Bench): Promise<Measure[]> {
	const count = quick ? 100 : 400;
	const durations = seededIntegers(count, [SHORTEST_MS, LONGEST_MS], SEED);
	const perfect = perfectWindow(durations, WIDTH);
	const inputs = durations.map((ms) => ({ ms }));
	const work = { app: 'sandbox/sleep', inputs, width: WIDTH };
	const ways = [batch.way('Inference.sh Batch', { timed: false }), bareUndici(service)];
	const warmUp = { ...work, inputs: inputs.slice(0, 200).map(() => ({ ms: 10 })) };
	const cells = ways.map((way) => ({ way, work, warmUp }));
	const plan = { rounds: quick ? 1 : 3, warmUps: 1 };
	const [node = [], bare = []] = await inTurns(cells, plan, service);
	const about = `${count} tasks of ${SHORTEST_MS} to ${LONGEST_MS} ms, ${WIDTH} at once`;
	const note = `a perfect window takes ${(perfect / 1000).toFixed(2)} s`;
	const toPerfect = (rounds: typeof node) => figure(rounds.map(({ ms }) => ms / perfect));
	return [
		{
			id: 'window.node',
			what: `Batch ÷ perfect window: ${about}`,
			unit: '×',
			figure: toPerfect(node),
			target: { most: 1.03 },
			note,
		},
		{
			id: 'window.bare',
			what: 'bare undici ÷ perfect window, same tasks',
			unit: '×',
			figure: toPerfect(bare),
		},
		{
			id: 'window.barrier',
			what: `groups of ${WIDTH} that wait for their slowest (Loop Over Items), at best`,
			unit: '×',
			figure: figure([perfectBarrier(durations, WIDTH) / perfect]),
			note: 'computed from the durations, no request takes any time',
		},
	];
}
