import { describe, expect, it } from 'vitest';
import { agentMessage, saying, sent } from './support.mts';
import { credentialsOf, jsonOf } from '../../engine/support.mts';
import { pause, until } from '../../until.mts';
import { useSandbox } from '../../useSandbox.mts';

const sandbox = useSandbox();
const states = () =>
	sandbox()
		.chats()
		.map(({ state }) => state);

/** Settles when so many agents are at work. */
async function working(count: number): Promise<void> {
	await until(() => states().filter((state) => state === 'working').length === count);
}

/** Long enough for a request that should not come to come. */
const A_MOMENT = 60;
const stops = () => sandbox().count('POST', /\/stop$/);

describe('a timeout', () => {
	it('stops the chat, and says so', async () => {
		const run = await agentMessage(sandbox(), {
			agent: 'sandbox/slow',
			parameters: { timeout: 0.2 },
			onError: 'continueRegularOutput',
		});
		const [chat] = sandbox().chats();
		expect(jsonOf(run)).toEqual([
			{
				error: `Chat ${chat?.id} did not answer within 0.2 s. It was stopped.`,
				details: {
					code: 'timeout',
					status: 'timed_out',
					id: chat?.id,
					item_index: 0,
					hint: 'Raise Timeout if the agent needs longer.',
				},
			},
		]);
		expect(states()).toEqual(['canceled']);
		expect(stops()).toBe(1);
	});

	it('leaves the chat alone if that is wanted', async () => {
		const run = await agentMessage(sandbox(), {
			agent: 'sandbox/slow',
			parameters: { timeout: 0.2 },
			options: { onTimeout: 'keep' },
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run)).toMatchObject([
			{ error: expect.stringContaining('It was left running.') as string },
		]);
		await pause(A_MOMENT);
		expect(states()).toEqual(['working']);
	});

	it('says if the chat cannot be stopped', async () => {
		sandbox().fault({ on: 'POST /chats/:id/stop', kind: 'status', status: 403, times: 9 });
		const run = await agentMessage(sandbox(), {
			agent: 'sandbox/slow',
			parameters: { timeout: 0.2 },
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run)).toMatchObject([
			{ error: expect.stringMatching(/could not be stopped .* and may still run/) as string },
		]);
	});

	it('of one item leaves the others alone', async () => {
		const run = await agentMessage(sandbox(), {
			agent: '={{ $json.agent }}',
			items: [
				{ agent: 'sandbox/slow', message: 'x' },
				{ agent: 'sandbox/assistant', message: 'hello' },
			],
			parameters: { timeout: 1 },
			onError: 'continueErrorOutput',
		});
		expect(jsonOf(run)).toMatchObject([{ text: 'You said "hello".' }]);
		expect(jsonOf(run, 1)).toMatchObject([{ details: { code: 'timeout', item_index: 0 } }]);
	});

	it('does not count the wait for the turns before', async () => {
		const first = await agentMessage(sandbox(), { items: saying('start') });
		const chatId = String(jsonOf(first)[0]?.['chat_id']);
		const run = await agentMessage(sandbox(), {
			items: saying('a (600 ms)', 'b (600 ms)', 'c (600 ms)'),
			parameters: { chatId, timeout: 1.5, concurrency: 3 },
		});
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)).toHaveLength(3);
	});

	it('takes a message back that waits behind the turn of somebody else, and leaves that alone', async () => {
		const options = { conversationKey: 'queue' };
		const slow = agentMessage(sandbox(), { agent: 'sandbox/slow', options });
		await working(1);
		const chatId = String(sandbox().chats()[0]?.id);
		const post = await fetch(`${sandbox().url}/agents/run`, {
			method: 'POST',
			headers: { authorization: `Bearer ${sandbox().apiKey}`, 'content-type': 'application/json' },
			body: JSON.stringify({ agent: 'sandbox/slow', chat_id: chatId, input: { text: 'queued' } }),
		});
		expect(post.ok).toBe(true);
		// Under another name of the service this is another account, as it were another process.
		const baseUrl = sandbox().url.replace('127.0.0.1', 'localhost');
		const run = await agentMessage(sandbox(), {
			agent: 'sandbox/slow',
			items: saying('mine'),
			parameters: { chatId, timeout: 0.3 },
			credentials: { ...credentialsOf(sandbox()), baseUrl },
			onError: 'continueRegularOutput',
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
		await fetch(`${sandbox().url}/chats/${chatId}/stop`, {
			method: 'POST',
			headers: { authorization: `Bearer ${sandbox().apiKey}` },
		});
		await slow;
	});

	it('for the whole run stops what is running and starts nothing more', async () => {
		const run = await agentMessage(sandbox(), {
			agent: 'sandbox/slow',
			items: saying('1', '2', '3', '4'),
			parameters: { concurrency: 2 },
			options: { totalTimeout: 0.3 },
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run).map(({ error }) => String(error))).toEqual([
			...Array<unknown>(2).fill(
				expect.stringMatching(
					/^Chat \w+ did not finish within the Total Timeout of 0.3 s. It was stopped.$/,
				),
			),
			...Array<unknown>(2).fill(
				'The item did not finish within the Total Timeout of 0.3 s. Nothing was started for it.',
			),
		]);
		expect(states()).toEqual(['canceled', 'canceled']);
	});
});

