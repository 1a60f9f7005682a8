/** Waiting without a worker, in a real n8n: its database, its webhooks, its wait tracker. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { IDataObject } from 'n8n-workflow';
import { describe, expect, inject, test } from 'vitest';

import { startSandbox } from '../../sandbox/index.mts';
import { until } from '../../until.mts';
import { CREDENTIAL } from '../demo/demoInstance.mts';
import { useInstance } from '../n8n/instance.mts';
import { N8n } from '../n8n/n8n.mts';
import { N8nRest } from '../n8n/rest.mts';
import {
	arrived,
	callBack,
	callbackUrl,
	NODE,
	parentOf,
	pause,
	publish,
	start,
	startWaiting,
	waiting,
	workflowBehind,
	workflowFor,
} from './waitingWorkflow.mts';

const MANUAL: IDataObject = { app: 'sandbox/manual', input: {} };
describe('Run App, waiting for the callback', () => {
	const instance = useInstance();

	/** A new workflow, started with some items, once it waits. */
	async function waitWith(
		items: readonly IDataObject[],
		parameters: IDataObject = {},
		nodeFields: IDataObject = {},
	): Promise<string> {
		const { rest } = instance();
		const workflow = await publish(rest, workflowFor('runApp', parameters, nodeFields));
		return await startWaiting(rest, workflow, items);
	}

	/** Ids of the tasks, in the order in which they were started. */
	const taskIds = (): readonly string[] =>
		instance()
			.sandbox.tasks()
			.map(({ id }) => id);

	test('goes on with the results in order when the last task has ended', async () => {
		const { rest, sandbox } = instance();
		const id = await waitWith([MANUAL, MANUAL, MANUAL], { concurrency: 1 });
		const [first = '', second = '', third = ''] = taskIds();
		sandbox.finishTask(third, { output: { n: 3 } });
		await expect.poll(() => sandbox.webhookDeliveries()).toEqual([{ taskId: third, status: 200 }]);
		sandbox.finishTask(first, { output: { n: 1 } });
		await expect.poll(() => sandbox.webhookDeliveries()).toHaveLength(2);
		expect((await rest.execution(id)).status).toBe('waiting');
		sandbox.finishTask(second, { output: { n: 2 } });
		const execution = await rest.executionOnce(id);
		expect(execution.status).toBe('success');
		expect(arrived(execution)).toMatchObject(
			[first, second, third].map((task, index) => ({
				id: task,
				status: 'completed',
				app: 'sandbox/manual',
				output: { n: index + 1 },
				run: { attempts: 1, via: 'poll' },
				from: MANUAL,
			})),
		);
		expect(sandbox.webhookDeliveries().map(({ status }) => status)).toEqual([200, 200, 200]);
		expect(sandbox.violations()).toEqual([]);
	});

	test('does not wait at all if the tasks have ended when all are submitted', async () => {
		const { rest, sandbox } = instance();
		sandbox.configure({ webhookCopies: 0 });
		const workflow = await publish(rest, workflowFor('runApp'));
		const id = await start(rest, workflow, [
			{ app: 'sandbox/instant', input: { text: 'a' } },
			{ app: 'sandbox/echo', input: { text: 'b' } },
		]);
		const execution = await rest.executionOnce(id);
		expect(arrived(execution)).toMatchObject([
			{ status: 'completed', output: { text: 'a' } },
			{ status: 'completed', output: { echo: { text: 'b' } } },
		]);
	});

	test('sends failed tasks to the error output, the others to the regular one', async () => {
		const { rest, sandbox } = instance();
		const id = await waitWith(
			[MANUAL, MANUAL, MANUAL],
			{ concurrency: 1 },
			{ onError: 'continueErrorOutput' },
		);
		const [first = '', second = '', third = ''] = taskIds();
		sandbox.finishTask(second, { status: 'failed', error: 'too small' });
		sandbox.finishTask(third, { status: 'cancelled' });
		sandbox.finishTask(first, { output: { n: 1 } });
		const execution = await rest.executionOnce(id);
		expect(arrived(execution)).toMatchObject([{ id: first, status: 'completed', from: MANUAL }]);
		expect(arrived(execution, 1)).toMatchObject([
			{
				error: `Task ${second} failed: too small`,
				details: { code: 'task_failed', id: second, status: 'failed', item_index: 1 },
			},
			{
				error: `Task ${third} was cancelled on inference.sh`,
				details: { code: 'task_cancelled', id: third, item_index: 2 },
			},
		]);
	});

	test('fails with the first failed task if it is not set to continue, and cancels the others', async () => {
		const { rest, sandbox } = instance();
		const id = await waitWith([MANUAL, MANUAL, MANUAL], { concurrency: 1 });
		const [first = '', second = '', third = ''] = taskIds();
		sandbox.finishTask(second, { status: 'failed', error: 'too small' });
		const execution = await rest.executionOnce(id);
		expect(execution.status).toBe('error');
		expect(execution.data.resultData.error?.message).toBe(`Task ${second} failed: too small`);
		expect(arrived(execution)).toEqual([]);
		await expect.poll(() => sandbox.running()).toEqual([]);
		expect(sandbox.tasks().map(({ id: task, status }) => [task, status])).toEqual([
			[first, 'cancelled'],
			[second, 'failed'],
			[third, 'cancelled'],
		]);
	});

	test('is not moved by callbacks that are forged, repeated, early or no JSON', async () => {
		const { rest, sandbox } = instance();
		const id = await waitWith([MANUAL, MANUAL], { concurrency: 1 });
		const url = callbackUrl(sandbox);
		const [first = '', second = ''] = taskIds();
		const lie = {
			event: 'task.completed',
			data: { id: first, status: 10, output: { n: 'forged' } },
		};
		const waits = { status: 200, json: { ended: 0, total: 2 } };
		expect(await callBack(url, lie)).toEqual(waits);
		expect(await callBack(url, lie)).toEqual(waits);
		expect(await callBack(url, { data: { id: 'no-such-task' } })).toEqual(waits);
		expect(await callBack(url, { data: null })).toEqual(waits);
		expect(await callBack(url, [])).toEqual(waits);
		expect((await callBack(url, '{"broken')).status).toBeGreaterThanOrEqual(400);
		const stranger = new URL(url);
		stranger.searchParams.set('signature', '0'.repeat(64));
		expect((await callBack(stranger.href, lie)).status).toBe(401);
		expect((await rest.execution(id)).status).toBe('waiting');

		sandbox.configure({ webhookCopies: 3 });
		sandbox.finishTask(first, { output: { n: 1 } });
		await expect.poll(() => sandbox.webhookDeliveries()).toHaveLength(3);
		expect((await rest.execution(id)).status).toBe('waiting');
		sandbox.finishTask(second, { output: { n: 2 } });
		const execution = await rest.executionOnce(id);
		expect(execution.status).toBe('success');
		expect(arrived(execution).map(({ output }) => output)).toEqual([{ n: 1 }, { n: 2 }]);
		// Callbacks that come too late are refused and change nothing.
		expect((await callBack(url, lie)).status).toBe(409);
		expect(await rest.execution(id)).toEqual(execution);
	});

	test('finds a task whose callback came while the others were still being submitted', async () => {
		const { rest, sandbox } = instance();
		sandbox.configure({ webhookRetriesMs: [], latencyMs: 150 });
		const workflow = await publish(rest, workflowFor('runApp', { concurrency: 1 }));
		const id = await start(rest, workflow, [
			{ app: 'sandbox/sleep', input: { ms: 50 } },
			{ app: 'sandbox/echo', input: { text: 'b' } },
			{ app: 'sandbox/sleep', input: { ms: 3_000 } },
		]);
		await waiting(rest, id);
		expect(sandbox.webhookDeliveries().map(({ status }) => status)).toEqual([409, 409]);
		const execution = await rest.executionOnce(id);
		expect(arrived(execution).map(({ status }) => status)).toEqual(Array(3).fill('completed'));
		// However many look at once: n8n is told to go on only once.
		await expect.poll(() => sandbox.webhookDeliveries()).toHaveLength(3);
		expect(sandbox.webhookDeliveries()[2]?.status).not.toBe(500);
	});

	test('finds a task whose only callback came just before n8n had saved the execution', async () => {
		const { rest, sandbox } = instance();
		// It ends after its status has been read, and before the execution waits.
		sandbox.fault({ on: 'GET /tasks/:id/status', kind: 'delay', when: 'after', ms: 600 });
		sandbox.configure({ webhookRetriesMs: [] });
		const workflow = await publish(rest, workflowFor('runApp'));
		const id = await start(rest, workflow, [{ app: 'sandbox/sleep', input: { ms: 300 } }]);
		await waiting(rest, id);
		const [task] = sandbox.tasks();
		expect(sandbox.webhookDeliveries()).toEqual([{ taskId: task?.id, status: 409 }]);
		const execution = await rest.executionOnce(id);
		expect(arrived(execution)).toMatchObject([{ status: 'completed', output: { slept: 300 } }]);
	});

	test('is called again by the service if the task could not be read', async () => {
		const { rest, sandbox } = instance();
		const id = await waitWith([MANUAL]);
		sandbox.configure({ webhookRetriesMs: Array.from({ length: 100 }, () => 100) });
		sandbox.fault({ on: 'GET /tasks/:id', kind: 'body', body: '<html>', times: Infinity });
		sandbox.finishTask(taskIds()[0] ?? '', { output: { n: 1 } });
		await until(() => sandbox.webhookDeliveries().length > 0);
		sandbox.clearFaults();
		const execution = await rest.executionOnce(id);
		expect(arrived(execution)).toMatchObject([{ status: 'completed', output: { n: 1 } }]);
		const answers = sandbox.webhookDeliveries().map(({ status }) => status);
		expect(answers[0]).not.toBe(200);
		expect(answers.at(-1)).toBe(200);
	});
});

