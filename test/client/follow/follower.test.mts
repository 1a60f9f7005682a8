/** Following tasks that are there already, over every transport; and what an observer sees. */
import { describe, expect, it } from 'vitest';
import {
	AuthenticationError,
	ContactLostError,
	NotFoundError,
	PermissionError,
	StoppedError,
	TaskCancelledError,
	TaskFailedError,
	TimeoutError,
} from '../../../nodes/client/errors.ts';
import type { TaskObserver } from '../../../nodes/client/tasks/followTask.ts';
import type { TaskRun } from '../../../nodes/client/tasks/taskRun.ts';
import { type StreamFaultOptions } from '../../sandbox/index.mts';
import { useSandbox } from '../../useSandbox.mts';
import { until } from '../../until.mts';
import {
	clock,
	heldUntil,
	makeClient,
	rejection,
	runOne,
	TRANSPORTS,
	type Overrides,
} from '../support.mts';

const sandbox = useSandbox();

const STREAM = 'GET /tasks/:id/stream';
const TASK = 'GET /tasks/:id';
const KEEP = { onTimeout: 'keep', onStop: 'keep' } as const;

const streams = () => sandbox().count('GET', /\/stream$/);

/** Starts a task outside of the client that follows it. */
async function begin(app: string, input: Readonly<Record<string, unknown>> = {}): Promise<string> {
	const run = await runOne(
		makeClient(sandbox()),
		{ app: `sandbox/${app}`, input },
		{ wait: 'none' },
	);
	return run.task.id;
}

