/** Run App, waiting for the callback: what is done before the execution waits. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { RunApp } from '../../../nodes/RunApp/RunApp.node.ts';
import { StreamTask } from '../../../nodes/StreamTask/StreamTask.node.ts';
import { NODE_NAME, runNode, type EngineRun } from '../../engine/engine.mts';
import {
	clock,
	credentialsOf,
	everythingSaid,
	FROM_ITEM,
	jsonOf,
	objectIn,
	QUICK,
	runApp,
	submissions,
	type RunAppOptions,
	useSandbox,
} from '../../engine/support.mts';
import { until } from '../../until.mts';
import { jsons, WaitingExecution } from '../../engine/waitingEngine.mts';

const sandbox = useSandbox({ webhookCopies: 0 });

const MANUAL = { app: 'sandbox/manual', input: {} };
const echo = (text: string) => ({ app: 'sandbox/echo', input: { text } });

/** Runs each item's app with Wait "For the Callback". */
async function runWaiting(items: object[], options: RunAppOptions = {}): Promise<EngineRun> {
	return await runApp(sandbox(), {
		items: items.map((json) => ({ json: { ...json } })),
		app: FROM_ITEM.app,
		mode: 'webhook',
		...options,
		parameters: { ...FROM_ITEM.parameters, wait: 'webhook', ...options.parameters },
	});
}

function waitingRun(run: EngineRun): WaitingExecution {
	return new WaitingExecution(run, new RunApp(), { credentials: credentialsOf(sandbox()) });
}

const taskIds = () =>
	sandbox()
		.tasks()
		.map(({ id }) => id);
const statuses = () =>
	sandbox()
		.tasks()
		.map(({ status }) => status);