describe('Batch, waiting for the callback', () => {
	const instance = useInstance();

	test('goes on with its three outputs', async () => {
		const { rest, sandbox } = instance();
		const workflow = await publish(
			rest,
			workflowFor('batch', { concurrency: 1, options: { maxRetries: 0 } }),
		);
		const id = await startWaiting(rest, workflow, [
			MANUAL,
			{ app: 'sandbox/nothing-of-that-name', input: {} },
			MANUAL,
			{ app: 'sandbox/echo', input: { text: 'quick' } },
			MANUAL,
		]);
		const [first = '', second = '', quick = '', third = ''] = sandbox
			.tasks()
			.map((task) => task.id);
		sandbox.finishTask(second, { status: 'failed', error: `no room in ${second}` });
		sandbox.finishTask(third, { status: 'failed', error: `no room in ${third}` });
		sandbox.finishTask(first, { output: { n: 1 } });
		const execution = await rest.executionOnce(id);
		expect(execution.status).toBe('success');
		expect(arrived(execution, 0)).toMatchObject([
			{ id: first, status: 'completed', output: { n: 1 }, item_index: 0 },
			{ id: quick, status: 'completed', item_index: 3 },
		]);
		expect(arrived(execution, 1)).toMatchObject([
			{ status: 'failed', error: { code: 'not_found' }, run: { attempts: 1 } },
			{
				id: second,
				error: { code: 'task_failed', message: expect.stringContaining('no room') as string },
			},
			{ id: third, item: MANUAL, run: { attempts: 1 } },
		]);
		expect(arrived(execution, 2)).toMatchObject([
			{
				total: 5,
				succeeded: 2,
				failed: 3,
				not_started: 0,
				max_in_flight: 4,
				stopped_by: null,
				errors: [{ message: 'Task … failed: no room in …', count: 2 }, { count: 1 }],
			},
		]);
	});

	test('takes a hundred tasks and reads about two answers for each', async () => {
		const { rest, sandbox } = instance();
		const count = 100;
		const workflow = await publish(
			rest,
			workflowFor('batch', { concurrency: 20, order: 'completion' }),
		);
		const id = await startWaiting(
			rest,
			workflow,
			Array.from({ length: count }, () => MANUAL),
		);
		const before = sandbox.requests.length;
		sandbox.configure({ webhookCopies: 2 });
		for (const task of sandbox.tasks()) {
			sandbox.finishTask(task.id, { output: {} });
			await pause(5);
		}
		const execution = await rest.executionOnce(id);
		expect(execution.status).toBe('success');
		expect(arrived(execution, 0)).toHaveLength(count);
		expect(arrived(execution, 2)).toMatchObject([{ total: count, succeeded: count, failed: 0 }]);
		// A status of each when its callback comes, its result at the end, and one of a task that
		// goes on for each look: no more looks than callbacks.
		expect(sandbox.requests.length - before).toBeLessThanOrEqual(4 * count + 20);
	});
});

