import type { IDataObject } from 'n8n-workflow';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { NODE_NAME } from '../../engine/engine.mts';
import { host } from '../../engine/host.mts';
import {
	clock,
	credentialsOf,
	everythingSaid,
	FROM_ITEM,
	jsonOf,
	objectIn,
	passing,
	runApp,
	useSandbox,
} from '../../engine/support.mts';
import { until } from '../../until.mts';

vi.mock('../../../nodes/client/transport/undiciTransport.ts', async (original) => {
	const { ofHost } = await import('../../engine/host.mts');
	return await ofHost(async () => await original());
});

const sandbox = useSandbox();
beforeEach(() => {
	host.undici = true;
});

/** Items that fail in every way, with good ones in between. */
const MIXED: ReadonlyArray<{ item: IDataObject; code?: string; status?: string; http?: number }> = [
	{ item: { app: 'sandbox/echo', input: { text: 'a' } } },
	{
		item: { app: 'sandbox/fail', input: { message: 'bad prompt' } },
		code: 'task_failed',
		status: 'failed',
	},
	{ item: { app: 'sandbox/echo', input: '{"text": ' }, code: 'invalid_parameter' },
	{ item: { app: 'sandbox/echo', input: { text: 'b' } } },
	{ item: { app: '={{ $json.a.b.c.toUpperCase() }}', input: {} }, code: 'invalid_parameter' },
	{ item: { app: 'sandbox/secret', input: {} }, code: 'requirements_not_met', http: 412 },
	{ item: { app: 'sandbox/paid', input: {} }, code: 'payment', http: 402 },
	{ item: { app: 'sandbox/forbidden', input: {} }, code: 'permission', http: 403 },
	{ item: { app: 'sandbox/nothing-like-it', input: {} }, code: 'not_found', http: 404 },
	{ item: { app: 'sandbox/sleep', input: { ms: 'long' } }, code: 'validation', http: 422 },
	{ item: { app: 'sandbox/instant', input: { text: 'c' } } },
];
const items = MIXED.map(({ item }) => item);
const goodIndexes = MIXED.flatMap(({ code }, index) => (code === undefined ? [index] : []));

function expectGood(json: IDataObject | undefined, index: number): void {
	expect(json).toMatchObject({ status: 'completed', app: items[index]?.['app'] });
	expect(json).not.toHaveProperty('error');
}

function expectFailed(json: IDataObject | undefined, index: number): void {
	const { code, status, http } = MIXED[index] ?? {};
	expect(json?.['error']).toEqual(expect.stringMatching(/\w+/));
	const { hint, id, ...details } = objectIn(json, 'details');
	expect(details).toEqual({
		code,
		item_index: index,
		...(status === undefined ? {} : { status }),
		...(http === undefined ? {} : { http_status: http, request: 'POST /apps/run' }),
	});
	expect(typeof id).toBe(status === undefined ? 'undefined' : 'string');
	if (code !== 'invalid_parameter') expect(hint).toEqual(expect.stringMatching(/\w+/));
}

