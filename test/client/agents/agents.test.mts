/**
 * What a client of agents and chats has to live with (API notes 11, as far as it concerns chats),
 * over every transport.
 */
import { describe, expect, it } from 'vitest';
import type { SendOptions } from '../../../nodes/client/agents/sendMessage.ts';
import type { TurnProgress, TurnRun } from '../../../nodes/client/agents/turnRun.ts';
import type { InferenceClient } from '../../../nodes/client/client.ts';
import {
	AuthenticationError,
	ContactLostError,
	NetworkError,
	PaymentError,
	PermissionError,
	RateLimitError,
	ServerError,
	StoppedError,
	SubmissionUnknownError,
	TaskCancelledError,
	TaskFailedError,
	TimeoutError,
	ValidationError,
} from '../../../nodes/client/errors.ts';
import type { MessageRequest } from '../../../nodes/client/agents/messageRequest.ts';
import type { Transport } from '../../../nodes/client/transport/transport.ts';
import { useSandbox } from '../../useSandbox.mts';
import { aMoment, until } from '../../until.mts';
import {
	clock,
	heldUntil,
	makeClient,
	passing,
	rejection,
	TRANSPORTS,
	type Overrides,
} from '../support.mts';

const sandbox = useSandbox();

const SEND = 'POST /agents/run';
const STREAM = 'GET /chats/:id/stream';
const STATUS = 'GET /chats/:id/status';
const CHAT = 'GET /chats/:id';
const MESSAGES = 'GET /chats/:id/messages';
const LIST = 'POST /chats/list';
const STOP = 'POST /chats/:id/stop';

const MINUTE = 60_000;

const sent = () => sandbox().count('POST', '/agents/run');
const streams = () => sandbox().count('GET', /\/stream$/);

interface Asked extends Partial<SendOptions> {
	agent?: string;
	/** An agent that exists only for its chat, instead of a saved one. */
	config?: MessageRequest['context'];
	chatId?: string | undefined;
}

const defaults = () => ({
	progress: { state: 'none' } as const,
	onProgress: () => {},
	onInterrupt: 'return' as const,
	observer: {},
	signal: new AbortController().signal,
});

async function send(client: InferenceClient, text: string, asked: Asked = {}): Promise<TurnRun> {
	const { agent = 'sandbox/assistant', config, chatId, ...options } = asked;
	const request: MessageRequest = {
		agent: config ? { kind: 'adHoc', config } : { kind: 'saved', ref: agent },
		chatId,
		text,
		attachments: [],
		context: undefined,
	};
	return await client.agents.send(request, { ...defaults(), ...options });
}

