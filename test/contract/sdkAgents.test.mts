/** What the official SDK can do with agents besides a plain conversation, against the sandbox. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { startSandbox, type Sandbox } from '../sandbox/index.mts';
import { loadSdk, type LoadedSdk } from './sdk.mts';

type Sdk = LoadedSdk['sdk'];
type Client = ReturnType<Sdk['inference']>;
type Agent = ReturnType<Client['agent']>;
type Config = Exclude<Parameters<Client['agent']>[0], string>;
type Message = Awaited<ReturnType<Agent['sendMessage']>>['assistantMessage'];

let loaded: LoadedSdk;
let sandbox: Sandbox;
let client: Client;

beforeAll(async () => {
	loaded = await loadSdk();
	sandbox = await startSandbox({ agentStartMs: 50 });
	client = loaded.sdk.inference({ apiKey: sandbox.apiKey, baseUrl: sandbox.url });
});
afterEach(() => sandbox.reset());
afterAll(async () => {
	await sandbox.close();
	await loaded.dispose();
});

const CORE = { core_app: { ref: 'sandbox/llm' } };

const answer = (): string => sandbox.chats().at(-1)?.messages.at(-1)?.text ?? '';
const stateIs = (state: string) => () => sandbox.agentRuns().at(-1)?.state === state;

async function until(condition: () => boolean): Promise<void> {
	while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Sends a message without waiting for the answer; the SDK waits only for those who listen. */
async function sent(agent: Agent, text: string, state: string): Promise<string> {
	await agent.sendMessage(text);
	await until(stateIs(state));
	return agent.currentChatId ?? '';
}

describe('a stream', () => {
	it('that opens after the end shows the answer all the same', async () => {
		sandbox.configure({ agentStartMs: 0 });
		sandbox.fault({ kind: 'delay', on: 'GET /chats/:id/stream', ms: 150, when: 'before' });
		const agent = client.agent('sandbox/assistant');
		const seen: Array<[string, string]> = [];
		const onMessage = ({ role, status }: Message) => void seen.push([role, status]);
		await agent.sendMessage('quick', { onMessage });
		await until(() => seen.some(([role, status]) => role === 'assistant' && status === 'ready'));
		agent.disconnect();
		expect(seen).toContainEqual(['user', 'ready']);
	});

	it('grows calls of tools by their deltas', async () => {
		const agent = client.agent('sandbox/researcher');
		const calls: unknown[] = [];
		await agent.sendMessage('owls (100 ms)', {
			onDelta: ({ output }) => {
				const { tool_calls } = output as { tool_calls?: Array<{ function: unknown }> };
				if (tool_calls) calls.push(structuredClone(tool_calls[0]?.function));
			},
		});
		agent.disconnect();
		expect(calls.at(-1)).toEqual({ name: 'look_up', arguments: '{"query":"owls (100 ms)"}' });
	});

	it('tells why a run has failed', async () => {
		const agent = client.agent('sandbox/failing');
		const errors: unknown[] = [];
		await agent.sendMessage('x', {
			onChat: ({ active_run }) => void errors.push(active_run?.error),
		});
		agent.disconnect();
		expect(errors.at(-1)).toBe('the model is overloaded');
	});
});

describe('polling', () => {
	it('sees the end of a first and of a second turn', async () => {
		const agent = client.agent('sandbox/assistant');
		for (const text of ['one (150 ms)', 'two (150 ms)']) {
			const statuses: string[] = [];
			await agent.sendMessage(text, {
				stream: false,
				pollIntervalMs: 5,
				onChat: ({ status }) => void statuses.push(status),
			});
			expect(statuses.at(-1)).toBe('idle');
		}
		expect(answer()).toBe('You said "two (150 ms)". Before that: "one (150 ms)".');
		expect(sandbox.count('GET', /\/stream$/)).toBe(0);
	});

	it('gives null for an agent that ends without output', async () => {
		const config: Config = { ...CORE, output_schema: { type: 'object' } };
		const agent = client.agent(config);
		expect(await agent.run('x', { pollIntervalMs: 5 })).toBeNull();
	});
});

