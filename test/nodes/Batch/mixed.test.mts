import { describe, expect, it } from 'vitest';
import {
	addsUp,
	each,
	errorCounts,
	pairs,
	resultOf,
	runBatch,
	sum,
	type BatchResult,
} from './support.mts';
import { NODE_NAME } from '../../engine/engine.mts';
import {
	clock,
	meanwhile,
	FROM_ITEM,
	jsonOf,
	objectIn,
	submissions,
	useSandbox,
} from '../../engine/support.mts';
import { mostInFlight } from '../../mostInFlight.mts';
import { aMoment, until } from '../../until.mts';

const sandbox = useSandbox();

/** Which items are in the outputs, each as often as it is. */
const allPairs = ({ succeeded, failed }: BatchResult) =>
	[...pairs(succeeded), ...pairs(failed)].sort((left, right) => left - right);
const indices = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('A mixed run of 500', () => {
	type Kind = 'fine' | 'fails' | 'never starts' | 'refused' | 'unreadable';
	const kindOf = (n: number): Kind => {
		if (n % 25 === 3) return 'never starts';
		if (n % 10 === 7) return 'fails';
		if (n % 20 === 11) return 'refused';
		if (n % 20 === 16) return 'unreadable';
		return 'fine';
	};
	const items = indices(500).map((n) => {
		switch (kindOf(n)) {
			case 'never starts':
				return { app: 'sandbox/queue', input: { n } };
			case 'fails':
				return { app: 'sandbox/fail', input: { message: `reason ${n % 3}`, ms: n % 15 } };
			case 'refused':
				return { app: 'sandbox/sleep', input: { value: n } };
			case 'unreadable':
				return { app: 'sandbox/echo', input: '{"broken": ' };
			case 'fine':
				return { app: 'sandbox/echo', input: { value: n, ms: n % 30 } };
		}
	});
	const numbersOf = (kind: Kind) => indices(500).filter((n) => kindOf(n) === kind);

	it('has every item once, where it belongs, and a Summary that adds up', async () => {
		const rateLimited = { on: 'POST /apps/run', kind: 'status', status: 429 } as const;
		const soon = { 'retry-after-ms': '20' };
		sandbox().fault({ ...rateLimited, skip: 60, times: 12, headers: soon });
		sandbox().fault({ ...rateLimited, skip: 300, times: 9, headers: soon });
		const sent = 500 - numbersOf('unreadable').length;
		const running = runBatch(sandbox(), {
			...FROM_ITEM,
			items,
			parameters: { ...FROM_ITEM.parameters, concurrency: 40, timeout: 60, maxRetries: 20 },
		});
		const run = await meanwhile(running, async () => {
			await until(
				() =>
					submissions(sandbox()).length === sent + 21 &&
					sandbox()
						.running()
						.every(({ app }) => app === 'sandbox/queue'),
			);
			// Until it is known how all others have ended.
			await aMoment();
			await clock.runOut(60_000);
		});
		expect(run.status).toBe('success');
		const result = resultOf(run);
		const { succeeded, failed, summary } = result;

		expect(allPairs(result)).toEqual(indices(500));
		expect(pairs(succeeded)).toEqual(numbersOf('fine'));
		expect(each(succeeded, 'output')).toEqual(
			numbersOf('fine').map((n) => ({ echo: { value: n, ms: n % 30 } })),
		);
		for (const { json, pairedItem } of failed) {
			const [n = Number.NaN] = pairs([{ json, ...(pairedItem && { pairedItem }) }]);
			expect(json['item']).toEqual(items[n]);
			const error = objectIn(json, 'error');
			expect([kindOf(n), json['status'], error['code']]).toEqual(
				{
					fine: ['fine', 'completed', undefined],
					fails: ['fails', 'failed', 'task_failed'],
					'never starts': ['never starts', 'timed_out', 'timeout'],
					refused: ['refused', 'failed', 'validation'],
					unreadable: ['unreadable', 'failed', 'invalid_parameter'],
				}[kindOf(n)],
			);
		}

		expect(addsUp(result)).toBe(true);
		expect(summary).toMatchObject({
			total: 500,
			succeeded: numbersOf('fine').length,
			failed: 500 - numbersOf('fine').length,
			not_started: 0,
			retries: 21,
			rate_limited: 21,
			max_in_flight: 40,
			stopped_by: null,
		});
		const counts = errorCounts(summary);
		for (const reason of [0, 1, 2]) {
			expect(counts.get(`Task … failed: reason ${reason}`)).toBe(
				numbersOf('fails').filter((n) => n % 3 === reason).length,
			);
		}
		expect(counts.get('Task … did not finish within 60 s. The task was cancelled.')).toBe(20);
		expect(Math.max(...counts.values())).toBe(numbersOf('refused').length);
		expect(counts.size).toBe(6);

		// What the service saw: each readable item once, and once more for each 429.
		expect(submissions(sandbox())).toHaveLength(sent + 21);
		expect(sandbox().tasks()).toHaveLength(sent - numbersOf('refused').length);
		expect(mostInFlight(sandbox())).toBeLessThanOrEqual(40);
		await until(() => sandbox().running().length === 0);
	});

	it('counts retries and 429s of a service that limits its rate', async () => {
		sandbox().configure({ rateLimit: { max: 12, windowMs: 100, retryAfter: 'ms' } });
		const run = await runBatch(sandbox(), {
			items: indices(60).map((n) => ({ value: n })),
			parameters: { concurrency: 10, maxRetries: 100 },
		});
		const { succeeded, summary } = resultOf(run);
		expect(succeeded).toHaveLength(60);
		expect(sandbox().tasks()).toHaveLength(60);
		const refused = submissions(sandbox()).length - 60;
		expect(refused).toBeGreaterThan(0);
		expect(summary).toMatchObject({ retries: refused, rate_limited: refused, failed: 0 });
		expect(sum(succeeded.map(({ json }) => Number(objectIn(json, 'run')['attempts'])))).toBe(
			60 + refused,
		);
	});

	it('puts items that the rate limit never lets through into Failed', async () => {
		sandbox().fault({
			on: 'POST /apps/run',
			kind: 'status',
			status: 429,
			times: 99,
			headers: { 'retry-after-ms': '5' },
		});
		const run = await runBatch(sandbox(), {
			items: [{ value: 1 }, { value: 2 }],
			parameters: { maxRetries: 1 },
		});
		const result = resultOf(run);
		expect(addsUp(result)).toBe(true);
		for (const { json } of result.failed) {
			expect(json).toMatchObject({ status: 'failed', run: { attempts: 2 } });
			expect(objectIn(json, 'error')).toMatchObject({
				code: 'rate_limit',
				http_status: 429,
				retryable: true,
			});
		}
		expect(result.summary).toMatchObject({ failed: 2, retries: 2, rate_limited: 4 });
	});

	it('buys a failed task again if Retry On says so, and counts it', async () => {
		const run = await runBatch(sandbox(), {
			app: 'sandbox/flaky',
			items: indices(12).map((n) => ({ key: `k${n}`, failures: n % 3 })),
			parameters: { maxRetries: 1 },
			options: { retryOn: ['taskFailed'] },
		});
		const result = resultOf(run);
		expect(pairs(result.failed)).toEqual([2, 5, 8, 11]);
		expect(addsUp(result)).toBe(true);
		expect(result.summary).toMatchObject({ succeeded: 8, failed: 4, retries: 8 });
		expect(sandbox().tasks()).toHaveLength(20);
	});
});

