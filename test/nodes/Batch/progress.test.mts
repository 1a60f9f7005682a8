import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { ProgressReports } from '../../../nodes/shared/run/progress.ts';
import { Tally } from '../../../nodes/Batch/summary.ts';
import { FROM_LIST, resultOf, runBatch, spyOnLog } from './support.mts';
import { NODE_NAME, type EngineRun } from '../../engine/engine.mts';
import { FROM_ITEM, objectIn, useSandbox } from '../../engine/support.mts';
import { until } from '../../until.mts';

const sandbox = useSandbox();
const numbered = (count: number) => Array.from({ length: count }, (_, n) => ({ n }));

/** The reports that went to the caller. */
function reportsOf(run: EngineRun): IDataObject[] {
	return run.chunks
		.filter(({ type, metadata }) => type === 'item' && metadata.nodeName === NODE_NAME)
		.map(({ content }) => objectIn(JSON.parse(content ?? '') as IDataObject, 'progress'));
}

/** What a log line counts. */
function counts(line: string): { done: number; total: number; failed: number } {
	const found =
		/^inference\.sh: execution \w+, "Node": (\d+) of (\d+) items done, (\d+) failed, \d+\.\d per second/.exec(
			line,
		);
	if (!found) throw new Error(`Not a line of progress: ${line}`);
	const [done, total, failed] = found.slice(1).map(Number);
	return { done: done ?? 0, total: total ?? 0, failed: failed ?? 0 };
}

describe('Progress', () => {
	it.each([
		{ every: 10, items: 35, expected: [10, 20, 30, 35] },
		{ every: 10, items: 30, expected: [10, 20, 30] },
		{ every: 1, items: 4, expected: [1, 2, 3, 4] },
		{ every: 0, items: 12, expected: [12] },
		{ every: 1000, items: 12, expected: [12] },
	])(
		'is logged every $every of $items items and at the end',
		async ({ every, items, expected }) => {
			const log: string[] = [];
			const run = await runBatch(sandbox(), {
				items: numbered(items),
				options: { progressEvery: every },
				adjustContext: spyOnLog((line) => log.push(line)),
			});
			expect(log.map((line) => counts(line).done)).toEqual(expected);
			expect(log.map((line) => counts(line).total)).toEqual(expected.map(() => items));
			expect(log.at(-1)).toContain('about 0 s left');
			expect(run.chunks).toEqual([]);
		},
	);

	it('is told to the caller of an execution that streams, with the same numbers', async () => {
		const log: string[] = [];
		const items = numbered(20).map(({ n }) =>
			n % 4 === 0
				? { app: 'sandbox/fail', input: {} }
				: { app: 'sandbox/echo', input: { value: n } },
		);
		const run = await runBatch(sandbox(), {
			...FROM_ITEM,
			items,
			streaming: true,
			mode: 'webhook',
			options: { progressEvery: 5 },
			adjustContext: spyOnLog((line) => log.push(line)),
		});
		const reports = reportsOf(run);
		expect(reports.map(({ done }) => done)).toEqual([5, 10, 15, 20]);
		expect(reports.map(({ done, total, failed }) => ({ done, total, failed }))).toEqual(
			log.map(counts),
		);
		for (const report of reports) {
			expect(Object.keys(report)).toEqual([
				'done',
				'total',
				'succeeded',
				'failed',
				'not_started',
				'per_second',
				'seconds_left',
			]);
			expect(Number(report['succeeded']) + Number(report['failed'])).toBe(report['done']);
			expect(Number(report['per_second'])).toBeGreaterThan(0);
			expect(Number(report['seconds_left'])).toBeGreaterThanOrEqual(0);
		}
		const { summary } = resultOf(run);
		expect(reports.at(-1)).toMatchObject({
			succeeded: summary['succeeded'],
			failed: summary['failed'],
			not_started: summary['not_started'],
			seconds_left: 0,
		});
	});

	it('goes to the caller while the batch is running', async () => {
		let live = 0;
		const started = runBatch(sandbox(), {
			...FROM_ITEM,
			items: [
				{ app: 'sandbox/manual', input: {} },
				...numbered(10).map((input) => ({ app: 'sandbox/echo', input })),
			],
			streaming: true,
			options: { progressEvery: 2 },
			onChunk: ({ type }) => void (live += type === 'item' ? 1 : 0),
		});
		await until(() => live === 5);
		expect(sandbox().running()).toHaveLength(1);
		sandbox().finishTask(sandbox().running()[0]?.id ?? '');
		expect(reportsOf(await started).at(-1)).toMatchObject({ done: 11, total: 11 });
	});

	it('counts what was not started, and the elements of a list', async () => {
		const run = await runBatch(sandbox(), {
			app: 'sandbox/featured',
			parameters: { ...FROM_LIST, concurrency: 1 },
			items: [{ rows: numbered(12) }],
			streaming: true,
			options: { stopAfterFailures: 2, progressEvery: 6 },
		});
		expect(reportsOf(run)).toMatchObject([
			{ done: 6, total: 12, failed: 2, not_started: 4 },
			{ done: 12, total: 12, failed: 2, not_started: 10, seconds_left: 0 },
		]);
	});

	it('that nobody can be told does not harm the batch', async () => {
		let told = 0;
		const run = await runBatch(sandbox(), {
			items: numbered(12),
			streaming: true,
			options: { progressEvery: 1 },
			adjustContext: (context) => {
				spyOnLog((line) => {
					if (counts(line).done % 2 === 0) throw new Error('the disk is full');
				})(context);
				Object.assign(context, {
					sendChunk: async () => {
						told += 1;
						throw new Error('the caller has gone');
					},
				});
			},
		});
		expect(run.status).toBe('success');
		expect(resultOf(run).summary).toMatchObject({ total: 12, succeeded: 12 });
		expect(told).toBe(6);
	});

	it('of an empty list is one line', async () => {
		const log: string[] = [];
		await runBatch(sandbox(), {
			parameters: FROM_LIST,
			items: [{ rows: [] }],
			adjustContext: spyOnLog((line) => log.push(line)),
		});
		expect(log).toEqual([
			expect.stringMatching(/"Node": 0 of 0 items done, 0 failed, 0\.0 per second$/),
		]);
	});
});

