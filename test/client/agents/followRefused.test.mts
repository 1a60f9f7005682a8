/** Following a chat that the service refuses to show, and stopping one. */
import { describe, expect, it } from 'vitest';
import type { TurnOptions, TurnProgress, TurnRun } from '../../../nodes/client/agents/turnRun.ts';
import { ContactLostError, FollowingRefusedError } from '../../../nodes/client/errors.ts';
import type { RunSettings } from '../../../nodes/client/settings.ts';
import type { Fault, SandboxSettings } from '../../sandbox/index.mts';
import { until } from '../../until.mts';
import { useSandbox } from '../../useSandbox.mts';
import {
	afterTime,
	heldUntil,
	makeClient,
	passing,
	rejection,
	TRANSPORTS,
	type Overrides,
} from '../support.mts';

const sandbox = useSandbox();

const STREAM = 'GET /chats/:id/stream';
const STATUS = 'GET /chats/:id/status';
const CHAT = 'GET /chats/:id';
const MESSAGES = 'GET /chats/:id/messages';
const READS = [STREAM, STATUS, CHAT, MESSAGES];
const STOP = 'POST /chats/:id/stop';

const MODES: ReadonlyArray<readonly [on: string, follow: RunSettings['follow']]> = [
	[STREAM, 'auto'],
	[STREAM, 'stream'],
	[CHAT, 'auto'],
	[CHAT, 'poll'],
	[MESSAGES, 'auto'],
	[MESSAGES, 'poll'],
	[STATUS, 'poll'],
];

function refuse(status: number, on = READS, times = Infinity): void {
	for (const each of on) {
		sandbox().fault({ on: each, kind: 'status', status, times, body: 'not now' });
	}
}