describe.each([
	{ name: 'undici', undici: true, hideHelpers: [] },
	{ name: 'undici and no egress policy', undici: true, hideHelpers: ['getSecureEgressFilter'] },
	{ name: "n8n's HTTP helper", undici: false, hideHelpers: [] },
])('On Error over $name', ({ undici, hideHelpers }) => {
	beforeEach(() => {
		host.undici = undici;
	});

	it('Continue keeps order and shape', async () => {
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			items,
			hideHelpers,
			onError: 'continueRegularOutput',
		});
		expect(run.status).toBe('success');
		const output = jsonOf(run);
		expect(output).toHaveLength(MIXED.length);
		for (const [index, json] of output.entries()) {
			if (goodIndexes.includes(index)) expectGood(json, index);
			else {
				expect(Object.keys(json).sort()).toEqual(['details', 'error']);
				expectFailed(json, index);
			}
		}
		expect(run.output(NODE_NAME).map(({ pairedItem }) => pairedItem)).toEqual(
			MIXED.map((_, item) => ({ item })),
		);
		expect(output[1]?.['error']).toBe(`Task ${sandbox().tasks()[1]?.id} failed: bad prompt`);
		const { hint } = objectIn(output[5], 'details');
		expect(output[5]?.['error']).toContain('SANDBOX_API_KEY');
		expect(hint).toContain('add the secret SANDBOX_API_KEY');
		expect(hint).toMatch(/connect Google Sheets \([\w.:-]+\)/);
		expect(output[6]?.['error']).toContain('100 of 100 used');
		expect(output[7]?.['error']).toContain('apps:execute');
	});

	it('Continue (using error output) moves exactly the failed items', async () => {
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			items,
			hideHelpers,
			onError: 'continueErrorOutput',
		});
		expect(run.status).toBe('success');
		const good = run.output('Output 0');
		const bad = run.output('Output 1');
		for (const [at, index] of goodIndexes.entries()) expectGood(good[at]?.json, index);
		expect(good).toHaveLength(goodIndexes.length);
		const badIndexes = [...items.keys()].filter((index) => !goodIndexes.includes(index));
		expect(bad).toHaveLength(badIndexes.length);
		for (const [at, index] of badIndexes.entries()) {
			expectFailed(bad[at]?.json, index);
			expect(bad[at]?.json['app']).toBe(items[index]?.['app']);
		}
	});

	it.each(MIXED.flatMap((each, index) => (each.code === undefined ? [] : [{ ...each, index }])))(
		'Stop throws an error that says all: $code $http',
		async ({ item, http, index }) => {
			const run = await runApp(sandbox(), {
				...FROM_ITEM,
				items: [{ app: 'sandbox/instant', input: {} }, item],
				hideHelpers,
			});
			const { error } = run;
			expect(run.status).toBe('error');
			expect(error?.name).toBe(http === undefined ? 'NodeOperationError' : 'NodeApiError');
			expect(error?.message).toMatch(/\w+/);
			expect(error?.context['itemIndex']).toBe(1);
			const failedTask = MIXED[index]?.status !== undefined;
			if (http !== undefined || failedTask) expect(error?.description).toMatch(/\w+/);
			if (http !== undefined) expect(error).toHaveProperty('httpCode', String(http));
			if (failedTask) expect(error?.message).toContain(sandbox().tasks()[1]?.id);
		},
	);

	it('Stop tells with the first failure what may run on of other items', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'statusAfter', status: 502, times: 2 });
		const run = await runApp(sandbox(), {
			app: 'sandbox/manual',
			items: [{ n: 1 }, { n: 2 }],
			options: { onUnclearSubmit: 'fail' },
		});
		expect(run.error?.message).toContain('It is not known whether the task was started');
		expect(run.error?.description).toContain(
			'Of another item: It is not known whether the task was started',
		);
		expect(sandbox().running()).toHaveLength(2);
	});

	it('Stop ends at the first failure, starts nothing more and cancels the rest', async () => {
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			items: [
				{ app: 'sandbox/manual', input: {} },
				{ app: 'sandbox/fail', input: { ms: 40 } },
				{ app: 'sandbox/manual', input: {} },
				...Array.from({ length: 20 }, () => ({ app: 'sandbox/echo', input: {} })),
			],
			parameters: { ...FROM_ITEM.parameters, concurrency: 3 },
			hideHelpers,
		});
		expect(run.error?.context['itemIndex']).toBe(1);
		expect(sandbox().tasks()).toHaveLength(3);
		// Cancelling takes the service a moment.
		await until(() => sandbox().running().length === 0);
		expect(
			sandbox()
				.tasks()
				.map(({ status }) => status),
		).toEqual(['cancelled', 'failed', 'cancelled']);
	});

	it.each([
		['HTML', { kind: 'body', body: `<html>${'welcome '.repeat(300)}</html>` }],
		['truncated JSON', { kind: 'body', body: '{"data":{"id":"abc","sta' }],
		['other JSON', { kind: 'body', body: '{"data":{"id":7,"status":[]}}' }],
		['a list', { kind: 'body', body: '[1,2,3]' }],
		['nothing', { kind: 'body', body: '' }],
		['null', { kind: 'body', body: 'null' }],
	] as const)('a submission answered with %s ends in a clear error', async (_what, fault) => {
		sandbox().fault({ on: 'POST /apps/run', times: 99, ...fault });
		const run = await runApp(sandbox(), {
			items: [{ text: 'x' }],
			parameters: { maxRetries: 1 },
			hideHelpers,
			onError: 'continueRegularOutput',
		});
		const [json] = jsonOf(run);
		const details = objectIn(json, 'details');
		expect(['protocol', 'submission_unknown']).toContain(details['code']);
		expect(details['hint']).toMatch(/\w+/);
		expect(String(json?.['error']).length).toBeLessThan(800);
		const shown = fault.body.replace('<html>', '"').slice(0, 20);
		if (fault.body.length > 5) expect(json?.['error']).toContain(shown);
	});

	it.each([
		['HTML', { kind: 'body', body: '<html>down</html>', contentType: 'text/html' }],
		['truncated JSON', { kind: 'truncate' }],
		['other JSON', { kind: 'body', body: '{"data":17}' }],
		['nothing', { kind: 'body', body: '' }],
		['garbage between its lines', { kind: 'stream', garbageAfter: 1 }],
		['a cut', { kind: 'stream', closeAfter: 1 }],
		['a reset', { kind: 'stream', resetAfter: 1 }],
		['everything twice', { kind: 'stream', duplicate: true }],
		['one byte at a time', { kind: 'stream', byteByByte: true, crlf: true }],
		['no output at the end', { kind: 'stream', omitTerminalOutput: true }],
		['no end', { kind: 'stream', omitTerminal: true }],
	] as const)('a stream of %s is recovered from', async (_what, fault) => {
		sandbox().fault({ on: 'GET /tasks/:id/stream', ...fault });
		const run = await runApp(sandbox(), { items: [{ text: 'é', ms: 30 }], hideHelpers });
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)[0]?.['output']).toEqual({ echo: { text: 'é', ms: 30 } });
		expect(sandbox().tasks()).toHaveLength(1);
	});
});

