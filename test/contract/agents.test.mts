/** The official SDK's agents against the sandbox. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { startSandbox, type Sandbox } from '../sandbox/index.mts';
import { loadSdk, type LoadedSdk } from './sdk.mts';

type Client = ReturnType<LoadedSdk['sdk']['inference']>;

let loaded: LoadedSdk;
let sandbox: Sandbox;
let client: Client;

beforeAll(async () => {
	loaded = await loadSdk();
	// The SDK opens its stream after it has sent, and knows nothing of what was before.
	sandbox = await startSandbox({ agentStartMs: 50 });
	client = loaded.sdk.inference({ apiKey: sandbox.apiKey, baseUrl: sandbox.url });
});
afterEach(() => sandbox.reset());
afterAll(async () => {
	await sandbox.close();
	await loaded.dispose();
});

const textOf = (message: { content?: ReadonlyArray<{ text?: string }> | null } | undefined) =>
	(message?.content ?? []).map(({ text }) => text ?? '').join('');

describe('a saved agent', () => {
	it('answers on the stream, with deltas, messages and runs', async () => {
		const agent = client.agent('sandbox/assistant');
		const seen: string[] = [];
		let last = '';
		let live = '';
		await agent.sendMessage('hello', {
			onChat: (chat) => void seen.push(chat.active_run?.state ?? chat.status),
			onMessage: (message) => {
				if (message.role === 'assistant') last = textOf(message);
			},
			onDelta: ({ output }) => {
				live = String((output as { response?: string }).response ?? '');
			},
		});
		agent.disconnect();
		expect(last).toBe('You said "hello".');
		expect(live).toBe('You said "hello".');
		expect(seen).toContain('working');
		expect(seen.at(-1)).toBe('completed');
		const chat = await agent.getChat();
		expect(chat).toMatchObject({ id: agent.currentChatId, status: 'idle' });
	});

	it('remembers in a second turn', async () => {
		const agent = client.agent('sandbox/assistant');
		let last = '';
		const onMessage = (message: Parameters<typeof textOf>[0]) => {
			last = textOf(message) || last;
		};
		await agent.sendMessage('one', { onMessage });
		await agent.sendMessage('two', { onMessage });
		agent.disconnect();
		expect(last).toBe('You said "two". Before that: "one".');
		expect(sandbox.chats()).toHaveLength(1);
	});

	it('that needs a client tool gets its result', async () => {
		const agent = client.agent('sandbox/client-tool');
		const calls: unknown[] = [];
		let last = '';
		await agent.sendMessage('how warm?', {
			onMessage: (message) => {
				last = textOf(message) || last;
			},
			onToolCall: ({ id, name, args }) => {
				calls.push([name, args]);
				void agent.submitToolResult(id, '21 °C');
			},
		});
		agent.disconnect();
		// The SDK hands arguments on as they came: JSON text, here.
		expect(calls).toEqual([['read_thermometer', '{"room":"kitchen"}']]);
		expect(last).toBe('You answered: 21 °C');
	});

	it('is stopped', async () => {
		const agent = client.agent('sandbox/slow');
		await agent.sendMessage('go');
		await agent.stopChat();
		expect(sandbox.chats()).toMatchObject([{ state: 'canceled' }]);
	});

	it('is in the list', async () => {
		const list = await client.agents.list({ search: { term: 'refund', exact: false } } as never);
		expect(list.data.items).toMatchObject([
			{ namespace: 'sandbox', name: 'support', title: 'Support' },
		]);
	});

	it('that does not exist is refused', async () => {
		await expect(client.agent('sandbox/nobody').sendMessage('hi')).rejects.toThrow('not found');
	});
});

describe('an agent that is defined in the request', () => {
	it('gives structured output', async () => {
		const agent = client.agent({
			core_app: { ref: 'anthropic/claude-sonnet-5' },
			output_schema: {
				type: 'object',
				properties: { name: { type: 'string' }, age: { type: 'integer' } },
			},
			internal_tools: { finish: true },
		});
		const output: unknown = await agent.run('Ann is 41', { pollIntervalMs: 10 });
		expect(output).toEqual({ name: 'Ann is 41', age: 41 });
	});
});

describe('an approval', () => {
	it.each([
		['approved', 'allow', 'Done.'],
		['denied', 'deny', 'Not done: no reason.'],
	] as const)('is %s', async (_what, decision, answer) => {
		const agent = client.agent('sandbox/support');
		await agent.sendMessage('my money back');
		await until(async () => ((await agent.getChat())?.pending_interrupts ?? []).length > 0);
		const chat = await agent.getChat();
		const [interrupt] = chat?.pending_interrupts ?? [];
		expect(chat).toMatchObject({
			status: 'awaiting_input',
			active_run: { state: 'input_required' },
		});
		await client.agents.resolveInterrupt(interrupt?.id ?? '', decision);
		await until(async () => (await agent.getChat())?.status === 'idle');
		expect(sandbox.chats()[0]?.messages.at(-1)?.text).toBe(answer);
	});
});

async function until(condition: () => Promise<boolean>): Promise<void> {
	while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}
