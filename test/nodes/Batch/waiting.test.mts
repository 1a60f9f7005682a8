/** Batch, waiting for the callback: three outputs, made of what the execution kept. */
import type { IDataObject } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { Batch } from '../../../nodes/Batch/Batch.node.ts';
import { addsUp, each, errorCounts, FROM_LIST, resultOf, runBatch } from './support.mts';
import type { EngineRun } from '../../engine/engine.mts';
import {
	clock,
	credentialsOf,
	FROM_ITEM,
	submissions,
	type RunAppOptions,
	useSandbox,
} from '../../engine/support.mts';
import { until } from '../../until.mts';
import { WaitingExecution } from '../../engine/waitingEngine.mts';

const sandbox = useSandbox({ webhookCopies: 0 });

const MANUAL = { app: 'sandbox/manual', input: {} };
const NONE = { app: 'sandbox/none', input: {} };
const echo = (text: string) => ({ app: 'sandbox/echo', input: { text } });
const fail = (message: string) => ({ app: 'sandbox/fail', input: { message } });

async function start(items: IDataObject[], options: RunAppOptions = {}): Promise<EngineRun> {
	return await runBatch(sandbox(), {
		items: items.map((json) => ({ json })),
		app: FROM_ITEM.app,
		mode: 'webhook',
		...options,
		parameters: {
			...FROM_ITEM.parameters,
			wait: 'webhook',
			concurrency: 1,
			...options.parameters,
		},
	});
}

async function waiting(items: IDataObject[], options: RunAppOptions = {}) {
	const run = await start(items, options);
	return new WaitingExecution(run, new Batch(), { credentials: credentialsOf(sandbox()) });
}

const taskIds = () =>
	sandbox()
		.tasks()
		.map(({ id }) => id);

async function resumed(execution: WaitingExecution): Promise<EngineRun> {
	const { run } = await execution.callBack({});
	if (!run) throw new Error('It still waits');
	return run;
}