describe('Run App, waiting for the callback somewhere else', () => {
	const instance = useInstance();

	test('in a sub-workflow: the workflow that called it waits, too', async () => {
		const { rest, sandbox } = instance();
		const trigger = {
			name: 'Called',
			type: 'n8n-nodes-base.executeWorkflowTrigger',
			typeVersion: 1.1,
			parameters: { inputSource: 'passthrough' },
		};
		const child = await rest.call<{ id: string }>('POST', 'workflows', workflowBehind(trigger));
		await rest.activate(child.id);
		const parent = await publish(rest, parentOf(child.id));
		const id = await startWaiting(rest, parent, [MANUAL, MANUAL]);
		const [first = '', second = ''] = sandbox.tasks().map((task) => task.id);
		sandbox.finishTask(first, { output: { n: 1 } });
		sandbox.finishTask(second, { output: { n: 2 } });
		const execution = await rest.executionOnce(id);
		expect(execution.status).toBe('success');
		expect(arrived(execution)).toMatchObject([
			{ id: first, status: 'completed', output: { n: 1 } },
			{ id: second, status: 'completed', output: { n: 2 } },
		]);
	});

	test('in an execution that somebody has started in the editor', async () => {
		const { rest, sandbox } = instance();
		const workflow = await rest.call<{ id: string }>(
			'POST',
			'workflows',
			workflowBehind(
				{ name: 'By hand', type: 'n8n-nodes-base.manualTrigger', typeVersion: 1, parameters: {} },
				[
					{
						name: 'Item',
						type: 'n8n-nodes-base.set',
						typeVersion: 3.4,
						parameters: { mode: 'raw', jsonOutput: JSON.stringify(MANUAL), options: {} },
					},
				],
			),
		);
		const id = await rest.run(workflow.id, 'By hand');
		await waiting(rest, id);
		sandbox.finishTask(sandbox.tasks()[0]?.id ?? '', { output: { n: 1 } });
		const execution = await rest.executionOnce(id);
		expect(execution.status).toBe('success');
		const [run] = execution.data.resultData.runData[NODE] ?? [];
		expect(run?.data?.main[0]).toMatchObject([{ json: { status: 'completed', output: { n: 1 } } }]);
	});
});