/** An agent that exists only for its chat. */
const AD_HOC = { core_app: { ref: 'sandbox/llm' } };
const SAID = 'You said "grüße 🎈".';

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	const client = (overrides: Overrides = {}) =>
		makeClient(sandbox(), { transport: makeTransport(), ...overrides });

	describe("a chat's stream", () => {
		it.each([
			['ends early without a word', { closeAfter: 0 }],
			['ends early after a snapshot', { closeAfter: 1 }],
			['is reset', { resetAfter: 2 }],
			['stalls without heartbeats', { stallAfter: 1 }],
			['has broken lines', { garbageAfter: 1 }],
			['arrives byte by byte', { byteByByte: true }],
			['has CRLF line ends', { crlf: true }],
			['is SSE although NDJSON was asked for', { format: 'sse' }],
			['is SSE, byte by byte', { format: 'sse', byteByByte: true }],
			['never tells the end', { omitTerminal: true }],
			['tells the end and nothing of the answer', { omitTerminalOutput: true }],
			['has nothing but heartbeats', { onlyHeartbeats: true, heartbeatMs: 20 }],
			['repeats every line', { duplicate: true }],
		] as const)('that %s gives the same result', async (_what, fault) => {
			sandbox().fault({ on: STREAM, kind: 'stream', ...fault });
			const run = await passing(
				heldUntil(
					sandbox(),
					() => streams() >= 1,
					async () => await send(client({ impatient: { on: STREAM } }), 'grüße 🎈'),
				),
			);
			expect(run).toMatchObject({ state: 'completed', text: SAID });
			expect(sent()).toBe(1);
		});

		it.each([
			['keeps failing', { kind: 'reset', when: 'before', times: Infinity }, 4],
			['is refused by a proxy', { kind: 'status', status: 502, body: '<html>' }, 2],
			['is limited', { kind: 'status', status: 429, headers: { 'retry-after': '1' } }, 2],
		] as const)('that %s is opened again, and then given up', async (_what, fault, opened) => {
			sandbox().fault({ on: STREAM, ...fault });
			const run = await heldUntil(
				sandbox(),
				() => streams() >= opened,
				async () => await send(client(), 'x'),
			);
			expect(run).toMatchObject({ state: 'completed', fellBack: opened === 4 });
			expect(streams()).toBe(opened);
		});

		it('begins with how the previous turn ended, which ends nothing', async () => {
			const first = await send(client(), 'one');
			const { chatId } = first;
			const stale = (await (await get(`/chats/${chatId}`)).json()) as { data: object };
			sandbox().configure({ staleSnapshot: stale.data as Record<string, unknown> });
			const before = streams();
			const second = await heldUntil(
				sandbox(),
				() => streams() > before,
				async () => await send(client(), 'two', { chatId }),
			);
			expect(second.text).toBe('You said "two". Before that: "one".');
			expect(second.messageId).not.toBe(first.messageId);
		});
	});

	describe('polling', () => {
		it.each([
			['resets', { kind: 'reset', when: 'before' }],
			['server errors', { kind: 'status', status: 500 }],
			['rate limits', { kind: 'status', status: 429 }],
			['HTML instead of JSON', { kind: 'body', body: '<html>' }],
			['cut JSON', { kind: 'truncate' }],
			['wrong types', { kind: 'body', body: '[1,2]' }],
		] as const)('survives %s', async (_what, fault) => {
			for (const on of [STATUS, CHAT, MESSAGES]) sandbox().fault({ on, times: 2, ...fault });
			const run = await send(client({ settings: { follow: 'poll' } }), 'grüße 🎈');
			expect(run).toMatchObject({ text: SAID, via: 'poll', fellBack: false });
			expect(streams()).toBe(0);
		});

		it('misses no message that comes between a reading of the messages and one of the chat', async () => {
			const whole = makeTransport();
			const transport: Transport = {
				name: whole.name,
				open: async (request) => await whole.open(request),
				request: async (request) => {
					if (decided && request.method === 'GET' && /\/chats\/\w+$/.test(request.url)) {
						sandbox().release();
						await until(() => sandbox().agentRuns()[0]?.state === 'completed');
					}
					return await whole.request(request);
				},
			};
			let decided = false;
			const polling = client({ transport, settings: { follow: 'poll' } });
			const { chatId, pending } = await send(polling, 'x', { agent: 'sandbox/support' });
			const callId = pending[0]?.id ?? '';
			sandbox().hold();
			const decision = { kind: 'approve' } as const;
			const run = await polling.agents.respond(
				{ chatId, callId, decision },
				{
					...defaults(),
					onProgress: () => (decided = true),
				},
			);
			expect(run).toMatchObject({ text: 'Done.', state: 'completed' });
		});

		it('reads the chat itself if its status stays unreadable', async () => {
			sandbox().fault({ on: STATUS, kind: 'body', body: '<html>', times: Infinity });
			const run = await send(client({ settings: { follow: 'poll' } }), 'x');
			expect(run).toMatchObject({ via: 'poll', state: 'completed' });
		});

		it('without a timeout gives up after a long silence, naming the chat', async () => {
			for (const on of [STATUS, STREAM]) {
				sandbox().fault({ on, kind: 'status', status: 500, times: Infinity });
			}
			const settings = { follow: 'poll', timeoutMs: undefined } as const;
			const error = await rejection(
				send(client({ settings, timings: { contactMs: 20_000 } }), 'x', { agent: 'sandbox/slow' }),
			);
			expect(error).toBeInstanceOf(ContactLostError);
			expect(String(error)).toContain(sandbox().chats()[0]?.id);
		});
	});

	describe('a message', () => {
		it.each([
			[
				'the connection was never made',
				{ kind: 'status', status: 503, headers: { 'retry-after': '0' } },
				2,
			],
			['the rate was limited', { kind: 'status', status: 429, headers: { 'retry-after': '1' } }, 2],
			['its answer was lost', { kind: 'reset', when: 'after' }, 1],
			['it was lost itself', { kind: 'reset', when: 'before' }, 2],
			['the gateway failed after it', { kind: 'statusAfter', status: 502 }, 1],
			['the gateway failed before it', { kind: 'status', status: 504 }, 2],
			['the answer was HTML', { kind: 'body', body: '<html>', when: 'after' }, 1],
			['the answer was nothing', { kind: 'body', body: '{"data":{}}', when: 'after' }, 1],
			['the answer was cut', { kind: 'truncate' }, 1],
		] as const)('is answered once although %s', async (_what, fault, requests) => {
			for (const chatId of [undefined, (await send(client(), 'before')).chatId]) {
				const before = sent();
				const had = answers();
				sandbox().fault({ on: SEND, ...fault });
				const run = await send(client(), 'grüße 🎈', { chatId });
				expect(run.text).toContain('You said "grüße 🎈"');
				expect(run.adopted).toBe(requests === 1);
				expect(sent() - before).toBe(requests);
				expect(answers() - had).toBe(1);
			}
		});

		it('whose answer takes too long is looked for', async () => {
			sandbox().fault({ on: SEND, kind: 'hang', when: 'after' });
			const run = await send(client({ impatient: { on: SEND } }), 'grüße 🎈');
			expect(run).toMatchObject({ text: SAID, adopted: true });
		});

		it('sent twice with the same words is told apart', async () => {
			const { chatId } = await send(client(), 'yes');
			sandbox().fault({ on: SEND, kind: 'reset', when: 'after' });
			const run = await send(client(), 'yes', { chatId });
			expect(run).toMatchObject({ adopted: true, text: 'You said "yes". Before that: "yes".' });
			sandbox().fault({ on: SEND, kind: 'reset', when: 'before' });
			const again = await send(client(), 'yes', { chatId });
			expect(again).toMatchObject({
				adopted: false,
				text: 'You said "yes". Before that: "yes", "yes".',
			});
		});

		it('to new chats, many at once and all lost, is told apart', async () => {
			sandbox().fault({ on: SEND, kind: 'reset', when: 'after', times: 4 });
			const one = client();
			const runs = await Promise.all(Array.from({ length: 4 }, () => send(one, 'same words')));
			expect(new Set(runs.map(({ chatId }) => chatId)).size).toBe(4);
			expect(sandbox().chats()).toHaveLength(4);
		});

		it.each([
			['the list of chats cannot be read', AD_HOC, LIST],
			['the chat cannot be read', undefined, MESSAGES],
		])('is not sent again if %s', async (_what, config, on) => {
			const before = sent();
			sandbox().fault({ on: SEND, kind: 'reset', when: 'after' });
			sandbox().fault({ on, kind: 'status', status: 403, times: Infinity });
			const error = await rejection(send(client(), 'x', config && { config }));
			expect(error).toBeInstanceOf(SubmissionUnknownError);
			expect(String(error)).toContain('not known whether the message was sent');
			expect(sent() - before).toBe(1);
		});

		it('is not sent again if a chat shows no times', async () => {
			const { chatId } = await send(client(), 'yes');
			const items = [{ id: 'm1', role: 'user', content: 'yes', status: 'ready' }];
			sandbox().fault({ on: SEND, kind: 'reset', when: 'before' });
			sandbox().fault({
				on: MESSAGES,
				kind: 'body',
				body: JSON.stringify({ items, has_next: false }),
			});
			const error = await rejection(send(client(), 'yes', { chatId }));
			expect(String(error)).toContain('does not tell for certain whether message m1 is it');
		});

		it('to a new chat of an agent without a name is never taken for another one', async () => {
			sandbox().fault({ on: SEND, kind: 'reset', when: 'after' });
			const error = await rejection(send(client(), 'x', { config: AD_HOC }));
			const [chat] = sandbox().chats();
			expect(error).toBeInstanceOf(SubmissionUnknownError);
			expect(String(error)).toContain(`whether chat ${chat?.id} is it`);
			expect(sent()).toBe(1);
		});

		it('whose answer names a chat that leads elsewhere is none of a wrong entry', async () => {
			const message = { id: 'm1', chat_id: '..', role: 'user', content: 'x' };
			const body = JSON.stringify({ data: { user_message: message } });
			sandbox().fault({ on: SEND, kind: 'body', body });
			const error = await rejection(send(client(), 'x', { config: AD_HOC }));
			expect(String(error)).toContain('answered in a form that inference.sh does not use');
		});

		it('to a new chat of an agent without a name is sent again if it is certainly not there', async () => {
			sandbox().fault({ on: SEND, kind: 'reset', when: 'before' });
			const run = await send(client(), 'x', { config: AD_HOC });
			expect(run.state).toBe('completed');
			expect(sandbox().chats()).toHaveLength(1);
		});

		it.each([404, 405, 501])(
			'is sent as before where chats are not created: %s',
			async (status) => {
				sandbox().fault({ on: 'POST /chats', kind: 'status', status, times: Infinity });
				// Of an account of its own: that there are none is remembered.
				const baseUrl = sandbox().url.replace('127.0.0.1', 'localhost');
				const run = await send(client({ baseUrl }), 'grüße 🎈');
				expect(run.text).toBe(SAID);
				expect(sandbox().chats()).toHaveLength(1);
			},
		);

		it.each([
			['fail', SubmissionUnknownError, 1],
			['resubmit', undefined, 2],
		] as const)(
			'of unclear fate is handled as wanted: %s',
			async (onUnclearSubmit, kind, requests) => {
				sandbox().fault({ on: SEND, kind: 'reset', when: 'after' });
				const asked = send(client({ settings: { onUnclearSubmit } }), 'x');
				if (kind) expect(await rejection(asked)).toBeInstanceOf(kind);
				else expect((await asked).state).toBe('completed');
				expect(sent()).toBe(requests);
			},
		);

		it.each([
			[400, ValidationError],
			[401, AuthenticationError],
			[402, PaymentError],
			[403, PermissionError],
			[422, ValidationError],
		])('that is refused with %s is not sent again', async (status, kind) => {
			sandbox().fault({ on: SEND, kind: 'status', status });
			expect(await rejection(send(client(), 'x'))).toBeInstanceOf(kind);
			expect(sent()).toBe(1);
		});

		it.each([
			['rate limits', { kind: 'status', status: 429 }, RateLimitError],
			[
				'server errors',
				{ kind: 'status', status: 503, headers: { 'retry-after': '0' } },
				ServerError,
			],
		] as const)('gives up after too many %s', async (_what, fault, kind) => {
			sandbox().fault({ on: SEND, times: Infinity, ...fault });
			expect(await rejection(send(client(), 'x'))).toBeInstanceOf(kind);
			expect(sent()).toBe(4);
		});

		it('to a service that is not there fails', async () => {
			const baseUrl = 'http://127.0.0.1:9';
			const error = await rejection(send(client({ baseUrl }), 'x'));
			expect(error).toBeInstanceOf(NetworkError);
		});
	});

	describe('a stop', () => {
		/** What a message ends with whose agent is at work when its time is over. */
		async function timedOut(): Promise<unknown> {
			const error = rejection(
				send(client({ settings: { timeoutMs: MINUTE } }), 'x', { agent: 'sandbox/slow' }),
			);
			await until(() => streams() >= 1);
			await clock.runOut(MINUTE);
			return await error;
		}

		it('that does not arrive is tried again', async () => {
			sandbox().fault({ on: STOP, kind: 'status', status: 503 });
			sandbox().fault({ on: STOP, kind: 'reset', when: 'before' });
			const error = await timedOut();
			expect(error).toBeInstanceOf(TimeoutError);
			expect(String(error)).toContain('It was stopped.');
			expect(sandbox().chats()).toMatchObject([{ state: 'canceled' }]);
		});

		it('whose answer gets lost is not repeated, which would stop the next turn of the chat', async () => {
			sandbox().fault({ on: STOP, kind: 'reset', when: 'after' });
			expect(String(await timedOut())).toContain('It was stopped.');
			expect(sandbox().count('POST', /\/stop$/)).toBe(1);
			expect(sandbox().chats()).toMatchObject([{ state: 'canceled' }]);
		});

		it('that gets no answer does not hold up the end', async () => {
			sandbox().fault({ on: STOP, kind: 'hang', when: 'before', times: Infinity });
			const error = timedOut();
			await until(() => sandbox().count('POST', /\/stop$/) >= 1);
			await clock.pass(MINUTE);
			expect(String(await error)).toContain('could not be stopped');
		});
	});
});

