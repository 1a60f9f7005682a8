/** Whatever one execution waits for, another one that waits for it ends when its own time is over. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { StoppedError, TimeoutError } from '../../../nodes/client/errors.ts';
import { submissionGate } from '../../../nodes/client/once/submissionGate.ts';
import type { RunSettings } from '../../../nodes/client/settings.ts';
import { TestClock } from '../../testClock.mts';
import { aMoment, until } from '../../until.mts';
import { useSandbox } from '../../useSandbox.mts';
import { makeClient, passing, rejection, runOne, TRANSPORTS } from '../support.mts';

const sandbox = useSandbox();
const ON = 'POST /apps/run';
const LIST = 'POST /tasks/list';
const equal = { app: 'sandbox/echo', input: { text: 'equal' } };
const submitted = () => sandbox().count('POST', '/apps/run');
const TIMEOUT_MS = 5_000;
/** One for all: what belongs to an account outlives its clients, and keeps its clock. */
const time = new TestClock();

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	/** An execution of its own, and how it is stopped. */
	function execution(settings: Partial<RunSettings> = {}, maxConcurrency = 0) {
		const stop = new AbortController();
		const client = makeClient(sandbox(), {
			...{ transport: makeTransport(), clock: time, maxConcurrency },
			settings: { maxRetryAfterMs: 7_200_000, ...settings },
		});
		const run = (request = equal) => rejection(runOne(client, request, { signal: stop.signal }));
		return { client, run, stop };
	}

	/** Begins something that holds equal items up, and says when it does. */
	const HOLDS: ReadonlyArray<{
		readonly what: string;
		hold(): Promise<void>;
	}> = [
		{
			what: 'a look-up that gets no answer',
			async hold() {
				sandbox().fault({ on: ON, kind: 'statusAfter', status: 502 });
				sandbox().fault({ on: LIST, kind: 'hang', when: 'before', times: 99 });
				await keepGoing(execution());
				await until(() => sandbox().count('POST', '/tasks/list') > 0);
			},
		},
		{
			what: 'a look-up that waits for another submission',
			async hold() {
				sandbox().fault({ on: ON, kind: 'hang', when: 'after' });
				await keepGoing(execution());
				await until(() => submitted() >= 1);
				sandbox().fault({ on: ON, kind: 'statusAfter', status: 502 });
				const looking = vi.spyOn(submissionGate, 'lookingUp');
				onTestFinished(() => looking.mockRestore());
				await keepGoing(execution());
				await until(() => looking.mock.calls.length > 0);
			},
		},
		{
			what: 'the pause of a rate limit',
			async hold() {
				const headers = { 'retry-after': '3600' };
				sandbox().fault({ on: ON, kind: 'status', status: 429, headers });
				await keepGoing(execution());
				await until(() => time.awaited);
			},
		},
		{
			what: 'the pause after the last attempt of another',
			async hold() {
				const headers = { 'retry-after': '3600' };
				sandbox().fault({ on: ON, kind: 'status', status: 429, headers });
				await execution({ maxRetries: 0 }).run();
			},
		},
	];

	/** Lets an execution go on until the test is over. */
	async function keepGoing({ run, stop }: ReturnType<typeof execution>) {
		const going = run();
		onTestFinished(async () => {
			stop.abort();
			sandbox().clearFaults();
			await passing(going, { time, always: true });
		});
		await Promise.resolve();
	}

	it.each(HOLDS)('a Stop is heard in spite of $what', async ({ hold }) => {
		await hold();
		const before = submitted();
		const other = execution();
		const ended = other.run();
		await aMoment();
		expect(submitted()).toBe(before);
		other.stop.abort();
		const error = await ended;
		expect(error).toBeInstanceOf(StoppedError);
		expect(String(error)).toContain('Nothing was started for it');
		expect(submitted()).toBe(before);
	});

	it.each(HOLDS)('a timeout is kept in spite of $what', async ({ hold }) => {
		await hold();
		const before = submitted();
		const ended = execution({ timeoutMs: TIMEOUT_MS }).run();
		await aMoment();
		await time.runOut(TIMEOUT_MS);
		const error = await ended;
		expect(error).toBeInstanceOf(TimeoutError);
		expect(String(error)).toContain('Nothing was started for it');
		expect(submitted()).toBe(before);
	});

	it('the service is asked again after a while, also while something else is looked for', async () => {
		sandbox().fault({ on: ON, kind: 'statusAfter', status: 502 });
		sandbox().fault({ on: LIST, kind: 'hang', when: 'before', times: 99 });
		await keepGoing(execution());
		await until(() => sandbox().count('POST', '/tasks/list') > 0);
		const other = { app: 'sandbox/manual', input: { text: 'other' } };
		const impatient = execution({ maxRetryAfterMs: 120_000 });
		const headers = { 'retry-after': '3600' };
		sandbox().fault({ on: ON, kind: 'status', status: 429, headers });
		expect(await impatient.run(other)).toMatchObject({ code: 'rate_limit' });
		expect(String(await impatient.run(other))).toContain('was not asked');
		expect(submitted()).toBe(2);
		await time.pass(122_000);
		const last = execution({ maxRetryAfterMs: 120_000 });
		const going = last.run(other);
		await until(() => submitted() >= 3);
		last.stop.abort();
		await passing(going, { time });
	});

	it('a Stop is heard in the queue of Max Concurrency', async () => {
		const first = execution({}, 1);
		const holding = first.run({ app: 'sandbox/manual', input: { text: '' } });
		await until(() => submitted() >= 1);
		const other = execution({}, 1);
		const ended = other.run();
		await aMoment();
		expect(submitted()).toBe(1);
		other.stop.abort();
		expect(await ended).toBeInstanceOf(StoppedError);
		first.stop.abort();
		await passing(holding, { time });
		expect(submitted()).toBe(1);
	});

	it('who waits for what another one has asked for ends by itself, and with nobody else', async () => {
		const { client } = execution();
		sandbox().fault({ on: 'GET /apps/*', kind: 'hang', when: 'before' });
		const [one, other, third] = [
			new AbortController(),
			new AbortController(),
			new AbortController(),
		];
		const asked = [one, other].map(
			async ({ signal }) => await rejection(client.apps.get('sandbox/echo', signal)),
		);
		await until(() => sandbox().count('GET', /^\/apps/) >= 1);
		one.abort(new StoppedError('one'));
		expect(await asked[0]).toBe(one.signal.reason);
		other.abort(new StoppedError('other'));
		expect(await asked[1]).toBe(other.signal.reason);
		// Nothing of them is left for whoever asks next.
		const app = await client.apps.get('sandbox/echo', third.signal);
		expect(app.functions).toHaveLength(1);
	});
});
