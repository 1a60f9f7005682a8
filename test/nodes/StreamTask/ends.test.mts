/** Stop, timeouts, failures and Retry On Fail of tasks that the node has started. */
import { describe, expect, it } from 'vitest';
import {
	clock,
	FROM_ITEM,
	jsonOf,
	meanwhile,
	objectIn,
	passing,
	submissions,
	useSandbox,
	type RunAppOptions,
} from '../../engine/support.mts';
import { aMoment, until } from '../../until.mts';
import {
	chunksOf,
	EXISTING,
	fromTheStart,
	linesOf,
	startTask,
	streamTask,
	updatesOf,
} from './support.mts';

const sandbox = useSandbox();
const statuses = () =>
	sandbox()
		.tasks()
		.map(({ status }) => status);
const alive = async (count: number) =>
	await until(() => sandbox().count('GET', /\/stream$/) >= count);

describe('Stop', () => {
	it('cancels the tasks', async () => {
		const run = await streamTask(sandbox(), {
			app: 'sandbox/manual',
			items: [{}, {}, {}],
			streaming: true,
			cancelAfter: alive(3),
		});
		expect(run.status).toBe('canceled');
		await until(() => sandbox().running().length === 0);
		expect(statuses()).toEqual(['cancelled', 'cancelled', 'cancelled']);
	});

	it('leaves them running if that is wanted', async () => {
		const run = await streamTask(sandbox(), {
			app: 'sandbox/manual',
			items: [{}, {}],
			options: { onStop: 'keep' },
			cancelAfter: alive(2),
		});
		expect(run.status).toBe('canceled');
		await aMoment();
		expect(sandbox().running()).toHaveLength(2);
	});

	it('does not wait for updates that are held back', async () => {
		// An update is held back already when the node is stopped.
		const stop = alive(1).then(async () => await until(() => clock.awaited));
		const run = await streamTask(sandbox(), {
			app: 'sandbox/manual',
			items: [{}],
			options: { minInterval: 600_000 },
			cancelAfter: stop,
		});
		expect(run.status).toBe('canceled');
	});
});

describe('A timeout', () => {
	/** Runs a task until a minute has run out, which begins when it is seen to run. */
	async function inTheMinute(options: RunAppOptions) {
		let live = '';
		const running = streamTask(sandbox(), {
			app: 'sandbox/manual',
			items: [{}],
			parameters: { timeout: 60 },
			streaming: true,
			onChunk: ({ content = '' }) => void (live += content),
			...options,
			options: { streamAs: 'json', ...options.options },
		});
		return await meanwhile(running, async () => {
			await until(() => live.includes('"running"'));
			await clock.runOut(60_000);
		});
	}

	it('cancels the task and keeps the updates', async () => {
		const run = await inTheMinute({ onError: 'continueRegularOutput' });
		const id = sandbox().tasks()[0]?.id;
		expect(jsonOf(run)).toMatchObject([
			{
				error: `Task ${id} did not finish within 60 s. The task was cancelled.`,
				details: { code: 'timeout', status: 'timed_out', id },
			},
		]);
		expect(updatesOf(run).map(({ status }) => status)).toEqual(['received', 'running']);
		await until(() => statuses()[0] === 'cancelled');
	});

	it('leaves the task running if that is wanted', async () => {
		const run = await inTheMinute({ options: { onTimeout: 'keep' } });
		expect(run.error?.message).toContain('The task was left running.');
		expect(sandbox().running()).toHaveLength(1);
	});
});

describe('A failed item', () => {
	it('ends the node and cancels the others', async () => {
		const run = await fromTheStart(sandbox(), {
			...FROM_ITEM,
			items: [
				{ app: 'sandbox/manual', input: {} },
				{ app: 'sandbox/fail', input: { message: 'no', ms: 1 } },
			],
		});
		expect(run.error?.message).toContain('failed: no');
		expect(run.error?.context['itemIndex']).toBe(1);
		await until(() => sandbox().running().length === 0);
		expect(statuses().toSorted()).toEqual(['cancelled', 'failed']);
	});

	it('says nothing of the key', async () => {
		const run = await streamTask(sandbox(), {
			app: 'sandbox/fail',
			items: [{ message: `bad key ${sandbox().apiKey}` }],
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run)[0]?.['error']).toContain('failed: bad key');
		expect(JSON.stringify([jsonOf(run), updatesOf(run)])).not.toContain(sandbox().apiKey);
	});
});

