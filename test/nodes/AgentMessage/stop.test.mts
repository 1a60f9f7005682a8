import { describe, expect, it } from 'vitest';
import { agentMessage, saying, sent, type AgentOptions } from './support.mts';
import type { EngineRun } from '../../engine/engine.mts';
import { clock, credentialsOf, jsonOf, meanwhile, useSandbox } from '../../engine/support.mts';
import { caller } from '../../sandbox/caller.mts';
import { aMoment, nextTurn, until } from '../../until.mts';

const sandbox = useSandbox();
const states = () =>
	sandbox()
		.chats()
		.map(({ state }) => state);

/** Settles when so many agents are at work. */
async function working(count: number): Promise<void> {
	await until(() => states().filter((state) => state === 'working').length === count);
}

const { call } = caller(sandbox);
const MINUTE = 60_000;

/** Lets a minute run out when so many agents are at work and the node listens to them. */
async function inTheMinute(run: Promise<EngineRun>, count = 1): Promise<EngineRun> {
	return await meanwhile(run, async () => {
		await working(count);
		await until(() => sandbox().count('GET', /\/stream$/) >= count);
		await clock.runOut(MINUTE);
	});
}

const stops = () => sandbox().count('POST', /\/stop$/);

/** Talks to an agent that never answers. */
const slowly = async (options: AgentOptions = {}) =>
	await agentMessage(sandbox(), {
		agent: 'sandbox/slow',
		onError: 'continueRegularOutput',
		...options,
		parameters: { timeout: 60, ...options.parameters },
	});

describe('a timeout', () => {
	it('stops the chat, and says so', async () => {
		const run = await inTheMinute(slowly());
		const [chat] = sandbox().chats();
		expect(jsonOf(run)).toEqual([
			{
				error: `Chat ${chat?.id} did not answer within 60 s. It was stopped.`,
				details: {
					code: 'timeout',
					status: 'timed_out',
					id: chat?.id,
					item_index: 0,
					hint: 'Raise "Timeout (Seconds)" if the agent needs longer.',
				},
			},
		]);
		expect(states()).toEqual(['canceled']);
		expect(stops()).toBe(1);
	});

	it('leaves the chat alone if that is wanted', async () => {
		const run = await inTheMinute(slowly({ options: { onTimeout: 'keep' } }));
		expect(jsonOf(run)).toMatchObject([
			{ error: expect.stringContaining('It was left running.') as string },
		]);
		await aMoment();
		expect(states()).toEqual(['working']);
	});

	it('says if the chat cannot be stopped', async () => {
		sandbox().fault({ on: 'POST /chats/:id/stop', kind: 'status', status: 403, times: Infinity });
		const run = await inTheMinute(slowly());
		expect(jsonOf(run)).toMatchObject([
			{ error: expect.stringMatching(/could not be stopped .* and may still run/) as string },
		]);
	});

	it('of one item leaves the others alone', async () => {
		const running = agentMessage(sandbox(), {
			agent: '={{ $json.agent }}',
			items: [
				{ agent: 'sandbox/slow', message: 'x' },
				{ agent: 'sandbox/assistant', message: 'hello' },
			],
			parameters: { timeout: 60 },
			onError: 'continueErrorOutput',
		});
		const run = await meanwhile(running, async () => {
			await until(() => states().includes('completed'));
			// Until the answer is there.
			await aMoment();
			await inTheMinute(running);
		});
		expect(jsonOf(run)).toMatchObject([{ text: 'You said "hello".' }]);
		expect(jsonOf(run, 1)).toMatchObject([{ details: { code: 'timeout', item_index: 0 } }]);
	});

	it('does not count the wait for the turns before', async () => {
		const first = await agentMessage(sandbox(), { items: saying('start') });
		const chatId = String(jsonOf(first)[0]?.['chat_id']);
		sandbox().hold();
		const before = sandbox().count('GET', /\/stream$/);
		const running = agentMessage(sandbox(), {
			items: saying('a', 'b', 'c'),
			chatId,
			parameters: { timeout: 60, concurrency: 3 },
		});
		const run = await meanwhile(running, async () => {
			for (let turn = 1; turn <= 3; turn += 1) {
				await until(() => sandbox().count('GET', /\/stream$/) >= before + turn);
				await clock.pass(0.7 * MINUTE);
				sandbox().advance(1_000);
			}
		});
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)).toHaveLength(3);
	});

	it('takes a message back that waits behind the turn of somebody else, and leaves that alone', async () => {
		const conversationKey = 'queue';
		const slow = agentMessage(sandbox(), { agent: 'sandbox/slow', conversationKey });
		await working(1);
		const chatId = String(sandbox().chats()[0]?.id);
		const queued = { agent: 'sandbox/slow', chat_id: chatId, input: { text: 'queued' } };
		expect((await call('POST', '/agents/run', queued)).ok).toBe(true);
		// Under another name of the service this is another account, as it were another process.
		const baseUrl = sandbox().url.replace('127.0.0.1', 'localhost');
		const before = sandbox().count('GET', /\/stream$/);
		const running = slowly({
			items: saying('mine'),
			chatId,
			parameters: { timeout: 60 },
			credentials: { ...credentialsOf(sandbox()), baseUrl },
		});
		const run = await meanwhile(running, async () => {
			await until(() => sandbox().count('GET', /\/stream$/) > before);
			await clock.runOut(MINUTE);
		});
		expect(jsonOf(run)).toMatchObject([
			{ error: expect.stringContaining('It was stopped.') as string },
		]);
		expect(sandbox().chats()[0]?.messages).toMatchObject([
			{ text: 'hello' },
			{ role: 'assistant', status: 'pending' },
			{ text: 'queued', status: 'queued' },
			{ text: 'mine', status: 'cancelled' },
		]);
		expect(stops()).toBe(0);
		await call('POST', `/chats/${chatId}/stop`);
		await slow;
	});

	it('for the whole run stops what is running and starts nothing more', async () => {
		const running = slowly({
			items: saying('1', '2', '3', '4'),
			parameters: { concurrency: 2 },
			options: { totalTimeout: 60 },
		});
		const run = await inTheMinute(running, 2);
		expect(jsonOf(run).map(({ error }) => String(error))).toEqual([
			...Array<unknown>(2).fill(
				expect.stringMatching(
					/^Chat \w+ did not finish within the 60 s of "Limit: Total Timeout \(Seconds\)". It was stopped.$/,
				),
			),
			...Array<unknown>(2).fill(
				'The item did not finish within the 60 s of "Limit: Total Timeout (Seconds)". Nothing was started for it.',
			),
		]);
		expect(states()).toEqual(['canceled', 'canceled']);
	});
});