describe('waiting for the callback', () => {
	it('starts every task with the URL that resumes the execution, and waits for a day', async () => {
		const before = Date.now();
		const run = await runWaiting([MANUAL, MANUAL, MANUAL], {
			executionId: '4711',
			resumeBaseUrl: 'http://localhost:9/webhook-waiting',
			nodeFields: { id: 'node/1' },
		});
		expect(run.status).toBe('waiting');
		const urls = new Set(submissions(sandbox()).map(({ webhook }) => String(webhook)));
		expect([...urls]).toEqual([
			expect.stringMatching(
				/^http:\/\/localhost:9\/webhook-waiting\/4711\/node%2F1\?signature=[0-9a-f]{64}$/,
			),
		]);
		const hours = (waitingRun(run).waitTill - before) / 3_600_000;
		expect(hours).toBeGreaterThanOrEqual(24);
		expect(hours).toBeLessThan(24.1);
		expect(everythingSaid(run)).not.toContain(sandbox().apiKey);
	});

	it('waits as long as it is told to', async () => {
		const before = Date.now();
		const run = await runWaiting([MANUAL], { parameters: { waitLimit: 0.5 } });
		const minutes = (waitingRun(run).waitTill - before) / 60_000;
		expect(minutes).toBeGreaterThanOrEqual(30);
		expect(minutes).toBeLessThan(31);
	});

	it('does not wait if all tasks have ended when the last one is submitted', async () => {
		const run = await runWaiting([echo('a'), { app: 'sandbox/instant', input: {} }]);
		expect(run.status).toBe('success');
		expect(jsonOf(run)).toMatchObject([
			{ status: 'completed', output: { echo: { text: 'a' } }, app: 'sandbox/echo' },
			{ status: 'completed', output: { text: 'instant' }, run: { attempts: 1, via: 'poll' } },
		]);
	});

	it('puts out whole tasks if asked to', async () => {
		const run = await runWaiting([echo('a')], { options: { fullTask: true } });
		expect(jsonOf(run)).toMatchObject([
			{ status: 'completed', events: expect.anything() as unknown },
		]);
	});

	it.each([
		{
			what: 'a tool of an AI agent',
			options: { nodeFields: { type: 'n8n-nodes-inferencesh.runAppTool' } },
			message: '"Wait" set to "For the Callback" cannot be used in a tool of an AI agent',
			description: 'In a tool, set "Wait" to "For the Result".',
		},
		{
			what: 'a workflow that was never saved',
			options: {
				adjustContext: (context) => {
					Object.assign(context, { getWorkflow: () => ({ active: false }) });
				},
			},
			message: '"Wait" set to "For the Callback" works in saved workflows only',
			description: 'Save the workflow and run it again.',
		},
		{
			what: 'an n8n that nobody can call',
			options: {
				credentials: { apiKey: 'inf_x', baseUrl: 'https://api.inference.sh', maxConcurrency: 0 },
				resumeBaseUrl: 'http://localhost:5678/webhook-waiting',
			},
			message:
				'"Wait" set to "For the Callback" cannot work: the service cannot call this n8n at http://localhost:5678',
			description: expect.stringContaining('WEBHOOK_URL') as string,
		},
		{
			what: 'a limit that is none',
			options: { parameters: { waitLimit: -1 } },
			message: 'Parameter "Wait at Most (Hours)" must be a number from 0.001 to 8760, but is -1',
			description: undefined,
		},
	] satisfies Array<{
		what: string;
		options: RunAppOptions;
		message: string;
		description: string | undefined;
	}>)('starts nothing in $what', async ({ options, message, description }) => {
		const run = await runWaiting([MANUAL], options);
		expect(run.status).toBe('error');
		expect(run.error?.message).toBe(message);
		if (description !== undefined) expect(run.error?.description).toEqual(description);
		expect(sandbox().requests).toEqual([]);
	});

	it('makes failure items of such errors if the node is set to continue', async () => {
		const run = await runWaiting([MANUAL, MANUAL], {
			nodeFields: { type: 'n8n-nodes-inferencesh.runAppTool' },
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run)).toMatchObject([
			{ error: expect.stringContaining('AI agent') as string, details: { item_index: 0 } },
			{ error: expect.stringContaining('AI agent') as string, details: { item_index: 1 } },
		]);
	});

	it('does not share the callback with a webhook of the user', async () => {
		const run = await runWaiting([MANUAL], { options: { webhook: 'https://example.com/done' } });
		expect(run.error?.message).toBe(
			'Parameter "Task: Webhook URL" cannot be used while "Wait" is "For the Callback", which needs it itself [item 0]',
		);
		expect(sandbox().tasks()).toEqual([]);
	});

	it('cancels what it has started when it is stopped meanwhile', async () => {
		sandbox().configure({ latencyMs: 30 });
		const run = await runWaiting(
			Array.from({ length: 20 }, () => MANUAL),
			{
				parameters: { concurrency: 2 },
				cancelAfter: until(() => sandbox().tasks().length >= 6),
			},
		);
		expect(run.status).toBe('canceled');
		await until(() => sandbox().running().length === 0);
		expect(run.error?.description).toContain(
			'was stopped with the execution. The task was cancelled.',
		);
		expect(sandbox().tasks().length).toBeLessThan(20);
		expect(new Set(statuses())).toEqual(new Set(['cancelled']));
	});

	it('says which tasks could not be cancelled when it is stopped, and that they may still run', async () => {
		sandbox().configure({ latencyMs: 30 });
		sandbox().fault({ on: 'POST /tasks/:id/cancel', kind: 'status', status: 403, times: 99 });
		const run = await runWaiting(
			Array.from({ length: 20 }, () => MANUAL),
			{
				parameters: { concurrency: 2 },
				cancelAfter: until(() => sandbox().tasks().length >= 6),
			},
		);
		expect(run.error?.description).toMatch(
			/Task \w+ was stopped with the execution\. The task could not be cancelled \(.+\) and may still be running\./,
		);
		expect(run.error?.description).not.toContain('was left running');
	});

	it('does not say that it cancelled a task that was over when it was stopped', async () => {
		sandbox().configure({ latencyMs: 30 });
		sandbox().fault({ on: 'POST /tasks/:id/cancel', kind: 'status', status: 409, times: 99 });
		const run = await runWaiting(
			Array.from({ length: 20 }, () => MANUAL),
			{
				parameters: { concurrency: 2 },
				cancelAfter: until(() => sandbox().tasks().length >= 6).then(() => {
					sandbox().finishTask(taskIds()[0] ?? '');
				}),
			},
		);
		const [over = ''] = taskIds();
		expect(run.error?.description).toContain(
			`Task ${over} was stopped with the execution. The task was already over.`,
		);
	});

	it('keeps it when it is stopped, if On Stop says so', async () => {
		sandbox().configure({ latencyMs: 30 });
		const run = await runWaiting(
			Array.from({ length: 20 }, () => MANUAL),
			{
				parameters: { concurrency: 2 },
				options: { onStop: 'keep' },
				cancelAfter: until(() => sandbox().tasks().length >= 6),
			},
		);
		expect(run.status).toBe('canceled');
		expect(run.error?.description).toContain('The task was left running.');
		expect(
			sandbox()
				.tasks()
				.every(({ cancelRequestedAt }) => cancelRequestedAt === undefined),
		).toBe(true);
	});

	it('fails and cancels the other tasks if one cannot be started', async () => {
		const run = await runWaiting([MANUAL, MANUAL, { app: 'sandbox/none', input: {} }, MANUAL], {
			parameters: { concurrency: 1 },
		});
		expect(run.status).toBe('error');
		expect(objectIn(run.raw.data.resultData as never, 'error')['context']).toMatchObject({
			itemIndex: 2,
		});
		await until(() => sandbox().running().length === 0);
		expect(statuses()).toEqual(['cancelled', 'cancelled']);
	});

	it('fails and cancels the other tasks if one has failed by the end of the submission', async () => {
		const failing = { app: 'sandbox/fail', input: { message: 'too small' } };
		const run = await runWaiting([MANUAL, failing, MANUAL]);
		const [, failed = ''] = taskIds();
		expect(run.status).toBe('error');
		expect(run.error?.message).toBe(`Task ${failed} failed: too small`);
		await until(() => sandbox().running().length === 0);
		expect(statuses()).toEqual(['cancelled', 'failed', 'cancelled']);
	});

	it('names the first of several failed tasks, whichever is found first', async () => {
		const failing = { app: 'sandbox/fail', input: { message: 'too small' } };
		sandbox().fault({ on: 'GET /tasks/:id/status', kind: 'delay', when: 'before', ms: 100 });
		const run = await runWaiting([failing, failing], { parameters: { concurrency: 2 } });
		expect(run.error?.message).toBe(`Task ${taskIds()[0]} failed: too small`);
	});

	it('goes on with the tasks of the first try when n8n tries again', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'status', status: 403, skip: 1 });
		const run = await runWaiting([MANUAL, echo('b'), MANUAL], {
			retryOnFail: true,
			parameters: { concurrency: 1 },
		});
		expect(run.status).toBe('waiting');
		expect(statuses()).toEqual(['running', 'completed', 'running']);
	});

	it('buys only the failed task again when n8n tries again', async () => {
		const flaky = { app: 'sandbox/flaky', input: { key: 'k', failures: 1 } };
		const run = await runWaiting([MANUAL, flaky], {
			retryOnFail: true,
			parameters: { concurrency: 1 },
		});
		expect(run.status).toBe('waiting');
		expect(statuses()).toEqual(['running', 'failed', 'completed']);
	});

	it('buys only the failed task again when n8n tries again because an item has failed', async () => {
		const flaky = { app: 'sandbox/flaky', input: { key: 'k', failures: 1 } };
		const run = await runWaiting([flaky, echo('b')], {
			retryOnFail: true,
			onError: 'continueRegularOutput',
			parameters: { concurrency: 1 },
		});
		expect(run.status).toBe('success');
		expect(jsonOf(run).map(({ status }) => status)).toEqual(['completed', 'completed']);
		expect(statuses()).toEqual(['failed', 'completed', 'completed']);
	});

	it('cancels the other tasks if it is stopped while files are downloaded', async () => {
		sandbox().configure({ latencyMs: 100 });
		sandbox().fault({ on: 'GET /app/files/*', kind: 'hang', when: 'before' });
		const image = { app: 'sandbox/image', input: { prompt: 'a' } };
		const run = await runWaiting([image, MANUAL], {
			parameters: { concurrency: 1, downloadFiles: true },
			cancelAfter: until(() => sandbox().requests.some(({ path }) => path.includes('/files/'))),
		});
		expect(run.status).toBe('canceled');
		await until(() => sandbox().running().length === 0);
	});

	it('waits for a task all the same if its status cannot be read at first', async () => {
		sandbox().fault({ on: 'GET /tasks/:id/status', kind: 'status', status: 403 });
		const run = await runWaiting([MANUAL]);
		expect(run.status).toBe('waiting');
	});

	it('has n8n call itself once the execution is saved, because callbacks before that are lost', async () => {
		const calls: string[] = [];
		const server = createServer((request, response) => {
			const path = request.url?.replace(/\?.*/, '');
			calls.push(`${request.method} ${path} ${request.headers.authorization}`);
			const early = calls.length === 1;
			response.writeHead(409, { 'content-type': 'application/json' });
			response.end(JSON.stringify({ message: early ? 'is running already' : 'has finished' }));
		});
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		const { port } = server.address() as AddressInfo;
		await runWaiting([MANUAL], {
			executionId: '12',
			resumeBaseUrl: `http://127.0.0.1:${port}/webhook-waiting`,
		});
		await clock.pass(1_000);
		await until(() => calls.length >= 1 && clock.waits.includes(2_000));
		await clock.pass(2_000);
		await until(() => calls.length >= 2);
		server.close();
		expect(calls).toEqual(Array(2).fill('POST /webhook-waiting/12/node-1 undefined'));
	});
});

