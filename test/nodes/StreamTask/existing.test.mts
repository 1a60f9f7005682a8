/** Following tasks that somebody else has started. */
import { describe, expect, it } from 'vitest';
import { NODE_NAME } from '../../engine/engine.mts';
import {
	clock,
	meanwhile,
	jsonOf,
	objectIn,
	passing,
	type RunAppOptions,
	useSandbox,
} from '../../engine/support.mts';
import { aMoment, until } from '../../until.mts';
import { EXISTING, linesOf, startTask, streamTask, updatesOf } from './support.mts';

const sandbox = useSandbox();

async function follow(task: string, options: RunAppOptions = {}) {
	return await streamTask(sandbox(), {
		items: [{ task }],
		...options,
		parameters: { ...EXISTING, ...options.parameters },
	});
}

/** Follows it until a minute has run out, which begins when the node is seen to be at work. */
async function inTheMinute(
	task: string,
	options: RunAppOptions = {},
	atWork = () => sandbox().count('GET', /\/stream$/) > 0,
) {
	const following = follow(task, {
		...options,
		parameters: { timeout: 60, ...options.parameters },
	});
	return await meanwhile(following, async () => {
		await until(atWork);
		// Until what is known of the task has been told.
		await aMoment();
		await clock.runOut(60_000);
	});
}

const requests = () => sandbox().requests.map(({ method, path }) => `${method} ${path}`);
const ended = async (id: string) =>
	await until(() =>
		sandbox()
			.tasks()
			.some((task) => task.id === id && task.finishedAt !== undefined),
	);
const watched = async () => await until(() => sandbox().count('GET', /\/stream$/) > 0);

