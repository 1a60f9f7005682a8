/** How long after the service has finished a task its end is known here. */
import type { Bench, Measure } from './measures.mts';
import { bareUndici, helperPolling, officialSdk } from './rivals.mts';
import { inTurns, type Cell } from './rounds.mts';
import { figure, median, seededIntegers } from './statistics.mts';
import type { Round, Way } from './work.mts';

const WIDTH = 20;
const SEED = 5;

/** The app's output says when it ended, by the clock of this machine. */
function delays({ known }: Round): number[] {
	return known.map(({ output, at }) => at - (output as { readonly at: number }).at);
}

export async function latency({ service, batch, sdk, quick }: Bench): Promise<Measure[]> {
	const tasks = (count: number) =>
		seededIntegers(count, [50, 250], SEED).map((ms): { ms: number } => ({ ms }));
	const cell = (way: Way, count: number): Cell => ({
		way,
		work: { app: 'bench/timed', inputs: tasks(count), width: WIDTH },
	});
	const many = quick ? 100 : 200;
	const few = quick ? WIDTH : 3 * WIDTH;
	const ways: ReadonlyArray<readonly [string, Cell]> = [
		['node', cell(batch.way('Inference.sh Batch', { timed: true }), many)],
		['bare', cell(bareUndici(service), many)],
		['sdk-stream', cell(officialSdk(sdk, service, 'stream'), many)],
		[
			'node-poll',
			cell(
				batch.way('Inference.sh Batch with Follow = Poll', {
					timed: true,
					options: { follow: 'poll' },
				}),
				few,
			),
		],
		['sdk-poll', cell(officialSdk(sdk, service, 'poll'), few)],
		['helper', cell(helperPolling(service), few)],
	];
	const plan = { rounds: quick ? 1 : 3, warmUps: 0 };
	const cells = ways.map(([, each]) => each);
	const results = await inTurns(cells, plan, service);
	return ways.map(([id, { way }], index): Measure => {
		const rounds = results[index] ?? [];
		const all = rounds.flatMap(delays).sort((left, right) => left - right);
		const late = all[Math.floor(all.length * 0.95)] ?? Number.NaN;
		return {
			id: `latency.${id}`,
			what: `Service finished → ${way.name} knows`,
			unit: 'ms',
			figure: figure(rounds.map((round) => median(delays(round)))),
			...(id === 'node' && { target: { most: 5 } }),
			note: `95th percentile ${late.toFixed(1)} ms`,
		};
	});
}