describe('the end of the wait', () => {
	it('brings what has ended, and the ids of the rest, which Stream Task can follow', async () => {
		const run = await runWaiting([MANUAL, echo('b'), { app: 'sandbox/none', input: {} }, MANUAL], {
			parameters: { concurrency: 1 },
			onError: 'continueRegularOutput',
		});
		const [first = '', , third = ''] = taskIds();
		const ended = await waitingRun(run).timeOut();
		expect(ended.status).toBe('success');
		expect(jsonOf(ended)).toEqual([
			{ id: first, status: 'running', app: 'sandbox/manual' },
			expect.objectContaining({ status: 'completed', output: { echo: { text: 'b' } } }),
			{ error: expect.any(String) as string, details: expect.any(Object) as object },
			{ id: third, status: 'running', app: 'sandbox/manual' },
		]);
		expect(ended.output(NODE_NAME).map(({ pairedItem }) => pairedItem)).toEqual(
			[0, 1, 2, 3].map((item) => ({ item, input: undefined })),
		);

		for (const id of [first, third]) sandbox().finishTask(id, { output: { of: id } });
		const followed = await runNode({
			node: new StreamTask(),
			credentials: credentialsOf(sandbox()),
			parameters: { source: 'existing', taskId: '={{ $json.id }}', options: QUICK },
			items: jsons(ended.output(NODE_NAME)).filter(({ status }) => status === 'running'),
		});
		expect(jsonOf(followed)).toMatchObject([
			{ id: first, status: 'completed', output: { of: first } },
			{ id: third, status: 'completed', output: { of: third } },
		]);
	});

	it('sends failed items to the error output', async () => {
		const run = await runWaiting([MANUAL, { app: 'sandbox/none', input: {} }], {
			parameters: { concurrency: 1 },
			onError: 'continueErrorOutput',
		});
		const ended = await waitingRun(run).timeOut();
		expect(jsonOf(ended)).toMatchObject([{ status: 'running' }]);
		expect(jsonOf(ended, 1)).toMatchObject([{ details: { code: 'not_found', item_index: 1 } }]);
	});
});
