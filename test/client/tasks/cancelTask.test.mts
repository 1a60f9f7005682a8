/** Cancelling: what is said of a task is what a look has shown. */
import { describe, expect, it } from 'vitest';
import type { InferenceClient } from '../../../nodes/client/client.ts';
import type { Fault, SandboxSettings } from '../../sandbox/index.mts';
import { until } from '../../until.mts';
import { useSandbox } from '../../useSandbox.mts';
import { makeClient, runOne, TRANSPORTS } from '../support.mts';

const sandbox = useSandbox();

const CANCEL = 'POST /tasks/:id/cancel';
const STATUS = 'GET /tasks/:id/status';
const FOR_EVER = { kind: 'status', times: Infinity } as const;

describe.each(TRANSPORTS)('over %s, cancelling', (_name, makeTransport) => {
	const client = () => makeClient(sandbox(), { transport: makeTransport() });

	async function begin(run: InferenceClient): Promise<string> {
		const { task } = await runOne(run, { app: 'sandbox/manual', input: {} }, { wait: 'none' });
		await until(() => sandbox().tasks()[0]?.status === 'running');
		return task.id;
	}

	it.each([
		['null', 'null', 2],
		['its state', 'state', 1],
	] as const)('a running task, answered with %s, cancels it', async (_what, answer, requests) => {
		sandbox().configure({ cancelAnswer: answer });
		const run = client();
		const id = await begin(run);
		const before = sandbox().requests.length;
		expect(await run.tasks.cancel(id)).toEqual({ kind: 'cancelled' });
		expect(sandbox().requests.length - before).toBe(requests);
		await until(() => sandbox().running().length === 0);
	});

	it.each([400, 401, 403, 404, 405, 408, 409, 410, 412, 421, 422, 425, 429, 499, 500, 503])(
		'a task that is running, answered once with %i, is repeated until it is cancelled',
		async (status) => {
			const run = client();
			const id = await begin(run);
			sandbox().fault({ on: CANCEL, kind: 'status', status });
			expect(await run.tasks.cancel(id)).toEqual({ kind: 'cancelled' });
			expect(sandbox().count('POST', /cancel$/)).toBe(2);
			await until(() => sandbox().running().length === 0);
		},
	);

	it.each<[string, Partial<SandboxSettings>]>([
		['null', { cancelAnswer: 'null' }],
		['its state', { cancelAnswer: 'state' }],
		['404', { cancelOfEnded: 404 }],
		['409', { cancelOfEnded: 409 }],
		['410', { cancelOfEnded: 410 }],
	])('a task that has ended, answered with %s, is already over', async (_what, settings) => {
		sandbox().configure(settings);
		const run = client();
		const id = await begin(run);
		sandbox().finishTask(id);
		expect(await run.tasks.cancel(id)).toEqual({ kind: 'over' });
	});

	it('a task that was cancelled before, answered with 409, is cancelled', async () => {
		sandbox().configure({ cancelOfEnded: 409 });
		const run = client();
		const id = await begin(run);
		sandbox().finishTask(id, { status: 'cancelled' });
		expect(await run.tasks.cancel(id)).toEqual({ kind: 'cancelled' });
	});

	it('a task that only the list has heard of yet is repeated until it is known', async () => {
		sandbox().configure({ replicaLag: 5 });
		const run = client();
		const id = await begin(run);
		expect(await run.tasks.cancel(id)).toEqual({ kind: 'cancelled' });
		await until(() => sandbox().running().length === 0);
	});

	it('is told to be accepted if nobody can see whether it had an effect', async () => {
		const run = client();
		const id = await begin(run);
		sandbox().fault({ on: STATUS, ...FOR_EVER, status: 403 });
		expect(await run.tasks.cancel(id)).toEqual({ kind: 'accepted' });
	});

	it('is told to be accepted if the task still runs', async () => {
		const run = client();
		const id = await begin(run);
		sandbox().fault({ on: CANCEL, kind: 'body', body: '{"data":null}' });
		expect(await run.tasks.cancel(id)).toEqual({ kind: 'accepted' });
		expect(sandbox().running()).toHaveLength(1);
	});

	it.each<[string, Fault, string]>([
		['403', { on: CANCEL, ...FOR_EVER, status: 403, body: 'no scope' }, 'no scope'],
		['404', { on: CANCEL, ...FOR_EVER, status: 404 }, 'It does not exist'],
		['500', { on: CANCEL, ...FOR_EVER, status: 500, body: 'oops' }, 'oops'],
		['resets', { on: CANCEL, kind: 'reset', when: 'before', times: Infinity }, 'No usable answer'],
	])('that only meets %s fails in the end, and says why', async (_what, fault, reason) => {
		const run = client();
		const id = await begin(run);
		sandbox().fault(fault);
		expect(await run.tasks.cancel(id)).toEqual({
			kind: 'failed',
			reason: expect.stringContaining(reason) as string,
			error: expect.any(Error) as Error,
		});
		expect(sandbox().count('POST', /cancel$/)).toBeGreaterThan(2);
		expect(sandbox().running()).toHaveLength(1);
	});

	it('a task that nobody knows does not claim that it is over', async () => {
		const outcome = await client().tasks.cancel('nope');
		expect(outcome).toMatchObject({ kind: 'failed' });
	});
});
