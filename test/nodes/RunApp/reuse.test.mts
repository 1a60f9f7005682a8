/** With Reuse: Earlier Results, what the account has bought before is not bought again. */
import type { INodeParameters } from 'n8n-workflow';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { SandboxApp } from '../../sandbox/index.mts';
import { host } from '../../engine/host.mts';
import {
	clock,
	FROM_ITEM,
	jsonOf,
	meanwhile,
	objectIn,
	runApp,
	useSandbox,
	type RunAppOptions,
} from '../../engine/support.mts';
import { until } from '../../until.mts';

vi.mock('../../../nodes/client/transport/undiciTransport.ts', async (original) => {
	const { ofHost } = await import('../../engine/host.mts');
	return await ofHost(async () => await original());
});

const free = { type: 'object', properties: {} };
const plain = { input: free, output: free };

const app = (name: string, version: string) => ({
	...{ namespace: 'sandbox', name, title: name, description: '', category: 'text', setup: free },
	...answering(version),
});

const answering = (version: string): Pick<SandboxApp, 'functions' | 'run'> => ({
	functions: { run: plain, other: plain },
	run: (job) => job.finish({ version, function: job.functionName }),
});

const sandbox = useSandbox({ apps: [{ ...app('many', '2'), older: [answering('1')] }] });
beforeEach(() => {
	host.undici = true;
});

const LIST = 'POST /tasks/list';
const HOUR = 3_600_000;
const bought = () => sandbox().count('POST', '/apps/run');
const lists = () => sandbox().count('POST', '/tasks/list');

async function run(options: RunAppOptions, reuse: INodeParameters = { reuse: 'completed' }) {
	return await runApp(sandbox(), { ...options, options: { ...reuse, ...options.options } });
}

/** The second run of what has been run already. */
async function again(options: RunAppOptions, reuse?: INodeParameters) {
	const first = await runApp(sandbox(), options);
	const before = bought();
	const second = await run(options, reuse);
	return { first, second, boughtAgain: bought() - before };
}

const texts = (...words: string[]) => words.map((text) => ({ text }));
const ids = (items: ReadonlyArray<{ id?: unknown }>) => items.map(({ id }) => id);

describe.each([
	{ name: 'undici', undici: true },
	{ name: "n8n's HTTP helper", undici: false },
])('over $name', ({ undici }) => {
	beforeEach(() => {
		host.undici = undici;
	});

	it('gives each item the result of the task that it has had before', async () => {
		const { first, second, boughtAgain } = await again({ items: texts('a', 'b', 'c') });
		expect(boughtAgain).toBe(0);
		expect(ids(jsonOf(second))).toEqual(ids(jsonOf(first)));
		for (const [at, json] of jsonOf(second).entries()) {
			const { run: facts, ...result } = json;
			const { run: earlier, ...same } = jsonOf(first)[at] ?? {};
			expect(result).toEqual(same);
			expect(facts).toMatchObject({ attempts: 0, via: 'reuse', reused: true });
			expect(earlier).not.toHaveProperty('reused');
		}
	});
});

it('reads the list once, however many items there are', async () => {
	const items = texts(...Array.from({ length: 30 }, (_, n) => `text ${n}`));
	const { boughtAgain } = await again({ items });
	expect(boughtAgain).toBe(0);
	expect(lists()).toBe(1);
});

it('gives every task to one item only', async () => {
	await runApp(sandbox(), { items: texts('a', 'a') });
	const second = await run({ items: texts('a', 'a', 'a') });
	expect(bought()).toBe(3);
	expect(new Set(ids(jsonOf(second))).size).toBe(3);
});

it.each<{ what: string; first: RunAppOptions; second: RunAppOptions }>([
	{ what: 'another input', first: { items: texts('a') }, second: { items: texts('b') } },
	{
		what: 'one field more',
		first: { items: texts('a') },
		second: { items: [{ text: 'a', more: null }] },
	},
	{
		what: 'another function',
		first: { items: texts('a'), app: 'sandbox/many' },
		second: { items: texts('a'), app: 'sandbox/many:other' },
	},
	{
		what: 'another setup',
		first: { items: texts('a'), app: 'sandbox/many', options: { setup: '{"size":1}' } },
		second: { items: texts('a'), app: 'sandbox/many', options: { setup: '{"size":2}' } },
	},
	{
		what: 'a setup',
		first: { items: texts('a'), app: 'sandbox/many' },
		second: { items: texts('a'), app: 'sandbox/many', options: { setup: '{"size":2}' } },
	},
	{
		what: 'another app',
		first: { items: texts('a') },
		second: { items: texts('a'), app: 'sandbox/instant' },
	},
	{
		what: 'another place to run',
		first: { items: texts('a'), options: { infra: 'private' } },
		second: { items: texts('a'), options: { infra: 'cloud' } },
	},
])('takes nothing that is not equal: $what', async ({ first, second }) => {
	await runApp(sandbox(), first);
	const before = bought();
	await run(second);
	expect(bought() - before).toBe(1);
});

