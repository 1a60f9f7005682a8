/** The client's own requests: lists for pickers, estimates, cancelling, closing. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../nodes/client/util/clock.ts';
import { NotFoundError, ProtocolError, SubmissionUnknownError } from '../../nodes/client/errors.ts';
import { parseHttpUrl } from '../../nodes/client/util/url.ts';
import { useSandbox } from '../useSandbox.mts';
import { TestClock } from '../testClock.mts';
import { mostInFlight } from '../mostInFlight.mts';
import { nextTurn, until } from '../until.mts';
import { clock, makeClient, passing, rejection, runOne } from './support.mts';

const sandbox = useSandbox();

const manual = { app: 'sandbox/manual', input: {} };

describe('lists of apps', () => {
	it('have references, titles and categories, with the reference for a missing title', async () => {
		const { items } = await makeClient(sandbox()).apps.listStore('banana');
		expect(items).toMatchObject([{ ref: 'falai/nano-banana', title: 'nano-banana' }]);
	});

	it('are searched by the service', async () => {
		const { items } = await makeClient(sandbox()).apps.list('echo');
		expect(items.map((app) => app.ref)).toContain('sandbox/echo');
		expect(sandbox().requests[0]?.body).toMatchObject({ search: { term: 'echo', exact: false } });
	});

	it('come page by page', async () => {
		const page = (items: unknown[], more: object) => JSON.stringify({ data: { items, ...more } });
		const first = page([{ name: 'a' }, null, { namespace: 'n' }], { next_cursor: 'a+b=' });
		sandbox().fault({ on: 'POST /apps/list', kind: 'body', body: first });
		sandbox().fault({
			on: 'POST /apps/list',
			kind: 'body',
			body: page([{ namespace: 'n', name: 'b' }], { next_cursor: 'x', has_next: false }),
		});
		const client = makeClient(sandbox());
		const one = await client.apps.list(undefined);
		expect(one).toMatchObject({ items: [{ ref: 'a' }], nextCursor: 'a+b=' });
		const two = await client.apps.list(undefined, one.nextCursor);
		expect(two).toMatchObject({ items: [{ ref: 'n/b' }], nextCursor: undefined });
		expect(sandbox().requests[1]?.body).toMatchObject({ cursor: 'a+b=' });
	});

	it('may be null, as Go sends an empty list', async () => {
		sandbox().fault({ on: 'POST /apps/list', kind: 'body', body: '{"data":{"items":null}}' });
		expect((await makeClient(sandbox()).apps.list('')).items).toEqual([]);
	});

	it('are asked for again after a passing failure', async () => {
		sandbox().fault({ on: 'POST /apps/list', kind: 'reset', when: 'before', times: 2 });
		expect((await makeClient(sandbox()).apps.list('echo')).items).not.toEqual([]);
	});

	it('that are none are a protocol error', async () => {
		sandbox().fault({ on: 'POST /apps/list', kind: 'body', body: '{"data":"no"}' });
		expect(await rejection(makeClient(sandbox()).apps.list(''))).toBeInstanceOf(ProtocolError);
	});
});

describe('an estimate', () => {
	const estimate = async (body: object) => {
		sandbox().fault({
			on: 'POST /store/apps/:id/estimate',
			kind: 'body',
			body: JSON.stringify(body),
		});
		return await makeClient(sandbox()).apps.estimate('sandbox/echo', { input: {} });
	};

	it('is in dollars', async () => {
		expect(await estimate({ data: { confidence: 'exact', microcents: 2_500_000 } })).toEqual({
			kind: 'known',
			usd: 0.025,
		});
	});

	it('of a range is its upper end', async () => {
		const range = { confidence: 'range', min: 1, max: 300_000_000, microcents: 5 };
		expect(await estimate({ data: range })).toEqual({ kind: 'known', usd: 3 });
	});

	it.each([
		{ confidence: 'range', min: 300_000_000 },
		{ confidence: 'range', min: 300_000_000, max: null },
		{ confidence: 'exact', microcents: '300000000' },
		{ confidence: 'range', min: '1', max: ' 3e8 ' },
		{ confidence: 'range', min: 300_000_000, max: 0 },
		{ confidence: 'range', min: 300_000_000, max: -1 },
		{ confidence: 'range', min: 300_000_000, max: 1 },
		{ confidence: 'exact', microcents: 300_000_000, min: 0, max: 0 },
	])('counts the highest of all amounts that are given, also as text: %j', async (data) => {
		expect(await estimate({ data })).toEqual({ kind: 'known', usd: 3 });
	});

	it.each([
		{ confidence: 'exact', microcents: -300_000_000 },
		{ confidence: 'exact', microcents: 'free' },
		{ confidence: 'exact', microcents: '' },
		{ confidence: 'range', min: -1, max: -1 },
		{ confidence: 'exact', microcents: true },
	])('is unknown if it is no number from 0 on: %j', async (data) => {
		expect(await estimate({ data })).toEqual({ kind: 'unknown' });
	});

	it('that cannot be made is unknown', async () => {
		expect(await estimate({ data: { confidence: 'unknown', max: 5 } })).toEqual({
			kind: 'unknown',
		});
		expect(await estimate({ data: {} })).toEqual({ kind: 'unknown' });
	});

	it('asks for the id of an app once', async () => {
		const client = makeClient(sandbox());
		const request = { app: 'sandbox/sleep', input: { ms: 1 } };
		await client.apps.estimate('sandbox/sleep', request);
		await client.apps.estimate('sandbox/sleep', request);
		expect(sandbox().count('GET', '/apps/sandbox/sleep')).toBe(1);
	});

	it('of an app without an id is unknown', async () => {
		sandbox().fault({
			on: 'GET /apps/sandbox/slim',
			kind: 'body',
			body: '{"data":{"name":"slim"}}',
		});
		const asked = makeClient(sandbox()).apps.estimate('sandbox/slim', { input: {} });
		expect(await asked).toEqual({ kind: 'unknown' });
	});

	it('of an unknown app is an error', async () => {
		const asked = makeClient(sandbox()).apps.estimate('sandbox/none', { input: {} });
		expect(await rejection(asked)).toBeInstanceOf(NotFoundError);
	});
});

describe('cancelling', () => {
	it('gives up while it waits for the next attempt, with the last reason', async () => {
		sandbox().fault({ on: 'POST /tasks/:id/cancel', kind: 'status', status: 500, times: Infinity });
		const still = new TestClock();
		const cancelling = passing(makeClient(sandbox(), { clock: still }).tasks.cancel('t'), {
			time: still,
		});
		expect(await cancelling).toMatchObject({
			kind: 'failed',
			reason: expect.stringContaining('500') as string,
		});
	});

	it('does not wait for the end of a rate limit', async () => {
		// Under another name of the service it is another account, with a clock of its own.
		const still = new TestClock();
		const baseUrl = sandbox().url.replace('127.0.0.1', 'localhost');
		const client = makeClient(sandbox(), { clock: still, baseUrl });
		const begun = await runOne(client, manual, { wait: 'none' });
		sandbox().fault({
			on: 'POST /apps/run',
			kind: 'status',
			status: 429,
			headers: { 'retry-after': '1' },
		});
		const limited = runOne(client, { app: 'sandbox/instant', input: { text: 'x' } });
		await until(() => still.awaited);
		expect(await client.tasks.cancel(begun.task.id)).toEqual({ kind: 'cancelled' });
		expect(sandbox().count('POST', '/apps/run')).toBe(2);
		await still.pass(10_000);
		await limited;
	});
});

it('a task list too long to prove anything is said to be so', async () => {
	const rows = Array.from({ length: 3 }, (_, index) => ({
		id: `t${index}`,
		input: { other: true },
		app: 'x/y',
		created_at: new Date(Date.now() + 3_600_000_000).toISOString(),
	}));
	const body = JSON.stringify({ data: { items: rows, next_cursor: 'more', has_next: true } });
	sandbox().fault({ on: 'POST /tasks/list', kind: 'body', body, times: Infinity });
	sandbox().fault({ on: 'POST /apps/run', kind: 'reset', when: 'after' });
	const error = await rejection(runOne(makeClient(sandbox()), manual));
	expect(error).toBeInstanceOf(SubmissionUnknownError);
	expect(String(error)).toContain('too long');
});

it('answers that go on contradicting a terminal status do not keep the run from ending', async () => {
	const done = '{"data":{"id":"t1","status":10}}';
	sandbox().fault({ on: 'POST /apps/run', kind: 'body', body: done });
	const stale = '{"id":"t1","status":7,"output":null}';
	sandbox().fault({ on: 'GET /tasks/t1', kind: 'body', body: stale, times: Infinity });
	const run = await runOne(makeClient(sandbox()), manual);
	expect(run.task).toMatchObject({ status: 'completed', output: undefined });
});

it('a listed task that is deleted meanwhile is not the one that was lost', async () => {
	sandbox().configure({ listPreloads: 'none' });
	sandbox().fault({ on: 'POST /apps/run', kind: 'statusAfter', status: 502 });
	sandbox().fault({ on: 'GET /tasks/:id', kind: 'status', status: 404, times: 2 });
	const run = await runOne(makeClient(sandbox()), { app: 'sandbox/echo', input: { ms: 5 } });
	expect(run).toMatchObject({ adopted: false, attempts: 2 });
});

it('closing a client waits for what it still does', async () => {
	const client = makeClient(sandbox());
	sandbox().hold();
	const run = runOne(client, { app: 'sandbox/echo', input: { ms: 1 } });
	const closed = client[Symbol.asyncDispose]();
	await until(() => sandbox().count('GET', /\/stream$/) >= 1);
	sandbox().release();
	await closed;
	expect(
		sandbox()
			.tasks()
			.map((task) => task.status),
	).toEqual(['completed']);
	await run;
});

it('the limit of the credential holds over several clients', async () => {
	const overrides = { maxConcurrency: 2 };
	const clients = [makeClient(sandbox(), overrides), makeClient(sandbox(), overrides)];
	sandbox().hold();
	const runs = Array.from({ length: 8 }, async (_, index) => {
		const client = clients[index % 2] ?? makeClient(sandbox());
		return await runOne(client, { app: 'sandbox/sleep', input: { ms: 1 } });
	});
	for (let ended = 0; ended < 8; ended += 2) {
		await until(() => sandbox().tasks().length >= ended + 2);
		await nextTurn();
		expect(sandbox().running()).toHaveLength(2);
		sandbox().advance(1);
	}
	expect(await Promise.all(runs)).toHaveLength(8);
	expect(mostInFlight(sandbox())).toBe(2);
});

it('the time of an item does not count while it waits for its turn', async () => {
	const client = makeClient(sandbox(), { maxConcurrency: 1, settings: { timeoutMs: 1_000 } });
	sandbox().hold();
	const runs = Array.from(
		{ length: 4 },
		async () => await runOne(client, { app: 'sandbox/sleep', input: { ms: 1 } }),
	);
	for (let ended = 0; ended < 4; ended += 1) {
		await until(() => sandbox().count('GET', /\/stream$/) >= ended + 1);
		await clock.pass(600);
		sandbox().advance(1);
	}
	expect(await Promise.all(runs)).toHaveLength(4);
});

describe('the system clock', () => {
	it('waits, and stops waiting at once', async () => {
		await systemClock.delay(1);
		await systemClock.delay(1, new AbortController().signal);
		const stop = new AbortController();
		const waiting = systemClock.delay(60_000, stop.signal);
		stop.abort(new Error('enough'));
		expect(String(await rejection(waiting))).toContain('enough');
		expect(String(await rejection(systemClock.delay(1, stop.signal)))).toContain('enough');
		expect(systemClock.random()).toBeLessThan(1);
	});
});

it.each([
	['https://api.inference.sh', true],
	['ftp://x', false],
	['api.inference.sh', false],
])('%s is a base URL: %s', (text, valid) => {
	expect(parseHttpUrl(text) !== undefined).toBe(valid);
});