async function get(path: string): Promise<Response> {
	return await fetch(sandbox().url + path, {
		headers: { authorization: `Bearer ${sandbox().apiKey}` },
	});
}

function answers(): number {
	return sandbox()
		.chats()
		.flatMap(({ messages }) => messages)
		.filter(({ role }) => role === 'assistant').length;
}

describe('whatever the service shows of a chat', () => {
	const variants = [
		{ agentRuns: 'gone' },
		{ agentRuns: 'hidden' },
		{ agentDeltas: false },
		{ envelope: 'v1' },
		{ envelope: 'v2' },
		{ partials: 'zeroed' },
		{ streamFormat: 'sse' },
		{ streamFormat: 'sse', sseEvents: 'named' },
		{ streamSnapshotFirst: false },
		{ argumentsAs: 'object', metaAs: 'object' },
		{ contentAs: 'text' },
		{ emptyListsAs: 'empty' },
		{ chatStreamClosesAfterTurn: true },
		{ messagesOldestFirst: true },
		{ clockSkewMs: 3_600_000 },
		{ clockSkewMs: -3_600_000 },
		{ agentRuns: 'hidden', partials: 'zeroed', streamSnapshotFirst: false },
	] as const;

	it.each(variants)('an answer is the same: %j', async (settings) => {
		sandbox().configure(settings);
		const client = makeClient(sandbox());
		const first = await passing(send(client, 'one'));
		const second = await passing(send(client, 'two', { chatId: first.chatId }));
		expect(second).toMatchObject({
			state: 'completed',
			text: 'You said "two". Before that: "one".',
			pending: [],
		});
	});

	it.each(variants)('tools and several messages are the same: %j', async (settings) => {
		sandbox().configure(settings);
		const run = await passing(send(makeClient(sandbox()), 'x', { agent: 'sandbox/researcher' }));
		expect(run).toMatchObject({ state: 'completed', text: 'Found: x' });
		expect(run.answers.flatMap(({ tools }) => tools)).toMatchObject([
			{ name: 'look_up', arguments: { query: 'x' }, status: 'completed' },
		]);
	});

	it.each(variants)('an approval is the same: %j', async (settings) => {
		sandbox().configure(settings);
		const client = makeClient(sandbox());
		const run = await passing(send(client, 'x', { agent: 'sandbox/support' }));
		expect(run).toMatchObject({
			state: 'input_required',
			pending: [{ kind: 'approval', tool: 'refund', arguments: { order: 'A-17', amount: 25 } }],
		});
		const callId = run.pending[0]?.id ?? '';
		const after = await passing(
			client.agents.respond(
				{ chatId: run.chatId, callId, decision: { kind: 'approve' } },
				defaults(),
			),
		);
		expect(after).toMatchObject({ state: 'completed', text: 'Done.' });
	});

	it.each(variants)('a lost message is found: %j', async (settings) => {
		sandbox().configure(settings);
		const client = makeClient(sandbox());
		// A clock that has just been set is not believed before it has been seen twice.
		for (let count = 0; count < 2; count += 1) await passing(send(client, 'before'));
		sandbox().fault({ on: SEND, kind: 'reset', when: 'after' });
		const { chatId, adopted } = await passing(send(client, 'one'));
		sandbox().fault({ on: SEND, kind: 'reset', when: 'after' });
		const second = await passing(send(client, 'two', { chatId }));
		expect([adopted, second.adopted]).toEqual([true, true]);
		expect(second.text).toBe('You said "two". Before that: "one".');
		expect(sent()).toBe(4);
	});

	it.each(variants)('a bad end is told: %j', async (settings) => {
		sandbox().configure(settings);
		const client = makeClient(sandbox());
		for (const [agent, kind] of [
			['stumbling', TaskFailedError],
			['quitter', TaskCancelledError],
		] as const) {
			const error = await passing(rejection(send(client, 'x', { agent: `sandbox/${agent}` })));
			expect(error).toBeInstanceOf(kind);
			expect(error).toMatchObject({ about: { kind: 'chat', id: sandbox().chats().at(-1)?.id } });
		}
	});
});

