import type { IExecuteFunctions } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { addsUp, each, FROM_LIST, pairs, resultOf, runBatch } from './support.mts';
import {
	clock,
	FROM_ITEM,
	meanwhile,
	objectIn,
	submissions,
	useSandbox,
} from '../../engine/support.mts';
import { until } from '../../until.mts';

const sandbox = useSandbox();
const again = { retryOnFail: true, maxTries: 3 };

const indices = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Makes the first so many tries of the node throw when all their work is done. */
function throwing(times: number): {
	adjustContext: (context: IExecuteFunctions) => void;
	tries: () => number;
} {
	let tries = 0;
	const adjustContext = (context: IExecuteFunctions) => {
		tries += 1;
		if (tries > times) return;
		Object.assign(context, {
			addExecutionHints: () => {
				throw new Error(`no hints in try ${tries}`);
			},
		});
	};
	return { adjustContext, tries: () => tries };
}

describe('Retry On Fail', () => {
	it('takes failed items for results, not for a failed node', async () => {
		const { adjustContext, tries } = throwing(0);
		const run = await runBatch(sandbox(), {
			...again,
			app: 'sandbox/fail',
			items: [{}, {}],
			adjustContext,
		});
		expect(run.status).toBe('success');
		expect(resultOf(run).summary['failed']).toBe(2);
		expect(tries()).toBe(1);
		expect(sandbox().tasks()).toHaveLength(2);
	});

	it('does not take the error field of a whole task for a failed node', async () => {
		const { adjustContext, tries } = throwing(0);
		const run = await runBatch(sandbox(), {
			...again,
			items: [{ text: 'a' }],
			options: { fullTask: true },
			adjustContext,
		});
		expect(resultOf(run).summary['succeeded']).toBe(1);
		expect(tries()).toBe(1);
	});

	it.each(['input', 'list'])('buys none of 2,000 finished items again (%s)', async (source) => {
		const { adjustContext, tries } = throwing(2);
		const rows = indices(2000).map((n) => ({ text: `item ${n}` }));
		const run = await runBatch(sandbox(), {
			...again,
			app: 'sandbox/instant',
			items: source === 'input' ? rows : [{ rows }],
			parameters: { ...(source === 'list' && FROM_LIST), concurrency: 50 },
			adjustContext,
		});
		expect(run.status).toBe('success');
		expect(tries()).toBe(3);
		const result = resultOf(run);
		expect(each(result.succeeded, 'output')).toEqual(rows);
		expect(pairs(result.succeeded)).toEqual(
			source === 'input' ? indices(2000) : Array(2000).fill(0),
		);
		expect(sandbox().tasks()).toHaveLength(2000);
		expect(sandbox().requests).toHaveLength(2000);
		expect(result.summary).toMatchObject({ total: 2000, succeeded: 2000, max_in_flight: 0 });
		expect(addsUp(result)).toBe(true);
	});

	it('keeps how long the finished ones took', async () => {
		const { adjustContext } = throwing(1);
		const running = runBatch(sandbox(), {
			...again,
			app: 'sandbox/manual',
			items: indices(4).map((n) => ({ n })),
			adjustContext,
		});
		const run = await meanwhile(running, async () => {
			await until(() => sandbox().count('GET', /\/stream$/) >= 4);
			await clock.pass(60_000);
			for (const { id } of sandbox().running()) sandbox().finishTask(id);
		});
		const { succeeded, summary } = resultOf(run);
		expect(sandbox().tasks()).toHaveLength(4);
		const durations = succeeded
			.map(({ json }) => Number(objectIn(json, 'run')['duration_ms']))
			.sort((left, right) => left - right);
		expect(Math.min(...durations)).toBeGreaterThanOrEqual(60_000);
		expect(summary['p50_ms']).toBe(durations[1]);
		expect(summary['p95_ms']).toBe(durations[3]);
	});

	it('starts what failed or never started anew', async () => {
		const { adjustContext } = throwing(1);
		const run = await runBatch(sandbox(), {
			...again,
			...FROM_ITEM,
			items: indices(12).map((n) =>
				n % 3 === 0
					? { app: 'sandbox/flaky', input: { key: `key ${n}` } }
					: { app: 'sandbox/echo', input: { value: n } },
			),
			adjustContext,
		});
		const { succeeded, failed } = resultOf(run);
		expect(pairs(succeeded)).toEqual(indices(12));
		expect(failed).toEqual([]);
		expect(sandbox().tasks()).toHaveLength(16);
	});

	it('looks for submissions of which nothing is known before it starts them again', async () => {
		const { adjustContext } = throwing(1);
		sandbox().fault({ on: 'POST /apps/run', kind: 'reset', when: 'after', times: 6 });
		const run = await runBatch(sandbox(), {
			...again,
			items: indices(10).map((value) => ({ value })),
			options: { onUnclearSubmit: 'fail' },
			adjustContext,
		});
		expect(resultOf(run).summary).toMatchObject({ succeeded: 10, failed: 0 });
		expect(sandbox().tasks()).toHaveLength(10);
		expect(submissions(sandbox())).toHaveLength(10);
	});

	it('takes the results of the first try even if the service is down in the second', async () => {
		const { adjustContext } = throwing(1);
		const down = (context: IExecuteFunctions) => {
			adjustContext(context);
			if (sandbox().tasks().length === 0) return;
			sandbox().fault({ on: '*', kind: 'status', status: 500, times: 9999 });
		};
		const run = await runBatch(sandbox(), {
			...again,
			...FROM_ITEM,
			items: indices(50).map((value) =>
				value < 40
					? { app: 'sandbox/instant', input: { text: `${value}` } }
					: { app: 'sandbox/fail', input: {} },
			),
			parameters: { ...FROM_ITEM.parameters, concurrency: 1, maxRetries: 0 },
			options: { stopAfterFailures: 2 },
			adjustContext: down,
		});
		expect(resultOf(run).summary).toMatchObject({
			succeeded: 40,
			failed: 2,
			not_started: 8,
			stopped_by: 'circuit_breaker',
		});
		expect(sandbox().tasks()).toHaveLength(50);
	});

	it('gives up after the last try', async () => {
		const { adjustContext, tries } = throwing(9);
		const run = await runBatch(sandbox(), { ...again, items: [{ text: 'a' }], adjustContext });
		expect(run.status).toBe('error');
		expect(run.error?.message).toContain('no hints in try 3');
		expect(tries()).toBe(3);
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it.each([
		{ ending: 'succeeded', failures: 1, status: 'success' },
		{ ending: 'failed for good', failures: 9, status: 'error' },
	])('remembers nothing of a run that has $ending', async ({ failures, status }) => {
		for (const round of [1, 2]) {
			const run = await runBatch(sandbox(), {
				...again,
				executionId: `the same, ${status}`,
				items: indices(30).map((n) => ({ text: `item ${n}` })),
				adjustContext: throwing(failures).adjustContext,
			});
			expect(run.status).toBe(status);
			expect(sandbox().tasks()).toHaveLength(30 * round);
		}
	});
});
