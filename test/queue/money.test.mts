/** What n8n in queue mode does with an account's money and its plan. */
import { describe, expect, test } from 'vitest';

import { until, useFleet } from './useFleet.mts';
import { app, FROM_ROWS, webhookWorkflow, type Json } from './workflows.mts';

const PLAN = 5;
const batch = (id: string, options: Json) =>
	webhookWorkflow({
		id,
		type: 'batch',
		parameters: {
			...FROM_ROWS,
			app: app('sandbox/sleep'),
			...(id === 'adapting' && { concurrency: 50 }),
			options,
		},
		output: 2,
	});
const WORKFLOWS = [
	batch('reusing', { reuse: 'completedOrRunning' }),
	batch('adapting', { adaptConcurrency: true }),
];

describe('queue mode', () => {
	// Of two executions each has a worker of its own.
	const queue = useFleet({
		workers: ['worker-1', 'worker-2'],
		workerConcurrency: 1,
		workflows: WORKFLOWS,
	});

	test('two workers come to equal shares of one plan, and leave little waiting', async () => {
		const { sandbox } = queue;
		sandbox.configure({ schedulerLimit: PLAN });
		const naps = (batch: number) =>
			Array.from({ length: 120 }, (_, row) => ({
				ms: 200 + (row % 5) * 50,
				value: { batch, row },
			}));
		const answers = await Promise.all(
			[0, 1].map(async (number): Promise<unknown> => {
				const response = await queue.post('adapting', naps(number));
				return await response.json();
			}),
		);
		const whole = { total: 120, succeeded: 120 };
		expect(answers).toMatchObject([[whole], [whole]]);
		const [first, second] = [await queue.begunBy('worker-1'), await queue.begunBy('worker-2')];
		expect([first.size, second.size]).toEqual([1, 1]);

		const tasks = sandbox
			.tasks()
			.map(({ input, createdAt, startedAt = NaN, finishedAt = NaN }) => ({
				...{ createdAt, startedAt, finishedAt },
				batch: batchOf(input),
			}));
		expect(tasks).toHaveLength(240);
		const of = (number: number) => tasks.filter(({ batch }) => batch === number);
		const begins = [0, 1].map((number) => Math.min(...of(number).map((task) => task.createdAt)));
		const ends = [0, 1].map((number) => Math.max(...of(number).map((task) => task.finishedAt)));
		// As long as both were at work.
		const [from, to] = [Math.max(...begins), Math.min(...ends)];
		const within = tasks.filter(({ finishedAt }) => finishedAt > from && finishedAt <= to);
		const share = within.filter(({ batch }) => batch === 0).length / within.length;
		expect(share).toBeGreaterThan(0.35);
		expect(share).toBeLessThan(0.65);
		const wall = Math.max(...ends) - Math.min(...begins);
		const waited = tasks.reduce((sum, task) => sum + task.startedAt - task.createdAt, 0) / wall;
		const perfect = tasks.reduce((sum, task) => sum + task.finishedAt - task.startedAt, 0) / PLAN;
		expect(waited).toBeLessThan(PLAN);
		console.log(
			`[queue] two workers, plan of ${PLAN}: shares ${percent(share)} and ${percent(1 - share)}, ${waited.toFixed(1)} tasks waiting on average, time ${(wall / perfect).toFixed(2)} of the shortest possible`,
		);
	});

	test('a worker is killed in the middle of 200 items: run again, only the others are bought', async () => {
		const { sandbox, fleet } = queue;
		const rows = Array.from({ length: 200 }, (_, row) => ({ ms: 60, value: row }));
		const lost = queue.post('reusing', rows);
		await until(() => sandbox.tasks().length >= 80);
		const [id = ''] = await queue.latestExecutions('reusing', 1);
		const worker = (await queue.begunBy('worker-1')).has(id) ? 'worker-1' : 'worker-2';
		await fleet.workers.get(worker)?.kill();
		const bought = sandbox.tasks().length;
		expect(bought).toBeLessThan(200);

		// n8n needs half a minute to notice, and then keeps nothing that could be retried.
		const again = await queue.post('reusing', rows);
		expect(await again.json()).toMatchObject([
			{ total: 200, succeeded: 200, failed: 0, reused: bought },
		]);
		const inputs = sandbox.tasks().map(({ input }) => JSON.stringify(input));
		expect(inputs).toHaveLength(200);
		expect(new Set(inputs).size).toBe(200);
		expect((await fleet.rest.executionOnce(id)).status).toBe('error');
		await (await lost).text();
		console.log(`[queue] ${worker} killed with ${bought} of 200 bought: 200 bought in the end`);
	});
});

function batchOf(input: unknown): unknown {
	return (input as { value: { batch: number } }).value.batch;
}

function percent(share: number): string {
	return `${Math.round(share * 100)} %`;
}
