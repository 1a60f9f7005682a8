/** Following a task that the service refuses to show: for a moment, for a while, for good. */
import { describe, expect, it } from 'vitest';
import {
	AuthenticationError,
	ContactLostError,
	FollowingRefusedError,
	NotFoundError,
	PermissionError,
	TimeoutError,
} from '../../../nodes/client/errors.ts';
import type { RunSettings } from '../../../nodes/client/settings.ts';
import { useSandbox } from '../../useSandbox.mts';
import { TestClock } from '../../testClock.mts';
import { until } from '../../until.mts';
import {
	afterTime,
	clock,
	makeClient,
	passing,
	rejection,
	runOne,
	TRANSPORTS,
	type Overrides,
} from '../support.mts';

const sandbox = useSandbox();

const STREAM = 'GET /tasks/:id/stream';
const STATUS = 'GET /tasks/:id/status';
const TASK = 'GET /tasks/:id';
const READS = [STREAM, STATUS, TASK];

const PASSING = [408, 409, 421, 425, 429, 499, 500, 502, 503, 504];
const REFUSING = [400, 401, 402, 403, 404, 405, 410, 412, 422];

const manual = { app: 'sandbox/manual', input: {} };
/** Its stream does not tell its output, so that it has to be read. */
const slim = { app: 'sandbox/slim', input: { text: 'x' } };

const MODES: ReadonlyArray<readonly [on: string, follow: RunSettings['follow']]> = [
	[STREAM, 'auto'],
	[STREAM, 'stream'],
	[TASK, 'auto'],
	[TASK, 'stream'],
	[TASK, 'poll'],
	[STATUS, 'poll'],
];

function refuse(status: number, on = READS, times = Infinity, skip = 0): void {
	for (const each of on) {
		sandbox().fault({ on: each, kind: 'status', status, times, skip, body: 'not now' });
	}
}

