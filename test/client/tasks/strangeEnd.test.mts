/** Statuses that nobody here knows: a task with one of them is followed as long as it changes. */
import { describe, expect, it } from 'vitest';
import { TaskFailedError } from '../../../nodes/client/errors.ts';
import type { RunSettings } from '../../../nodes/client/settings.ts';
import { strangeStatus } from '../../../nodes/client/tasks/strangeEnd.ts';
import type { JobUpdate, SandboxApp } from '../../sandbox/index.mts';
import { useSandbox } from '../../useSandbox.mts';
import { until } from '../../until.mts';
import {
	afterTime,
	clock,
	makeClient,
	passing,
	rejection,
	runOne,
	TRANSPORTS,
} from '../support.mts';

const free = { type: 'object', properties: {} };

/** An app whose tasks end with a status of which the package has never heard. */
function endingApp(name: string, change: JobUpdate): SandboxApp {
	return {
		namespace: 'sandbox',
		name,
		title: name,
		description: 'Ends in a way of its own.',
		category: 'text',
		functions: { run: { input: free, output: free } },
		run: (job) => job.after(1, () => job.update(change)),
	};
}

const sandbox = useSandbox({
	apps: [endingApp('expiring', { status: 13, error: 'no capacity for a day' })],
});

const expiring = { app: 'sandbox/expiring', input: {} };
const manual = { app: 'sandbox/manual', input: {} };
const FOLLOW: readonly RunSettings['follow'][] = ['auto', 'stream', 'poll'];

/** Shows all tasks in this way from now on. */
function show(wire: object): void {
	const id = sandbox().tasks()[0]?.id;
	const body = JSON.stringify({ data: { id, ...wire } });
	for (const on of ['GET /tasks/:id', 'GET /tasks/:id/status']) {
		sandbox().fault({ on, kind: 'body', body, times: Infinity });
	}
	sandbox().fault({
		on: 'GET /tasks/:id/stream',
		kind: 'body',
		body: `${JSON.stringify({ id, ...wire })}\n`,
		contentType: 'application/x-ndjson',
		times: Infinity,
	});
}

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	const client = (settings: Partial<RunSettings> = {}) =>
		makeClient(sandbox(), { transport: makeTransport(), settings });

	describe.each(FOLLOW)('Follow set to %s', (follow) => {
		it.each([
			['closes its stream', true],
			['leaves its stream open', false],
		])('a service that %s: the reason is told soon after the end', async (_what, closes) => {
			sandbox().configure({ streamClosesAfterTerminal: closes });
			const run = client({ follow, timeoutMs: undefined });
			const begun = clock.now();
			const error = await passing(rejection(runOne(run, expiring)));
			expect(error).toBeInstanceOf(TaskFailedError);
			expect(String(error)).toContain('failed: no capacity for a day (its status is "13"');
			expect(clock.now() - begun).toBeLessThan(120_000);
		});

		it.each([
			['an error', { status: 'expired', error: 'too old' }, 'too old'],
			['an end', { status: 'evicted', finished_at: '2026-11-30T01:00:00Z' }, 'gave no reason'],
			[
				'an error as an object',
				{ status: 'lost', error: { message: 'worker gone' } },
				'worker gone',
			],
		])('a word with %s', async (_what, wire, reason) => {
			const run = runOne(client({ follow, timeoutMs: undefined }), manual);
			await until(() => sandbox().running().length === 1);
			show(wire);
			const said = String(await passing(rejection(run)));
			expect(said).toContain(reason);
			expect(said).toContain(`"${wire.status}"`);
		});

		it.each([
			['null with an error', { status: null, error: 'too old' }, 'too old'],
			['empty with an end', { status: '', ended_at: '2026-11-30T01:00:00Z' }, 'gave no reason'],
		])('no status any more: %s', async (_what, wire, reason) => {
			const run = runOne(client({ follow, timeoutMs: undefined }), manual);
			await until(() => sandbox().running().length === 1);
			show(wire);
			const begun = clock.now();
			const said = String(await passing(rejection(run)));
			expect(said).toContain(`${reason} (it has no status any more`);
			expect(clock.now() - begun).toBeLessThan(120_000);
		});

		it('a status that is missing for a while is no end', async () => {
			const run = runOne(client({ follow, timeoutMs: undefined }), manual);
			await until(() => sandbox().running().length === 1);
			show({ status: null });
			afterTime(600_000, () => {
				sandbox().clearFaults();
				sandbox().finishTask(sandbox().tasks()[0]?.id ?? '', { output: { done: 1 } });
			});
			expect((await passing(run)).task.output).toEqual({ done: 1 });
		});

		it('a word on the way is none of an end', async () => {
			const run = runOne(client({ follow, timeoutMs: undefined }), manual);
			await until(() => sandbox().running().length === 1);
			show({ status: 'warming_up', finished_at: '0001-01-01T00:00:00Z' });
			afterTime(600_000, () => {
				sandbox().clearFaults();
				sandbox().finishTask(sandbox().tasks()[0]?.id ?? '', { output: { done: 1 } });
			});
			expect((await passing(run)).task.output).toEqual({ done: 1 });
		});
	});

	it('a task that somebody else has started ends so, too', async () => {
		const { task } = await runOne(client(), expiring, { wait: 'none' });
		const options = { full: false, observer: {}, signal: new AbortController().signal };
		const error = await passing(rejection(client().tasks.follow(task.id, options)));
		expect(error).toBeInstanceOf(TaskFailedError);
		expect(String(error)).toContain('no capacity for a day');
	});
});

describe('a status', () => {
	it.each([
		[{ status: 7 }, undefined],
		[{ status: 'completed' }, undefined],
		[{ status: 'CANCELED' }, undefined],
		[{}, undefined],
		[{ status: null }, undefined],
		[{ status: null, error: 'gone' }, 'none'],
		[{ status: 99 }, '99'],
		[{ status: 'expired' }, 'expired'],
		[{ status_text: 'expired' }, 'expired'],
	])('%j is strange: %s', (wire, strange) => {
		expect(strangeStatus(wire)).toBe(strange);
	});
});