describe('the end of the whole run', () => {
	it('is told to those who wait for their turn in a conversation', async () => {
		const running = slowly({
			items: saying('1', '2'),
			parameters: { timeout: 600 },
			conversationKey: 'total',
			options: { totalTimeout: 60 },
		});
		const run = await inTheMinute(running);
		expect(jsonOf(run).map(({ error }) => String(error))).toEqual([
			expect.stringMatching(/^Chat \w+ did not finish .* It was stopped.$/),
			'The item did not finish within the 60 s of "Limit: Total Timeout (Seconds)". Nothing was started for it.',
		]);
	});
});

describe('Stop', () => {
	it('ends at once and stops all chats', async () => {
		const run = await agentMessage(sandbox(), {
			agent: 'sandbox/slow',
			items: saying(...Array.from({ length: 12 }, (_, n) => String(n))),
			parameters: { concurrency: 8 },
			cancelAfter: working(8),
		});
		expect(run.status).toBe('canceled');
		await until(() => states().every((state) => state === 'canceled'));
		await aMoment();
		expect(states()).toHaveLength(8);
		const said = JSON.stringify(run.raw.data.resultData);
		for (const { id } of sandbox().chats()) expect(said).toContain(id);
	});

	it('stops chats whose ids were still on their way', async () => {
		sandbox().fault({ on: 'POST /agents/run', kind: 'delay', ms: 1, when: 'after', times: 9 });
		sandbox().hold();
		const stop = until(() => sandbox().agentRuns().length >= 3);
		const running = agentMessage(sandbox(), {
			agent: 'sandbox/slow',
			items: saying('1', '2', '3'),
			cancelAfter: stop,
		});
		const run = await meanwhile(running, async () => {
			await stop;
			await nextTurn();
			sandbox().release();
		});
		expect(run.status).toBe('canceled');
		await until(() => states().every((state) => state === 'canceled'));
		expect(sent(sandbox())).toBe(3);
	});

	it('leaves them running if that is wanted', async () => {
		const run = await agentMessage(sandbox(), {
			agent: 'sandbox/slow',
			options: { onStop: 'keep' },
			cancelAfter: working(1),
		});
		expect(run.status).toBe('canceled');
		await aMoment();
		expect(states()).toEqual(['working']);
		expect(stops()).toBe(0);
	});

	it('sends nothing for those who wait for their turn', async () => {
		const run = await agentMessage(sandbox(), {
			agent: 'sandbox/slow',
			items: saying('1', '2', '3'),
			conversationKey: 'stopped',
			cancelAfter: working(1),
		});
		expect(run.status).toBe('canceled');
		await aMoment();
		expect(sent(sandbox())).toBe(1);
		const after = await inTheMinute(slowly({ conversationKey: 'stopped' }));
		// The queue of the conversation has not been left standing.
		expect(jsonOf(after)).toMatchObject([{ details: { code: 'timeout' } }]);
		expect(sandbox().chats()).toHaveLength(1);
	});

	it('of a response stops the chat that it has set going', async () => {
		const first = await agentMessage(sandbox(), {
			agent: 'sandbox/support',
			items: saying('slowly (500000 ms)'),
			options: { onInterrupt: 'approve' },
			cancelAfter: until(() => sandbox().count('POST', '/agents/run') >= 1),
		});
		expect(first.status).toBe('canceled');
		await until(() => states().every((state) => state === 'canceled'));
	});
});