describe('Retry On Fail', () => {
	const again = { retryOnFail: true, maxTries: 3 };

	it('buys nothing twice and tells everything once', async () => {
		const run = await streamTask(sandbox(), {
			...again,
			...FROM_ITEM,
			parameters: { ...FROM_ITEM.parameters, concurrency: 1 },
			items: [
				{ app: 'sandbox/video', input: { prompt: 'x', steps: 2, stepMs: 5 } },
				{ app: 'sandbox/flaky', input: { key: 'k', failures: 2 } },
			],
			streaming: true,
			options: { streamAs: 'json' },
		});
		expect(run.status).toBe('success');
		expect(submissions(sandbox())).toHaveLength(4);
		const [video, flaky] = jsonOf(run);
		expect(flaky?.['output']).toEqual({ key: 'k', attempts: 3 });
		const updates = updatesOf(run);
		const own = updates.filter(({ id }) => id === video?.['id']);
		expect(linesOf(own)).toEqual(['loading model', 'step 1/2', 'step 2/2']);
		expect(own.map(({ seq }) => seq)).toEqual(own.map((_, index) => index + 1));
		expect(chunksOf(run).filter(({ type }) => type === 'item')).toHaveLength(updates.length);
	});

	it('goes on with a running task where it was', async () => {
		let live = '';
		let tries = 0;
		const taskOf = (n: number) =>
			sandbox()
				.tasks()
				.findLast(({ input }) => (input as { n: number }).n === n)?.id ?? '';
		const started = streamTask(sandbox(), {
			...again,
			app: 'sandbox/manual',
			items: [{ n: 1 }, { n: 2 }],
			streaming: true,
			options: { streamAs: 'json' },
			onChunk: ({ content = '' }) => void (live += content),
			onNodeEnd() {
				tries += 1;
				if (tries === 1) sandbox().pushTask(taskOf(1), { logs: 'second\n' });
			},
		});
		await alive(2);
		const id = taskOf(1);
		sandbox().pushTask(id, { logs: 'first\n', delta: { response: 'one' } });
		await until(() => live.includes('first') && live.includes('one'));
		sandbox().finishTask(taskOf(2), { status: 'failed' });
		await until(() => sandbox().count('GET', `/tasks/${id}/stream`) >= 2);
		await until(() => live.includes('second'));
		sandbox().pushTask(id, { delta: { response: ' two' } });
		await until(() => live.includes('one two'));
		sandbox().finishTask(id, { output: { response: 'one two' } });
		await until(() => sandbox().tasks().length >= 3);
		sandbox().finishTask(taskOf(2));
		const run = await started;
		expect(run.status).toBe('success');
		expect(jsonOf(run)[0]).toMatchObject({ id, output: { response: 'one two' } });
		const own = updatesOf(run).filter((update) => update.id === id);
		expect(linesOf(own)).toEqual(['first', 'second']);
		expect(own.map(({ seq }) => seq)).toEqual(own.map((_, index) => index + 1));
		expect(own.findLast(({ text }) => text !== undefined)?.text).toBe('one two');
	});

	it('reads an existing task again and tells nothing twice', async () => {
		const task = await startTask(sandbox(), 'sandbox/video', { prompt: 'x', steps: 1, stepMs: 1 });
		await until(() => sandbox().running().length === 0);
		sandbox().fault({ on: 'GET /tasks/nosuchtask', kind: 'status', status: 404 });
		const run = await streamTask(sandbox(), {
			...again,
			parameters: { ...EXISTING, concurrency: 1 },
			items: [{ task }, { task: 'nosuchtask' }],
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run)[0]).toMatchObject({ id: task, status: 'completed' });
		expect(updatesOf(run)).toMatchObject([{ id: task, seq: 1 }]);
	});

	it('of a failed existing task has one update for its end', async () => {
		const task = await startTask(sandbox(), 'sandbox/fail', {});
		await until(() => sandbox().running().length === 0);
		const run = await streamTask(sandbox(), {
			...again,
			parameters: EXISTING,
			items: [{ task }],
			onError: 'continueRegularOutput',
		});
		expect(objectIn(jsonOf(run)[0], 'details')['code']).toBe('task_failed');
		expect(sandbox().count('GET', `/tasks/${task}`)).toBe(3);
		expect(updatesOf(run)).toMatchObject([{ seq: 1, status: 'failed' }]);
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it('forgets a run that has succeeded', async () => {
		const executionId = 'stream-task-again';
		for (let n = 0; n < 2; n += 1) {
			const run = await streamTask(sandbox(), { ...again, items: [{}], executionId });
			expect(updatesOf(run)[0]).toMatchObject({ seq: 1 });
		}
		expect(sandbox().tasks()).toHaveLength(2);
	});
});

describe('A submission whose answer is lost', () => {
	it('is looked up, and the task is followed', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'reset', when: 'after' });
		const running = streamTask(sandbox(), {
			app: 'sandbox/video',
			items: [{ prompt: 'x', steps: 2, stepMs: 1 }],
		});
		const run = await passing(running);
		expect(run.status).toBe('success');
		expect(submissions(sandbox())).toHaveLength(1);
		expect(linesOf(updatesOf(run))).toEqual(['loading model', 'step 1/2', 'step 2/2']);
	});
});
