/** n8n in queue mode: executions spread over two workers, one of which dies. */
import { describe, expect, test } from 'vitest';

import { itemsOf } from '../e2e/examples/exampleRuns.mts';
import { until, useFleet } from './useFleet.mts';
import { app, FROM_ROWS, NODE, webhookWorkflow, type Json } from './workflows.mts';

const WORKFLOWS = [
	webhookWorkflow({
		id: 'run',
		type: 'runApp',
		parameters: { ...FROM_ROWS, app: app('sandbox/echo') },
	}),
	webhookWorkflow({
		id: 'batch',
		type: 'batch',
		parameters: { ...FROM_ROWS, app: app('sandbox/echo') },
		output: 2,
	}),
	webhookWorkflow({
		id: 'manual',
		type: 'runApp',
		parameters: { ...FROM_ROWS, app: app('sandbox/manual') },
	}),
	webhookWorkflow({
		id: 'callback',
		type: 'runApp',
		parameters: { ...FROM_ROWS, app: app('sandbox/manual'), wait: 'webhook', waitLimit: 1 },
		responseMode: 'onReceived',
	}),
	webhookWorkflow({
		id: 'stream',
		type: 'batch',
		parameters: {
			...FROM_ROWS,
			app: app('={{ $json.app }}'),
			options: { progressEvery: 1 },
		},
		responseMode: 'streaming',
		output: 2,
	}),
];