describe('A task that is over already', () => {
	it('is the result at once, with one update', async () => {
		const task = await startTask(sandbox(), 'sandbox/video', { prompt: 'x', steps: 2, stepMs: 1 });
		await ended(task);
		const before = requests().length;
		const run = await follow(task);
		const [result] = jsonOf(run);
		expect(result).toMatchObject({ id: task, status: 'completed', app: 'sandbox/video' });
		expect(result?.['run']).toMatchObject({ attempts: 0, via: 'poll' });
		expect(updatesOf(run)).toEqual([
			{
				id: task,
				seq: 1,
				status: 'completed',
				at: expect.any(String) as string,
				changed: ['status', 'logs', 'output'],
				logs: ['loading model', 'step 1/2', 'step 2/2'],
				output: result?.['output'],
			},
		]);
		expect(requests().slice(before)).toEqual([`GET /tasks/${task}`]);
	});

	it('has its text, too', async () => {
		const task = await startTask(sandbox(), 'sandbox/llm', { text: 'x', tokens: 3, delayMs: 1 });
		await ended(task);
		const run = await follow(task);
		const { response } = objectIn(jsonOf(run)[0], 'output');
		expect(updatesOf(run)).toMatchObject([
			{ changed: ['status', 'text', 'output'], text: response },
		]);
	});

	it('and failed is an error that names it', async () => {
		const task = await startTask(sandbox(), 'sandbox/fail', { message: 'out of memory' });
		await ended(task);
		const run = await follow(task);
		expect(run.error?.message).toBe(`Task ${task} failed: out of memory`);
		expect(run.error?.context['itemIndex']).toBe(0);
	});

	it('and failed has one update if the node goes on, and is not started again', async () => {
		const task = await startTask(sandbox(), 'sandbox/fail', { message: 'out of memory' });
		await ended(task);
		const run = await follow(task, {
			onError: 'continueErrorOutput',
			options: { retryOn: ['taskFailed'] },
		});
		expect(run.output('Output 2').map(({ json }) => json)).toMatchObject([
			{ error: `Task ${task} failed: out of memory`, details: { id: task, code: 'task_failed' } },
		]);
		expect(updatesOf(run)).toMatchObject([{ seq: 1, status: 'failed' }]);
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it('and cancelled is an error that says so', async () => {
		const task = await startTask(sandbox(), 'sandbox/manual', {});
		await until(() => sandbox().running()[0]?.status === 'running');
		sandbox().finishTask(task, { status: 'cancelled' });
		const run = await follow(task);
		expect(run.error?.message).toBe(`Task ${task} was cancelled on inference.sh`);
	});
});

describe('A running task', () => {
	it('is followed to its end', async () => {
		const task = await startTask(sandbox(), 'sandbox/manual', {});
		await until(() => sandbox().running()[0]?.status === 'running');
		sandbox().pushTask(task, { status: 'running', logs: 'before\n' });
		let live = '';
		const started = follow(task, {
			streaming: true,
			onChunk: ({ content = '' }) => void (live += content),
		});
		await watched();
		await until(() => live.includes('before'));
		sandbox().pushTask(task, { logs: 'after\n' });
		await until(() => live.includes('after'));
		sandbox().finishTask(task, { output: { a: 1 } });
		const run = await started;
		expect(jsonOf(run)).toMatchObject([
			{ id: task, output: { a: 1 }, app: 'sandbox/manual', run: { attempts: 0, via: 'stream' } },
		]);
		expect(updatesOf(run)).toMatchObject([
			{ seq: 1, status: 'running', changed: ['status', 'logs'], logs: ['before'] },
			{ seq: 2, changed: ['logs'], logs: ['after'] },
			{ seq: 3, status: 'completed', changed: ['status', 'output'], output: { a: 1 } },
		]);
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it('in text: a language model whose beginning was missed is whole at the end', async () => {
		sandbox().hold();
		const task = await startTask(sandbox(), 'sandbox/llm', { text: 'x', tokens: 20, delayMs: 1 });
		await until(() => sandbox().running()[0]?.status === 'running');
		sandbox().advance(10);
		const following = follow(task);
		await watched();
		sandbox().release();
		const run = await following;
		const texts = updatesOf(run).flatMap(({ text }) => text ?? []);
		expect(texts).toEqual([objectIn(jsonOf(run)[0], 'output')['response']]);
	});

	it('from its start is shown as it grows', async () => {
		sandbox().hold();
		const task = await startTask(sandbox(), 'sandbox/llm', { text: 'x', tokens: 4, delayMs: 1 });
		const following = follow(task);
		await watched();
		sandbox().release();
		const run = await following;
		expect(updatesOf(run).flatMap(({ text }) => text ?? [])).toHaveLength(4);
	});

	it.each([
		[
			'every stream is reset',
			{ on: 'GET /tasks/:id/stream', kind: 'stream', resetAfter: 1, times: 99 },
		],
		['it cannot be read at first', { on: 'GET /tasks/:id', kind: 'status', status: 503, times: 3 }],
		[
			'it is not answered at first',
			{ on: 'GET /tasks/:id', kind: 'reset', when: 'before', times: 2 },
		],
		['the answer is cut', { on: 'GET /tasks/:id', kind: 'truncate' }],
		['requests are limited', { on: 'GET /tasks/:id', kind: 'status', status: 429 }],
	] as const)('is followed although %s', async (_what, fault) => {
		sandbox().hold();
		const task = await startTask(sandbox(), 'sandbox/video', { prompt: 'x', steps: 3, stepMs: 1 });
		sandbox().fault(fault);
		const following = follow(task);
		await passing(watched());
		sandbox().release();
		const run = await passing(following);
		expect(jsonOf(run)).toMatchObject([{ id: task, status: 'completed' }]);
		expect(linesOf(updatesOf(run))).toEqual(['loading model', 'step 1/3', 'step 2/3', 'step 3/3']);
		expect(updatesOf(run).map(({ status }) => status)).not.toContain('unknown');
	});

	it('that somebody cancels meanwhile is an error, and its end an update', async () => {
		const task = await startTask(sandbox(), 'sandbox/manual', {});
		const started = follow(task, { onError: 'continueRegularOutput' });
		await watched();
		sandbox().finishTask(task, { status: 'cancelled' });
		const run = await started;
		expect(jsonOf(run)).toMatchObject([
			{
				error: `Task ${task} was cancelled on inference.sh`,
				details: { code: 'task_cancelled', id: task, status: 'cancelled', item_index: 0 },
			},
		]);
		expect(updatesOf(run).at(-1)).toMatchObject({ id: task, status: 'cancelled' });
	});

	it('that is deleted meanwhile is an error', async () => {
		const task = await startTask(sandbox(), 'sandbox/manual', {});
		const started = follow(task);
		await watched();
		await fetch(`${sandbox().url}/tasks/${task}`, {
			method: 'DELETE',
			headers: { authorization: `Bearer ${sandbox().apiKey}` },
		});
		const run = await passing(started);
		expect(run.error?.message).toMatch(`Task ${task}`);
	});

	it('can be followed by several items, and with others', async () => {
		const tasks = [
			await startTask(sandbox(), 'sandbox/sleep', { ms: 60, value: 1 }),
			await startTask(sandbox(), 'sandbox/sleep', { ms: 30, value: 2 }),
		];
		const run = await follow('', { items: [...tasks, tasks[0] ?? ''].map((task) => ({ task })) });
		expect(jsonOf(run).map((json) => objectIn(json, 'output')['value'])).toEqual([1, 2, 1]);
		expect(run.output(NODE_NAME).map(({ pairedItem }) => pairedItem)).toEqual(
			[0, 1, 2].map((item) => ({ item })),
		);
		expect(sandbox().tasks()).toHaveLength(2);
	});

	it('has its files downloaded, and all of it put out, if that is wanted', async () => {
		const task = await startTask(sandbox(), 'sandbox/video', { prompt: 'x', steps: 1, stepMs: 5 });
		const run = await follow(task, {
			parameters: { downloadFiles: true },
			options: { fullTask: true },
		});
		const [item] = run.output(NODE_NAME);
		expect(item?.binary?.['video']?.mimeType).toBe('video/mp4');
		expect(item?.json).toMatchObject({ id: task, status: 'completed', input: { prompt: 'x' } });
	});
});

describe('A task that is not there', () => {
	it('is an error that says what to check', async () => {
		const run = await passing(follow('nosuchtask'));
		expect(run.error?.message).toBe(
			'Task nosuchtask cannot be followed. There is no such task, or this API key cannot see it',
		);
		expect(run.error?.description).toContain('Check the task ID');
		expect(run.error?.context['itemIndex']).toBe(0);
		expect(requests().every((line) => line.startsWith('GET /tasks/nosuchtask'))).toBe(true);
		expect(requests().length).toBeLessThan(30);
	});

	it.each([403, 404] as const)('because it is another team’s (%i) is an error', async (status) => {
		const task = sandbox().foreignTask(status);
		const run = await passing(follow(task, { onError: 'continueRegularOutput' }));
		expect(jsonOf(run)).toMatchObject([
			{
				details: {
					code: status === 403 ? 'permission' : 'not_found',
					id: task,
					http_status: status,
					item_index: 0,
					hint: expect.stringContaining('the workspace that started the task') as string,
				},
			},
		]);
		expect(jsonOf(run)[0]?.['error']).toContain(`Task ${task} cannot be followed. `);
		expect(updatesOf(run)).toEqual([]);
	});

	it('does not cost the other items their results', async () => {
		const task = await startTask(sandbox(), 'sandbox/instant', {});
		const run = await passing(
			follow('', {
				items: [{ task: 'nosuchtask' }, { task }, { task: '' }],
				onError: 'continueErrorOutput',
			}),
		);
		expect(run.output('Output 0').map(({ json }) => json['id'])).toEqual([task]);
		expect(run.output('Output 2').map(({ json }) => json['details'])).toMatchObject([
			{ code: 'not_found', item_index: 0 },
			{ code: 'invalid_parameter', item_index: 2 },
		]);
	});

	it('is not looked for with a key that is not accepted', async () => {
		const run = await follow('sometask', {
			credentials: { apiKey: 'wrong', baseUrl: sandbox().url, maxConcurrency: 0 },
		});
		expect(run.error?.message).toContain('does not accept the API key');
		expect(requests()).toHaveLength(1);
	});
});

describe('An existing task at a Stop', () => {
	it('goes on, because it is somebody else’s', async () => {
		const task = await startTask(sandbox(), 'sandbox/manual', {});
		const run = await follow(task, { cancelAfter: watched() });
		expect(run.status).toBe('canceled');
		await aMoment();
		expect(sandbox().running()).toHaveLength(1);
		expect(sandbox().count('POST', /\/cancel$/)).toBe(0);
		expect(JSON.stringify(run.raw.data.resultData)).toContain('left running');
	});

	it('is cancelled if that is wanted', async () => {
		const task = await startTask(sandbox(), 'sandbox/manual', {});
		const run = await follow(task, { cancelAfter: watched(), options: { onStop: 'cancel' } });
		expect(run.status).toBe('canceled');
		await ended(task);
		expect(sandbox().tasks()[0]?.status).toBe('cancelled');
	});
});

describe('An existing task at a timeout', () => {
	it('goes on, and the error says so', async () => {
		const task = await startTask(sandbox(), 'sandbox/manual', {});
		const run = await inTheMinute(task, { onError: 'continueRegularOutput' });
		expect(jsonOf(run)[0]?.['error']).toBe(
			`Task ${task} did not finish within 60 s. The task was left running.`,
		);
		expect(sandbox().running()).toHaveLength(1);
		expect(updatesOf(run).at(-1)).toMatchObject({ id: task, status: 'running' });
	});

	it('is cancelled if that is wanted', async () => {
		const task = await startTask(sandbox(), 'sandbox/manual', {});
		const run = await inTheMinute(task, { options: { onTimeout: 'cancel' } });
		expect(run.error?.message).toContain('The task was cancelled.');
		await ended(task);
	});

	it('that comes before it has been read says nothing wrong', async () => {
		const task = await startTask(sandbox(), 'sandbox/manual', {});
		sandbox().fault({ on: 'GET /tasks/:id', kind: 'hang', when: 'before' });
		const run = await inTheMinute(task, {}, () => sandbox().count('GET', `/tasks/${task}`) > 0);
		expect(run.error?.message).toBe(
			`Task ${task} did not finish within 60 s. The task was left running.`,
		);
	});

	it('of the whole node goes on, too', async () => {
		const task = await startTask(sandbox(), 'sandbox/manual', {});
		const run = await inTheMinute(task, {
			parameters: { timeout: 600 },
			options: { totalTimeout: 60 },
		});
		expect(run.error?.message).toContain('within the 60 s of "Limit: Total Timeout (Seconds)"');
		expect(sandbox().running()).toHaveLength(1);
	});
});

describe('Another item that fails', () => {
	it('leaves an existing task running', async () => {
		const task = await startTask(sandbox(), 'sandbox/manual', {});
		const run = await follow('', { items: [{ task }, { task: 'nosuchtask' }] });
		expect(run.error?.message).toContain('Task nosuchtask cannot be followed');
		await aMoment();
		expect(sandbox().running()).toHaveLength(1);
	});
});