describe('things that agents wait for', () => {
	it.each([
		['client-tool', 'client_tool', { kind: 'answer', result: 'warm' }, 'You answered: warm'],
		[
			'client-tool-waiting',
			'client_tool',
			{ kind: 'answer', result: 'warm' },
			'You answered: warm',
		],
		[
			'usher',
			'widget',
			{ kind: 'answer', result: { action: { type: 'pick' } } },
			'You answered: {"action":{"type":"pick"}}',
		],
		['guarded', 'approval', { kind: 'approve' }, 'Done.'],
		['guarded', 'approval', { kind: 'reject', reason: undefined }, 'Not done: no reason.'],
	] as const)('%s: %s is decided', async (agent, kind, decision, text) => {
		const client = makeClient(sandbox());
		const run = await send(client, 'x', { agent: `sandbox/${agent}` });
		expect(run).toMatchObject({ state: 'input_required', pending: [{ kind }] });
		const callId = run.pending[0]?.id ?? '';
		const after = await client.agents.respond({ chatId: run.chatId, callId, decision }, defaults());
		expect(after).toMatchObject({ state: 'completed', text });
	});

	it('missing credentials come with what they are', async () => {
		const run = await send(makeClient(sandbox()), 'x', { agent: 'sandbox/mail' });
		expect(run).toMatchObject({ state: 'auth_required', pending: [{ kind: 'auth' }] });
	});
});