describe('Batch, waiting for the callback', () => {
	it('puts out what it would have put out without', async () => {
		const items = [echo('a'), MANUAL, NONE, fail('too small'), MANUAL, MANUAL];
		const execution = await waiting(items);
		const [a = '', first = '', failed = '', second = '', third = ''] = taskIds();
		await clock.pass(20_000);
		sandbox().finishTask(third, { status: 'failed', error: 'too small' });
		sandbox().finishTask(second, { status: 'cancelled' });
		sandbox().finishTask(first, { output: { n: 1 } });
		const result = resultOf(await resumed(execution));
		expect(addsUp(result)).toBe(true);
		expect(result.succeeded.map(({ json }) => json)).toMatchObject([
			{ id: a, status: 'completed', output: { echo: { text: 'a' } }, item_index: 0 },
			{ id: first, status: 'completed', output: { n: 1 }, run: { attempts: 1 }, item_index: 1 },
		]);
		expect(result.failed.map(({ json }) => json)).toMatchObject([
			{ status: 'failed', error: { code: 'not_found' }, item: NONE, item_index: 2 },
			{ id: failed, status: 'failed', error: { code: 'task_failed' }, item_index: 3 },
			{ id: second, status: 'cancelled', error: { code: 'task_cancelled' }, item: MANUAL },
			{ id: third, status: 'failed', error: { message: `Task ${third} failed: too small` } },
		]);
		expect(result.summary).toMatchObject({
			total: 6,
			succeeded: 2,
			failed: 4,
			not_started: 0,
			max_in_flight: 5,
			stopped_by: null,
		});
		expect(errorCounts(result.summary).get('Task … failed: too small')).toBe(2);
		expect(Number(result.summary['p95_ms'])).toBeGreaterThanOrEqual(20_000);
		expect(Number(result.summary['duration_ms'])).toBeGreaterThanOrEqual(20_000);
	});

	it('never fails because of a task', async () => {
		const execution = await waiting([MANUAL, MANUAL]);
		const [first = '', second = ''] = taskIds();
		sandbox().finishTask(first, { status: 'failed', error: 'too small' });
		const answer = await execution.callBack({ data: { id: first } });
		expect(answer).toEqual({ status: 200, json: { ended: 1, total: 2 } });
		sandbox().finishTask(second);
		expect((await resumed(execution)).status).toBe('success');
	});

	it('puts results in the order of their ends if asked to', async () => {
		const execution = await waiting([MANUAL, MANUAL, MANUAL], {
			parameters: { order: 'completion' },
		});
		const [first = '', second = '', third = ''] = taskIds();
		for (const id of [second, third, first]) {
			sandbox().finishTask(id);
			await clock.pass(5);
		}
		const result = resultOf(await resumed(execution));
		expect(each(result.succeeded, 'id')).toEqual([second, third, first]);
	});

	it('takes the elements of lists', async () => {
		const execution = await waiting([{ rows: [{ n: 0 }, { n: 1 }] }, { rows: [{ n: 2 }] }], {
			app: 'sandbox/manual',
			parameters: FROM_LIST,
		});
		const [first = '', second = '', third = ''] = taskIds();
		sandbox().finishTask(second, { status: 'failed' });
		sandbox().finishTask(third, { status: 'failed' });
		sandbox().finishTask(first);
		const result = resultOf(await resumed(execution));
		expect(each(result.succeeded, 'item_index')).toEqual([0]);
		expect(each(result.failed, 'item')).toEqual([{ n: 1 }, { n: 2 }]);
		expect(each(result.failed, 'item_index')).toEqual([0, 1]);
	});

	it('keeps what was not started apart', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'status', status: 402, times: 2, skip: 1 });
		const execution = await waiting([MANUAL, MANUAL, MANUAL, MANUAL], {
			options: { stopAfterFailures: 2 },
		});
		sandbox().finishTask(taskIds()[0] ?? '');
		const result = resultOf(await resumed(execution));
		expect(addsUp(result)).toBe(true);
		expect(result.summary).toMatchObject({
			total: 4,
			succeeded: 1,
			failed: 2,
			not_started: 1,
			stopped_by: 'circuit_breaker',
		});
	});

	it('does not wait if everything has ended by the end of the submission', async () => {
		const run = await start([echo('a'), fail('no'), echo('c')]);
		const result = resultOf(run);
		expect(run.status).toBe('success');
		expect(addsUp(result)).toBe(true);
		expect(each(result.succeeded, 'status')).toEqual(['completed', 'completed']);
		expect(each(result.failed, 'status')).toEqual(['failed']);
	});

	it('gives every task the URL that resumes the execution', async () => {
		await start([MANUAL, MANUAL], { resumeBaseUrl: 'http://localhost:9/webhook-waiting' });
		for (const { webhook } of submissions(sandbox())) {
			expect(webhook).toContain('http://localhost:9/webhook-waiting/');
		}
	});

	it('cancels what it has started when it is stopped meanwhile', async () => {
		sandbox().configure({ latencyMs: 20 });
		const items = Array.from({ length: 20 }, () => MANUAL);
		const run = await start(items, {
			cancelAfter: until(() => sandbox().tasks().length >= 4),
		});
		expect(run.status).toBe('canceled');
		await until(() => sandbox().running().length === 0);
		expect(run.error?.message).toContain('items running');
		expect(sandbox().tasks().length).toBeLessThan(20);
	});

	it('brings out at the end of the wait what has ended, and the ids of the rest', async () => {
		const execution = await waiting([MANUAL, echo('b'), NONE, MANUAL]);
		const [first = '', second = '', third = ''] = taskIds();
		const run = await execution.timeOut();
		const result = resultOf(run);
		expect(run.status).toBe('success');
		expect(addsUp(result)).toBe(true);
		expect(each(result.succeeded, 'id')).toEqual([second]);
		expect(result.failed.map(({ json }) => json)).toMatchObject([
			{
				id: first,
				status: 'timed_out',
				app: 'sandbox/manual',
				error: { code: 'timeout', retryable: true },
				item: MANUAL,
				item_index: 0,
			},
			{ status: 'failed', item_index: 2 },
			{ id: third, status: 'timed_out' },
		]);
		expect(result.summary).toMatchObject({ total: 4, succeeded: 1, failed: 3 });
		expect(Number(result.summary['duration_ms'])).toBeGreaterThanOrEqual(24 * 3_600_000);
		// Nothing is cancelled: the ids lead to them.
		expect(sandbox().running()).toHaveLength(2);
	});

	it('takes only the values of Wait that it has', async () => {
		const run = await start([MANUAL], { parameters: { wait: 'none' } });
		expect(run.error?.message).toContain('Parameter "Wait" must be one of result, webhook');
	});
});
