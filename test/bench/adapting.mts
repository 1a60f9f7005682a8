/** Two batches that share a plan and know nothing of each other: what Adapt Concurrency makes of it. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Bench, Curve, Measure } from './measures.mts';
import type { TaskSpan } from './serviceProcess.mts';
import { figure, median } from './statistics.mts';

const PLAN = 5;
const NODES = [0, 1] as const;
/** Of each node; what is below uses the plan badly, what is above only makes more wait. */
const FIXED = [2, 3, 4, 5, 10, 25, 50] as const;
const LONGEST_MS = 300_000;
const STEP_MS = 100;

/** What became of one play. */
interface Outcome {
	readonly wallMs: number;
	/** Tasks that wait at the service, on average over the time. */
	readonly waiting: number;
	readonly spans: readonly TaskSpan[];
}

/** @param width of each node; undefined for Adapt Concurrency */
async function play(bench: Bench, items: number, width?: number): Promise<Outcome> {
	const { service, dist } = bench;
	await service.reset({ plan: PLAN });
	const children = NODES.map((node) =>
		fork(
			path.join(import.meta.dirname, 'adaptingProcess.mts'),
			[dist, service.url, service.apiKey, `${node}`, `${items}`, `${width ?? ''}`],
			{ execArgv: [], timeout: LONGEST_MS },
		),
	);
	await all(children, async (child) => void (await once(child, 'message')));
	const started = performance.now();
	await all(children, async (child) => {
		child.send('go');
		await once(child, 'message');
	});
	const wallMs = performance.now() - started;
	const spans = await service.spans();
	if (spans.length !== items * NODES.length) throw new Error(`${spans.length} tasks have ended`);
	const waited = spans.reduce((sum, span) => sum + span.startedAt - span.createdAt, 0);
	return { wallMs, waiting: waited / wallMs, spans };
}

/** Does a job for each child, unless one of them dies. */
async function all(
	children: readonly ChildProcess[],
	job: (child: ChildProcess) => Promise<void>,
): Promise<void> {
	await Promise.all(
		children.map(async (child) => {
			const dead = once(child, 'exit').then(([code]) => {
				if (code !== 0) throw new Error(`A batch exited with ${String(code)}`);
			});
			await Promise.race([job(child), dead]);
		}),
	);
}

/** How many tasks each node has in flight, and how many of them wait. */
function curvesOf(spans: readonly TaskSpan[]): Curve[] {
	const begin = Math.min(...spans.map(({ createdAt }) => createdAt));
	const end = Math.max(...spans.map(({ finishedAt }) => finishedAt));
	const steps = Array.from(
		{ length: Math.ceil((end - begin) / STEP_MS) + 1 },
		(_, n) => n * STEP_MS,
	);
	const count = (name: string, has: (span: TaskSpan, at: number) => boolean): Curve => ({
		name,
		points: steps.map((at) => [at / 1_000, spans.filter((span) => has(span, begin + at)).length]),
	});
	return [
		...NODES.map((node) =>
			count(
				`Node ${node + 1}: in flight`,
				({ createdAt, finishedAt, input }, at) =>
					createdAt <= at && at < finishedAt && (input as { node: number }).node === node,
			),
		),
		count(
			'Waiting at the service',
			({ createdAt, startedAt }, at) => createdAt <= at && at < startedAt,
		),
	];
}

export async function adapting(bench: Bench): Promise<Measure[]> {
	const { quick } = bench;
	const items = quick ? 30 : 150;
	const fixed: Array<Outcome & { readonly width: number }> = [];
	for (const width of quick ? ([3, 50] as const) : FIXED) {
		fixed.push({ width, ...(await play(bench, items, width)) });
	}
	const best = fixed.reduce((left, right) => (right.wallMs < left.wallMs ? right : left));
	const rounds: Outcome[] = [];
	for (let round = 0; round < (quick ? 1 : 3); round += 1) rounds.push(await play(bench, items));
	const walls = rounds.map(({ wallMs }) => wallMs / best.wallMs);
	const shown = rounds[walls.indexOf(median(walls))];
	const of = `Adapt Concurrency, plan of ${PLAN}, two processes`;
	const found = fixed.map(({ width, wallMs, waiting }) => {
		return `${width}: ${(wallMs / best.wallMs).toFixed(2)}, ${waiting.toFixed(1)} waiting`;
	});
	return [
		{
			id: 'adapting.time',
			what: `${of}: time ÷ the best fixed width's`,
			unit: '×',
			figure: figure(walls),
			target: { most: 1.05 },
			note: `fixed widths of each: ${found.join('; ')}`,
			...(shown && { curves: curvesOf(shown.spans) }),
		},
		{
			id: 'adapting.waiting',
			what: 'the same: tasks waiting at the service, mean',
			unit: '',
			figure: figure(rounds.map(({ waiting }) => waiting)),
			target: { most: 2 },
			note: `with the best fixed width, ${best.width}: ${best.waiting.toFixed(1)}`,
			curves: curvesOf(best.spans),
		},
	];
}
