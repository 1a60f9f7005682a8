/** What a batch's tasks have cost, what it may spend, and what it need not buy again. */
import type { INodeParameters } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { NODE_NAME } from '../../engine/engine.mts';
import {
	clock,
	meanwhile,
	passing,
	useSandbox,
	type RunAppOptions,
} from '../../engine/support.mts';
import { until } from '../../until.mts';
import { resultOf, runBatch } from './support.mts';

const free = { type: 'object', properties: {} };
/** Its cost is told afterwards only, if at all. */
const unpriced = {
	...{ namespace: 'sandbox', name: 'unpriced', title: '', description: '', category: 'text' },
	functions: { run: { input: free, output: free } },
	run: (job: { finish(output: unknown): void }) => job.finish({}),
};
/** Tells a cost of its own. */
const quoting = {
	...unpriced,
	name: 'quoting',
	run: (job: { finish(output: unknown): void }) => job.finish({ cost: 'seven' }),
};
const sandbox = useSandbox({ apps: [unpriced, quoting] });

const CENT = 0.01;
/** Each costs a cent. */
const cents = (count: number) => Array.from({ length: count }, (_, n) => ({ text: `${n}` }));
const bought = () => sandbox().count('POST', '/apps/run');

async function batch(options: INodeParameters, more: RunAppOptions = {}) {
	const run = await passing(runBatch(sandbox(), { ...more, options }));
	const hints = run.hints(NODE_NAME).map(({ message }) => message);
	return { ...resultOf(run), run, hints };
}

const refused = async (options: INodeParameters, more: RunAppOptions) =>
	await passing(runBatch(sandbox(), { ...more, options }));

describe('Include Cost', () => {
	it('tells in items and in the summary what was really paid', async () => {
		const { succeeded, summary } = await batch({ includeCost: true }, { items: cents(3) });
		expect(summary).toMatchObject({ cost_usd: 3 * CENT });
		for (const { json } of succeeded) {
			expect(json['cost']).toEqual({ usd: CENT, charged_usd: CENT, refunded_usd: 0 });
			const keys = Object.keys(json);
			expect(keys.indexOf('cost')).toBe(keys.indexOf('created_at') - 1);
		}
	});

	it('waits for records that come late, but holds up no item for them', async () => {
		sandbox().configure({ costAfterMs: 3_500 });
		const { summary } = await batch(
			{ includeCost: true },
			{ items: cents(4), parameters: { concurrency: 1 } },
		);
		expect(summary).toMatchObject({ cost_usd: 4 * CENT });
		// One wait for all, not one for each.
		expect(summary?.['duration_ms']).toBeLessThan(15_000);
		sandbox().configure({ costAfterMs: 0 });
	});

	it('says so if there is no record', async () => {
		const { succeeded, hints, summary } = await batch(
			{ includeCost: true },
			{ app: 'sandbox/unpriced', items: [{}, {}] },
		);
		expect(succeeded.map(({ json }) => json['cost'])).toEqual([null, null]);
		expect(summary).toMatchObject({ cost_usd: 0 });
		expect(hints.join()).toContain('What 2 tasks cost is not known');
	});

	it('says which scope is missing', async () => {
		sandbox().fault({ on: 'GET /usage/tasks/:id/cost', kind: 'status', status: 403, times: 99 });
		const { succeeded, hints } = await batch({ includeCost: true }, { items: cents(2) });
		expect(succeeded).toHaveLength(2);
		expect(hints.join()).toContain('billing:read');
	});

	it('is told of failed tasks, too', async () => {
		const { failed } = await batch({ includeCost: true }, { app: 'sandbox/fail', items: cents(1) });
		expect(failed[0]?.json).toHaveProperty('cost');
	});

	it('leaves what an app itself calls its cost', async () => {
		const { succeeded } = await batch(
			{ includeCost: true },
			{ app: 'sandbox/quoting', items: [{}], parameters: { output: 'result' } },
		);
		expect(succeeded[0]?.json).toEqual({ cost: 'seven' });
	});

	it('counts what has completed, but not with words', async () => {
		const { failed, summary } = await batch(
			{ includeCost: true },
			{ items: [{ count: 1 }], parameters: { output: 'text' } },
		);
		expect(failed[0]?.json).toMatchObject({ cost: { usd: CENT } });
		expect(summary).toMatchObject({ cost_usd: CENT });
	});

	it('is nothing without the option', async () => {
		const { succeeded, summary } = await batch({}, { items: cents(1) });
		expect(succeeded[0]?.json).not.toHaveProperty('cost');
		expect(summary).not.toHaveProperty('cost_usd');
		expect(sandbox().count('GET', /\/cost$/)).toBe(0);
	});
});