describe('the end of the whole run', () => {
	it('is told to those who wait for their turn in a conversation', async () => {
		const run = await agentMessage(sandbox(), {
			agent: 'sandbox/slow',
			items: saying('1', '2'),
			options: { totalTimeout: 0.3, conversationKey: 'total' },
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run).map(({ error }) => String(error))).toEqual([
			expect.stringMatching(/^Chat \w+ did not finish .* It was stopped.$/),
			'The item did not finish within the Total Timeout of 0.3 s. Nothing was started for it.',
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
		await pause(A_MOMENT);
		expect(states()).toHaveLength(8);
		const said = JSON.stringify(run.raw.data.resultData);
		for (const { id } of sandbox().chats()) expect(said).toContain(id);
	});

	it('stops chats whose ids were still on their way', async () => {
		sandbox().fault({ on: 'POST /agents/run', kind: 'delay', ms: 200, when: 'after', times: 9 });
		const run = await agentMessage(sandbox(), {
			agent: 'sandbox/slow',
			items: saying('1', '2', '3'),
			cancelAfter: working(3),
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
		await pause(A_MOMENT);
		expect(states()).toEqual(['working']);
		expect(stops()).toBe(0);
	});

	it('sends nothing for those who wait for their turn', async () => {
		const run = await agentMessage(sandbox(), {
			agent: 'sandbox/slow',
			items: saying('1', '2', '3'),
			options: { conversationKey: 'stopped' },
			cancelAfter: working(1),
		});
		expect(run.status).toBe('canceled');
		await pause(A_MOMENT);
		expect(sent(sandbox())).toBe(1);
		const after = await agentMessage(sandbox(), {
			agent: 'sandbox/slow',
			options: { conversationKey: 'stopped' },
			parameters: { timeout: 0.2 },
			onError: 'continueRegularOutput',
		});
		// The queue of the conversation has not been left standing.
		expect(jsonOf(after)).toMatchObject([{ details: { code: 'timeout' } }]);
		expect(sandbox().chats()).toHaveLength(1);
	});

	it('of a response stops the chat that it has set going', async () => {
		const first = await agentMessage(sandbox(), {
			agent: 'sandbox/support',
			items: saying('slowly (5000 ms)'),
			parameters: { timeout: 30 },
			options: { onInterrupt: 'approve' },
			cancelAfter: until(() => sandbox().count('POST', '/agents/run') === 1),
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
		sandbox().fault({ on, kind: 'delay', ms: 5_000, when: 'before' });
		const run = await agentMessage(sandbox(), {
			parameters: { operation, chatId, timeout: 0.2 },
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run)).toMatchObject([
			{
				error: `Chat ${chatId} could not be reached within 0.2 s`,
				details: { code: 'timeout', id: chatId },
			},
		]);
	});
});

describe('a stopped response', () => {
	it('stops the chat although its decision is still on its way', async () => {
		const first = await agentMessage(sandbox(), { agent: 'sandbox/support' });
		const { chat_id: chatId, pending } = jsonOf(first)[0] ?? {};
		const [call] = pending as Array<{ id: string }>;
		const on = 'POST /tools/:id/invoke';
		sandbox().fault({ on, kind: 'delay', ms: 2_000, when: 'after' });
		const run = await agentMessage(sandbox(), {
			parameters: { operation: 'respond', chatId: String(chatId), callId: call?.id ?? '' },
			cancelAfter: until(() => sandbox().count('POST', /\/invoke$/) === 1),
		});
		expect(run.status).toBe('canceled');
		await until(() => stops() === 1);
	});
});

describe('a failing item', () => {
	it('gives up the chats of the others', async () => {
		const run = await agentMessage(sandbox(), {
			agent: '={{ $json.agent }}',
			items: [
				{ agent: 'sandbox/slow', message: 'x' },
				{ agent: 'sandbox/failing', message: 'x (50 ms)' },
			],
		});
		expect(run.error?.message).toContain('the agent failed');
		await until(() => states().every((state) => state !== 'working'));
		expect(states().sort()).toEqual(['canceled', 'failed']);
	});
});