describe('reading and stopping a chat', () => {
	it.each([
		['getChat', 'GET /chats/:id/messages'],
		['stop', 'POST /chats/:id/stop'],
	])('has a timeout, too (%s)', async (operation, on) => {
		const first = await agentMessage(sandbox(), {});
		const chatId = String(jsonOf(first)[0]?.['chat_id']);
		sandbox().fault({ on, kind: 'hang', when: 'before' });
		const before = sandbox().requests.length;
		const running = agentMessage(sandbox(), {
			parameters: { operation, chatId, timeout: 60 },
			onError: 'continueRegularOutput',
		});
		const run = await meanwhile(running, async () => {
			await until(() => sandbox().requests.length > before);
			await clock.runOut(MINUTE);
		});
		expect(jsonOf(run)).toMatchObject([
			{
				error: `Chat ${chatId} could not be reached within 60 s`,
				details: { code: 'timeout', id: chatId },
			},
		]);
	});
});

describe('a stopped response', () => {
	it('stops the chat although its decision is still on its way', async () => {
		const first = await agentMessage(sandbox(), { agent: 'sandbox/support' });
		const { chat_id: chatId, pending } = jsonOf(first)[0] ?? {};
		const [waiting] = pending as Array<{ id: string }>;
		const on = 'POST /tools/:id/invoke';
		sandbox().fault({ on, kind: 'delay', ms: 1, when: 'after' });
		sandbox().hold();
		const stop = until(() => sandbox().count('POST', /\/invoke$/) >= 1);
		const running = agentMessage(sandbox(), {
			parameters: { operation: 'respond', chatId: String(chatId), callId: waiting?.id ?? '' },
			cancelAfter: stop,
		});
		const run = await meanwhile(running, async () => {
			await stop;
			await nextTurn();
			sandbox().release();
		});
		expect(run.status).toBe('canceled');
		await until(() => stops() >= 1);
	});
});

describe('a failing item', () => {
	it('gives up the chats of the others', async () => {
		sandbox().hold();
		const running = agentMessage(sandbox(), {
			agent: '={{ $json.agent }}',
			items: [
				{ agent: 'sandbox/slow', message: 'x' },
				{ agent: 'sandbox/failing', message: 'x' },
			],
		});
		const run = await meanwhile(running, async () => {
			await until(() => sandbox().count('GET', /\/stream$/) >= 2);
			sandbox().release();
		});
		expect(run.error?.message).toContain('the agent failed');
		await until(() => states().every((state) => state !== 'working'));
		expect(states().sort()).toEqual(['canceled', 'failed']);
	});
});