describe('queue mode', () => {
	const queue = useFleet({ workers: ['worker-1', 'worker-2'], workflows: WORKFLOWS });

	test('40 executions of Run App and Batch: every result right, every task bought once', async () => {
		const startedAt = performance.now();
		const texts = (call: number, count: number): Json[] =>
			Array.from({ length: count }, (_, row) => ({ text: `${call}/${row}`, ms: 50 }));
		const runs = Array.from({ length: 20 }, async (_, call) => {
			const response = await queue.post('run', texts(call, 3));
			const items = (await response.json()) as Array<{ output: { echo: Json } }>;
			expect(items.map(({ output }) => output.echo)).toEqual(texts(call, 3));
		});
		const batches = Array.from({ length: 20 }, async (_, call) => {
			const response = await queue.post('batch', texts(100 + call, 10));
			expect(await response.json()).toMatchObject([{ total: 10, succeeded: 10, failed: 0 }]);
		});
		await Promise.all([...runs, ...batches]);
		const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);

		const inputs = queue.sandbox.tasks().map(({ input }) => JSON.stringify(input));
		expect(inputs).toHaveLength(20 * 3 + 20 * 10);
		expect(new Set(inputs).size).toBe(inputs.length);
		const [first, second] = [await queue.begunBy('worker-1'), await queue.begunBy('worker-2')];
		expect(first.size + second.size).toBe(40);
		expect(first.size).toBeGreaterThan(0);
		expect(second.size).toBeGreaterThan(0);
		console.log(
			`[queue] 40 executions with ${inputs.length} tasks in ${seconds} s: ${first.size} on worker-1, ${second.size} on worker-2`,
		);
	});

	test('what a node streams on a worker reaches the caller while its tasks run', async () => {
		const response = await queue.post('stream', [
			{ app: 'sandbox/instant' },
			{ app: 'sandbox/manual' },
		]);
		const lines: string[] = [];
		let ended = false;
		const reading = (async () => {
			for await (const chunk of response.body ?? []) {
				lines.push(Buffer.from(chunk as Uint8Array).toString());
			}
			ended = true;
		})();
		await until(() => lines.join('').includes('\\"done\\":1'));
		await until(() => queue.sandbox.running().length === 1);
		expect(ended).toBe(false);
		const [task] = queue.sandbox.running();
		queue.sandbox.finishTask(task?.id ?? '');
		await reading;
		expect(lines.join('')).toContain('\\"done\\":2');
	});

	test('Stop on the main instance cancels the tasks of the worker', async () => {
		const answer = queue.post('manual', [{ row: 1 }, { row: 2 }, { row: 3 }]);
		await until(() => queue.sandbox.running().length === 3);
		const [id = ''] = await queue.latestExecutions('manual', 1);
		await queue.fleet.rest.stop(id);
		await until(() => queue.sandbox.running().length === 0);
		expect(queue.sandbox.tasks().map(({ status }) => status)).toEqual(
			Array.from({ length: 3 }, () => 'cancelled'),
		);
		expect((await queue.fleet.rest.executionOnce(id)).status).toBe('canceled');
		await (await answer).text();
	});

	test('a worker is killed: nothing is bought twice, its tasks are named in its log, the others finish', async () => {
		const calls = Array.from({ length: 8 }, async (_, call) => {
			const response = await queue.post('manual', [
				{ call, row: 1 },
				{ call, row: 2 },
			]);
			return { status: response.status, text: await response.text() };
		});
		await until(() => queue.sandbox.running().length === 16);
		await until(async () => {
			const logs = (await queue.fleet.log('worker-1')) + (await queue.fleet.log('worker-2'));
			return queue.sandbox.running().every(({ id }) => logs.includes(id));
		});
		const executions = await queue.latestExecutions('manual', 8);
		const begun = await queue.begunBy('worker-1');
		const lost = executions.filter((id) => begun.has(id));
		expect(lost.length).toBeGreaterThan(0);
		expect(lost.length).toBeLessThan(8);

		const killedAt = performance.now();
		await queue.fleet.workers.get('worker-1')?.kill();
		for (const { id } of queue.sandbox.running())
			queue.sandbox.finishTask(id, { output: { done: true } });

		for (const id of executions) {
			const { status, data } = await queue.fleet.rest.executionOnce(id);
			expect(status).toBe(lost.includes(id) ? 'error' : 'success');
			if (lost.includes(id)) expect(data.resultData.runData[NODE]).toBeUndefined();
		}
		const seconds = ((performance.now() - killedAt) / 1000).toFixed(1);
		const answers = await Promise.all(calls);
		expect(answers.filter(({ status }) => status === 200)).toHaveLength(8 - lost.length);
		expect(answers.filter(({ status }) => status === 500)).toHaveLength(lost.length);

		// n8n does not run them again, so no task was started twice.
		expect(queue.sandbox.tasks()).toHaveLength(16);
		const answered = answers.flatMap(({ text }) => [...text.matchAll(/"id":"(\w+)"/g)]);
		const reported = new Set(answered.map(([, id = '']) => id));
		const log = await queue.fleet.log('worker-1');
		for (const { id } of queue.sandbox.tasks()) {
			if (!reported.has(id)) expect(log).toContain(id);
		}
		console.log(
			`[queue] worker-1 killed with ${lost.length} of 8 executions: n8n reported them after ${seconds} s, 16 tasks bought for 16 items`,
		);
	});

	test('a new worker takes the place of the dead one', async () => {
		await queue.fleet.addWorker('worker-3');
		await until(async () => {
			const response = await queue.post('run', [{ text: 'again' }]);
			expect(response.status).toBe(200);
			return (await queue.begunBy('worker-3')).size > 0;
		});
	});

	test('a worker that is asked to stop finishes its executions first', async () => {
		const calls = Array.from(
			{ length: 6 },
			async (_, call) => await queue.post('manual', [{ call }]),
		);
		await until(() => queue.sandbox.running().length === 6);
		const executions = await queue.latestExecutions('manual', 6);
		const begun = await queue.begunBy('worker-2');
		const own = executions.filter((id) => begun.has(id));
		expect(own.length).toBeGreaterThan(0);
		const stopped = queue.fleet.workers.get('worker-2')?.stop();
		await until(async () => (await queue.fleet.log('worker-2')).includes('Waiting for'));
		for (const { id } of queue.sandbox.running())
			queue.sandbox.finishTask(id, { output: { done: true } });
		expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(
			Array.from({ length: 6 }, () => 200),
		);
		await stopped;
		expect(queue.sandbox.tasks()).toHaveLength(6);
	});

	test('an execution that waits for the callback survives the death of all workers', async () => {
		expect((await queue.post('callback', [{ row: 1 }, { row: 2 }])).status).toBe(200);
		await until(() => queue.sandbox.running().length === 2);
		const [id = ''] = await queue.latestExecutions('callback', 1);
		await queue.fleet.rest.executionOnce(id, new Set(['waiting']));
		await queue.fleet.workers.get('worker-3')?.kill();
		for (const task of queue.sandbox.running())
			queue.sandbox.finishTask(task.id, { output: { done: true } });
		await queue.fleet.addWorker('worker-4');
		const run = await queue.fleet.rest.executionOnce(id);
		expect(run.status).toBe('success');
		expect(itemsOf(run, 'Answer')).toMatchObject(
			queue.sandbox
				.tasks()
				.map((task) => ({ id: task.id, status: 'completed', output: { done: true } })),
		);
		expect(queue.sandbox.tasks()).toHaveLength(2);
		expect(await queue.begunBy('worker-4')).toContain(id);
	});
});