describe('a tool', () => {
	it.each([
		['client-tool', 'in_progress'],
		['client-tool-waiting', 'awaiting_input'],
	])('of the client, as %s, is %s, with its arguments as an object', async (name) => {
		sandbox.configure({ argumentsAs: 'object' });
		const agent = client.agent(`sandbox/${name}`);
		const calls: unknown[] = [];
		await agent.sendMessage('how warm?', {
			onToolCall: ({ id, args }) => {
				calls.push(args);
				void agent.submitToolResult(id, '21 °C');
			},
		});
		agent.disconnect();
		expect(calls).toEqual([{ room: 'kitchen' }]);
		expect(answer()).toBe('You answered: 21 °C');
	});

	it('may be a widget, answered with an action', async () => {
		const agent = client.agent('sandbox/usher');
		await sent(agent, 'a seat', 'input_required');
		const page = await fetch(`${sandbox.url}/chats/${agent.currentChatId}/messages`, {
			headers: { authorization: `Bearer ${sandbox.apiKey}` },
		});
		const { data } = (await page.json()) as { data: { items: Message[] } };
		const [invocation] = data.items[0]?.tool_invocations ?? [];
		expect(invocation).toMatchObject({ status: 'awaiting_input', widget: { type: 'ui' } });
		await agent.submitToolResult(invocation?.id ?? '', { action: { type: 'pick' } });
		await until(stateIs('completed'));
		expect(answer()).toBe('You answered: {"action":{"type":"pick"}}');
		const again = agent.submitToolResult(invocation?.id ?? '', 'again');
		await expect(again).rejects.toThrow('HTTP 409');
	});

	it.each(['text', 'object'] as const)(
		'that needs approval is found with its meta as %s',
		async (metaAs) => {
			sandbox.configure({ metaAs, argumentsAs: 'object' });
			const agent = client.agent('sandbox/support');
			const chatId = await sent(agent, 'x', 'input_required');
			const chat = (await client.chats.get(chatId)).data;
			const [pending] = loaded.sdk.pendingApprovals(chat);
			expect(pending).toMatchObject({
				chatId,
				toolName: 'refund',
				arguments: { order: 'A-17', amount: 25 },
			});
			const { data } = await client.agents.listRunInterrupts(chat.active_run?.id ?? '');
			expect(data.map(({ id, reason }) => [id, reason])).toEqual([
				[pending?.interruptId, 'tool_approval'],
			]);
			await client.agents.resolveInterrupt(pending?.interruptId ?? '', 'allow');
			await until(stateIs('completed'));
			expect(answer()).toBe('Done.');
		},
	);

	it('of every kind that the SDK can build is accepted', async () => {
		const { sdk } = loaded;
		const what = sdk.string('what to look for');
		const tools = [
			sdk.appTool('draw', 'infsh/flux').describe('draws').build(),
			sdk.agentTool('ask', 'sandbox/assistant').describe('asks').build(),
			sdk.webhookTool('hook', 'https://x.test').describe('calls').param('q', what).build(),
			sdk.httpTool('get', 'https://x.test').describe('gets').build(),
			sdk.callTool('call', 'https://x.test').describe('calls').build(),
			sdk.tool('beep').describe('beeps').param('q', what).build(),
		];
		const agent = client.agent({
			...CORE,
			tools,
			internal_tools: sdk.internalTools().plan().build(),
		});
		await sent(agent, 'hello', 'completed');
		expect(sandbox.chats()[0]?.config).toMatchObject({ internal_tools: { plan: true } });
	});
});

describe('a message', () => {
	it('brings files along, which the agent shows', async () => {
		const agent = client.agent('sandbox/mirror');
		await agent.sendMessage('see', {
			files: [
				new Blob(['a photo'], { type: 'image/png' }),
				new Blob(['a letter'], { type: 'text/plain' }),
			],
		});
		await until(stateIs('completed'));
		const [user] = sandbox.chats()[0]?.messages ?? [];
		const uris = sandbox.files().map(({ uri }) => uri);
		expect(user?.input).toMatchObject({ images: [uris[0]], files: [uris[1]] });
		expect(sandbox.violations()).toEqual([]);
	});

	it('brings values for the tools along', async () => {
		const agent = client.agents.create('sandbox/clerk', { context: { user: 'Ann' } });
		await sent(agent, 'x', 'completed');
		expect(answer()).toBe('Next, Ann.');
	});

	it('is waited for only until the signal, and goes on at the service', async () => {
		const agent = client.agent('sandbox/support');
		const signal = AbortSignal.timeout(150);
		const waiting = agent.sendMessage('x', { signal, onMessage: () => {} });
		await expect(waiting).rejects.toThrow('timeout');
		await until(stateIs('input_required'));
	});

	it('is refused with what the agent lacks, or what is wrong with it', async () => {
		const error: unknown = await client
			.agent('sandbox/locked')
			.sendMessage('x')
			.catch((reason: unknown) => reason);
		if (!loaded.sdk.isRequirementsNotMetException(error)) throw error;
		expect(error.errors.map(({ key }) => key)).toEqual(['AGENT_API_KEY']);
		const shapeless = client.agent({} as Config).sendMessage('x');
		await expect(shapeless).rejects.toThrow('core_app.ref is required');
		await expect(client.agent('sandbox/asistant').sendMessage('x')).rejects.toThrow(
			/did you mean sandbox\/assistant/,
		);
	});
});

describe('saved agents', () => {
	it('can be read by id and by name', async () => {
		const { data: byName } = await client.agents.getByName('sandbox', 'clerk');
		expect(byName).toMatchObject({
			namespace: 'sandbox',
			name: 'clerk',
			title: 'Clerk',
			version: { context: [{ name: 'user', required: true }, { name: 'desk' }] },
		});
		expect((await client.agents.get(byName.id)).data).toEqual(byName);
	});
});

describe('chats', () => {
	it('are listed, renamed, stopped and deleted', async () => {
		const id = await sent(client.agent('sandbox/slow'), 'x', 'working');
		expect((await client.chats.getStatus(id)).data.status).toBe('busy');
		await client.chats.update(id, { name: 'Mine' } as never);
		const { data: list } = await client.chats.list({
			search: { term: 'mine', exact: false },
		} as never);
		expect(list.items.map((chat) => [chat.id, chat.name])).toEqual([[id, 'Mine']]);
		await client.chats.stop(id);
		expect(loaded.sdk.isChatBusy((await client.chats.get(id)).data)).toBe(false);
		await client.chats.delete(id);
		await expect(client.chats.get(id)).rejects.toThrow('HTTP 404');
	});

	it('that are busy queue a message, which can be taken back', async () => {
		const agent = client.agent('sandbox/slow');
		await sent(agent, 'x', 'working');
		const { userMessage, assistantMessage } = await agent.sendMessage('later');
		expect(userMessage.status).toBe('queued');
		expect(assistantMessage).toBeNull();
		await client.chats.cancelMessage(userMessage.id);
		expect(sandbox.chats()[0]?.messages.at(-1)?.status).toBe('cancelled');
	});
});