describe('without callbacks', () => {
	const instance = useInstance();

	test('at the end of the wait what is known comes out, with the ids of the others', async () => {
		const { rest, sandbox } = instance();
		const nodes = ['runApp', 'batch'] as const;
		const items = [MANUAL, { app: 'sandbox/echo', input: { text: 'quick' } }, MANUAL];
		sandbox.configure({ webhookCopies: 0 });
		const ids: string[] = [];
		const taskIds: string[][] = [];
		for (const node of nodes) {
			const parameters = { concurrency: 1, waitLimit: 0.001 };
			const workflow = await publish(rest, workflowFor(node, parameters));
			const known = new Set(sandbox.tasks().map(({ id }) => id));
			ids.push(await startWaiting(rest, workflow, items));
			taskIds.push(
				sandbox
					.tasks()
					.map(({ id }) => id)
					.filter((id) => !known.has(id)),
			);
		}
		const [runApp, batch] = await Promise.all(
			ids.map(async (id) => await rest.executionOnce(id, undefined, 150_000)),
		);
		const [appTasks = [], batchTasks = []] = taskIds;
		expect(runApp && arrived(runApp)).toMatchObject([
			{ id: appTasks[0], status: 'running', app: 'sandbox/manual', from: MANUAL },
			{ id: appTasks[1], status: 'completed', output: { echo: { text: 'quick' } } },
			{ id: appTasks[2], status: 'running', app: 'sandbox/manual' },
		]);
		expect(batch && arrived(batch, 0)).toMatchObject([{ id: batchTasks[1], status: 'completed' }]);
		expect(batch && arrived(batch, 1)).toMatchObject([
			{ id: batchTasks[0], status: 'timed_out', app: 'sandbox/manual', item: MANUAL },
			{ id: batchTasks[2], status: 'timed_out', error: { code: 'timeout', retryable: true } },
		]);
		expect(batch && arrived(batch, 2)).toMatchObject([{ total: 3, succeeded: 1, failed: 2 }]);
		// Nothing was cancelled: they can still be followed.
		expect(sandbox.running()).toHaveLength(4);
	});
});