it('takes the same input with its keys in another order', async () => {
	await runApp(sandbox(), { items: [{ text: 'a', deep: { x: 1, y: [{ p: 1, q: 2 }] } }] });
	await run({ items: [{ deep: { y: [{ q: 2, p: 1 }], x: 1 }, text: 'a' }] });
	expect(bought()).toBe(1);
});

it('takes no task that has failed or was cancelled', async () => {
	await runApp(sandbox(), {
		app: 'sandbox/fail',
		items: texts('a'),
		onError: 'continueErrorOutput',
	});
	await run({ app: 'sandbox/fail', items: texts('a'), onError: 'continueErrorOutput' });
	expect(bought()).toBe(2);
});

describe('tasks that still run', () => {
	const endless = { app: 'sandbox/manual', items: [{ n: 1 }] };
	const start = async () => await runApp(sandbox(), { ...endless, parameters: { wait: 'none' } });

	it('are followed if that is wanted', async () => {
		await start();
		const going = run(endless, { reuse: 'completedOrRunning' });
		const second = await meanwhile(going, async () => {
			await until(() => sandbox().count('GET', /\/stream$/) === 1);
			sandbox().finishTask(sandbox().tasks()[0]?.id ?? '');
		});
		expect(bought()).toBe(1);
		const [json] = jsonOf(second);
		expect(objectIn(json, 'run')).toMatchObject({ attempts: 0, via: 'stream', reused: true });
	});

	it('are bought again otherwise', async () => {
		await start();
		await run({ ...endless, parameters: { wait: 'none' } });
		expect(bought()).toBe(2);
	});

	it('are left running at a Stop: somebody else may wait for them', async () => {
		await start();
		const second = await run(
			{
				...endless,
				cancelAfter: until(() => sandbox().count('GET', /\/stream$/) === 1),
			},
			{ reuse: 'completedOrRunning' },
		);
		expect(second.status).toBe('canceled');
		expect(sandbox().count('POST', /\/cancel$/)).toBe(0);
		expect(second.error?.description).toContain('left running');
	});

	it('are left running at a timeout, too', async () => {
		await start();
		const going = run({ ...endless, parameters: { timeout: 60 } }, { reuse: 'completedOrRunning' });
		const second = await meanwhile(going, async () => {
			await until(() => sandbox().count('GET', /\/stream$/) === 1);
			await clock.runOut(60_000);
		});
		expect(second.error?.message).toContain('60 s');
		expect(sandbox().count('POST', /\/cancel$/)).toBe(0);
		expect(sandbox().running()).toHaveLength(1);
	});

	it('that end without a result are none: the item is run', async () => {
		await start();
		const going = run(endless, { reuse: 'completedOrRunning' });
		const finish = (nth: number, status: 'failed' | 'completed') =>
			sandbox().finishTask(sandbox().tasks()[nth]?.id ?? '', { status });
		const second = await meanwhile(going, async () => {
			await until(() => sandbox().count('GET', /\/stream$/) === 1);
			finish(0, 'failed');
			await until(() => sandbox().count('GET', /\/stream$/) === 2);
			finish(1, 'completed');
		});
		expect(bought()).toBe(2);
		const [json] = jsonOf(second);
		expect(objectIn(json, 'run')).toEqual(expect.not.objectContaining({ reused: true }));
	});
});