describe('Identical items', () => {
	it('are all run, once each', async () => {
		const run = await runBatch(sandbox(), {
			items: indices(100).map(() => ({ text: 'the same' })),
			parameters: { concurrency: 20 },
		});
		const { succeeded } = resultOf(run);
		expect(succeeded).toHaveLength(100);
		expect(new Set(each(succeeded, 'id')).size).toBe(100);
		expect(sandbox().tasks()).toHaveLength(100);
	});

	it.each(['after', 'before'] as const)(
		'are bought once each when submissions lose their answers (%s the task is made)',
		async (when) => {
			for (const skip of [0, 10, 40]) {
				sandbox().fault({ on: 'POST /apps/run', kind: 'reset', when, skip, times: 8 });
			}
			sandbox().fault({ on: 'POST /apps/run', kind: 'statusAfter', status: 502, skip: 60 });
			// Tasks of other items are there, but not yet answered, while the lost ones are looked for.
			const late = { on: 'POST /apps/run', kind: 'delay', ms: 80, when: 'after' } as const;
			sandbox().fault({ ...late, skip: 8, times: 40 });
			const run = await runBatch(sandbox(), {
				items: indices(80).map(() => ({ text: 'the same', ms: 5 })),
				parameters: { concurrency: 16, maxRetries: 10 },
			});
			const { succeeded, summary } = resultOf(run);
			expect(summary).toMatchObject({ succeeded: 80, failed: 0 });
			// Each item has a task of its own, and there is no task that nobody reads.
			expect(sandbox().tasks()).toHaveLength(80);
			expect(new Set(each(succeeded, 'id'))).toEqual(
				new Set(
					sandbox()
						.tasks()
						.map(({ id }) => id),
				),
			);
			const adopted = run.hints(NODE_NAME).some(({ message }) => message.includes('found in'));
			expect(adopted).toBe(true);
		},
	);
});

describe('5,000 instant items', () => {
	it('come out complete and in order', async () => {
		sandbox().configure({ recordBodies: false });
		const run = await runBatch(sandbox(), {
			app: 'sandbox/instant',
			items: indices(5000).map((n) => ({ text: `item ${n}` })),
			parameters: { concurrency: 50 },
		});
		const result = resultOf(run);
		expect(pairs(result.succeeded)).toEqual(indices(5000));
		expect(jsonOf(run).map((json) => objectIn(json, 'output')['text'])).toEqual(
			indices(5000).map((n) => `item ${n}`),
		);
		expect(new Set(each(result.succeeded, 'id')).size).toBe(5000);
		expect(result.summary).toMatchObject({
			total: 5000,
			succeeded: 5000,
			failed: 0,
			not_started: 0,
			retries: 0,
			max_in_flight: 50,
			stopped_by: null,
			errors: [],
		});
		expect(Number(result.summary['per_second'])).toBeGreaterThan(0);
		expect(Number(result.summary['p95_ms'])).toBeGreaterThanOrEqual(
			Number(result.summary['p50_ms']),
		);
		// One request for each: the answer to the submission is already the end.
		expect(sandbox().requests).toHaveLength(5000);
	});

	it('come out complete from a list', async () => {
		sandbox().configure({ recordBodies: false });
		const rows = indices(5000).map((n) => ({ text: `row ${n}` }));
		const run = await runBatch(sandbox(), {
			app: 'sandbox/instant',
			items: [{ rows }],
			parameters: { itemsFrom: 'list', list: '={{ $json.rows }}', concurrency: 50 },
		});
		expect(jsonOf(run).map((json) => json['output'])).toEqual(rows);
	});
});
