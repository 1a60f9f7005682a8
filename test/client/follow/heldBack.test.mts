/** Streams that something on their way holds back: it buffers them, and keeps them open. */
import { describe, expect, it } from 'vitest';
import type { FaultEffect } from '../../sandbox/types.mts';
import type {
	TransportRequest,
	TransportResponse,
} from '../../../nodes/client/transport/transport.ts';
import { until } from '../../until.mts';
import { useSandbox } from '../../useSandbox.mts';
import { afterTime, clock, makeClient, passing, runOne, TRANSPORTS } from '../support.mts';

const sandbox = useSandbox();

const streams = () => sandbox().count('GET', /\/stream$/);
const looks = () => sandbox().count('GET', /\/status$/);

type Held = Extract<FaultEffect, { kind: 'stream' } | { kind: 'reset' | 'hang' }>;
type Proxy = readonly [what: string, effect: Held];
const PROXIES: readonly Proxy[] = [
	['all of it', { kind: 'stream', stallAfter: 0 }],
	['all but its first line', { kind: 'stream', stallAfter: 1 }],
	['even its head', { kind: 'hang', when: 'before' }],
];

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	describe.each(PROXIES)('where %s of each stream is held back', (_what, effect) => {
		/** Streams whose head has not come. */
		let headless = 0;
		const time = { held: () => headless };
		const client = () => {
			const inner = makeTransport();
			const request = async (asked: TransportRequest): Promise<TransportResponse> => {
				const isStream = asked.url.endsWith('/stream');
				if (isStream) headless += 1;
				try {
					return await inner.request(asked);
				} finally {
					if (isStream) headless -= 1;
				}
			};
			const transport = { name: inner.name, request, open: inner.open.bind(inner) };
			return makeClient(sandbox(), { transport });
		};

		/** Runs a task for so long, and tells how long it took then until its end was known, ms. */
		async function lateness(lastsMs: number): Promise<number> {
			let endedAt = 0;
			const before = streams();
			const run = runOne(client(), { app: 'sandbox/manual', input: {} });
			await until(() => streams() > before);
			afterTime(lastsMs, () => {
				endedAt = clock.now();
				sandbox().finishTask(sandbox().running()[0]?.id ?? 'none', { output: 1 });
			});
			const known = run.then((done) => ({ done, at: clock.now() }));
			const { done, at } = await passing(known, time);
			expect(done.task.output).toBe(1);
			return at - endedAt;
		}

		it('the end of a task is known in 5 s, and of the next ones in 2 s', async () => {
			sandbox().fault({ on: 'GET /tasks/:id/stream', ...effect, times: Infinity });
			expect(await lateness(5_000)).toBeLessThanOrEqual(5_000);
			for (const lastsMs of [300, 5_000, 20_000, 61_000]) {
				expect(await lateness(lastsMs)).toBeLessThanOrEqual(2_000);
			}
		});

		it('the end of a task that takes minutes is known in 5 s, too', async () => {
			sandbox().fault({ on: 'GET /tasks/:id/stream', ...effect, times: Infinity });
			expect(await lateness(240_000)).toBeLessThanOrEqual(5_000);
		});

		it('the answer of an agent is known as soon', async () => {
			sandbox().fault({ on: 'GET /chats/:id/stream', ...effect, times: Infinity });
			const answered = async (): Promise<number> => {
				const before = streams();
				sandbox().hold();
				const run = client().agents.send(
					{
						agent: { kind: 'saved', ref: 'sandbox/assistant' },
						chatId: undefined,
						text: 'x',
						attachments: [],
						context: undefined,
					},
					{
						progress: { state: 'none' },
						onProgress: () => {},
						onInterrupt: 'return',
						observer: {},
						signal: new AbortController().signal,
					},
				);
				await until(() => streams() > before);
				let endedAt = 0;
				afterTime(5_000, () => {
					endedAt = clock.now();
					sandbox().release();
				});
				const known = run.then((done) => ({ done, at: clock.now() }));
				const { done, at } = await passing(known, time);
				expect(done.text).toBe('You said "x".');
				return at - endedAt;
			};
			expect(await answered()).toBeLessThanOrEqual(5_000);
			expect(await answered()).toBeLessThanOrEqual(2_000);
		});
	});

	it('streams that speak are asked no more than ever, although some were held back before', async () => {
		const client = makeClient(sandbox(), { transport: makeTransport() });
		const run = async () => await runOne(client, { app: 'sandbox/sleep', input: { ms: 1 } });
		sandbox().fault({ on: 'GET /tasks/:id/stream', kind: 'stream', stallAfter: 0 });
		await passing(run());
		const before = { looks: looks(), requests: sandbox().requests.length };
		expect(before.looks).toBeGreaterThan(0);
		for (let turn = 0; turn < 3; turn += 1) expect((await run()).via).toBe('stream');
		expect(looks()).toBe(before.looks);
		expect(sandbox().requests.length - before.requests).toBe(6);
	});
});
