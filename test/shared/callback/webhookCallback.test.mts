/** Callbacks of the service to waiting executions: each one is only a reason to look. */
import type { IDataObject } from 'n8n-workflow';
import { describe, expect, it, vi } from 'vitest';
import type * as SettingsModule from '../../../nodes/client/settings.ts';
import { RunApp } from '../../../nodes/RunApp/RunApp.node.ts';
import { NODE_NAME } from '../../engine/engine.mts';
import {
	credentialsOf,
	everythingSaid,
	FROM_ITEM,
	jsonOf,
	runApp,
	type RunAppOptions,
	useSandbox,
} from '../../engine/support.mts';
import { until } from '../../until.mts';
import { WaitingExecution } from '../../engine/waitingEngine.mts';

// What the service refuses is believed much earlier than users want it.
vi.mock('../../../nodes/client/settings.ts', async (original) => {
	const module = await original<typeof SettingsModule>();
	const DEFAULT_TIMINGS = { ...module.DEFAULT_TIMINGS, refusedMs: 700 };
	return { ...module, DEFAULT_TIMINGS };
});

const sandbox = useSandbox({ webhookCopies: 0 });

const manual = (count: number): IDataObject[] =>
	Array.from({ length: count }, () => ({ app: 'sandbox/manual', input: {} }));