describe('answers that are no answers', () => {
	it.each([
		['HTML', '<html>maintenance</html>'],
		['truncated JSON', '{"data":{'],
		['another type', '{"data":"soon"}'],
		['nothing', ''],
	])('a task that comes as %s once is asked for again', async (_what, body) => {
		sandbox().fault({ on: 'GET /tasks/:id/stream', kind: 'status', status: 503, times: 1 });
		sandbox().fault({ on: 'GET /tasks/:id', kind: 'body', body, times: 2 });
		const run = await runApp(sandbox(), { items: [{ text: 'x', ms: 5 }] });
		expect(jsonOf(run)[0]?.['output']).toEqual({ echo: { text: 'x', ms: 5 } });
	});

	it('a task that never comes as anything else is given up in the end, with its id and an excerpt', async () => {
		sandbox().fault({ on: 'GET /tasks/:id/stream', kind: 'status', status: 500, times: Infinity });
		for (const on of ['GET /tasks/:id', 'GET /tasks/:id/status']) {
			const body = `<html>${'lost '.repeat(500)}`;
			sandbox().fault({ on, kind: 'body', body, times: Infinity });
		}
		const run = await passing(
			runApp(sandbox(), {
				app: 'sandbox/manual',
				items: [{}],
				onError: 'continueRegularOutput',
			}),
		);
		const [json] = jsonOf(run);
		const id = sandbox().tasks()[0]?.id;
		expect(objectIn(json, 'details')).toMatchObject({ code: 'following_refused', id });
		expect(json?.['error']).toContain('a web page (HTTP 200): "lost lost');
		expect(String(json?.['error']).length).toBeLessThan(800);
	});

	it('a task that is not shown any more is given up in a minute, cancelled and named', async () => {
		const body = { type: 'https://api.inference.sh/errors/not_found', detail: 'task not found' };
		for (const on of ['GET /tasks/*', 'GET /tasks/:id/stream']) {
			sandbox().fault({ on, kind: 'status', status: 404, body, times: Infinity });
		}
		const begun = clock.now();
		const run = await passing(
			runApp(sandbox(), {
				app: 'sandbox/manual',
				items: [{}],
				onError: 'continueRegularOutput',
			}),
		);
		expect(clock.now() - begun).toBeLessThan(120_000);
		const [json] = jsonOf(run);
		const id = sandbox().tasks()[0]?.id;
		expect(objectIn(json, 'details')).toMatchObject({
			code: 'following_refused',
			http_status: 404,
			id,
		});
		expect(json?.['error']).toContain(`Task ${String(id)} cannot be followed any longer`);
		await until(() => sandbox().running().length === 0);
	});

	it('a redirect is not followed with the key', async () => {
		sandbox().fault({
			on: 'POST /apps/run',
			kind: 'status',
			status: 302,
			headers: { location: 'http://127.0.0.1:9/steal' },
		});
		const run = await runApp(sandbox(), { items: [{}] });
		expect(run.error?.message).toContain('redirect');
		expect(sandbox().tasks()).toEqual([]);
	});

	it('a server error names what was asked and is not taken for a start', async () => {
		sandbox().fault({
			on: 'POST /apps/run',
			kind: 'status',
			status: 502,
			body: 'bad gateway',
			times: 9,
		});
		const run = await runApp(sandbox(), {
			items: [{}],
			parameters: { maxRetries: 1 },
		});
		expect(run.error?.message).toBe('The service failed (HTTP 502): bad gateway');
		expect(run.error?.context['data']).toEqual({ request: 'POST /apps/run' });
		expect(sandbox().count('POST', '/apps/run')).toBe(2);
		expect(sandbox().tasks()).toEqual([]);
	});

	it('a connection that cannot be made is told in words', async () => {
		const run = await runApp(sandbox(), {
			items: [{}],
			credentials: { ...credentialsOf(sandbox()), baseUrl: 'http://127.0.0.1:9' },
			parameters: { maxRetries: 1 },
		});
		expect(run.error?.name).toBe('NodeOperationError');
		expect(run.error?.message).toContain('127.0.0.1:9');
		expect(run.error?.message).toContain('nothing accepts connections there');
		expect(run.error?.description).toContain('Base URL');
	});
});