const chatId = () => sandbox().chats()[0]?.id ?? 'none';
const states = () =>
	sandbox()
		.agentRuns()
		.map(({ state }) => state);

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	async function send(
		agent: string,
		overrides: Overrides = {},
		options: Partial<TurnOptions> = {},
	): Promise<TurnRun> {
		const client = makeClient(sandbox(), { transport: makeTransport(), ...overrides });
		const request = {
			agent: { kind: 'saved', ref: `sandbox/${agent}` },
			chatId: undefined,
			text: 'x',
			attachments: [],
			context: undefined,
		} as const;
		return await client.agents.send(request, {
			...{ progress: { state: 'none' }, onProgress: () => {} },
			...{ onInterrupt: 'return', observer: {} },
			signal: new AbortController().signal,
			...options,
		});
	}

	/** The answer comes only when the condition holds. */
	const sendHeld = async (condition: () => boolean, overrides: Overrides = {}) =>
		await heldUntil(sandbox(), condition, async () => await send('assistant', overrides));

	describe.each(MODES)('%s with Follow set to %s', (on, follow) => {
		it.each([400, 401, 402, 403, 404, 408, 409, 410, 421, 425, 429, 499, 500])(
			'refused once with %i ends nothing',
			async (status) => {
				refuse(status, [on], 1);
				const run = await send('assistant', { settings: { follow } });
				expect(run).toMatchObject({ state: 'completed', text: 'You said "x".' });
				expect(sandbox().agentRuns()).toHaveLength(1);
			},
		);
	});

	it.each(['auto', 'stream', 'poll'] as const)(
		'a chat that the readers of the service do not know yet is followed with %s',
		async (follow) => {
			sandbox().configure({ replicaLag: 7 });
			const run = await send('assistant', { settings: { follow } });
			expect(run).toMatchObject({ attempts: 1, fellBack: false, text: 'You said "x".' });
			expect(sandbox().agentRuns()).toHaveLength(1);
		},
	);

	describe.each(['auto', 'stream', 'poll'] as const)('Follow set to %s', (follow) => {
		it.each([401, 403, 404])(
			'refused with %i for half a minute, a turn is still followed to its end',
			async (status) => {
				refuse(status);
				let cleared = false;
				const run = sendHeld(() => cleared, { settings: { follow, timeoutMs: undefined } });
				afterTime(30_000, () => {
					sandbox().clearFaults();
					cleared = true;
				});
				expect((await run).text).toBe('You said "x".');
			},
		);

		it.each([401, 402, 403, 404])(
			'refused with %i for good, it is given up and stopped, and the chat is named',
			async (status) => {
				refuse(status);
				sandbox().hold();
				const settings = { follow, timeoutMs: undefined };
				const error = await rejection(send('assistant', { settings }));
				expect(error).toBeInstanceOf(FollowingRefusedError);
				expect(error).toMatchObject({
					about: { kind: 'chat', id: chatId() },
					httpStatus: status,
					hopeless: status === 404 ? undefined : (expect.any(String) as string),
				});
				const said = `${String(error)} ${(error as FollowingRefusedError).hint ?? ''}`;
				expect(said).toContain(`Chat ${chatId()} cannot be followed any longer`);
				expect(said).toContain('It is being stopped: the service has agreed to.');
				expect(said).not.toMatch(/nothing was (started|sent)/i);
				expect(states()).toEqual(['canceled']);
			},
		);
	});

	it('is left running if On Timeout says so', async () => {
		refuse(403);
		sandbox().hold();
		const error = await rejection(send('assistant', { settings: { onTimeout: 'keep' } }));
		expect(String(error)).toContain('It was left running.');
		expect(sandbox().count('POST', /stop$/)).toBe(0);
	});

	it('an answer that is refused for good is named, and not stopped', async () => {
		refuse(403, [CHAT, MESSAGES]);
		const error = await rejection(send('assistant'));
		expect(error).toBeInstanceOf(ContactLostError);
		expect(String(error)).toContain(`The result of chat ${chatId()} could not be read`);
		expect(sandbox().count('POST', /stop$/)).toBe(0);
	});

	describe('stopping', () => {
		/** Stops the item as soon as the agent is at work. */
		async function stopped(agent: string, before: () => void = () => {}): Promise<string> {
			const stop = new AbortController();
			const run = send(agent, {}, { signal: stop.signal });
			await until(() => states().at(-1) === 'working' && sandbox().count('GET', /stream$/) > 0);
			before();
			stop.abort();
			return String(await rejection(run));
		}

		it.each<[string, Fault | undefined]>([
			['answered at once', undefined],
			...[400, 401, 403, 404, 408, 409, 410, 425, 500].map((status): [string, Fault] => [
				`answered once with ${status}`,
				{ on: STOP, kind: 'status', status },
			]),
		])('%s stops the agent, and says so', async (_what, fault) => {
			const said = await stopped('slow', () => fault && sandbox().fault(fault));
			expect(said).toContain('It was stopped.');
			expect(states()).toEqual(['canceled']);
		});

		it.each<[string, Partial<SandboxSettings>]>([
			['200', { stopOfEnded: 200 }],
			['404', { stopOfEnded: 404 }],
			['409', { stopOfEnded: 409 }],
			['410', { stopOfEnded: 410 }],
		])('an answer that has ended, answered with %s, was already over', async (_what, settings) => {
			sandbox().configure(settings);
			sandbox().fault({ on: STREAM, kind: 'stream', omitTerminal: true, omitTerminalOutput: true });
			const stop = new AbortController();
			sandbox().hold();
			const run = send('assistant', {}, { signal: stop.signal });
			await until(() => sandbox().count('GET', /stream$/) > 0);
			for (const on of [STATUS, CHAT, MESSAGES]) {
				sandbox().fault({ on, kind: 'hang', when: 'before' });
			}
			sandbox().release();
			await until(() => states().at(-1) === 'completed');
			stop.abort();
			sandbox().clearFaults();
			expect(String(await rejection(run))).toContain('It was already over.');
		});

		it('that is refused for good says that it may still run', async () => {
			const said = await stopped('slow', () => refuse(404, [STOP]));
			expect(said).toMatch(/It could not be stopped \(.*\) and may still run\./);
			expect(states()).toEqual(['working']);
		});
	});

	it('a message that nobody knows the fate of is stopped in the chat that is its own', async () => {
		const stop = new AbortController();
		let progress: TurnProgress = { state: 'none' };
		sandbox().fault({ on: 'POST /agents/run', kind: 'hang', when: 'after' });
		refuse(404, [MESSAGES]);
		const run = send(
			'slow',
			{},
			{
				signal: stop.signal,
				onProgress: (next) => {
					progress = next;
				},
			},
		);
		await until(() => states().at(-1) === 'working');
		stop.abort();
		const said = String(await passing(rejection(run), { always: true }));
		expect(progress).toMatchObject({ state: 'sending' });
		expect(said).toContain('it is not known whether it arrived');
		expect(said).toContain(`Nothing runs in chat ${chatId()}, which was created for it.`);
		expect(states()).toEqual(['canceled']);
	});
});