/** Puts an execution with these items to wait; its callbacks may meet another credential. */
async function waiting(
	items: readonly IDataObject[],
	options: RunAppOptions = {},
	credentials: IDataObject = credentialsOf(sandbox()),
): Promise<WaitingExecution> {
	const run = await runApp(sandbox(), {
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
	return new WaitingExecution(run, new RunApp(), { credentials });
}

const taskIds = () =>
	sandbox()
		.tasks()
		.map(({ id }) => id);

/** What the service sends when a task has ended. */
const hint = (id: string | undefined) => ({ event: 'task.completed', data: { id, status: 10 } });

const requestsBy = async (work: () => Promise<unknown>): Promise<string[]> => {
	const before = sandbox().requests.length;
	await work();
	return sandbox()
		.requests.slice(before)
		.map(({ method, path }) => `${method} ${path}`);
};

describe('a callback', () => {
	it('resumes a single task with one request', async () => {
		const execution = await waiting(manual(1));
		const [id = ''] = taskIds();
		sandbox().finishTask(id, { output: { n: 1 } });
		let answer: Awaited<ReturnType<WaitingExecution['callBack']>> | undefined;
		const requests = await requestsBy(async () => {
			answer = await execution.callBack(hint(id));
		});
		expect(requests).toEqual([`GET /tasks/${id}`]);
		expect(answer?.run?.status).toBe('success');
		expect(answer?.run && jsonOf(answer.run)).toMatchObject([
			{ id, status: 'completed', output: { n: 1 }, run: { attempts: 1, via: 'poll' } },
		]);
	});

	it('leaves the execution waiting as long as a task goes on, and tells how many have ended', async () => {
		const execution = await waiting(manual(3));
		const [first = '', second = '', third = ''] = taskIds();
		sandbox().finishTask(third, { output: { n: 3 } });
		expect(await execution.callBack(hint(third))).toEqual({
			status: 200,
			json: { ended: 1, total: 3 },
		});
		sandbox().finishTask(first, { output: { n: 1 } });
		expect(await execution.callBack(hint(first))).toEqual({
			status: 200,
			json: { ended: 2, total: 3 },
		});
		sandbox().finishTask(second, { output: { n: 2 } });
		const { run } = await execution.callBack(hint(second));
		expect(run && jsonOf(run).map(({ output }) => output)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
		expect(run?.output(NODE_NAME).map(({ pairedItem }) => pairedItem)).toMatchObject([
			{ item: 0 },
			{ item: 1 },
			{ item: 2 },
		]);
	});

	it.each([
		['nothing', undefined],
		['a list', [1]],
		['text', 'done'],
		['no id', { data: {} }],
		['an id that is none', { data: { id: { $gt: '' } } }],
		["somebody else's task", { data: { id: 'abc' } }],
		['a task that goes on', 'first'],
	])('changes nothing if it names %s', async (_what, body) => {
		const execution = await waiting(manual(2));
		const named = body === 'first' ? hint(taskIds()[0]) : body;
		expect(await execution.callBack(named)).toEqual({ status: 200, json: { ended: 0, total: 2 } });
	});

	it('finds all tasks that have ended, whichever one it names', async () => {
		const execution = await waiting(manual(3));
		for (const id of taskIds()) sandbox().finishTask(id);
		const { run } = await execution.callBack({ data: { id: 'abc' } });
		expect(run?.status).toBe('success');
	});

	it.each(['failed', 'cancelled'] as const)(
		'finds them all where the first ones have %s and the node is set to continue',
		async (status) => {
			const execution = await waiting(manual(5), { onError: 'continueRegularOutput' });
			const [first = '', second = '', ...others] = taskIds();
			for (const id of [first, second]) sandbox().finishTask(id, { status });
			for (const id of others) sandbox().finishTask(id);
			const { run } = await execution.callBack({});
			expect(run && jsonOf(run).map(({ status: said }) => said)).toEqual([
				...[undefined, undefined],
				...others.map(() => 'completed'),
			]);
		},
	);

	it('costs two short requests, however many tasks go on', async () => {
		const execution = await waiting(manual(40), { parameters: { concurrency: 10 } });
		const [first = ''] = taskIds();
		await execution.callBack({});
		sandbox().finishTask(first);
		const second = await requestsBy(async () => await execution.callBack(hint(first)));
		expect(second.filter((request) => request.endsWith('/status'))).toHaveLength(2);
		const again = await requestsBy(async () => await execution.callBack(hint(first)));
		expect(again).toHaveLength(1);
	});

	it('resumes once if many come at the same time', async () => {
		sandbox().configure({ latencyMs: 20 });
		const execution = await waiting(manual(4), { parameters: { concurrency: 4 } });
		for (const id of taskIds()) sandbox().finishTask(id);
		const answers = await Promise.all(
			taskIds()
				.flatMap((id) => [id, id])
				.map(async (id) => await execution.callBack(hint(id))),
		);
		expect(answers.filter(({ run }) => run)).toHaveLength(1);
		expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
	});

	it('is looked at even if it came while another one was', async () => {
		const execution = await waiting(manual(2));
		const [first = '', second = ''] = taskIds();
		sandbox().finishTask(first);
		// The first one looks at the second task, slowly, before it ends.
		sandbox().fault({
			on: 'GET /tasks/:id/status',
			kind: 'delay',
			when: 'after',
			ms: 100,
			times: 2,
			skip: 0,
		});
		sandbox().fault({ on: 'GET /tasks/:id', kind: 'delay', when: 'after', ms: 100 });
		const early = execution.callBack(hint(first));
		await until(() => sandbox().count('GET', `/tasks/${second}`) >= 1);
		sandbox().finishTask(second);
		const late = await execution.callBack(hint(second));
		expect((await early).run).toBeUndefined();
		expect(late.run?.status).toBe('success');
	});

	it.each([
		['does not let the key see it', { kind: 'status', status: 403 }],
		['does not accept the key', { kind: 'status', status: 401 }],
		['does not know it', { kind: 'status', status: 404 }],
		['answers nonsense', { kind: 'body', body: '<html>' }],
	] as const)('is to come again if the service %s for a while', async (_what, fault) => {
		const execution = await waiting(manual(1));
		const [id = ''] = taskIds();
		sandbox().finishTask(id);
		sandbox().fault({ on: 'GET /tasks/:id', ...fault, times: Infinity });
		const answer = await execution.callBack(hint(id));
		expect(answer).toEqual({ status: 503, json: { message: 'The tasks could not be read.' } });
		sandbox().clearFaults();
		expect((await execution.callBack(hint(id))).run?.status).toBe('success');
	});

	it.each([400, 401, 402, 403, 404, 408, 409, 410, 421, 425, 429, 499])(
		'is not misled by a service that answers %i for a moment, and cancels nothing',
		async (status) => {
			const execution = await waiting(manual(3));
			const [first = '', second = '', third = ''] = taskIds();
			sandbox().finishTask(first, { output: { n: 1 } });
			sandbox().fault({ on: 'GET /tasks/*', kind: 'status', status, times: 3 });
			const answer = await execution.callBack(hint(first));
			expect(answer.run).toBeUndefined();
			expect(sandbox().running()).toHaveLength(2);
			for (const id of [second, third]) sandbox().finishTask(id);
			expect((await execution.callBack(hint(third))).run?.status).toBe('success');
			expect(sandbox().count('POST', /cancel$/)).toBe(0);
		},
	);

	it.each([403, 404])(
		'is waited for if the service answered %i when the tasks had just been started',
		async (status) => {
			sandbox().fault({ on: 'GET /tasks/*', kind: 'status', status, times: 3 });
			const execution = await waiting(manual(3));
			expect(sandbox().running()).toHaveLength(3);
			const [first = ''] = taskIds();
			for (const id of taskIds()) sandbox().finishTask(id);
			expect((await execution.callBack(hint(first))).run?.status).toBe('success');
			expect(sandbox().count('POST', /cancel$/)).toBe(0);
		},
	);

	it('cancels nothing because it cannot read it, however long', async () => {
		const execution = await waiting(manual(3));
		const [first = '', second = '', third = ''] = taskIds();
		sandbox().finishTask(first);
		sandbox().fault({ on: 'GET /tasks/*', kind: 'status', status: 404, times: Infinity });
		expect((await execution.callBack({})).status).toBe(503);
		expect((await execution.callBack(hint(first))).status).toBe(503);
		expect(sandbox().running()).toHaveLength(2);
		expect(sandbox().count('POST', /cancel$/)).toBe(0);
		sandbox().clearFaults();
		for (const id of [second, third]) sandbox().finishTask(id);
		expect((await execution.callBack(hint(third))).run?.status).toBe('success');
	});

	it('cancels nothing because another task was deleted', async () => {
		const execution = await waiting(manual(3));
		const [first = '', second = '', third = ''] = taskIds();
		const headers = { authorization: `Bearer ${sandbox().apiKey}` };
		await fetch(`${sandbox().url}/tasks/${first}`, { method: 'DELETE', headers });
		sandbox().finishTask(second);
		expect((await execution.callBack(hint(second))).run).toBeUndefined();
		expect(
			sandbox()
				.running()
				.map(({ id }) => id),
		).toEqual([third]);
		sandbox().finishTask(third);
		const { run } = await execution.callBack(hint(third));
		expect(run?.error?.message).toContain(`Task ${first} cannot be read any more`);
		expect(sandbox().count('POST', /cancel$/)).toBe(0);
	});

	it('survives a bad minute of the service', async () => {
		const execution = await waiting(manual(1));
		const [id = ''] = taskIds();
		sandbox().finishTask(id);
		sandbox().fault({ on: 'GET /tasks/:id', kind: 'status', status: 502 });
		sandbox().fault({ on: 'GET /tasks/:id', kind: 'reset', when: 'before' });
		expect((await execution.callBack(hint(id))).run?.status).toBe('success');
	});

	it('is to come again if the service contradicts itself', async () => {
		const execution = await waiting(manual(2));
		const [first = '', second = ''] = taskIds();
		sandbox().finishTask(second);
		const ended = JSON.stringify({ data: { id: first, status: 10 } });
		sandbox().fault({ on: `GET /tasks/${first}/status`, kind: 'body', body: ended });
		expect((await execution.callBack(hint(first))).status).toBe(503);
	});

	it('does not resume for a failure that the task itself denies', async () => {
		const execution = await waiting(manual(3));
		const body = JSON.stringify({ data: { id: 'x', status: 11 } });
		sandbox().fault({ on: 'GET /tasks/:id/status', kind: 'body', body, times: 9 });
		expect((await execution.callBack({})).status).toBe(503);
	});

	it('never shows the URL that resumes the execution', async () => {
		const execution = await waiting(manual(1), { options: { fullTask: true } });
		const [id = ''] = taskIds();
		sandbox().finishTask(id);
		const { run } = await execution.callBack(hint(id));
		expect(run && jsonOf(run)).toMatchObject([{ id, status: 'completed' }]);
		expect(JSON.stringify(run && jsonOf(run))).not.toContain('signature');
	});

	it('is to come again if the credential is gone', async () => {
		const execution = await waiting(manual(1), {}, { apiKey: '', baseUrl: sandbox().url });
		expect((await execution.callBack({})).status).toBe(503);
	});

	it('takes tasks that were deleted for failed ones', async () => {
		const execution = await waiting(manual(3), { onError: 'continueRegularOutput' });
		const [first = '', second = '', third = ''] = taskIds();
		const { url, apiKey } = sandbox();
		for (const id of [first, second]) {
			const headers = { authorization: `Bearer ${apiKey}` };
			await fetch(`${url}/tasks/${id}`, { method: 'DELETE', headers });
		}
		sandbox().finishTask(third);
		const { run } = await execution.callBack(hint(third));
		const gone = { code: 'not_found' };
		expect(run && jsonOf(run)).toMatchObject([
			{ error: expect.any(String) as string, details: { ...gone, item_index: 0 } },
			{ error: expect.any(String) as string, details: { ...gone, item_index: 1 } },
			{ id: third, status: 'completed' },
		]);
	});

	it('makes failure items of failed and cancelled tasks if the node is set to continue', async () => {
		const execution = await waiting(manual(3), { onError: 'continueErrorOutput' });
		const [first = '', second = '', third = ''] = taskIds();
		sandbox().finishTask(second, { status: 'failed', error: 'too small' });
		await execution.callBack(hint(second));
		sandbox().finishTask(third, { status: 'cancelled' });
		sandbox().finishTask(first, { output: { n: 1 } });
		const { run } = await execution.callBack(hint(first));
		expect(run?.status).toBe('success');
		expect(run && jsonOf(run)).toMatchObject([{ id: first, status: 'completed' }]);
		expect(run && jsonOf(run, 1)).toMatchObject([
			{
				error: `Task ${second} failed: too small`,
				details: { code: 'task_failed', id: second, status: 'failed', item_index: 1 },
			},
			{ details: { code: 'task_cancelled', id: third, item_index: 2 } },
		]);
	});

	it('fails the node at the first failed task if it is not set to continue', async () => {
		const execution = await waiting(manual(3));
		const [first = '', second = '', third = ''] = taskIds();
		sandbox().finishTask(second, { status: 'failed', error: 'too small' });
		const { run } = await execution.callBack(hint(second));
		expect(run?.status).toBe('error');
		expect(run?.error?.message).toBe(`Task ${second} failed: too small`);
		expect(run?.error?.description).toContain('Check its input and its logs');
		expect(run && jsonOf(run)).toEqual([]);
		await until(() => sandbox().running().length === 0);
		expect(sandbox().tasks()).toMatchObject([
			{ id: first, status: 'cancelled' },
			{ status: 'failed' },
			{ id: third, status: 'cancelled' },
		]);
	});

	it('brings the files of the outputs along', async () => {
		const execution = await waiting(
			[{ app: 'sandbox/image', input: { prompt: 'a', ms: 200 } }, ...manual(1)],
			{ parameters: { downloadFiles: true, concurrency: 2 } },
		);
		const [image = '', other = ''] = taskIds();
		await until(() => sandbox().tasks()[0]?.status === 'completed');
		sandbox().finishTask(other);
		const { run } = await execution.callBack(hint(image));
		const [first] = run?.output(NODE_NAME) ?? [];
		expect(Object.keys(first?.binary ?? {})).not.toEqual([]);
		expect(first?.json['download_errors']).toBeUndefined();
		expect(sandbox().violations()).toEqual([]);
	});

	it('never shows the key', async () => {
		const execution = await waiting(manual(1));
		const [id = ''] = taskIds();
		sandbox().finishTask(id, { status: 'failed', error: `bad key ${sandbox().apiKey}` });
		const { run, json } = await execution.callBack(hint(id));
		expect(execution.saved + JSON.stringify(json)).not.toContain(sandbox().apiKey);
		expect(run && everythingSaid(run)).not.toContain(sandbox().apiKey);
	});
});
