import { beforeEach, describe, expect, it, vi } from 'vitest';
import { RunApp } from '../../../nodes/RunApp/RunApp.node.ts';
import { NODE_NAME, runNode } from '../../engine/engine.mts';
import { host } from '../../engine/host.mts';
import {
	appRef,
	FROM_ITEM,
	jsonOf,
	objectIn,
	runApp,
	submissions,
	useSandbox,
} from '../../engine/support.mts';
import { mostInFlight } from '../../mostInFlight.mts';
import { until } from '../../until.mts';

vi.mock('../../../nodes/client/transport/undiciTransport.ts', async (original) => {
	const { ofHost } = await import('../../engine/host.mts');
	return await ofHost(async () => await original());
});

const sandbox = useSandbox();

describe.each([
	{ name: 'undici', undici: true, hideHelpers: [] },
	{ name: 'undici and no egress policy', undici: true, hideHelpers: ['getSecureEgressFilter'] },
	{ name: "n8n's HTTP helper", undici: false, hideHelpers: [] },
])('the output over $name', ({ undici, hideHelpers }) => {
	beforeEach(() => {
		host.undici = undici;
	});

	it('has exactly the documented shape', async () => {
		let helperCalls = 0;
		const run = await runApp(sandbox(), {
			items: [{ text: 'hé 🎈', ms: 5 }],
			hideHelpers,
			adjustContext(context) {
				const { httpRequest } = context.helpers;
				context.helpers.httpRequest = async (request) => {
					helperCalls += 1;
					return (await httpRequest(request)) as unknown;
				};
			},
		});
		expect(run.error).toBeUndefined();
		const [task] = sandbox().tasks();
		const [json] = jsonOf(run);
		expect(json).toEqual({
			id: task?.id,
			status: 'completed',
			output: { echo: { text: 'hé 🎈', ms: 5 } },
			app: 'sandbox/echo',
			created_at: new Date(task?.createdAt ?? 0).toISOString().replace('Z', '000Z'),
			updated_at: expect.any(String) as string,
			run: { attempts: 1, duration_ms: expect.any(Number) as number, via: 'stream' },
		});
		expect(run.output(NODE_NAME)[0]?.pairedItem).toEqual({ item: 0 });
		// The test runs over the transport that it says.
		expect(helperCalls > 0).toBe(!undici);
	});

	it('keeps the order of the items whatever order they end in', async () => {
		const items = [500, 5, 40, 1, 20].map((ms, value) => ({ ms, value }));
		const run = await runApp(sandbox(), { app: 'sandbox/sleep', items, hideHelpers });
		expect(jsonOf(run).map((json) => objectIn(json, 'output')['value'])).toEqual([0, 1, 2, 3, 4]);
		expect(run.output(NODE_NAME).map(({ pairedItem }) => pairedItem)).toEqual(
			items.map((_, item) => ({ item })),
		);
		const byEnd = [...sandbox().tasks()].sort(
			(left, right) => (left.finishedAt ?? 0) - (right.finishedAt ?? 0),
		);
		expect(byEnd[0]?.input).not.toEqual(items[0]);
	});

	it('runs 100 items 7 at a time', async () => {
		const items = Array.from({ length: 100 }, (_, value) => ({ ms: (value * 7) % 23, value }));
		const run = await runApp(sandbox(), {
			app: 'sandbox/sleep',
			parameters: { concurrency: 7 },
			items,
			hideHelpers,
		});
		expect(run.status).toBe('success');
		expect(jsonOf(run).map(({ output }) => output)).toEqual(
			items.map(({ ms, value }) => ({ slept: ms, value })),
		);
		expect(sandbox().tasks()).toHaveLength(100);
		expect(mostInFlight(sandbox())).toBeLessThanOrEqual(7);
		expect(mostInFlight(sandbox())).toBeGreaterThan(1);
		expect(sandbox().requests).toHaveLength(200);
		expect(sandbox().violations()).toEqual([]);
	});

	it('takes one request if the submit answer is terminal', async () => {
		const items = [{ text: 'a' }, { text: 'b' }, { text: 'c' }];
		const run = await runApp(sandbox(), { app: 'sandbox/instant', items, hideHelpers });
		expect(jsonOf(run).map(({ output }) => output)).toEqual(items);
		expect(jsonOf(run)[0]?.['run']).toMatchObject({ attempts: 1, via: 'submit' });
		expect(sandbox().requests.map(({ path }) => path)).toEqual(Array(3).fill('/apps/run'));
	});

	it('outputs the whole task if asked', async () => {
		const run = await runApp(sandbox(), {
			items: [{ text: 'x' }, { text: 'y' }],
			options: { fullTask: true },
			hideHelpers,
		});
		const [json] = jsonOf(run);
		expect(json).toMatchObject({
			id: sandbox().tasks()[0]?.id,
			status: 'completed',
			input: { text: 'x' },
			output: { echo: { text: 'x' } },
			function: 'run',
			app: { namespace: 'sandbox', name: 'echo' },
			run: { attempts: 1 },
		});
		expect(json).toHaveProperty('logs');
		expect(json).toHaveProperty('events');
		expect(json).not.toHaveProperty('error');
	});

	it('returns at once if nothing is to be waited for', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/manual',
			parameters: { wait: 'none' },
			items: [{ n: 1 }, { n: 2 }],
			hideHelpers,
		});
		expect(run.status).toBe('success');
		const tasks = sandbox().tasks();
		expect(jsonOf(run)).toEqual(tasks.map(({ id }) => ({ id, status: 'received' })));
		expect(run.output(NODE_NAME).map(({ pairedItem }) => pairedItem)).toEqual([
			{ item: 0 },
			{ item: 1 },
		]);
		expect(sandbox().running()).toHaveLength(2);
		expect(tasks.every(({ cancelRequestedAt }) => cancelRequestedAt === undefined)).toBe(true);
		expect(sandbox().requests).toHaveLength(2);
	});
});