describe('a restart of n8n in between', () => {
	test('costs nothing: the tasks are known from the database', async () => {
		const shared = inject('n8n');
		await using undo = new AsyncDisposableStack();
		const sandbox = await startSandbox({ webhookCopies: 0 });
		undo.defer(async () => await sandbox.close());
		const home = await mkdtemp(path.join(tmpdir(), 'n8n-restart-'));
		undo.defer(async () => await rm(home, { recursive: true, force: true, maxRetries: 3 }));
		const n8n = await N8n.open({ installed: shared.installed, home });
		await n8n.link(path.join(shared.home, '.n8n/nodes/node_modules/n8n-nodes-inferencesh'));
		const { apiKey, url: baseUrl } = sandbox;
		await n8n.importJson('credentials', [
			{ ...CREDENTIAL, data: { apiKey, baseUrl, maxConcurrency: 0 } },
		]);
		await n8n.start();
		undo.defer(async () => await n8n.stop());
		const before = new N8nRest(n8n.url, await n8n.signIn());
		const workflow = await publish(before, workflowFor('runApp', { concurrency: 1 }));
		const id = await startWaiting(before, workflow, [MANUAL, MANUAL, MANUAL]);
		const [first = '', second = '', third = ''] = sandbox.tasks().map((task) => task.id);
		sandbox.finishTask(first, { output: { n: 1 } });
		const { pathname, search } = new URL(callbackUrl(sandbox));
		const hint = (taskId: string) => ({ event: 'task.completed', data: { id: taskId } });
		expect(await callBack(n8n.url + pathname + search, hint(first))).toEqual({
			status: 200,
			json: { ended: 1, total: 3 },
		});

		await n8n.stop();
		sandbox.finishTask(second, { output: { n: 2 } });
		await n8n.start();
		const after = new N8nRest(n8n.url, await n8n.signIn());
		expect((await after.execution(id)).status).toBe('waiting');
		sandbox.finishTask(third, { output: { n: 3 } });
		expect((await callBack(n8n.url + pathname + search, hint(third))).status).toBe(200);
		const execution = await after.executionOnce(id);
		expect(execution.status).toBe('success');
		expect(arrived(execution).map(({ output }) => output)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
	});
});
