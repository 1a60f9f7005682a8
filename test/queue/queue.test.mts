/** n8n in queue mode: executions spread over two workers, one of which dies. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { CREDENTIAL } from '../e2e/demo/demoInstance.mts';
import { itemsOf } from '../e2e/examples/exampleRuns.mts';
import { API_KEY, startSandbox, type Sandbox } from '../sandbox/index.mts';
import { startFleet, type Fleet } from './fleet.mts';
import { NODE, webhookWorkflow } from './workflows.mts';

type Json = Readonly<Record<string, unknown>>;

const FROM_ROWS = { inputMode: 'item', concurrency: 5, timeout: 120, maxRetries: 3, options: {} };
const app = (value: string): Json => ({ __rl: true, mode: 'ref', value });
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

/** n8n's defaults take two minutes to notice that a worker is gone; nothing else differs. */
const QUICK_TO_NOTICE = {
	QUEUE_WORKER_LOCK_DURATION: '5000',
	QUEUE_WORKER_LOCK_RENEW_TIME: '1000',
	QUEUE_WORKER_STALLED_INTERVAL: '2000',
};

describe('queue mode', () => {
	let sandbox: Sandbox;
	let fleet: Fleet;

	beforeAll(async () => {
		sandbox = await startSandbox();
		fleet = await startFleet({
			workers: ['worker-1', 'worker-2'],
			env: QUICK_TO_NOTICE,
			say: (line) => console.log(`[queue] ${line}`),
			prepare: async (main) => {
				const data = { apiKey: API_KEY, baseUrl: sandbox.url, maxConcurrency: 0 };
				await main.importJson('credentials', [{ ...CREDENTIAL, data }]);
				await main.importJson('workflow', WORKFLOWS);
			},
		});
		for (const { id } of WORKFLOWS) {
			await fleet.rest.activate(id);
			await registered(id);
		}
	}, 300_000);
	beforeEach(() => sandbox.reset());
	afterAll(async () => {
		await fleet?.[Symbol.asyncDispose]();
		await sandbox?.close();
	});

	function post(workflow: string, rows: readonly Json[]): Promise<Response> {
		return fetch(`${fleet.main.url}/webhook/${workflow}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ rows }),
			signal: AbortSignal.timeout(120_000),
		});
	}

	/** Waits until n8n has registered a webhook: a GET is then refused for its method, not its path. */
	async function registered(workflow: string): Promise<void> {
		await until(async () => {
			const response = await fetch(`${fleet.main.url}/webhook/${workflow}`);
			return (await response.text()).includes('not registered for GET');
		});
	}

	/** Executions that a worker has begun, from its log. */
	async function begunBy(worker: string): Promise<ReadonlySet<string>> {
		const begun = (await fleet.log(worker)).matchAll(/Worker started execution (\d+)/g);
		return new Set([...begun].map(([, id = '']) => id));
	}

	async function latestExecutions(workflow: string, count: number): Promise<readonly string[]> {
		return (await fleet.rest.executions(workflow)).slice(0, count).map(({ id }) => id);
	}

	test('40 executions of Run App and Batch: every result right, every task bought once', async () => {
		const startedAt = performance.now();
		const texts = (call: number, count: number): Json[] =>
			Array.from({ length: count }, (_, row) => ({ text: `${call}/${row}`, ms: 50 }));
		const runs = Array.from({ length: 20 }, async (_, call) => {
			const response = await post('run', texts(call, 3));
			const items = (await response.json()) as Array<{ output: { echo: Json } }>;
			expect(items.map(({ output }) => output.echo)).toEqual(texts(call, 3));
		});
		const batches = Array.from({ length: 20 }, async (_, call) => {
			const response = await post('batch', texts(100 + call, 10));
			expect(await response.json()).toMatchObject([{ total: 10, succeeded: 10, failed: 0 }]);
		});
		await Promise.all([...runs, ...batches]);
		const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);

		const inputs = sandbox.tasks().map(({ input }) => JSON.stringify(input));
		expect(inputs).toHaveLength(20 * 3 + 20 * 10);
		expect(new Set(inputs).size).toBe(inputs.length);
		const [first, second] = [await begunBy('worker-1'), await begunBy('worker-2')];
		expect(first.size + second.size).toBe(40);
		expect(first.size).toBeGreaterThan(0);
		expect(second.size).toBeGreaterThan(0);
		console.log(
			`[queue] 40 executions with ${inputs.length} tasks in ${seconds} s: ${first.size} on worker-1, ${second.size} on worker-2`,
		);
	});

	test('what a node streams on a worker reaches the caller while its tasks run', async () => {
		const response = await post('stream', [{ app: 'sandbox/instant' }, { app: 'sandbox/manual' }]);
		const lines: string[] = [];
		let ended = false;
		const reading = (async () => {
			for await (const chunk of response.body ?? []) {
				lines.push(Buffer.from(chunk as Uint8Array).toString());
			}
			ended = true;
		})();
		await until(() => lines.join('').includes('\\"done\\":1'));
		await until(() => sandbox.running().length === 1);
		expect(ended).toBe(false);
		const [task] = sandbox.running();
		sandbox.finishTask(task?.id ?? '');
		await reading;
		expect(lines.join('')).toContain('\\"done\\":2');
	});

	test('Stop on the main instance cancels the tasks of the worker', async () => {
		const answer = post('manual', [{ row: 1 }, { row: 2 }, { row: 3 }]);
		await until(() => sandbox.running().length === 3);
		const [id = ''] = await latestExecutions('manual', 1);
		await fleet.rest.stop(id);
		await until(() => sandbox.running().length === 0);
		expect(sandbox.tasks().map(({ status }) => status)).toEqual(
			Array.from({ length: 3 }, () => 'cancelled'),
		);
		expect((await fleet.rest.executionOnce(id)).status).toBe('canceled');
		await (await answer).text();
	});

	test('a worker is killed: nothing is bought twice, its tasks are named in its log, the others finish', async () => {
		const calls = Array.from({ length: 8 }, async (_, call) => {
			const response = await post('manual', [
				{ call, row: 1 },
				{ call, row: 2 },
			]);
			return { status: response.status, text: await response.text() };
		});
		await until(() => sandbox.running().length === 16);
		await until(async () => {
			const logs = (await fleet.log('worker-1')) + (await fleet.log('worker-2'));
			return sandbox.running().every(({ id }) => logs.includes(id));
		});
		const executions = await latestExecutions('manual', 8);
		const begun = await begunBy('worker-1');
		const lost = executions.filter((id) => begun.has(id));
		expect(lost.length).toBeGreaterThan(0);
		expect(lost.length).toBeLessThan(8);

		const killedAt = performance.now();
		await fleet.workers.get('worker-1')?.kill();
		for (const { id } of sandbox.running()) sandbox.finishTask(id, { output: { done: true } });

		for (const id of executions) {
			const { status, data } = await fleet.rest.executionOnce(id);
			expect(status).toBe(lost.includes(id) ? 'error' : 'success');
			if (lost.includes(id)) expect(data.resultData.runData[NODE]).toBeUndefined();
		}
		const seconds = ((performance.now() - killedAt) / 1000).toFixed(1);
		const answers = await Promise.all(calls);
		expect(answers.filter(({ status }) => status === 200)).toHaveLength(8 - lost.length);
		expect(answers.filter(({ status }) => status === 500)).toHaveLength(lost.length);

		// n8n does not run them again, so no task was started twice.
		expect(sandbox.tasks()).toHaveLength(16);
		const answered = answers.flatMap(({ text }) => [...text.matchAll(/"id":"(\w+)"/g)]);
		const reported = new Set(answered.map(([, id = '']) => id));
		const log = await fleet.log('worker-1');
		for (const { id } of sandbox.tasks()) {
			if (!reported.has(id)) expect(log).toContain(id);
		}
		console.log(
			`[queue] worker-1 killed with ${lost.length} of 8 executions: n8n reported them after ${seconds} s, 16 tasks bought for 16 items`,
		);
	});

	test('a new worker takes the place of the dead one', async () => {
		await fleet.addWorker('worker-3');
		await until(async () => {
			const response = await post('run', [{ text: 'again' }]);
			expect(response.status).toBe(200);
			return (await begunBy('worker-3')).size > 0;
		});
	});

	test('a worker that is asked to stop finishes its executions first', async () => {
		const calls = Array.from({ length: 6 }, async (_, call) => await post('manual', [{ call }]));
		await until(() => sandbox.running().length === 6);
		const executions = await latestExecutions('manual', 6);
		const begun = await begunBy('worker-2');
		const own = executions.filter((id) => begun.has(id));
		expect(own.length).toBeGreaterThan(0);
		const stopped = fleet.workers.get('worker-2')?.stop();
		await until(async () => (await fleet.log('worker-2')).includes('Waiting for'));
		for (const { id } of sandbox.running()) sandbox.finishTask(id, { output: { done: true } });
		expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(
			Array.from({ length: 6 }, () => 200),
		);
		await stopped;
		expect(sandbox.tasks()).toHaveLength(6);
	});

	test('an execution that waits for the callback survives the death of all workers', async () => {
		expect((await post('callback', [{ row: 1 }, { row: 2 }])).status).toBe(200);
		await until(() => sandbox.running().length === 2);
		const [id = ''] = await latestExecutions('callback', 1);
		await fleet.rest.executionOnce(id, new Set(['waiting']));
		await fleet.workers.get('worker-3')?.kill();
		for (const task of sandbox.running()) sandbox.finishTask(task.id, { output: { done: true } });
		await fleet.addWorker('worker-4');
		const run = await fleet.rest.executionOnce(id);
		expect(run.status).toBe('success');
		expect(itemsOf(run, 'Answer')).toMatchObject(
			sandbox.tasks().map((task) => ({ id: task.id, status: 'completed', output: { done: true } })),
		);
		expect(sandbox.tasks()).toHaveLength(2);
		expect(await begunBy('worker-4')).toContain(id);
	});
});

/** Waits until something is true; the test's own time limit ends it otherwise. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
	while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}
