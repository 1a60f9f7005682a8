/** What a refusal for the rate of requests means for everybody else of the account. */
import { describe, expect, it } from 'vitest';
import type { MessageRequest } from '../../../nodes/client/agents/messageRequest.ts';
import type { SendOptions } from '../../../nodes/client/agents/sendMessage.ts';
import type { UploadSource } from '../../../nodes/client/files/upload.ts';
import { REFUSALS } from '../../sandbox/index.mts';
import { useSandbox } from '../../useSandbox.mts';
import { clock, makeClient, progressLog, rejection, runOne, TRANSPORTS } from '../support.mts';

const sandbox = useSandbox();
const ON = 'POST /apps/run';
const echo = { app: 'sandbox/echo', input: { text: 'x' } };
const never = new AbortController().signal;
const file: UploadSource = {
	filename: 'a.txt',
	contentType: 'text/plain',
	size: 1,
	open: async () => await Promise.resolve(new Uint8Array(1)),
};
const message: MessageRequest = {
	agent: { kind: 'saved', ref: 'sandbox/assistant' },
	chatId: undefined,
	text: 'x',
	attachments: [],
	context: undefined,
};
const sending: SendOptions = {
	progress: { state: 'none' },
	onProgress: () => {},
	onInterrupt: 'return',
	observer: {},
	signal: never,
};
const submitted = () => sandbox().count('POST', '/apps/run');