describe('how long ago', () => {
	it.each([
		{ skew: 0, hours: 1, again: 1 },
		{ skew: 0, hours: 3, again: 0 },
		// The service's clock counts, not ours.
		{ skew: 5 * HOUR, hours: 1, again: 1 },
		{ skew: 5 * HOUR, hours: 3, again: 0 },
		{ skew: -5 * HOUR, hours: 1, again: 1 },
		{ skew: -5 * HOUR, hours: 3, again: 0 },
	])('two hours within $hours, clocks $skew ms apart', async ({ skew, hours, again: expected }) => {
		sandbox().configure({ clockSkewMs: skew });
		await runApp(sandbox(), { items: texts('a') });
		await clock.pass(2 * HOUR);
		await run({ items: texts('a') }, { reuse: 'completed', reuseWithin: hours });
		expect(bought()).toBe(1 + expected);
		sandbox().configure({ clockSkewMs: 0 });
	});

	it.each([-1, 0, 'tomorrow', 1e9])(
		'%s hours are refused before anything starts',
		async (hours) => {
			const result = await run({ items: texts('a') }, { reuse: 'completed', reuseWithin: hours });
			expect(result.error?.message).toContain('Within (Hours)');
			expect(sandbox().requests).toEqual([]);
		},
	);
});

describe('a list', () => {
	it.each([
		{ on: LIST, kind: 'status', status: 403, times: Infinity } as const,
		{ on: LIST, kind: 'status', status: 500, times: Infinity } as const,
		{ on: LIST, kind: 'body', body: '<html>', times: Infinity } as const,
	])('that cannot be read starts nothing, and the node says so: %j', async (fault) => {
		sandbox().fault(fault);
		const result = await run({ items: texts('a', 'b') });
		expect(result.error?.message).toContain('Not started');
		expect(bought()).toBe(0);
	});

	it('whose filters are refused is read without them', async () => {
		await runApp(sandbox(), { items: texts('a') });
		sandbox().fault({ on: LIST, kind: 'status', status: 400 });
		await run({ items: texts('a') });
		expect(bought()).toBe(1);
		expect(lists()).toBe(2);
	});

	it('that repeats itself for ever comes to an end', async () => {
		const page = { items: [], next_cursor: 'again', has_next: true };
		sandbox().fault({
			on: LIST,
			kind: 'body',
			body: JSON.stringify({ data: page }),
			times: Infinity,
		});
		await run({ items: texts('a') });
		expect(bought()).toBe(1);
		expect(lists()).toBe(2);
	});

	it('that repeats rows gives each of them once', async () => {
		await runApp(sandbox(), { items: texts('a') });
		const [task] = sandbox().tasks();
		const listed = await fetch(`${sandbox().url}/tasks/list`, {
			method: 'POST',
			headers: { authorization: `Bearer ${sandbox().apiKey}` },
		});
		const { data } = (await listed.json()) as { data: { items: readonly object[] } };
		const items = [...data.items, ...data.items];
		for (const next of ['more', '']) {
			const page = { items, next_cursor: next, has_next: next !== '' };
			sandbox().fault({ on: LIST, kind: 'body', body: JSON.stringify({ data: page }) });
		}
		const second = await run({ items: texts('a', 'a', 'a') });
		expect(lists()).toBe(1 + 2);
		expect(jsonOf(second).filter(({ id }) => id === task?.id)).toHaveLength(1);
		expect(bought()).toBe(3);
	});

	it('that ends early shows fewer tasks: the others are bought', async () => {
		const items = texts(...Array.from({ length: 150 }, (_, n) => `text ${n}`));
		await runApp(sandbox(), { items });
		const lost = { items: null, next_cursor: '', has_next: false };
		const body = JSON.stringify({ data: lost });
		sandbox().fault({ on: LIST, kind: 'body', body, skip: 1 });
		const second = await run({ items });
		expect(lists()).toBe(2);
		expect(bought()).toBe(150 + 50);
		expect(new Set(ids(jsonOf(second))).size).toBe(150);
	});
});

it('a Stop ends the reading of the list', async () => {
	sandbox().fault({ on: LIST, kind: 'hang', when: 'before', times: Infinity });
	const result = await run({ items: texts('a'), cancelAfter: until(() => lists() === 1) });
	expect(result.status).toBe('canceled');
	expect(bought()).toBe(0);
});

it('each app by expression has a list of its own', async () => {
	const items = [
		{ app: 'sandbox/echo', input: { text: 'a' } },
		{ app: 'sandbox/instant', input: { text: 'a' } },
	];
	const { boughtAgain } = await again({ ...FROM_ITEM, items });
	expect(boughtAgain).toBe(0);
	expect(lists()).toBe(2);
});

it('a result that is too large to be kept is read when its item comes', async () => {
	const { first, second, boughtAgain } = await again({ items: texts('x'.repeat(30_000)) });
	expect(boughtAgain).toBe(0);
	expect(jsonOf(second)[0]?.['output']).toEqual(jsonOf(first)[0]?.['output']);
});