describe('a turn', () => {
	it('needs four requests', async () => {
		await heldUntil(
			sandbox(),
			() => streams() >= 1,
			async () => await send(makeClient(sandbox()), 'hello'),
		);
		const made = sandbox().requests.map(
			({ method, path }) => `${method} ${path.replace(/\w{26}/, 'id')}`,
		);
		expect(made).toEqual([
			'POST /chats',
			'POST /agents/run',
			'GET /chats/id/stream',
			'GET /chats/id/messages',
			'GET /chats/id',
		]);
	});

	it('notes what it does before and after it costs money', async () => {
		const noted: TurnProgress[] = [];
		const run = await send(makeClient(sandbox()), 'x', {
			onProgress: (progress) => void noted.push(progress),
		});
		expect(noted).toMatchObject([
			{ state: 'sending', attempts: 1 },
			{ state: 'answering', attempts: 1, turn: { chatId: run.chatId } },
		]);
	});

	it('that an earlier try has begun is not begun again', async () => {
		const client = makeClient(sandbox());
		let progress: TurnProgress = { state: 'none' };
		await send(client, 'x', { onProgress: (next) => void (progress = next) });
		const again = await send(client, 'x', { progress });
		expect(again).toMatchObject({ state: 'completed', text: 'You said "x".' });
		expect(sent()).toBe(1);
	});

	it('whose chat is idle for ever without an answer is given up', async () => {
		const client = makeClient(sandbox(), { timings: { contactMs: 30_000 } });
		const { chatId } = await send(client, 'one');
		const turn = { chatId, userMessageId: 'never', answered: [] };
		const progress = { state: 'answering', turn, attempts: 1 } as const;
		const error = await rejection(
			send(
				makeClient(sandbox(), {
					settings: { timeoutMs: undefined },
					timings: { contactMs: 30_000 },
				}),
				'x',
				{ progress },
			),
		);
		expect(error).toBeInstanceOf(ContactLostError);
		expect(String(error)).toContain('is idle, but its answer has no end');
	});

	it('ends at once when it is stopped before it begins', async () => {
		const stop = new AbortController();
		stop.abort();
		const error = await rejection(send(makeClient(sandbox()), 'x', { signal: stop.signal }));
		expect(error).toBeInstanceOf(StoppedError);
		expect(String(error)).toContain('Nothing was sent for it.');
		expect(sent()).toBe(0);
	});

	it('that may have begun is said to be unclear when it is stopped', async () => {
		sandbox().fault({ on: SEND, kind: 'hang', when: 'before' });
		const asked = rejection(send(makeClient(sandbox(), { settings: { timeoutMs: MINUTE } }), 'x'));
		await until(() => sent() >= 1);
		await clock.pass(2 * MINUTE);
		const error = await asked;
		expect(error).toBeInstanceOf(TimeoutError);
		expect(String(error)).toContain('it is not known whether it arrived');
	});

	it('waits for a place among those of the account', async () => {
		const client = makeClient(sandbox(), { maxConcurrency: 1 });
		sandbox().hold();
		const runs = ['a', 'b', 'c'].map(async (text) => await send(client, text));
		await until(() => sent() >= 1);
		await aMoment();
		expect(sent()).toBe(1);
		sandbox().release();
		const states = (await Promise.all(runs)).map(({ state }) => state);
		expect(states).toEqual(['completed', 'completed', 'completed']);
	});

	it('fails whole if its files cannot be had, before anything is sent', async () => {
		const failure = new ValidationError('no such file');
		const attach = async () => await Promise.reject(failure);
		expect(await rejection(send(makeClient(sandbox()), 'x', { attach }))).toBe(failure);
		expect(sent()).toBe(0);
	});
});
