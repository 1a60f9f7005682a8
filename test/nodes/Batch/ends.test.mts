import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { IDataObject } from 'n8n-workflow';
import { beforeEach, describe, expect, it } from 'vitest';
import {
	addsUp,
	each,
	errorCounts,
	FROM_LIST,
	pairs,
	resultOf,
	runBatch,
	spyOnLog,
} from './support.mts';
import type { EngineRun } from '../../engine/engine.mts';
import {
	clock,
	credentialsOf,
	FROM_ITEM,
	meanwhile,
	objectIn,
	passing,
	spyOnParameters,
	submissions,
	useSandbox,
} from '../../engine/support.mts';
import { aMoment, nextTurn, until } from '../../until.mts';

const sandbox = useSandbox();

const numbered = (count: number) => Array.from({ length: count }, (_, n) => ({ n }));
const statuses = () =>
	sandbox()
		.tasks()
		.map(({ status }) => status);
/** The task of an item with a number. */
const taskOf = (n: number) =>
	sandbox()
		.tasks()
		.find(({ input }) => (input as { n: number }).n === n);

const MINUTE = 60_000;

/** What Batch leaves of its Total Timeout for cancelling. */
const FOR_CANCELLING = 5_000;

/** Lets the run's minute pass when so many streams have been opened, so that the node knows its tasks. */
async function inTheMinute(run: Promise<EngineRun>, opened: number): Promise<EngineRun> {
	const begun = clock.now();
	return await meanwhile(run, async () => {
		await until(() => sandbox().count('GET', /\/stream$/) >= opened);
		await clock.runOut(MINUTE - FOR_CANCELLING - (clock.now() - begun));
	});
}

const codes = (failed: Parameters<typeof each>[0]) =>
	failed.map(({ json }) => objectIn(json, 'error')['code']);