describe('Reports', () => {
	/** Reports over a clock that the test moves on. */
	function reporting(total: number) {
		const state = { now: 1_000_000, log: [] as string[] };
		const waiting: Array<{ ms: number; resolve: () => void }> = [];
		const clock = {
			now: () => state.now,
			random: () => 0.5,
			delay: async (ms: number, signal?: AbortSignal) =>
				await new Promise<void>((resolve, reject) => {
					waiting.push({ ms, resolve });
					signal?.addEventListener('abort', () => reject(signal.reason as Error));
				}),
		};
		const context = {
			logger: { info: (line: string) => state.log.push(line) },
			getExecutionId: () => '7',
			getNode: () => ({ name: 'Batch' }),
		} as unknown as IExecuteFunctions;
		const tally = new Tally(total, state.now);
		const reports = new ProgressReports(context, tally, clock);
		const advance = async (ms: number) => {
			state.now += ms;
			const due = waiting.splice(0);
			for (const each of due) each.resolve();
			await Promise.resolve();
			await until(() => waiting.length > 0);
			return due.map((each) => each.ms);
		};
		return { state, tally, reports, advance };
	}

	it('come every ten seconds, whatever is done, until the run is over', async () => {
		const { state, tally, reports, advance } = reporting(100);
		let finish = () => {};
		const running = reports.during(
			async () => await new Promise<void>((resolve) => (finish = resolve)),
		);
		expect(await advance(10_000)).toEqual([10_000]);
		for (let n = 0; n < 25; n += 1) tally.success(400);
		expect(await advance(10_000)).toEqual([10_000]);
		await advance(10_000);
		finish();
		await running;
		expect(state.log).toEqual([
			'inference.sh: execution 7, "Batch": 0 of 100 items done, 0 failed, 0.0 per second',
			'inference.sh: execution 7, "Batch": 25 of 100 items done, 0 failed, 1.3 per second, about 60 s left',
			'inference.sh: execution 7, "Batch": 25 of 100 items done, 0 failed, 0.8 per second, about 90 s left',
		]);
	});

	it('estimate the time left from the rate so far', () => {
		const { state, tally, reports } = reporting(1000);
		for (let n = 0; n < 100; n += 1) {
			if (n % 10 === 0) tally.failure('broken');
			else tally.success(100);
			state.now += 50;
		}
		reports.report();
		expect(state.log).toEqual([
			'inference.sh: execution 7, "Batch": 100 of 1000 items done, 10 failed, 20.0 per second, about 45 s left',
		]);
	});

	it('have percentiles of all durations', () => {
		const tally = new Tally(100, 0);
		const durations = Array.from({ length: 100 }, (_, index) => 100 - index);
		for (const ms of durations) tally.success(ms);
		const statistics = { retries: 3, rateLimited: 2 };
		expect(tally.toJson(4000, statistics, durations)).toEqual({
			total: 100,
			succeeded: 100,
			failed: 0,
			not_started: 0,
			duration_ms: 4000,
			per_second: 25,
			p50_ms: 50,
			p95_ms: 95,
			retries: 3,
			rate_limited: 2,
			max_in_flight: 0,
			stopped_by: null,
			errors: [],
		});
	});
});
