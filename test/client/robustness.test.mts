/**
 * What a client of this service has to live with, one test for each situation (those of
 * API notes 11 that a task client meets), over every transport.
 */
import { describe, expect, it } from 'vitest';
import {
	AuthenticationError,
	ContactLostError,
	NetworkError,
	NotFoundError,
	PaymentError,
	PermissionError,
	ProtocolError,
	RateLimitError,
	RequirementsNotMetError,
	ServerError,
	SessionError,
	StoppedError,
	SubmissionUnknownError,
	TaskCancelledError,
	TaskFailedError,
	TimeoutError,
	ValidationError,
} from '../../nodes/client/errors.ts';
import {
	clock,
	heldUntil,
	makeClient,
	passing,
	progressLog,
	rejection,
	runOne,
	TRANSPORTS,
	type Overrides,
} from './support.mts';
import { until } from '../until.mts';
import { useSandbox } from '../useSandbox.mts';

const sandbox = useSandbox();

const SUBMIT = 'POST /apps/run';
const STREAM = 'GET /tasks/:id/stream';
const STATUS = 'GET /tasks/:id/status';
const TASK = 'GET /tasks/:id';
const LIST = 'POST /tasks/list';
const CANCEL = 'POST /tasks/:id/cancel';

const submissions = () => sandbox().count('POST', '/apps/run');
const streams = () => sandbox().count('GET', /\/stream$/);
const polls = () => sandbox().count('GET', /\/status$/);
/** A task that takes its time, if only a little: while time is held it does not end. */
const echo = (text: string) => ({ app: 'sandbox/echo', input: { text, ms: 1 } });
/** A task that is over when it is submitted. */
const INSTANT = { app: 'sandbox/instant', input: {} };
/** A task that never ends by itself. */
const manual = { app: 'sandbox/manual', input: {} };

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	const client = (overrides: Overrides = {}) =>
		makeClient(sandbox(), { transport: makeTransport(), ...overrides });

	describe('a stream', () => {
		it.each([
			['ends early without a word', { closeAfter: 0 }],
			['ends early after a snapshot', { closeAfter: 1 }],
			['is reset', { resetAfter: 1 }],
			['stalls without heartbeats', { stallAfter: 1 }],
			['has broken lines', { garbageAfter: 1 }],
			['arrives byte by byte', { byteByByte: true }],
			['has CRLF line ends', { crlf: true }],
			['has no newline at its end', { noFinalNewline: true }],
			['is SSE although NDJSON was asked for', { format: 'sse' }],
			['is SSE, byte by byte', { format: 'sse', byteByByte: true }],
			['ends with a status but no output', { omitTerminalOutput: true }],
			['never tells the end', { omitTerminal: true }],
			['has nothing but heartbeats', { onlyHeartbeats: true, heartbeatMs: 20 }],
			['repeats every line', { duplicate: true }],
		] as const)('that %s gives the same result', async (_what, fault) => {
			sandbox().fault({ on: STREAM, kind: 'stream', ...fault });
			const run = await passing(
				heldUntil(
					sandbox(),
					() => streams() >= 1,
					async () => await runOne(client({ impatient: { on: STREAM } }), echo('grüße 🎈')),
				),
			);
			expect(run.task.output).toEqual({ echo: { text: 'grüße 🎈', ms: 1 } });
			expect(submissions()).toBe(1);
		});

		it('with event names as the documentation shows them gives the same result', async () => {
			sandbox().configure({ streamFormat: 'sse', sseEvents: 'named' });
			expect((await runOne(client(), echo('x'))).task.output).toEqual({
				echo: { text: 'x', ms: 1 },
			});
			expect(streams()).toBe(1);
		});

		it('that stays open after the end is closed by the client', async () => {
			sandbox().configure({ streamClosesAfterTerminal: false });
			const run = await runOne(client(), echo('x'));
			expect(run.via).toBe('stream');
		});

		it('opened after the task has ended and silent about it is settled by a status request', async () => {
			sandbox().configure({ streamSnapshotFirst: false });
			sandbox().fault({ on: STREAM, kind: 'delay', ms: 120, when: 'before' });
			sandbox().hold();
			const following = runOne(client(), echo('x'));
			await until(() => streams() >= 1);
			sandbox().advance(120);
			const run = await passing(following);
			expect(run).toMatchObject({ via: 'poll', task: { status: 'completed' } });
		});

		it('that is refused by a proxy error is opened again', async () => {
			sandbox().fault({
				on: STREAM,
				kind: 'status',
				status: 502,
				body: '<html>bad gateway</html>',
			});
			const run = await heldUntil(
				sandbox(),
				() => streams() >= 2,
				async () => await runOne(client(), echo('x')),
			);
			expect(run.task.status).toBe('completed');
			expect(streams()).toBe(2);
		});

		it('that keeps failing is replaced by polling', async () => {
			sandbox().fault({ on: STREAM, kind: 'reset', when: 'before', times: Infinity });
			const run = await heldUntil(
				sandbox(),
				() => polls() > 0,
				async () => await runOne(client(), echo('x')),
			);
			expect(run).toMatchObject({ via: 'poll', fellBack: true, task: { status: 'completed' } });
			expect(streams()).toBe(4);
		});

		it('that is limited with 429 goes on after the pause', async () => {
			sandbox().fault({ on: STREAM, kind: 'status', status: 429, headers: { 'retry-after': '1' } });
			expect((await runOne(client(), echo('x'))).task.status).toBe('completed');
		});
	});

	describe('partial updates', () => {
		it('set only the fields they name, even with zero values in the others', async () => {
			sandbox().configure({ partials: 'zeroed' });
			const run = await heldUntil(
				sandbox(),
				() => streams() >= 1,
				async () =>
					await runOne(client(), { app: 'sandbox/counter', input: { ms: 1 }, session: 'new' }),
			);
			expect(run.task.sessionId).toMatch(/\S/);
			expect(run.task.createdAt).toMatch(/^20/);
		});

		it('keep the reason of a failure that came before the failure', async () => {
			const error = await rejection(
				runOne(client(), { app: 'sandbox/late-error', input: { message: 'out of memory' } }),
			);
			expect(error).toBeInstanceOf(TaskFailedError);
			expect(String(error)).toContain('out of memory');
		});
	});

	describe('polling', () => {
		it.each(['number', 'string'] as const)('reads a status given as %s', async (statusAs) => {
			sandbox().configure({ statusAs });
			const run = await runOne(client({ settings: { follow: 'poll' } }), echo('x'));
			expect(run).toMatchObject({ via: 'poll', fellBack: false, task: { status: 'completed' } });
			expect(streams()).toBe(0);
			expect(sandbox().count('GET', /^\/tasks\/[^/]+$/)).toBe(1);
		});

		it('waits longer and longer', async () => {
			sandbox().fault({ on: STATUS, kind: 'status', status: 503, times: 8 });
			await runOne(client({ settings: { follow: 'poll' } }), echo('x'));
			expect(clock.waits.slice(0, 6)).toEqual([2_000, 3_000, 4_500, 6_750, 10_000, 10_000]);
			expect(Math.max(...clock.waits)).toBe(10_000);
		});

		it.each([
			['resets', { kind: 'reset', when: 'before' }],
			['server errors', { kind: 'status', status: 500 }],
			['rate limits', { kind: 'status', status: 429 }],
			['HTML instead of JSON', { kind: 'body', body: '<html>' }],
			['cut JSON', { kind: 'truncate' }],
			['wrong types', { kind: 'body', body: '[1,2]' }],
		] as const)('survives %s', async (_what, fault) => {
			sandbox().fault({ on: STATUS, times: 3, ...fault });
			sandbox().fault({ on: TASK, times: 2, ...fault });
			const run = await runOne(client({ settings: { follow: 'poll' } }), echo('x'));
			expect(run.task.output).toEqual({ echo: { text: 'x', ms: 1 } });
		});

		it('reads the task itself if its status stays unreadable', async () => {
			const html = { kind: 'body', body: '<html>maintenance</html>', times: Infinity } as const;
			sandbox().fault({ on: STATUS, ...html });
			const run = await runOne(client({ settings: { follow: 'poll' } }), echo('x'));
			expect(run).toMatchObject({ via: 'poll', task: { status: 'completed' } });
		});

		it('without a timeout gives up after a long silence, naming the task', async () => {
			sandbox().fault({ on: STATUS, kind: 'reset', when: 'before', times: Infinity });
			const timings = { contactMs: 10_000 };
			const settings = { follow: 'poll', timeoutMs: undefined } as const;
			const error = await rejection(runOne(client({ settings, timings }), manual));
			expect(error).toBeInstanceOf(ContactLostError);
			expect(error).toMatchObject({ about: { kind: 'task', id: sandbox().tasks()[0]?.id } });
			expect(sandbox().running()).toHaveLength(1);
		});
	});

	describe('a submission', () => {
		it.each([
			['a refused connection', undefined, NetworkError],
			['429', { status: 429 }, RateLimitError],
			['503 with Retry-After', { status: 503, headers: { 'retry-after': '1' } }, ServerError],
		] as const)('is repeated freely after %s', async (_what, fault, kind) => {
			if (fault) {
				sandbox().fault({ on: SUBMIT, kind: 'status', times: 2, ...fault });
				const run = await runOne(client(), echo('x'));
				expect(run.attempts).toBe(3);
				expect(sandbox().count('POST', '/tasks/list')).toBe(0);
				sandbox().fault({ on: SUBMIT, kind: 'status', times: Infinity, ...fault });
			}
			const baseUrl = fault ? sandbox().url : 'http://127.0.0.1:1';
			const { entries, onProgress } = progressLog();
			const error = await rejection(runOne(client({ baseUrl }), echo('y'), { onProgress }));
			expect(error).toBeInstanceOf(kind);
			expect(entries.filter(({ state }) => state === 'submitting')).toHaveLength(4);
			expect(sandbox().tasks()).toHaveLength(fault ? 1 : 0);
		});

		const ACCEPTED = [
			['a reset after sending', { kind: 'reset', when: 'after' }],
			['HTTP 500', { kind: 'statusAfter', status: 500 }],
			['HTTP 502 with HTML', { kind: 'statusAfter', status: 502, body: '<html>' }],
			['HTTP 503 without Retry-After', { kind: 'statusAfter', status: 503 }],
			['HTTP 504', { kind: 'statusAfter', status: 504 }],
			['no answer in time', { kind: 'hang', when: 'after' }],
			['a cut answer', { kind: 'truncate', bytes: 20 }],
			['an answer that is no JSON', { kind: 'body', body: '{"data":{"id":"t', when: 'after' }],
			['an answer without an id', { kind: 'body', body: '{"data":{}}', when: 'after' }],
		] as const;
		it.each(ACCEPTED)('that was accepted but answered with %s is adopted', async (_what, fault) => {
			sandbox().fault({ on: SUBMIT, ...fault });
			const run = await runOne(client({ impatient: { on: SUBMIT } }), echo('x'));
			expect(run).toMatchObject({ adopted: true, attempts: 1, task: { status: 'completed' } });
			expect(sandbox().tasks()).toHaveLength(1);
			expect(submissions()).toBe(1);
		});

		const REFUSED = [
			['a reset', { kind: 'reset', when: 'before' }],
			['HTTP 500', { kind: 'status', status: 500 }],
			['HTTP 502', { kind: 'status', status: 502, body: '<html>' }],
			['HTTP 504', { kind: 'status', status: 504 }],
			['no answer in time', { kind: 'hang', when: 'before' }],
		] as const;
		it.each(REFUSED)('that got lost before it arrived (%s) is repeated', async (_what, fault) => {
			sandbox().fault({ on: SUBMIT, ...fault });
			const run = await runOne(client({ impatient: { on: SUBMIT } }), echo('x'));
			expect(run).toMatchObject({ adopted: false, attempts: 2 });
			expect(sandbox().tasks()).toHaveLength(1);
			expect(sandbox().count('POST', '/tasks/list')).toBe(2);
		});

		it.each([
			['reads wrong clocks right', { clockSkewMs: -3_600_000 }],
			['reads a fast clock right', { clockSkewMs: 3_600_000 }],
			['reads lists without apps', { listPreloads: 'none' }],
			['reads the first envelope generation', { envelope: 'v1' }],
			['reads bare answers', { envelope: 'v2' }],
		] as const)('%s when it looks for its task', async (_what, settings) => {
			sandbox().configure(settings);
			const one = client();
			// A clock that has just been set is not believed before it has been seen twice.
			for (let count = 0; count < 2; count += 1) await runOne(one, INSTANT);
			sandbox().fault({ on: SUBMIT, kind: 'reset', when: 'after' });
			const run = await runOne(one, echo('x'));
			expect(run.adopted).toBe(true);
			expect(sandbox().tasks()).toHaveLength(3);
		});

		it('does not take over an equal task from before', async () => {
			sandbox().configure({ clockSkewMs: -3_600_000 });
			const first = await runOne(client({ apiKey: sandbox().apiKey }), echo('same'));
			sandbox().configure({ clockSkewMs: 0 });
			sandbox().fault({ on: SUBMIT, kind: 'reset', when: 'before' });
			const second = await runOne(client(), echo('same'));
			expect(second.task.id).not.toBe(first.task.id);
			expect(second.adopted).toBe(false);
		});

		it('of identical items whose answers all get lost buys each of them once', async () => {
			sandbox().fault({ on: SUBMIT, kind: 'reset', when: 'after', times: 6 });
			const shared = client();
			const runs = await Promise.all(
				Array.from({ length: 8 }, async () => await runOne(shared, echo('x'))),
			);
			expect(new Set(runs.map((run) => run.task.id)).size).toBe(8);
			expect(sandbox().tasks()).toHaveLength(8);
			expect(runs.filter((run) => run.adopted)).toHaveLength(6);
		});

		it('whose fate cannot be found out fails and says so', async () => {
			sandbox().fault({ on: SUBMIT, kind: 'reset', when: 'after' });
			sandbox().fault({ on: LIST, kind: 'status', status: 500, times: Infinity });
			const error = await rejection(runOne(client(), echo('x')));
			expect(error).toBeInstanceOf(SubmissionUnknownError);
			expect(String(error)).toMatch(/not known whether the task was started/);
			expect(submissions()).toBe(1);
		});

		it('fails at once if that is wanted', async () => {
			sandbox().fault({ on: SUBMIT, kind: 'reset', when: 'after' });
			const settings = { onUnclearSubmit: 'fail' } as const;
			const error = await rejection(runOne(client({ settings }), echo('x')));
			expect(error).toBeInstanceOf(SubmissionUnknownError);
			expect(sandbox().count('POST', '/tasks/list')).toBe(0);
		});

		it('is repeated without looking only if that is wanted', async () => {
			sandbox().fault({ on: SUBMIT, kind: 'reset', when: 'after' });
			const settings = { onUnclearSubmit: 'resubmit' } as const;
			const run = await runOne(client({ settings }), echo('x'));
			expect(run.adopted).toBe(false);
			expect(sandbox().tasks()).toHaveLength(2);
		});

		it('that is unreadable everywhere is a protocol error with the start of the answer', async () => {
			const html = `<html>${'x'.repeat(2_000)}</html>`;
			sandbox().fault({ on: '*', kind: 'body', body: html, times: Infinity });
			const error = await rejection(runOne(client(), echo('x')));
			expect(error).toBeInstanceOf(ProtocolError);
			expect(String(error)).toContain('"xxx');
			expect(error).toMatchObject({ answer: expect.stringContaining('<html>xxx') as string });
			expect(String(error).length).toBeLessThan(800);
			expect(submissions()).toBe(1);
		});

		it('does not follow a redirect with the key', async () => {
			const headers = { location: `${sandbox().url}/elsewhere` };
			sandbox().fault({ on: SUBMIT, kind: 'status', status: 302, headers });
			expect(await rejection(runOne(client(), echo('x')))).toBeInstanceOf(ProtocolError);
			expect(sandbox().requests).toHaveLength(1);
		});

		it.each([
			['a wrong key (401)', { apiKey: 'inf_wrong' }, 'sandbox/echo', AuthenticationError],
			['no balance (402)', {}, 'sandbox/paid', PaymentError],
			['no permission (403)', {}, 'sandbox/forbidden', PermissionError],
			['an unknown app (404)', {}, 'sandbox/ecko', NotFoundError],
			['missing requirements (412)', {}, 'sandbox/secret', RequirementsNotMetError],
			['input against the schema (422)', {}, 'sandbox/sleep', ValidationError],
			['no session for a session app (400)', {}, 'sandbox/counter', ValidationError],
		] as const)('is not repeated after %s', async (_what, overrides, app, kind) => {
			const { entries, onProgress } = progressLog();
			const run = runOne(client(overrides), { app, input: {} }, { onProgress });
			const error = await rejection(run);
			expect(error).toBeInstanceOf(kind);
			expect(sandbox().requests).toHaveLength(1);
			expect(entries.at(-1)).toEqual({ state: 'none' });
			expect(String(error)).not.toContain('inf_wrong');
		});

		it('lists what is missing and how to get it', async () => {
			const error = await rejection(runOne(client(), { app: 'sandbox/secret', input: {} }));
			expect(error).toMatchObject({ missing: [{ type: 'secret' }, { type: 'integration' }] });
			expect(error).toMatchObject({ hint: expect.stringContaining('add the secret') as string });
		});

		it('in a session that is over says so', async () => {
			const first = await runOne(client(), { app: 'sandbox/counter', input: {}, session: 'new' });
			const session = first.task.sessionId ?? '';
			sandbox().setSession(session, 'ended');
			const request = { app: 'sandbox/counter', input: {}, session };
			const error = await rejection(runOne(client(), request));
			expect(error).toBeInstanceOf(SessionError);
			expect(error).toMatchObject({ httpStatus: 410 });
		});
	});

	describe('Retry-After', () => {
		it.each([
			['seconds', { 'retry-after': '7' }],
			['milliseconds', { 'retry-after-ms': '7000' }],
			['X-RateLimit-Reset', { 'x-ratelimit-reset': '7' }],
		])('as %s is a minimum', async (_what, headers) => {
			sandbox().fault({ on: SUBMIT, kind: 'status', status: 429, headers });
			await runOne(client(), echo('x'));
			expect(Math.max(...clock.waits)).toBeGreaterThanOrEqual(7_000);
			expect(Math.max(...clock.waits)).toBeLessThan(8_500);
		});

		it('beyond the limit fails at once and says how long the service asked for', async () => {
			sandbox().fault({
				on: SUBMIT,
				kind: 'status',
				status: 429,
				headers: { 'retry-after': '600' },
			});
			const error = await rejection(runOne(client(), echo('x')));
			expect(error).toBeInstanceOf(RateLimitError);
			expect(String(error)).toMatch(
				/600 s, longer than "Retry: Accepted Wait \(Seconds\)" allows \(120 s\)/,
			);
			expect(submissions()).toBe(1);
		});
	});

	describe('giving up', () => {
		const MINUTE = 60_000;

		/** What a run ends with whose time is over when its task has been seen to run. */
		async function timedOut(overrides: Overrides = {}, app = 'sandbox/manual'): Promise<unknown> {
			const { settings, ...rest } = overrides;
			const timed = client({ ...rest, settings: { timeoutMs: MINUTE, ...settings } });
			const run = rejection(runOne(timed, { app, input: {} }));
			await until(() => streams() >= 1);
			await clock.runOut(MINUTE);
			return await run;
		}

		it('after the timeout cancels the task and says so', async () => {
			const error = await timedOut();
			expect(error).toBeInstanceOf(TimeoutError);
			expect(error).toMatchObject({ about: { kind: 'task', id: sandbox().tasks()[0]?.id } });
			expect(String(error)).toMatch(/did not finish within 60 s. The task was cancelled/);
			await until(() => sandbox().running().length === 0);
		});

		it('after the timeout keeps the task if that is wanted', async () => {
			const error = await timedOut({ settings: { onTimeout: 'keep' } });
			expect(String(error)).toMatch(/left running/);
			expect(sandbox().running()).toHaveLength(1);
		});

		it('while queued for long is up to the timeout alone', async () => {
			expect(await timedOut({}, 'sandbox/queue')).toBeInstanceOf(TimeoutError);
			await until(() => sandbox().running().length === 0);
		});

		it('on Stop cancels at once', async () => {
			const stop = new AbortController();
			const run = runOne(client(), manual, {
				signal: stop.signal,
				onProgress: ({ state }) => state === 'running' && stop.abort(),
			});
			expect(await rejection(run)).toBeInstanceOf(StoppedError);
			await until(() => sandbox().running().length === 0);
		});

		/** What a run ends with that is stopped while its submission has not been answered. */
		async function stoppedUnanswered(afterwards: () => void): Promise<unknown> {
			const stop = new AbortController();
			const run = rejection(runOne(client(), manual, { signal: stop.signal }));
			await until(() => submissions() >= 1);
			stop.abort();
			afterwards();
			return await run;
		}

		it('on Stop cancels a task whose id is still on its way', async () => {
			sandbox().fault({ on: SUBMIT, kind: 'delay', ms: 1, when: 'after' });
			sandbox().hold();
			const error = await stoppedUnanswered(() => sandbox().release());
			expect(error).toBeInstanceOf(StoppedError);
			expect(sandbox().tasks()).toHaveLength(1);
			await until(() => sandbox().running().length === 0);
		});

		it('on Stop looks for a task whose answer gets lost, and cancels it', async () => {
			sandbox().fault({ on: SUBMIT, kind: 'delay', ms: 1, when: 'after' });
			sandbox().fault({ on: SUBMIT, kind: 'reset', when: 'after' });
			sandbox().hold();
			await stoppedUnanswered(() => sandbox().release());
			await until(() => sandbox().running().length === 0);
		});

		it('ends even if the service never answers the submission', async () => {
			sandbox().fault({ on: SUBMIT, kind: 'hang', when: 'before' });
			const error = await stoppedUnanswered(() => void clock.pass(MINUTE));
			expect(String(error)).toMatch(/not known whether it was started/);
		});

		it('ends even if the service does not cancel', async () => {
			sandbox().fault({ on: CANCEL, kind: 'hang', when: 'before', times: Infinity });
			const error = timedOut();
			await until(() => sandbox().count('POST', /\/cancel$/) >= 1);
			await clock.pass(MINUTE);
			expect(String(await error)).toMatch(/could not be cancelled/);
		});

		it('tries the cancellation again after a server error', async () => {
			sandbox().fault({ on: CANCEL, kind: 'status', status: 502, times: 2 });
			await timedOut();
			await until(() => sandbox().running().length === 0);
		});

		it('trusts a task that completes although it was being cancelled elsewhere', async () => {
			const running = runOne(client(), { app: 'sandbox/cancel-completes', input: {} });
			await until(() => streams() >= 1);
			await client().tasks.cancel(sandbox().tasks()[0]?.id ?? '');
			expect((await running).task.status).toBe('completed');
		});

		it('by somebody else is an error of its own', async () => {
			const running = runOne(client(), manual);
			await until(() => streams() >= 1);
			sandbox().finishTask(sandbox().tasks()[0]?.id ?? '', { status: 'cancelled' });
			expect(await rejection(running)).toBeInstanceOf(TaskCancelledError);
		});
	});

	describe('a failed task', () => {
		it('is an error with its id and reason', async () => {
			const error = await rejection(
				runOne(client(), { app: 'sandbox/fail', input: { message: 'bad picture' } }),
			);
			expect(error).toBeInstanceOf(TaskFailedError);
			expect(error).toMatchObject({
				about: { kind: 'task', id: sandbox().tasks()[0]?.id },
				code: 'task_failed',
			});
			expect(String(error)).toContain('bad picture');
		});

		it('is bought again only if that is wanted', async () => {
			const settings = { retryOn: new Set(['taskFailed'] as const) };
			const request = { app: 'sandbox/flaky', input: { key: 'k', failures: 2 } };
			await rejection(runOne(client(), request));
			expect(sandbox().tasks()).toHaveLength(1);
			const run = await runOne(client({ settings }), request);
			expect(run).toMatchObject({ attempts: 2, task: { status: 'completed' } });
			expect(sandbox().tasks()).toHaveLength(3);
		});
	});

	it('a submit answer with a terminal status but no output is completed by one GET', async () => {
		sandbox().fault({
			on: SUBMIT,
			kind: 'body',
			body: '{"data":{"id":"t1","status":10,"status_text":"completed"}}',
		});
		sandbox().fault({
			on: TASK,
			kind: 'body',
			body: '{"id":"t1","status":"COMPLETED","output":{"a":1},"logs":null}',
		});
		const run = await runOne(client(), echo('x'));
		expect(run).toMatchObject({ via: 'submit', task: { output: { a: 1 } } });
		expect(sandbox().requests).toHaveLength(2);
	});

	it('the whole task is read if it is asked for', async () => {
		const run = await runOne(client(), echo('x'), { full: true });
		expect(run.task.wire).toHaveProperty('input');
		expect(run.task.wire).toHaveProperty('logs');
	});

	it('notices of the service are passed on', async () => {
		sandbox().configure({
			messages: [{ level: 'warning', code: 'c', message: 'Plan limit near' }],
		});
		const run = await runOne(client(), echo('x'));
		expect(run.notices).toEqual([{ level: 'warning', message: 'Plan limit near' }]);
	});

	it('a submission that an earlier try lost is looked for before anything is started', async () => {
		sandbox().fault({ on: SUBMIT, kind: 'reset', when: 'after' });
		sandbox().fault({ on: LIST, kind: 'status', status: 500, times: Infinity });
		const { entries, onProgress } = progressLog();
		await rejection(runOne(client(), echo('x'), { onProgress }));
		sandbox().clearFaults();
		const progress = entries.at(-1) ?? { state: 'none' };
		const run = await runOne(client(), echo('x'), { progress });
		expect(run.adopted).toBe(true);
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it('a task of an earlier try is followed, not started again', async () => {
		const { entries, onProgress } = progressLog();
		const started = await runOne(client(), echo('x'), { wait: 'none', onProgress });
		const progress = entries.at(-1) ?? { state: 'none' };
		const run = await runOne(client(), echo('x'), { progress });
		expect(run.task.id).toBe(started.task.id);
		expect(submissions()).toBe(1);
	});
});