describe('Total Timeout', () => {
	// A service of its own: the pause after a 429 holds for all runs with the same credential.
	const busy = useSandbox();

	it('ends the run: what is running is cancelled, the rest is not started', async () => {
		const read: number[] = [];
		const items = numbered(300).map((input) => ({ app: 'sandbox/manual', input }));
		const running = runBatch(sandbox(), {
			...FROM_ITEM,
			items,
			parameters: { ...FROM_ITEM.parameters, concurrency: 20, timeout: 600 },
			options: { totalTimeout: 60 },
			adjustContext: spyOnParameters('jsonInput', (item) => read.push(item)),
		});
		const run = await inTheMinute(running, 20);
		expect(run.status).toBe('success');
		const result = resultOf(run);
		const { succeeded, failed, summary } = result;
		expect(succeeded).toEqual([]);
		expect(each(failed, 'status')).toEqual([
			...Array<string>(20).fill('timed_out'),
			...Array<string>(280).fill('not_started'),
		]);
		for (const [index, { json }] of failed.slice(0, 20).entries()) {
			const id = String(json['id']);
			expect(taskOf(index)).toMatchObject({ id });
			expect(taskOf(index)?.cancelRequestedAt).toBeDefined();
			expect(objectIn(json, 'error')).toEqual({
				message: `Task ${id} did not finish within the 60 s of "Limit: Total Timeout (Seconds)". The task was cancelled.`,
				code: 'timeout',
				retryable: true,
			});
		}
		for (const { json } of failed.slice(20)) {
			expect(Object.keys(json).sort()).toEqual(['error', 'item', 'run', 'status']);
			expect(json['error']).toEqual({
				message: 'Not started: "Limit: Total Timeout (Seconds)" leaves no time for it',
				code: 'not_started',
				retryable: true,
			});
			expect(json['run']).toEqual({ attempts: 0, duration_ms: 0 });
		}
		expect(each(failed, 'item')).toEqual(items);
		expect(summary).toMatchObject({
			total: 300,
			succeeded: 0,
			failed: 20,
			not_started: 280,
			max_in_flight: 20,
			stopped_by: 'total_timeout',
			p50_ms: null,
		});
		expect(addsUp(result)).toBe(true);
		// Nothing goes on running, and nothing was looked at in vain.
		await until(() => sandbox().running().length === 0);
		expect(statuses()).toEqual(Array(20).fill('cancelled'));
		expect(read).toHaveLength(20);
		await aMoment();
		expect(sandbox().tasks()).toHaveLength(20);
	});

	it('keeps what was finished before', async () => {
		const items = numbered(40).map(({ n }) =>
			n % 2 === 0 ? { app: 'sandbox/instant', input: {} } : { app: 'sandbox/manual', input: {} },
		);
		// The fifth that stays is started when the fifth that does not has ended.
		const running = runBatch(sandbox(), {
			...FROM_ITEM,
			items,
			parameters: { ...FROM_ITEM.parameters, concurrency: 5 },
			options: { totalTimeout: 60 },
		});
		const run = await inTheMinute(running, 5);
		const result = resultOf(run);
		expect(pairs(result.succeeded)).toEqual([0, 2, 4, 6, 8]);
		expect(result.summary).toMatchObject({ succeeded: 5, failed: 5, not_started: 30 });
		expect(addsUp(result)).toBe(true);
		await until(() => sandbox().running().length === 0);
	});

	it('starts nothing that cannot finish any more', async () => {
		const running = runBatch(sandbox(), {
			app: 'sandbox/manual',
			items: numbered(5),
			parameters: { concurrency: 1 },
			options: { totalTimeout: 60 },
		});
		const run = await meanwhile(running, async () => {
			for (const opened of [1, 2]) {
				await until(() => sandbox().count('GET', /\/stream$/) >= opened);
				await clock.pass(20_000);
				sandbox().finishTask(sandbox().running()[0]?.id ?? '');
			}
		});
		const { succeeded, failed, summary } = resultOf(run);
		// After the second one there is time left, but for no task that takes as long as they did.
		expect(pairs(succeeded)).toEqual([0, 1]);
		expect(each(failed, 'status')).toEqual(Array(3).fill('not_started'));
		expect(sandbox().tasks()).toHaveLength(2);
		expect(summary['stopped_by']).toBe('total_timeout');
	});

	it('does not shorten a run that is in time', async () => {
		const run = await runBatch(sandbox(), {
			items: numbered(10),
			options: { totalTimeout: 60 },
		});
		expect(resultOf(run).summary).toMatchObject({ succeeded: 10, stopped_by: null });
	});

	it('leaves tasks running if On Timeout says so', async () => {
		const running = runBatch(sandbox(), {
			app: 'sandbox/manual',
			items: numbered(10),
			parameters: { concurrency: 3 },
			options: { totalTimeout: 60, onTimeout: 'keep' },
		});
		const run = await inTheMinute(running, 3);
		const { failed, summary } = resultOf(run);
		expect(summary).toMatchObject({ failed: 3, not_started: 7 });
		expect(sandbox().running()).toHaveLength(3);
		expect(sandbox().count('POST', /\/cancel$/)).toBe(0);
		expect(objectIn(failed[0]?.json, 'error')['message']).toContain('The task was left running.');
	});

	it('ends waits for a service that refuses', async () => {
		busy().fault({
			on: 'POST /apps/run',
			kind: 'status',
			status: 429,
			times: 999,
			headers: { 'retry-after': '100' },
		});
		const running = runBatch(busy(), {
			items: numbered(12),
			parameters: { concurrency: 4, maxRetries: 50 },
			options: { totalTimeout: 60 },
		});
		const run = await meanwhile(running, async () => {
			await until(() => busy().requests.length >= 4);
			await until(() => clock.waits.filter((ms) => ms > MINUTE).length >= 4);
			await clock.runOut(MINUTE);
		});
		const result = resultOf(run);
		expect(result.summary).toMatchObject({
			succeeded: 0,
			failed: 4,
			not_started: 8,
			rate_limited: 4,
			retries: 0,
		});
		expect(addsUp(result)).toBe(true);
		expect(objectIn(result.failed[0]?.json, 'error')['message']).toContain(
			'Nothing was started for it.',
		);
	});
});