describe('the output', () => {
	beforeEach(() => {
		host.undici = true;
	});

	it('names a status even if nothing was waited for and all is over', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/instant',
			parameters: { wait: 'none' },
			items: [{}],
		});
		expect(jsonOf(run)).toEqual([{ id: sandbox().tasks()[0]?.id, status: 'completed' }]);
	});

	it('keeps an error that a completed task carries out of the way', async () => {
		const started = runApp(sandbox(), {
			app: 'sandbox/manual',
			items: [{}],
			options: { fullTask: true },
			retryOnFail: true,
		});
		await until(() => sandbox().running().length === 1);
		const id = sandbox().running()[0]?.id ?? '';
		sandbox().finishTask(id, { output: { ok: true }, error: 'a warning' });
		const run = await started;
		const [json] = jsonOf(run);
		expect(json).toMatchObject({ id, status: 'completed', task_error: 'a warning' });
		expect(json).not.toHaveProperty('error');
		// Else n8n would have taken it for a failure and run the node again.
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it('names the session', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/counter',
			items: [{ by: 2 }],
			options: { session: 'new' },
		});
		const { sessionId } = sandbox().tasks()[0] ?? {};
		expect(sessionId).toBeTruthy();
		expect(jsonOf(run)[0]).toMatchObject({ session_id: sessionId, output: { count: 2 } });
	});

	it('is nothing for no items, without a request', async () => {
		const run = await runApp(sandbox(), {
			adjustContext: (context) => Object.assign(context, { getInputData: () => [] }),
		});
		expect(run.status).toBe('success');
		expect(jsonOf(run)).toEqual([]);
		expect(sandbox().requests).toEqual([]);
	});

	it('holds an output of several megabytes', async () => {
		const run = await runApp(sandbox(), { app: 'sandbox/big', items: [{ bytes: 3_000_000 }] });
		expect(String(objectIn(jsonOf(run)[0], 'output')['text'])).toHaveLength(3_000_000);
	});

	it.each([
		{ envelope: 'v1', streamFormat: 'sse', statusAs: 'string' },
		{ envelope: 'v2', streamFormat: 'ndjson', partials: 'zeroed' },
		{ envelope: 'v3', streamFormat: 'sse', sseEvents: 'named' },
	] as const)('is the same in every dialect of the service: %o', async (dialect) => {
		sandbox().configure(dialect);
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			items: [
				{ app: 'sandbox/llm', input: { text: 'hi', tokens: 3, delayMs: 1 } },
				{ app: 'sandbox/slim', input: { text: 'end only' } },
				{ app: 'sandbox/video', input: { prompt: 'p', stepMs: 2 } },
			],
		});
		expect(run.error).toBeUndefined();
		const [llm, slim, video] = jsonOf(run);
		expect(typeof objectIn(llm, 'output')['response']).toBe('string');
		expect(slim?.['output']).toEqual({ text: 'end only' });
		expect(objectIn(video, 'output')['video']).toContain('.mp4');
	});

	it('comes by polling if that is asked for', async () => {
		const run = await runApp(sandbox(), {
			items: [{ ms: 20 }],
			options: { follow: 'poll' },
		});
		expect(objectIn(jsonOf(run)[0], 'run')['via']).toBe('poll');
		expect(sandbox().count('GET', /\/stream$/)).toBe(0);
		expect(sandbox().count('GET', /\/status$/)).toBeGreaterThan(0);
	});

	it('needs no helper that a late n8n 1 does not have', async () => {
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			items: [
				{ app: 'sandbox/echo', input: { text: 'a' } },
				{ app: 'sandbox/fail', input: {} },
			],
			onError: 'continueRegularOutput',
			hideHelpers: ['getSecureEgressFilter', 'createBinarySignedUrl'],
			adjustContext: (context) => Object.assign(context, { onExecutionFinish: undefined }),
		});
		expect(run.error).toBeUndefined();
		expect(jsonOf(run).map(({ status, error }) => status ?? error)).toEqual([
			'completed',
			`Task ${sandbox().tasks()[1]?.id} failed: the app failed`,
		]);
	});
});

describe('the node', () => {
	it('can be an agent tool and says what it is', () => {
		const { description, methods } = new RunApp();
		expect(description).toMatchObject({
			name: 'runApp',
			usableAsTool: true,
			credentials: [{ name: 'inferenceShApi', required: true }],
		});
		expect(methods.listSearch).toHaveProperty('searchApps');
	});

	it('runs with nothing but its defaults', async () => {
		const run = await runNode({
			node: new RunApp(),
			parameters: { app: appRef('sandbox/echo') },
			credentials: { apiKey: sandbox().apiKey, baseUrl: sandbox().url },
		});
		expect(jsonOf(run)[0]?.['output']).toEqual({ echo: {} });
		expect(submissions(sandbox())).toEqual([{ app: 'sandbox/echo', input: {}, wait: false }]);
	});
});
