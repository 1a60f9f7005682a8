/**
 * Defects of the official JavaScript SDK (0.6.54) that this client must not have: one test for
 * each that concerns tasks, over both kinds of transport.
 */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
	ServerError,
	TaskFailedError,
	TimeoutError,
	ValidationError,
} from '../../nodes/client/errors.ts';
import { useSandbox } from '../useSandbox.mts';
import { until } from '../until.mts';
import {
	clock,
	heldUntil,
	makeClient,
	passing,
	rejection,
	runOne,
	TRANSPORTS,
	type Overrides,
} from './support.mts';

const sandbox = useSandbox();

const SUBMIT = 'POST /apps/run';
const STREAM = 'GET /tasks/:id/stream';

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	const client = (overrides: Overrides = {}) =>
		makeClient(sandbox(), { transport: makeTransport(), ...overrides });
	const echo = { app: 'sandbox/echo', input: { text: 'x', ms: 1 } };
	const manual = { app: 'sandbox/manual', input: {} };

	it('every request has a timeout and takes the abort signal', async () => {
		sandbox().fault({ on: '*', kind: 'hang', when: 'before', times: Infinity });
		const run = rejection(runOne(client({ settings: { timeoutMs: 60_000 } }), echo));
		await until(() => sandbox().requests.length >= 1);
		await clock.pass(120_000);
		expect(await run).toBeInstanceOf(TimeoutError);
	});

	it('refusals are retried and their headers are read', async () => {
		sandbox().fault({ on: SUBMIT, kind: 'status', status: 429, headers: { 'retry-after': '1' } });
		expect((await runOne(client(), echo)).attempts).toBe(2);
	});

	it('a stream that closes without a terminal status does not hang the run', async () => {
		sandbox().fault({ on: STREAM, kind: 'stream', closeAfter: 1 });
		expect((await runOne(client(), echo)).task.status).toBe('completed');
	});

	it('a silent stream does not hang the run', async () => {
		sandbox().fault({ on: STREAM, kind: 'stream', stallAfter: 0 });
		const run = await passing(runOne(client({ impatient: { on: STREAM } }), echo));
		expect(run.task.status).toBe('completed');
	});

	it('a dropped NDJSON stream is opened again', async () => {
		sandbox().fault({ on: STREAM, kind: 'stream', resetAfter: 1 });
		const run = await heldUntil(
			sandbox(),
			() => sandbox().count('GET', /\/stream$/) >= 2,
			async () => await runOne(client(), echo),
		);
		expect(run.via).toBe('stream');
	});

	it('one broken line does not end the stream', async () => {
		sandbox().fault({ on: STREAM, kind: 'stream', garbageAfter: 0 });
		expect((await runOne(client(), echo)).via).toBe('stream');
		expect(sandbox().count('GET', /\/stream$/)).toBe(1);
	});

	it('a task that is terminal when it is created settles in poll mode', async () => {
		const run = await runOne(client({ settings: { follow: 'poll' } }), {
			app: 'sandbox/instant',
			input: { text: 'x' },
		});
		expect(run.via).toBe('submit');
	});

	it('a passing error while polling does not end the run', async () => {
		sandbox().fault({ on: 'GET /tasks/:id/status', kind: 'reset', when: 'before' });
		const run = await runOne(client({ settings: { follow: 'poll' } }), echo);
		expect(run.task.status).toBe('completed');
	});

	it('the reason of a failure is kept if it came before the failure', async () => {
		const error = await rejection(
			runOne(client(), { app: 'sandbox/late-error', input: { message: 'no memory' } }),
		);
		expect(String(error)).toContain('no memory');
	});

	it('a failure carries the id of its task', async () => {
		const error = await rejection(runOne(client(), { app: 'sandbox/fail', input: {} }));
		expect(error).toBeInstanceOf(TaskFailedError);
		expect(error).toMatchObject({ about: { kind: 'task', id: sandbox().tasks()[0]?.id } });
	});

	it('text that looks like base64 stays text', async () => {
		const input = {
			sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
			token: 'QUJD'.repeat(40),
		};
		const run = await runOne(client(), { app: 'sandbox/echo', input });
		expect(run.task.output).toEqual({ echo: input });
		expect(sandbox().count('POST', '/files')).toBe(0);
	});

	it('dates in inputs keep their meaning', async () => {
		const at = new Date('2026-01-02T03:04:05Z');
		const run = await runOne(client(), { app: 'sandbox/echo', input: { at } });
		expect(run.task.output).toEqual({ echo: { at: '2026-01-02T03:04:05.000Z' } });
	});

	it('the input is sent', async () => {
		await runOne(client(), echo);
		expect(sandbox().requests[0]?.body).toMatchObject({
			app: echo.app,
			input: echo.input,
			wait: false,
		});
	});

	it('an output with a field called data is not unwrapped', async () => {
		sandbox().configure({ envelope: 'v2' });
		const body = '{"id":"t1","status":10,"output":{"data":{"a":1}},"data":{"b":2}}';
		sandbox().fault({ on: SUBMIT, kind: 'body', body });
		expect((await runOne(client(), echo)).task.output).toEqual({ data: { a: 1 } });
	});

	it.each([
		['the first generation', '{"success":false,"status":500,"error":{"code":"c","message":"Why"}}'],
		['a nested error', '{"error":{"code":"c","message":"Why"}}'],
		['plain text', 'Why'],
	])('the message of %s is shown', async (_what, body) => {
		sandbox().fault({ on: SUBMIT, kind: 'status', status: 500, body, times: Infinity });
		const error = await rejection(runOne(client({ settings: { maxRetries: 0 } }), echo));
		expect(error).toBeInstanceOf(ServerError);
		expect(String(error)).toMatch(/: Why$/);
	});

	it('a session that has ended is an error of its own', async () => {
		const request = { app: 'sandbox/counter', input: {}, session: 'nope' };
		expect(await rejection(runOne(client(), request))).toMatchObject({ code: 'session' });
	});

	it('ids lead to no other path', async () => {
		const error = await rejection(client().tasks.cancel('../me?x=1#y'));
		expect(error).toBeInstanceOf(ValidationError);
		expect(sandbox().requests).toEqual([]);
		await client().tasks.cancel('no task');
		expect(sandbox().requests[0]?.path).toBe('/tasks/no%20task/cancel');
	});

	it('the version it tells is its own', async () => {
		await runOne(client(), echo);
		const { version }: { version: string } = JSON.parse(readFileSync('package.json', 'utf8')) as {
			version: string;
		};
		expect(sandbox().requests[0]?.headers['user-agent']).toBe(`n8n-nodes-inferencesh/${version}`);
	});

	it('cancelling needs no callback', async () => {
		const stop = new AbortController();
		const run = runOne(client(), manual, {
			signal: stop.signal,
			onProgress: ({ state }) => state === 'running' && stop.abort(),
		});
		await rejection(run);
		await until(() => sandbox().running().length === 0);
	});
});

it('the published code can be required by plain Node', () => {
	const require = createRequire(import.meta.url);
	expect(require('../../dist/nodes/RunApp/RunApp.node.js')).toHaveProperty('RunApp');
});