describe('Budget', () => {
	it.each([1, 3, 50])('is not exceeded, %s at once', async (concurrency) => {
		const { succeeded, failed, summary } = await batch(
			{ budget: 5 * CENT },
			{ items: cents(20), parameters: { concurrency } },
		);
		expect(bought()).toBe(5);
		expect(succeeded).toHaveLength(5);
		expect(failed.map(({ json }) => json['status'])).toEqual(Array(15).fill('not_started'));
		expect(summary).toMatchObject({ stopped_by: 'budget', not_started: 15, cost_usd: 5 * CENT });
	});

	it('counts what finished ones have really cost, not what they were estimated to', async () => {
		// Estimated at five cents at most, and charged with one.
		const { succeeded } = await batch(
			{ budget: 10 * CENT },
			{ app: 'sandbox/llm', items: cents(20), parameters: { concurrency: 1 } },
		);
		expect(succeeded.length).toBeGreaterThan(5);
		expect(succeeded.length).toBeLessThanOrEqual(10);
	});

	it('is not kept blindly: if nothing is known of a price, nothing is started', async () => {
		const run = await refused({ budget: 1 }, { app: 'sandbox/unpriced', items: [{}, {}] });
		expect(run.error?.message).toContain('cannot tell what this app costs');
		expect(bought()).toBe(0);
	});

	it.each([-1, 'much', Infinity])('%s is refused before anything starts', async (budget) => {
		const run = await refused({ budget } as INodeParameters, { items: cents(2) });
		expect(run.error?.message).toContain('Budget (USD)');
		expect(sandbox().requests).toEqual([]);
	});

	it('does not count what is reused', async () => {
		await batch({}, { items: cents(8) });
		const { summary } = await batch(
			{ budget: 2 * CENT, reuse: 'completed' },
			{ items: cents(12), parameters: { concurrency: 3 } },
		);
		expect(bought()).toBe(10);
		expect(summary).toMatchObject({ reused: 8, succeeded: 10, not_started: 2, cost_usd: 2 * CENT });
	});
});

describe('Reuse', () => {
	const LIST = 'POST /tasks/list';
	const lists = () => sandbox().count('POST', '/tasks/list');
	const unreadable = { on: LIST, kind: 'status', status: 403, times: Infinity } as const;

	it('starts nothing if the earlier tasks cannot be read, and the node says why, once', async () => {
		sandbox().fault(unreadable);
		const run = await refused({ reuse: 'completed' }, { items: cents(30) });
		expect(run.error?.message).toContain('the earlier tasks of sandbox/echo cannot be read');
		expect(bought()).toBe(0);
		expect(lists()).toBe(1);
	});

	it('if the node continues on errors, all items come out as not started', async () => {
		sandbox().fault(unreadable);
		const { failed, summary } = await batch(
			{ reuse: 'completed' },
			{ items: cents(3), onError: 'continueRegularOutput' },
		);
		expect(failed.map(({ json }) => json['status'])).toEqual(Array(3).fill('not_started'));
		expect(summary).toMatchObject({ total: 3, not_started: 3, failed: 0 });
		expect(bought()).toBe(0);
	});

	it('Total Timeout ends the reading of the list', async () => {
		sandbox().fault({ on: LIST, kind: 'hang', when: 'before', times: Infinity });
		const options = { reuse: 'completed', totalTimeout: 30 };
		const run = await meanwhile(runBatch(sandbox(), { options, items: cents(3) }), async () => {
			await until(() => lists() === 1);
			await clock.runOut(30_000);
		});
		const { failed, summary } = resultOf(run);
		expect(failed).toHaveLength(3);
		expect(summary).toMatchObject({ total: 3, succeeded: 0, stopped_by: 'total_timeout' });
		expect(bought()).toBe(0);
	});

	it('an app by expression whose tasks cannot be read fails by itself', async () => {
		sandbox().fault({ ...unreadable, skip: 1 });
		const apps = ['sandbox/echo', 'sandbox/instant', 'sandbox/echo'];
		const { succeeded, failed } = await batch(
			{ reuse: 'completed' },
			{
				app: '={{ $json.app }}',
				items: apps.map((app, n) => ({ app, text: `${n}` })),
				parameters: { concurrency: 1 },
			},
		);
		expect(succeeded).toHaveLength(2);
		expect(failed[0]?.json).toMatchObject({
			status: 'failed',
			error: { message: expect.stringContaining('of sandbox/instant cannot be read') as string },
		});
		expect(bought()).toBe(2);
	});

	it.each([-1, 0, 1e9, 'tomorrow'])(
		'%s hours are refused before anything starts',
		async (hours) => {
			const run = await refused({ reuse: 'completed', reuseWithin: hours } as INodeParameters, {
				items: cents(2),
			});
			expect(run.error?.message).toContain('Within (Hours)');
			expect(sandbox().requests).toEqual([]);
		},
	);
});
