/** Tasks per second when the service takes no time, and requests per task. */
import type { Bench, Measure } from './measures.mts';
import { bareNode, bareUndici, helperPolling, officialSdk } from './rivals.mts';
import { inTurns, type Cell } from './rounds.mts';
import { figure, ratios, type Figure } from './statistics.mts';
import { texts, type Round, type Way } from './work.mts';

const TASKS = 1_000;
/** Enough for ways whose time is their waiting: a window full of them. */
const WAITING_TASKS = 50;
const WIDTH = 50;

/** An app without run time, by what following its task takes. */
const APPS = [
	{ key: 'two', app: 'sandbox/echo', requests: 2, said: 'submit + stream' },
	{ key: 'one', app: 'sandbox/instant', requests: 1, said: 'over in the submit answer' },
] as const;

type App = (typeof APPS)[number];

function perSecond(rounds: readonly Round[]): number[] {
	return rounds.map(({ ms, known }) => (known.length / ms) * 1000);
}

function cpuMs(rounds: readonly Round[]): number[] {
	return rounds.map((round) => round.cpuMs);
}

function cpuPerTask(rounds: readonly Round[]): Figure {
	return figure(rounds.map(({ cpuMs, known }) => (cpuMs / known.length) * 1000));
}

export async function throughput(bench: Bench): Promise<Measure[]> {
	const { service, batch, sdk, quick } = bench;
	const node = batch.way('Inference.sh Batch', { timed: false });
	const bare = bareUndici(service);
	const hosted = bareNode(service);
	const stream = officialSdk(sdk, service, 'stream');
	const poll = officialSdk(sdk, service, 'poll');
	const helper = helperPolling(service);
	const slowRounds = quick ? 1 : 3;
	const measures: Measure[] = [];
	for (const app of APPS) {
		const fast = (way: Way): Cell => ({
			way,
			work: { app: app.app, inputs: texts(TASKS), width: WIDTH },
		});
		const waiting = (way: Way): Cell => ({
			way,
			work: { app: app.app, inputs: texts(WAITING_TASKS), width: WIDTH },
			rounds: slowRounds,
			warmUp: 'none',
		});
		const cells =
			app.requests === 2
				? [fast(node), fast(bare), fast(stream), waiting(poll), waiting(helper)]
				: // In poll mode the SDK waits for ever for a change of a task that is already over.
					[fast(node), fast(bare), fast(stream), fast(helper)];
		const pair = [...cells.slice(0, 2), fast(hosted)];
		const pairPlan = quick ? { rounds: 15, warmUps: 15 } : { rounds: 41, warmUps: 25 };
		const [nodes = [], bares = [], hosteds = []] = await inTurns(pair, pairPlan, service);
		const restPlan = quick ? { rounds: 3, warmUps: 1 } : { rounds: 9, warmUps: 3 };
		const [again = [], ...rest] = await inTurns([fast(node), ...cells.slice(2)], restPlan, service);
		measures.push(...report(app, cells, [nodes, bares, ...rest], again));
		measures.push(...hostRows(app, nodes, bares, hosteds));
		if (app.requests === 1) measures.push(pollNeverSettles(app));
		measures.push(await requestsPerTask(bench, app));
	}
	measures.push(...(await withRunTime(bench)));
	return measures;
}

/** Tasks that do take some time: what the node itself costs disappears in it. */
async function withRunTime({ service, batch, quick }: Bench): Promise<Measure[]> {
	const ms = 25;
	const inputs = Array.from({ length: TASKS }, () => ({ ms }));
	const work = { app: 'sandbox/sleep', inputs, width: WIDTH };
	const ways = [batch.way('Inference.sh Batch', { timed: false }), bareUndici(service)];
	const cells = ways.map((way): Cell => ({ way, work, warmUp: 'none' }));
	const plan = { rounds: quick ? 2 : 7, warmUps: 0 };
	const [node = [], bare = []] = await inTurns(cells, plan, service);
	return [
		{
			id: 'throughput.short.node-to-bare',
			what: `Batch ÷ bare undici: ${TASKS} tasks of ${ms} ms, ${WIDTH} at once`,
			unit: '×',
			figure: ratios(perSecond(node), perSecond(bare)),
			note: `Batch ${Math.round(figure(perSecond(node)).median)} tasks/s`,
		},
	];
}