const idOf = (index = 0) => sandbox().tasks()[index]?.id ?? 'none';

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	const client = (overrides: Overrides = {}) =>
		makeClient(sandbox(), { transport: makeTransport(), ...overrides });

	describe.each(MODES)('%s with Follow set to %s', (on, follow) => {
		it.each([...REFUSING, ...PASSING])('refused once with %i ends nothing', async (status) => {
			refuse(status, [on], 1);
			const run = await runOne(client({ settings: { follow } }), slim);
			expect(run.task).toMatchObject({ status: 'completed', output: { text: 'x' } });
			expect(sandbox().count('GET', /./)).toBeGreaterThan(1);
			expect(sandbox().tasks()).toHaveLength(1);
		});

		it.each([401, 403, 404])(
			'refused once with %i ends nothing without a timeout',
			async (status) => {
				refuse(status, [on], 1);
				const run = await runOne(client({ settings: { follow, timeoutMs: undefined } }), slim);
				expect(run.task.status).toBe('completed');
			},
		);
	});

	it.each(['auto', 'stream', 'poll'] as const)(
		'a task that the readers of the service do not know yet is followed with %s',
		async (follow) => {
			sandbox().configure({ replicaLag: 7 });
			const run = await runOne(client({ settings: { follow } }), slim);
			expect(run).toMatchObject({ attempts: 1, fellBack: false, task: { status: 'completed' } });
			expect(sandbox().tasks()).toHaveLength(1);
		},
	);

	describe.each(['auto', 'stream', 'poll'] as const)('Follow set to %s', (follow) => {
		it.each([400, 401, 402, 403, 404, 410, 422])(
			'refused with %i for half a minute, a task is still followed to its end',
			async (status) => {
				refuse(status);
				const run = runOne(client({ settings: { follow, timeoutMs: undefined } }), manual);
				afterTime(30_000, () => {
					sandbox().clearFaults();
					sandbox().finishTask(idOf(), { output: { done: 1 } });
				});
				expect((await run).task.output).toEqual({ done: 1 });
			},
		);

		it.each([400, 401, 402, 403, 404, 410, 422])(
			'refused with %i for good, it is given up in about a minute and named',
			async (status) => {
				const settings = { follow, timeoutMs: undefined };
				const run = client({ settings });
				refuse(status);
				const begun = clock.now();
				const error = await rejection(runOne(run, manual));
				const took = clock.now() - begun;
				expect(took).toBeGreaterThan(40_000);
				expect(took).toBeLessThan(120_000);
				expect(error).toBeInstanceOf(FollowingRefusedError);
				expect(error).toMatchObject({
					about: { kind: 'task', id: idOf() },
					httpStatus: status,
					retryable: false,
					hopeless: [401, 402, 403].includes(status) ? (expect.any(String) as string) : undefined,
				});
				const said = `${String(error)} ${(error as FollowingRefusedError).hint ?? ''}`;
				expect(said).toContain(`Task ${idOf()} cannot be followed any longer`);
				expect(said).toContain('again and again the service has refused to show it, last with:');
				expect(said).toMatch(/The task was cancelled|The service has agreed|is being cancelled/);
				expect(said).not.toMatch(/nothing was started/i);
				await until(() => sandbox().running().length === 0);
			},
		);

		it.each([408, 409, 421, 425, 429, 499])('%i never ends it, however often', async (status) => {
			refuse(status);
			const run = runOne(client({ settings: { follow } }), manual);
			afterTime(300_000, () => {
				sandbox().clearFaults();
				sandbox().finishTask(idOf());
			});
			expect((await run).task.status).toBe('completed');
		});
	});

	it('is left running if On Timeout says so, and can be followed again', async () => {
		refuse(403);
		const error = await rejection(runOne(client({ settings: { onTimeout: 'keep' } }), manual));
		expect(String(error)).toContain('The task was left running.');
		expect(error).toMatchObject({ hint: expect.stringContaining(idOf()) as string });
		expect(sandbox().running()).toHaveLength(1);
	});

	it('says that a task could not be cancelled if that is refused, too', async () => {
		refuse(401, [...READS, 'POST /tasks/:id/cancel']);
		const error = await rejection(runOne(client(), manual));
		expect(String(error)).toMatch(/could not be cancelled \(.*\) and may still be running\.$/);
		expect(error).toMatchObject({
			hint: expect.stringContaining(`Cancel task ${idOf()}`) as string,
		});
	});

	it('whatever shows it makes the refusals start anew', async () => {
		refuse(404, [STATUS]);
		// Four in a row, then one answer.
		for (let round = 0; round < 100; round += 1) refuse(404, [TASK], 4, round * 5);
		const run = runOne(client({ settings: { follow: 'poll' } }), manual);
		afterTime(300_000, () => sandbox().finishTask(idOf()));
		expect((await run).task.status).toBe('completed');
	});

	it('a timeout meanwhile says what the service has refused', async () => {
		refuse(403);
		const settings = { timeoutMs: 20_000 };
		const time = new TestClock();
		// Under another name of the service it is another account, with a clock of its own.
		const baseUrl = sandbox().url.replace('127.0.0.1', 'localhost');
		const run = runOne(client({ settings, clock: time, baseUrl }), manual);
		const error = await rejection(passing(run, { time }));
		expect(error).toBeInstanceOf(TimeoutError);
		expect(String(error)).toMatch(
			/did not finish within 20 s: again and again the service has refused to show it, last with: .*not now\. The task/,
		);
		expect(error).toMatchObject({ hopeless: expect.any(String) as string });
		await until(() => sandbox().running().length === 0);
	});

	it.each([400, 404])(
		'an account that was never shown anything is given up with %i',
		async (status) => {
			const { apiKey } = sandbox().workspace(`inf_sandbox_blind${status}`);
			refuse(status);
			const error = await rejection(runOne(client({ apiKey }), manual));
			expect(error).toBeInstanceOf(FollowingRefusedError);
			expect(error).toMatchObject({
				httpStatus: status,
				hopeless: 'the service does not let the API key see what it has started',
			});
		},
	);

	it('the account is not given up if it is shown other tasks', async () => {
		const run = client();
		const [first, second] = [runOne(run, manual), runOne(run, { app: 'sandbox/slim', input: {} })];
		await until(() => sandbox().tasks().length >= 2);
		refuse(
			403,
			[STREAM, STATUS, TASK].map((on) => on.replace(':id', idOf())),
		);
		void second.catch(() => {});
		const error = await passing(rejection(first));
		expect(error).toBeInstanceOf(FollowingRefusedError);
		await second;
	});

	it('a result that is refused for good is named, and not cancelled', async () => {
		sandbox().fault({ on: TASK, kind: 'status', status: 403, times: Infinity });
		const error = await rejection(runOne(client(), slim));
		expect(error).toBeInstanceOf(ContactLostError);
		expect(String(error)).toContain(`The result of task ${idOf()} could not be read`);
		expect(error).toMatchObject({ about: { kind: 'task', id: idOf() }, httpStatus: 403 });
		expect(sandbox().count('POST', /cancel$/)).toBe(0);
	});

	it('a stream that is refused for good is done without', async () => {
		refuse(403, [STREAM]);
		const run = await runOne(client(), { app: 'sandbox/sleep', input: { ms: 60_000 } });
		expect(run).toMatchObject({ via: 'poll', fellBack: true, task: { status: 'completed' } });
	});

	it('a status that is refused for good is done without', async () => {
		refuse(403, [STATUS]);
		const settings = { follow: 'poll', timeoutMs: undefined } as const;
		const sleep = { app: 'sandbox/sleep', input: { ms: 120_000 } };
		expect((await runOne(client({ settings }), sleep)).task.status).toBe('completed');
	});

	describe('a task that was started elsewhere', () => {
		const follow = async (id: string, overrides: Overrides = {}) =>
			await client(overrides).tasks.follow(id, {
				full: false,
				observer: {},
				signal: new AbortController().signal,
			});
		/** Started by a program that this one knows nothing of. */
		async function elsewhere(app = 'sandbox/manual'): Promise<string> {
			const { url, apiKey } = sandbox();
			const answer = await fetch(`${url}/apps/run`, {
				method: 'POST',
				headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
				body: JSON.stringify({ app, input: {}, wait: false }),
			});
			return ((await answer.json()) as { data: { id: string } }).data.id;
		}

		it.each([
			[401, AuthenticationError],
			[403, PermissionError],
		])('and that is refused with %i at first is given up at once', async (status, kind) => {
			const id = await elsewhere();
			refuse(status);
			expect(await rejection(follow(id))).toBeInstanceOf(kind);
			expect(sandbox().count('GET', /./)).toBe(1);
			expect(sandbox().running()).toHaveLength(1);
		});

		it('and is not known at once is asked for again for a moment', async () => {
			sandbox().configure({ replicaLag: 3 });
			const id = await elsewhere('sandbox/slim');
			expect((await follow(id)).task.status).toBe('completed');
		});

		it('and is not known at all is given up within seconds', async () => {
			const run = follow('nope');
			const begun = clock.now();
			expect(await rejection(run)).toBeInstanceOf(NotFoundError);
			expect(clock.now() - begun).toBeLessThan(10_000);
			expect(sandbox().count('POST', /cancel$/)).toBe(0);
		});

		it('and has been seen once is not given up at once any more', async () => {
			const id = await elsewhere();
			const run = follow(id);
			await until(() => sandbox().count('GET', /stream$/) > 0);
			refuse(403, [TASK], 2);
			refuse(403, [STREAM], 2);
			sandbox().pushTask(id, { status: 'uploading' });
			sandbox().finishTask(id);
			expect((await run).task.status).toBe('completed');
		});
	});

	it('a task that this process has started is not given up at once by another node either', async () => {
		const starting = client();
		const { task } = await runOne(starting, slim, { wait: 'none' });
		refuse(401, READS, 3);
		const options = { full: false, observer: {}, signal: new AbortController().signal };
		const run = await client().tasks.follow(task.id, options);
		expect(run.task.status).toBe('completed');
	});
});