/** Both ways in which the rate is refused. */
const KINDS: ReadonlyArray<readonly [string, { status: number; body?: string | object }]> = [
	['429', { status: 429 }],
	['402', REFUSALS.ratePerMinute],
];

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	const client = (settings = {}) => makeClient(sandbox(), { transport: makeTransport(), settings });

	it.each(KINDS)('the last %s of an item makes the others wait, too', async (_status, refusal) => {
		const headers = { 'retry-after': '7' };
		sandbox().fault({ on: ON, kind: 'status', ...refusal, headers });
		const last = await rejection(runOne(client({ maxRetries: 0 }), echo));
		expect(last).toMatchObject({ code: 'rate_limit' });
		const refusedAt = clock.now();
		await runOne(client(), echo);
		expect(clock.now() - refusedAt).toBeGreaterThanOrEqual(7_000);
		expect(submitted()).toBe(2);
	});

	it.each(KINDS)(
		'a %s that asks for more than is waited for is asked no second time',
		async (_status, refusal) => {
			const headers = { 'retry-after': '3600' };
			sandbox().fault({ on: ON, kind: 'status', ...refusal, headers, times: 9 });
			for (let item = 0; item < 3; item += 1) {
				const log = progressLog();
				const error = await rejection(runOne(client(), echo, { onProgress: log.onProgress }));
				expect(error).toMatchObject({ code: 'rate_limit' });
				expect(String(error)).toMatch(
					/asks to wait 3\d{3} s, longer than "Retry: Accepted Wait \(Seconds\)"/,
				);
				expect(log.entries.at(-1)?.state ?? 'none').toBe('none');
			}
			expect(submitted()).toBe(1);
			// Whoever may wait longer does.
			sandbox().clearFaults();
			const refusedAt = clock.now();
			await runOne(client({ maxRetryAfterMs: 7_200_000, timeoutMs: undefined }), echo);
			expect(clock.now() - refusedAt).toBeGreaterThan(3_500_000);
		},
	);

	it('a wait that is no longer than half a minute is waited for, whatever Max Retry-After is', async () => {
		sandbox().fault({ on: ON, kind: 'status', status: 429, headers: { 'retry-after': '20' } });
		const hurried = client({ maxRetryAfterMs: 1_000 });
		await rejection(runOne(hurried, echo));
		const refusedAt = clock.now();
		await runOne(hurried, echo);
		expect(clock.now() - refusedAt).toBeGreaterThanOrEqual(20_000);
		expect(submitted()).toBe(2);
	});

	it('after a minute the service is asked again', async () => {
		sandbox().fault({ on: ON, kind: 'status', status: 429, headers: { 'retry-after': '3600' } });
		await rejection(runOne(client(), echo));
		await clock.pass(61_000);
		expect((await runOne(client(), echo)).task.status).toBe('completed');
		expect(submitted()).toBe(2);
	});

	it('a refusal of anything else counts for what is to be started, too', async () => {
		const refused = { kind: 'status', status: 429, headers: { 'retry-after': '20' } } as const;
		const hurried = client({ maxRetries: 0, maxRetryAfterMs: 5_000 });
		const others: ReadonlyArray<readonly [string, () => Promise<unknown>]> = [
			['GET /apps/*', async () => await hurried.apps.get('sandbox/echo', never)],
			['POST /files', async () => await hurried.files.upload(file, never)],
			['GET /tasks/:id', async () => await hurried.tasks.get('unknown')],
		];
		for (const [on, ask] of others) {
			sandbox().fault({ on, ...refused });
			expect(await rejection(ask())).toMatchObject({ code: 'rate_limit' });
			const refusedAt = clock.now();
			await runOne(client(), echo);
			expect(clock.now() - refusedAt).toBeGreaterThanOrEqual(20_000);
		}
		expect(submitted()).toBe(others.length);
	});

	it('files and chats for what cannot be started are not asked for', async () => {
		const headers = { 'retry-after': '3600' };
		sandbox().fault({ on: '*', kind: 'status', status: 429, headers, times: 9 });
		await rejection(runOne(client(), echo));
		const before = sandbox().count('POST', /./);
		const began = clock.now();
		const failures = [
			await rejection(client().files.upload(file, never)),
			await rejection(client().agents.send(message, sending)),
		];
		for (const error of failures) expect(String(error)).toContain('was not asked');
		expect(sandbox().count('POST', /./)).toBe(before);
		expect(clock.now() - began).toBeLessThan(1_000);
	});

	it('what runs is followed after Max Retry-After all the same', async () => {
		const started = await runOne(client(), echo, { wait: 'none' });
		sandbox().fault({ on: ON, kind: 'status', status: 429, headers: { 'retry-after': '3600' } });
		await rejection(runOne(client(), echo));
		const refusedAt = clock.now();
		const run = await client().tasks.follow(started.task.id, {
			full: false,
			observer: {},
			signal: new AbortController().signal,
		});
		expect(run.task.status).toBe('completed');
		expect(clock.now() - refusedAt).toBeLessThan(200_000);
	});

	it.each([0, 20])('waits between attempts if Backoff Base is %i ms', async (backoffBaseMs) => {
		sandbox().fault({
			on: ON,
			kind: 'status',
			status: 503,
			times: 99,
			headers: { 'retry-after': '0' },
		});
		const hurried = client({ backoffBaseMs, backoffCapMs: 0, maxRetries: 30 });
		const began = clock.now();
		await rejection(runOne(hurried, echo));
		expect(submitted()).toBe(31);
		expect(clock.now() - began).toBeGreaterThanOrEqual(30 * 100);
	});

	it('waits between two looks at a task whose streams fail, whatever is set', async () => {
		const { task } = await runOne(client(), { app: 'sandbox/manual', input: {} }, { wait: 'none' });
		sandbox().fault({ on: 'GET /tasks/:id/stream', kind: 'status', status: 503, times: 20 });
		sandbox().fault({ on: 'GET /tasks/:id', kind: 'status', status: 503, times: 20 });
		const began = clock.now();
		const following = client({ backoffBaseMs: 0, backoffCapMs: 0, follow: 'stream' }).tasks.follow(
			task.id,
			{ full: false, observer: {}, signal: new AbortController().signal },
		);
		while (sandbox().count('GET', /\/stream$/) < 20)
			await new Promise((next) => setImmediate(next));
		expect(clock.now() - began).toBeGreaterThanOrEqual(19 * 100);
		sandbox().finishTask(task.id);
		await following;
	});
});