describe('Stop After Failures', () => {
	describe.each([1, 10])('with the service down, %i at once', (concurrency) => {
		const options = { stopAfterFailures: 5 };
		const parameters = { concurrency, maxRetries: 0 };

		function expectOpened(result: ReturnType<typeof resultOf>, most: number): void {
			const { succeeded, failed, summary } = result;
			expect(succeeded).toEqual([]);
			expect(summary['stopped_by']).toBe('circuit_breaker');
			expect(addsUp(result)).toBe(true);
			expect(Number(summary['failed'])).toBeGreaterThanOrEqual(5);
			expect(Number(summary['failed'])).toBeLessThanOrEqual(most);
			const rest = failed.filter(({ json }) => json['status'] === 'not_started');
			expect(rest).toHaveLength(200 - Number(summary['failed']));
			for (const { json } of rest) {
				expect(json['error']).toEqual({
					message: 'Not started: too many failures of the service in a row',
					code: 'not_started',
					retryable: true,
				});
				expect(json['run']).toEqual({ attempts: 0, duration_ms: 0 });
			}
			expect(each(failed, 'item')).toEqual(numbered(200));
		}

		it('starts nothing more after 5 answers of 500', async () => {
			sandbox().fault({ on: 'POST /apps/run', kind: 'status', status: 500, times: 999 });
			const run = await runBatch(sandbox(), { items: numbered(200), parameters, options });
			const result = resultOf(run);
			expectOpened(result, 5 + concurrency);
			expect(submissions(sandbox()).length).toBeLessThanOrEqual(5 + concurrency);
			expect(codes(result.failed)[0]).toBe('server');
			expect(sandbox().tasks()).toHaveLength(0);
		});

		it('starts nothing more after 5 submissions of which nothing is known', async () => {
			sandbox().fault({ on: '*', kind: 'status', status: 500, times: 9999 });
			const run = await runBatch(sandbox(), { items: numbered(200), parameters, options });
			expectOpened(resultOf(run), 5 + concurrency);
			// A submission and a look at the task list for each.
			expect(sandbox().requests.length).toBeLessThanOrEqual(2 * (5 + concurrency));
		});

		it('starts nothing more after 5 connections that are refused', async () => {
			const server = createServer().listen(0, '127.0.0.1');
			await once(server, 'listening');
			const { port } = server.address() as AddressInfo;
			server.close();
			await once(server, 'close');
			const run = await runBatch(sandbox(), {
				credentials: { ...credentialsOf(sandbox()), baseUrl: `http://127.0.0.1:${port}` },
				items: numbered(200),
				parameters,
				options,
			});
			const result = resultOf(run);
			expectOpened(result, 5 + concurrency);
			expect(codes(result.failed)[0]).toBe('network');
		});
	});

	it('goes on if it is 0', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'status', status: 500, times: 999 });
		const run = await runBatch(sandbox(), {
			items: numbered(30),
			parameters: { maxRetries: 0 },
		});
		const result = resultOf(run);
		expect(result.summary).toMatchObject({ failed: 30, not_started: 0, stopped_by: null });
		expect(submissions(sandbox())).toHaveLength(30);
		expect(addsUp(result)).toBe(true);
	});

	/** One after another: 2 failures of the service, something else, 2 more, and so on. */
	async function interrupted(by: { app: string; input: IDataObject | string }) {
		const items = numbered(30).map((input) =>
			input.n % 3 === 2 ? by : { app: 'sandbox/featured', input },
		);
		const run = await runBatch(sandbox(), {
			...FROM_ITEM,
			items,
			parameters: { ...FROM_ITEM.parameters, concurrency: 1, maxRetries: 0 },
			options: { stopAfterFailures: 3 },
		});
		return resultOf(run).summary;
	}

	it.each([
		{ what: 'success', app: 'sandbox/echo', input: {} },
		{ what: 'failed task', app: 'sandbox/fail', input: {} },
		{ what: 'refused input', app: 'sandbox/sleep', input: {} },
		{ what: 'missing app', app: 'sandbox/nowhere', input: {} },
	])('counts in a row: a $what begins anew', async ({ app, input }) => {
		expect(await interrupted({ app, input })).toMatchObject({ not_started: 0, stopped_by: null });
	});

	it('does not take an item that was never sent for a sign of life', async () => {
		const summary = await interrupted({ app: 'sandbox/echo', input: '{"broken": ' });
		expect(summary).toMatchObject({ stopped_by: 'circuit_breaker', failed: 4, not_started: 26 });
	});

	it('does not count failed tasks', async () => {
		const run = await runBatch(sandbox(), {
			app: 'sandbox/fail',
			items: numbered(40).map(() => ({})),
			options: { stopAfterFailures: 3 },
		});
		expect(resultOf(run).summary).toMatchObject({ failed: 40, stopped_by: null });
	});

	it('opens at once for a key that is not accepted, and says so', async () => {
		for (const stopAfterFailures of [0, 5]) {
			const run = await runBatch(sandbox(), {
				credentials: { ...credentialsOf(sandbox()), apiKey: 'inf_wrong' },
				items: numbered(100),
				parameters: { concurrency: 4 },
				options: { stopAfterFailures },
			});
			const result = resultOf(run);
			expect(result.summary).toMatchObject({ succeeded: 0, stopped_by: 'circuit_breaker' });
			expect(Number(result.summary['failed'])).toBeLessThanOrEqual(4);
			expect(addsUp(result)).toBe(true);
			const [message] = errorCounts(result.summary).keys();
			expect(message).toContain('does not accept the API key');
			expect(objectIn(result.failed.at(-1)?.json, 'error')['message']).toBe(
				'Not started: the service does not accept the API key',
			);
		}
		expect(sandbox().requests.length).toBeLessThanOrEqual(8);
	});

	it.each([403, 404])(
		'opens for a key that may start tasks but is shown none (%i)',
		async (status) => {
			const { apiKey, ...workspace } = sandbox().workspace(`inf_sandbox_unseeing${status}`);
			for (const on of ['GET /tasks/:id', 'GET /tasks/:id/stream', 'GET /tasks/:id/status']) {
				sandbox().fault({ on, kind: 'status', status, times: Infinity });
			}
			const run = await passing(
				runBatch(sandbox(), {
					app: 'sandbox/manual',
					credentials: { ...credentialsOf(sandbox()), apiKey },
					items: numbered(40),
					parameters: { concurrency: 5 },
				}),
			);
			const { summary } = resultOf(run);
			expect(summary).toMatchObject({ failed: 5, not_started: 35, stopped_by: 'circuit_breaker' });
			expect(workspace.tasks()).toHaveLength(5);
			await until(() => workspace.running().length === 0);
		},
	);

	it('lets what is running finish', async () => {
		const items = [
			{ app: 'sandbox/manual', input: {} },
			...numbered(30).map((input) => ({ app: 'sandbox/featured', input })),
		];
		const log: string[] = [];
		const started = runBatch(sandbox(), {
			...FROM_ITEM,
			items,
			parameters: { ...FROM_ITEM.parameters, concurrency: 2 },
			options: { stopAfterFailures: 2, progressEvery: 30 },
			adjustContext: spyOnLog((line) => log.push(line)),
		});
		await until(() => log.length >= 1);
		sandbox().finishTask(sandbox().running()[0]?.id ?? '', { output: { kept: true } });
		const result = resultOf(await started);
		expect(each(result.succeeded, 'output')).toEqual([{ kept: true }]);
		expect(result.summary).toMatchObject({ succeeded: 1, failed: 2, not_started: 28 });
	});
});