describe.each(TRANSPORTS)('over %s, an existing task', (_name, makeTransport) => {
	async function follow(
		taskId: string,
		overrides: Overrides = {},
		observer: TaskObserver = {},
		signal = new AbortController().signal,
	): Promise<TaskRun> {
		const client = makeClient(sandbox(), { transport: makeTransport(), ...overrides });
		return await client.tasks.follow(taskId, { full: false, observer, signal });
	}

	it('is followed to its end', async () => {
		sandbox().hold();
		const id = await begin('sleep', { ms: 1, value: 1 });
		const following = heldUntil(
			sandbox(),
			() => streams() >= 1,
			async () => await follow(id),
		);
		expect(await following).toMatchObject({
			task: { id, status: 'completed', output: { slept: 1, value: 1 } },
			attempts: 0,
			via: 'stream',
			adopted: false,
		});
	});

	it('that is over is read once', async () => {
		const id = await begin('instant', { text: 'x' });
		const before = sandbox().requests.length;
		expect(await follow(id)).toMatchObject({ task: { output: { text: 'x' } }, via: 'poll' });
		expect(sandbox().requests.length - before).toBe(1);
	});

	it('that has failed is not started again', async () => {
		const id = await begin('fail', { message: 'no memory' });
		const settings = { retryOn: new Set(['taskFailed'] as const) };
		const error = await rejection(follow(id, { settings }));
		expect(error).toBeInstanceOf(TaskFailedError);
		expect(String(error)).toContain('no memory');
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it('that was cancelled is an error', async () => {
		const id = await begin('manual');
		sandbox().finishTask(id, { status: 'cancelled' });
		expect(await rejection(follow(id))).toBeInstanceOf(TaskCancelledError);
	});

	it('that nobody knows is an error', async () => {
		const error = await rejection(follow('nosuchtask'));
		expect(error).toBeInstanceOf(NotFoundError);
		expect(error).toMatchObject({ about: { kind: 'task', id: 'nosuchtask' }, httpStatus: 404 });
	});

	it('of another team is an error', async () => {
		const id = sandbox().foreignTask(403);
		const error = await rejection(follow(id));
		expect(error).toBeInstanceOf(PermissionError);
		expect(String(error)).toContain('belongs to another team');
		expect(error).toMatchObject({ about: { kind: 'task', id } });
	});

	it('cannot be followed with a wrong key', async () => {
		const id = await begin('manual');
		expect(await rejection(follow(id, { apiKey: 'wrong' }))).toBeInstanceOf(AuthenticationError);
	});

	it.each([
		['is refused for a while', { on: TASK, kind: 'status', status: 503, times: 3 }],
		['is lost', { on: TASK, kind: 'reset', when: 'before', times: 2 }],
		['never comes', { on: TASK, kind: 'hang', when: 'before' }],
		['is cut', { on: TASK, kind: 'truncate' }],
		['is limited', { on: TASK, kind: 'status', status: 429 }],
	] as const)('is followed although its first answer %s', async (_what, fault) => {
		sandbox().hold();
		const id = await begin('sleep', { ms: 1 });
		sandbox().fault(fault);
		const run = await heldUntil(
			sandbox(),
			() => streams() > 0,
			async () => await follow(id, { impatient: { on: TASK } }),
		);
		expect(run.task.status).toBe('completed');
	});

	it('is followed by polling if that is wanted', async () => {
		sandbox().hold();
		const id = await begin('sleep', { ms: 1 });
		const run = await heldUntil(
			sandbox(),
			() => sandbox().count('GET', /\/status$/) > 0,
			async () => await follow(id, { settings: { follow: 'poll' } }),
		);
		expect(run).toMatchObject({ via: 'poll', task: { output: { slept: 1 } } });
		expect(streams()).toBe(0);
	});

	it('goes on after a timeout if that is wanted', async () => {
		const id = await begin('manual');
		const following = rejection(follow(id, { settings: { ...KEEP, timeoutMs: 60_000 } }));
		await until(() => streams() >= 1);
		await clock.runOut(60_000);
		const error = await following;
		expect(error).toBeInstanceOf(TimeoutError);
		expect(String(error)).toContain(`Task ${id} did not finish within 60 s. The task was left`);
		expect(sandbox().running()).toHaveLength(1);
	});

	it('is cancelled at a stop if that is wanted', async () => {
		const id = await begin('manual');
		const stop = new AbortController();
		const following = follow(id, {}, { opened: () => stop.abort() }, stop.signal);
		expect(await rejection(following)).toBeInstanceOf(StoppedError);
		await until(() => sandbox().running().length === 0);
	});

	it('without a timeout is given up after a long silence', async () => {
		const id = await begin('manual');
		sandbox().fault({ on: '*', kind: 'reset', when: 'before', times: Infinity });
		const overrides = { settings: { timeoutMs: undefined }, timings: { contactMs: 10_000 } };
		expect(await rejection(follow(id, overrides))).toBeInstanceOf(ContactLostError);
	});

	it('waits for its turn under the limit of the credential', async () => {
		const [first, second] = [await begin('manual'), await begin('manual')];
		const client = makeClient(sandbox(), { transport: makeTransport(), maxConcurrency: 1 });
		const options = { full: false, observer: {}, signal: new AbortController().signal };
		const runs = [first, second].map(async (id) => await client.tasks.follow(id, options));
		await until(() => streams() >= 1);
		expect(sandbox().count('GET', `/tasks/${second}`)).toBe(0);
		sandbox().finishTask(first);
		await until(() => sandbox().count('GET', `/tasks/${second}`) >= 1);
		sandbox().finishTask(second);
		expect((await Promise.all(runs)).map(({ task }) => task.id)).toEqual([first, second]);
	});
});

describe('An observer', () => {
	/** What is seen of a task that does three things. */
	async function observed(fault: StreamFaultOptions | undefined) {
		const seen = { logs: '', statuses: new Set<string>(), opened: 0 };
		const observer: TaskObserver = {
			changed({ wire, status }) {
				const [log] = (wire['logs'] ?? []) as ReadonlyArray<{ content: string }>;
				seen.logs = log?.content ?? '';
				seen.statuses.add(status);
			},
			opened: () => void (seen.opened += 1),
		};
		if (fault) sandbox().fault({ on: STREAM, kind: 'stream', ...fault });
		const id = await begin('manual');
		await until(() => sandbox().running()[0]?.status === 'running');
		const client = makeClient(sandbox(), { impatient: { on: STREAM } });
		const run = client.tasks.follow(id, {
			full: false,
			observer,
			signal: new AbortController().signal,
		});
		await until(() => seen.opened >= 1);
		for (const [log, status] of [
			['a', 'preparing'],
			['b', 'running'],
			['c', 'uploading'],
		] as const) {
			sandbox().pushTask(id, { logs: log, status });
			await until(() => seen.logs.endsWith(log));
		}
		sandbox().finishTask(id, { output: { done: 1 } });
		expect((await run).task.output).toEqual({ done: 1 });
		return seen;
	}

	it.each([
		['without faults', undefined, 1],
		['although the stream stalls', { stallAfter: 1 }, 2],
		['although the stream stalls later', { stallAfter: 3 }, 2],
		['although the stream ends early', { closeAfter: 2 }, 2],
		['although the stream is reset', { resetAfter: 2 }, 2],
	] as const)(
		'sees every change %s, and each time a stream opens',
		async (_what, fault, opened) => {
			const seen = await observed(fault);
			expect(seen.logs).toBe('abc');
			expect([...seen.statuses]).toEqual(
				expect.arrayContaining(['preparing', 'running', 'uploading', 'completed']),
			);
			expect(seen.opened).toBe(opened);
		},
	);
});