describe('failed tasks', () => {
	it.each(['stopWorkflow', 'continueRegularOutput', 'continueErrorOutput'] as const)(
		'keep the words of the app where n8n has its own for them (%s)',
		async (onError) => {
			const run = await runApp(sandbox(), {
				app: 'sandbox/fail',
				items: [{ message: 'ETIMEDOUT while loading' }],
				onError,
			});
			const said =
				run.error?.message ?? jsonOf(run, onError.endsWith('Error') ? 1 : 0)[0]?.['error'];
			const failed =
				onError === 'continueErrorOutput' ? run.output('Output 1')[0]?.json['error'] : said;
			expect(failed).toBe(`Task ${sandbox().tasks()[0]?.id} failed: ETIMEDOUT while loading`);
		},
	);

	it('say why even if the reason came before the end', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/late-error',
			items: [{ message: 'no memory left', ms: 5 }],
		});
		expect(run.error?.message).toContain('no memory left');
	});

	it('that somebody cancelled say so', async () => {
		const started = runApp(sandbox(), {
			app: 'sandbox/manual',
			items: [{}],
			onError: 'continueRegularOutput',
		});
		await until(() => sandbox().running().length === 1);
		const id = sandbox().running()[0]?.id ?? '';
		sandbox().finishTask(id, { status: 'cancelled' });
		const run = await started;
		expect(objectIn(jsonOf(run)[0], 'details')).toMatchObject({
			code: 'task_cancelled',
			status: 'cancelled',
			id,
		});
	});

	it('are not bought again by default', async () => {
		await runApp(sandbox(), { app: 'sandbox/flaky', items: [{ key: 'k' }] });
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it('are bought again if that is wanted, up to Max Retries', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/flaky',
			items: [{ key: 'k', failures: 2 }],
			parameters: { maxRetries: 2 },
			options: { retryOn: ['taskFailed'] },
		});
		expect(jsonOf(run)[0]).toMatchObject({ output: { attempts: 3 }, run: { attempts: 3 } });
		const failing = await runApp(sandbox(), {
			app: 'sandbox/flaky',
			items: [{ key: 'other', failures: 9 }],
			parameters: { maxRetries: 2 },
			options: { retryOn: ['taskFailed'] },
		});
		expect(failing.error?.message).toContain('attempt 3 failed');
		expect(sandbox().tasks()).toHaveLength(6);
	});
});

describe('the API key', () => {
	const key = () => sandbox().apiKey;
	/** The reports of a run; what the service was sent is not one of them. */
	function expectSilence(said: string): void {
		expect(said.split(key()).length - 1).toBe(0);
	}

	it.each([
		['a refusal', { kind: 'status', status: 422, body: { detail: 'bad key inf_sandbox' } }],
		['a server error', { kind: 'status', status: 500, body: 'Bearer inf_sandbox crashed' }],
		['a page', { kind: 'body', body: '<html>Authorization: Bearer inf_sandbox</html>' }],
		['an unauthorised', { kind: 'status', status: 401, body: { error: 'no inf_sandbox' } }],
	] as const)('is taken out of %s that echoes it', async (_what, fault) => {
		for (const onError of ['stopWorkflow', 'continueRegularOutput'] as const) {
			sandbox().clearFaults();
			sandbox().fault({ on: 'POST /apps/run', times: 99, ...fault });
			const run = await runApp(sandbox(), {
				items: [{ text: 'x' }],
				parameters: { maxRetries: 1 },
				onError,
			});
			expect(JSON.stringify(run.raw)).toContain('"error"');
			expectSilence(everythingSaid(run));
		}
	});

	it('is taken out of the reason of a failed task and of notices', async () => {
		sandbox().configure({
			messages: [{ level: 'warning', code: 'key', message: `your key ${key()} is old` }],
		});
		const started = runApp(sandbox(), {
			app: 'sandbox/manual',
			items: [{}, {}],
			onError: 'continueRegularOutput',
		});
		await until(() => sandbox().running().length === 2);
		const [first, second] = sandbox().running();
		sandbox().finishTask(first?.id ?? '', { status: 'failed', error: `cannot use ${key()}` });
		sandbox().finishTask(second?.id ?? '');
		const run = await started;
		expect(jsonOf(run)[0]?.['error']).toContain('failed: cannot use');
		expect(run.hints(NODE_NAME)).toHaveLength(1);
		expectSilence(everythingSaid(run));
	});

	it('is sent to the service only, as a header', async () => {
		await runApp(sandbox(), { items: [{ text: 'x' }] });
		for (const { headers, path, query, body } of sandbox().requests) {
			expect(headers['authorization']).toBe(`Bearer ${key()}`);
			expectSilence(JSON.stringify([path, query, body]));
		}
		expect(sandbox().violations()).toEqual([]);
	});
});