describe('Stop', () => {
	const alive = async (count: number) => await until(() => sandbox().running().length === count);
	let log: string[] = [];
	beforeEach(() => {
		log = [];
	});

	it.each(['input', 'list'])('with 50 in flight leaves nothing running (%s)', async (source) => {
		const rows = numbered(400);
		const run = await runBatch(sandbox(), {
			app: 'sandbox/manual',
			items: source === 'input' ? rows : [{ rows }],
			parameters: { ...(source === 'list' && FROM_LIST), concurrency: 50 },
			options: { progressEvery: 1 },
			cancelAfter: alive(50),
			adjustContext: spyOnLog((line) => log.push(line)),
		});
		expect(run.status).toBe('canceled');
		await until(() => sandbox().running().length === 0);
		await aMoment();
		expect(statuses()).toEqual(Array(50).fill('cancelled'));
		expect(submissions(sandbox())).toHaveLength(50);
		const said = JSON.stringify(run.raw.data.resultData);
		expect(said).toContain('canceled with 50 items running');
		// Items that nobody has looked at are not reported as done.
		expect(log).toEqual([]);
	});

	it.each(['continueRegularOutput', 'continueErrorOutput'] as const)(
		'ends a node set to %s, too',
		async (onError) => {
			const run = await runBatch(sandbox(), {
				app: 'sandbox/manual',
				items: numbered(100),
				parameters: { concurrency: 10 },
				cancelAfter: alive(10),
				onError,
			});
			expect(run.status).toBe('canceled');
			await until(() => sandbox().running().length === 0);
			await aMoment();
			expect(sandbox().tasks()).toHaveLength(10);
		},
	);

	it('leaves the tasks running if that is wanted', async () => {
		const run = await runBatch(sandbox(), {
			app: 'sandbox/manual',
			items: numbered(100),
			parameters: { concurrency: 50 },
			options: { onStop: 'keep' },
			cancelAfter: alive(50),
		});
		expect(run.status).toBe('canceled');
		await aMoment();
		expect(sandbox().running()).toHaveLength(50);
		expect(sandbox().tasks()).toHaveLength(50);
		expect(sandbox().count('POST', /\/cancel$/)).toBe(0);
	});

	it('cancels tasks whose ids were still on their way', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'delay', ms: 1, when: 'after', times: 999 });
		sandbox().hold();
		const stop = alive(50);
		const running = runBatch(sandbox(), {
			app: 'sandbox/manual',
			items: numbered(200),
			parameters: { concurrency: 50 },
			cancelAfter: stop,
		});
		const run = await meanwhile(running, async () => {
			await stop;
			await nextTurn();
			sandbox().release();
		});
		expect(run.status).toBe('canceled');
		await until(() => statuses().every((status) => status === 'cancelled'));
		await aMoment();
		expect(statuses()).toEqual(Array(50).fill('cancelled'));
	});

	it('comes with the timeout of the workflow, too', async () => {
		const run = await runBatch(sandbox(), {
			app: 'sandbox/manual',
			items: numbered(30),
			timeoutAfter: alive(5),
		});
		expect(run.status).toBe('canceled');
		await until(() => sandbox().running().length === 0);
		expect(statuses()).toEqual(Array(5).fill('cancelled'));
	});
});