/** `batch`, `bare-undici`, `official-sdk-stream`, … */
function idOf(way: Way): string {
	return way.name.toLowerCase().replace(/[^a-z]+/g, '-');
}

/** @param again the node's rounds beside all but bare undici */
function report(
	app: App,
	cells: readonly Cell[],
	results: readonly Round[][],
	again: readonly Round[],
): Measure[] {
	const [node = [], bare = [], sdk = []] = results;
	const about = `${TASKS} instant tasks, ${WIDTH} at once, ${app.said}`;
	return [
		...cells.map(({ way, work }, index): Measure => {
			const rounds = results[index] ?? [];
			const fewer = work.inputs.length < TASKS ? `, ${work.inputs.length} tasks` : '';
			return {
				id: `throughput.${app.key}.${idOf(way)}`,
				what: `${way.name} (${app.said}${fewer})`,
				unit: 'tasks/s',
				figure: figure(perSecond(rounds)),
				note: `${Math.round(cpuPerTask(rounds).median)} µs of CPU per task`,
			};
		}),
		{
			id: `throughput.${app.key}.node-to-bare`,
			what: `Batch ÷ bare undici: ${about}`,
			unit: '×',
			figure: ratios(perSecond(node), perSecond(bare)),
			target: { least: 0.85 },
		},
		{
			id: `throughput.${app.key}.node-to-bare-cpu`,
			what: `Batch ÷ bare undici, by CPU time of the process: ${about}`,
			unit: '×',
			figure: ratios(cpuMs(bare), cpuMs(node)),
			target: { least: 0.85 },
			note: 'steadier than time; an item of n8n costs more than its requests',
		},
		{
			id: `throughput.${app.key}.node-to-sdk`,
			what: `Batch ÷ official SDK (stream): ${about}`,
			unit: '×',
			figure: ratios(perSecond(again), perSecond(sdk)),
			target: { least: 1.5 },
		},
	];
}

/** What n8n itself costs: the same requests in a node that does nothing else. */
function hostRows(
	{ key, said }: App,
	nodes: readonly Round[],
	bares: readonly Round[],
	hosteds: readonly Round[],
): Measure[] {
	return [
		{
			id: `throughput.${key}.host-to-bare-cpu`,
			what: `bare undici in a node ÷ bare undici, by CPU time: ${said}`,
			unit: '×',
			figure: ratios(cpuMs(bares), cpuMs(hosteds)),
			note: `${Math.round(cpuPerTask(hosteds).median)} µs of CPU per task`,
		},
		{
			id: `throughput.${key}.node-to-host-cpu`,
			what: `Batch ÷ bare undici in a node, by CPU time: ${said}`,
			unit: '×',
			figure: ratios(cpuMs(hosteds), cpuMs(nodes)),
		},
	];
}

function pollNeverSettles(app: App): Measure {
	return {
		id: `throughput.${app.key}.official-sdk-poll`,
		what: `official SDK, poll (${app.said})`,
		unit: 'tasks/s',
		figure: figure([Number.NaN]),
		note: 'not run: it never settles a task that is over in the submit answer',
	};
}

async function requestsPerTask({ service, batch }: Bench, app: App): Promise<Measure> {
	const tasks = 200;
	const node = batch.way('Inference.sh Batch', { timed: false });
	await service.reset({ record: true });
	await node.run({ app: app.app, inputs: texts(tasks), width: WIDTH });
	return {
		id: `requests.${app.key}`,
		what: `Requests per task, no faults (${app.said})`,
		unit: '',
		figure: figure([(await service.requests()) / tasks]),
		target: { most: app.requests },
	};
}
