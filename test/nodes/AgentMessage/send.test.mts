import { describe, expect, it } from 'vitest';
import { adHoc, agentMessage, saying, sent, talkOf } from './support.mts';
import { jsonOf, meanwhile, passing, useSandbox } from '../../engine/support.mts';
import { caller } from '../../sandbox/caller.mts';
import { until } from '../../until.mts';

const sandbox = useSandbox();
const { call } = caller(sandbox);

describe('a message', () => {
	it('is sent and answered', async () => {
		const run = await agentMessage(sandbox());
		expect(run.error).toBeUndefined();
		const [chat] = sandbox().chats();
		expect(jsonOf(run)).toEqual([
			{
				chat_id: chat?.id,
				message_id: chat?.messages[1]?.id,
				status: 'completed',
				text: 'You said "hello".',
				files: [],
				tool_invocations: [],
				pending: [],
				run: { attempts: 1, duration_ms: expect.any(Number) as number, via: 'stream' },
			},
		]);
		expect(run.output('Node')[0]?.pairedItem).toEqual({ item: 0 });
		expect(sent(sandbox())).toBe(1);
	});

	it('of each item begins a chat of its own, in the order of the items', async () => {
		const run = await agentMessage(sandbox(), {
			items: saying('one (60 ms)', 'two (5 ms)', 'three (30 ms)'),
		});
		expect(jsonOf(run).map(({ text }) => text)).toEqual([
			'You said "one (60 ms)".',
			'You said "two (5 ms)".',
			'You said "three (30 ms)".',
		]);
		expect(sandbox().chats()).toHaveLength(3);
	});

	it('may be answered in several messages and with tools', async () => {
		const run = await agentMessage(sandbox(), { agent: 'sandbox/researcher' });
		const [chat] = sandbox().chats();
		expect(jsonOf(run)).toMatchObject([
			{
				status: 'completed',
				text: 'Found: hello',
				message_id: chat?.messages[2]?.id,
				tool_invocations: [
					{
						id: expect.any(String) as string,
						tool: 'look_up',
						type: 'app',
						status: 'completed',
						arguments: { query: 'hello' },
						result: 'found it',
					},
				],
			},
		]);
	});

	it('may be answered with files, and with nothing', async () => {
		const run = await agentMessage(sandbox(), { agent: 'sandbox/painter' });
		expect(jsonOf(run)).toMatchObject([
			{
				text: 'Got nothing.',
				files: [
					{ type: 'image', uri: 'https://cloud.inference.sh/app/files/t/x/a.png' },
					{ type: 'file', uri: 'https://cloud.inference.sh/app/files/t/x/b.pdf' },
				],
			},
		]);
		const silent = await agentMessage(sandbox(), { agent: 'sandbox/silent' });
		expect(jsonOf(silent)).toMatchObject([{ status: 'completed', text: '' }]);
	});

	it('takes numbers from expressions', async () => {
		const run = await agentMessage(sandbox(), { items: [{ message: 42 }] });
		expect(jsonOf(run)).toMatchObject([{ text: 'You said "42".' }]);
	});

	it.each([
		['={{ DateTime.fromISO("2030-06-01T09:30", { zone: "utc" }) }}', '2030-06-01T09:30:00.000Z'],
		['={{ new Date(0) }}', '1970-01-01T00:00:00.000Z'],
		['={{ true }}', 'true'],
	])('takes dates and switches from expressions: %s', async (message, said) => {
		await agentMessage(sandbox(), { message });
		expect(talkOf(sandbox().chats()[0])[0]).toBe(`user: ${said}`);
	});

	it.each(['={{ new Date("soon") }}', '={{ NaN }}', '={{ [1] }}', '={{ 9007199254740993 }}'])(
		'is not sent if it cannot be text: %s',
		async (message) => {
			const run = await agentMessage(sandbox(), { message });
			expect(run.error?.message).toContain('Parameter "Message"');
			expect(sandbox().requests).toEqual([]);
		},
	);

	it('goes with dates and numbers in context and prompt', async () => {
		const run = await agentMessage(sandbox(), {
			parameters: adHoc({ systemPrompt: '={{ 42 }}' }),
			options: { context: '={{ ({ at: new Date(0), n: 5 }) }}' },
		});
		expect(run.error).toBeUndefined();
		const { body } = sandbox().requests.find(({ path }) => path === '/agents/run') ?? {};
		expect(body).toMatchObject({
			agent_config: { system_prompt: '42' },
			context: { at: '1970-01-01T00:00:00.000Z', n: '5' },
		});
	});

	it('goes to a new chat with values for the tools, as text', async () => {
		await agentMessage(sandbox(), { options: { context: '{"user": "u1", "level": 3}' } });
		expect(sandbox().chats()[0]?.context).toEqual({ user: 'u1', level: '3' });
	});
});

describe('a conversation', () => {
	it('goes on in the chat of the item', async () => {
		const first = await agentMessage(sandbox(), { items: saying('one') });
		const chatId = String(jsonOf(first)[0]?.['chat_id']);
		const second = await agentMessage(sandbox(), { items: saying('two'), chatId });
		expect(jsonOf(second)).toMatchObject([
			{ chat_id: chatId, text: 'You said "two". Before that: "one".' },
		]);
		expect(sandbox().chats()).toHaveLength(1);
	});

	it('is remembered by its key, from one execution to the next', async () => {
		const conversationKey = '={{ $json.session }}';
		for (const [session, message] of [
			['ann', 'one'],
			['bob', 'eins'],
			['ann', 'two'],
			['bob', 'zwei'],
		]) {
			const run = await agentMessage(sandbox(), { items: [{ session, message }], conversationKey });
			expect(run.error).toBeUndefined();
		}
		expect(sandbox().chats().map(talkOf)).toEqual([
			[
				'user: one',
				'assistant: You said "one".',
				'user: two',
				'assistant: You said "two". Before that: "one".',
			],
			[
				'user: eins',
				'assistant: You said "eins".',
				'user: zwei',
				'assistant: You said "zwei". Before that: "eins".',
			],
		]);
	});

	it('may be that of an item, where another item begins a new one', async () => {
		const first = await agentMessage(sandbox(), { items: saying('one') });
		const chatId = String(jsonOf(first)[0]?.['chat_id']);
		const run = await agentMessage(sandbox(), {
			items: [{ message: 'two', chat: chatId }, { message: 'eins' }],
			parameters: {
				conversation: '={{ $json.chat ? "chat" : "new" }}',
				chatId: '={{ $json.chat }}',
			},
		});
		expect(jsonOf(run)).toMatchObject([
			{ chat_id: chatId, text: 'You said "two". Before that: "one".' },
			{ text: 'You said "eins".' },
		]);
	});

	it('may be told by an expression that never means a chat by its id', async () => {
		const run = await agentMessage(sandbox(), {
			items: [
				{ message: 'one', key: 'told' },
				{ message: 'two' },
				{ message: 'three', key: 'told' },
			],
			parameters: {
				conversation: '={{ $json.key ? "key" : "new" }}',
				conversationKey: '={{ $json.key }}',
			},
		});
		expect(run.error).toBeUndefined();
		expect(sandbox().chats()).toHaveLength(2);
	});

	it('is interleaved with another one in one execution, each in its order', async () => {
		const items = Array.from({ length: 12 }, (_, n) => {
			const ms = 12 - n;
			return { session: n % 2 === 0 ? 'even' : 'odd', message: `${n} (${ms} ms)` };
		});
		const run = await agentMessage(sandbox(), {
			items,
			parameters: { concurrency: 10 },
			conversationKey: '={{ "interleaved " + $json.session }}',
		});
		expect(run.error).toBeUndefined();
		expect(sandbox().chats()).toHaveLength(2);
		const said = sandbox()
			.chats()
			.map((chat) => chat.messages.filter(({ role }) => role === 'user').map(({ text }) => text));
		const numbers = said.map((texts) => texts.map((text) => parseInt(text)));
		expect(numbers.sort(([left = 0], [right = 0]) => left - right)).toEqual([
			[0, 2, 4, 6, 8, 10],
			[1, 3, 5, 7, 9, 11],
		]);
	});

	it('of one chat keeps its order, and nothing is queued, whatever the concurrency', async () => {
		const first = await agentMessage(sandbox(), { items: saying('start') });
		const chatId = String(jsonOf(first)[0]?.['chat_id']);
		const messages = Array.from({ length: 10 }, (_, n) => `${n} (${20 - n} ms)`);
		const run = await agentMessage(sandbox(), {
			items: saying(...messages),
			chatId,
			parameters: { concurrency: 10 },
		});
		expect(jsonOf(run).map(({ text }) => /"(.*?)"/.exec(String(text))?.[1])).toEqual(messages);
		const [chat] = sandbox().chats();
		const roles = chat?.messages.map(({ role }) => role);
		expect(roles).toEqual(Array.from({ length: 11 }, () => ['user', 'assistant']).flat());
	});

	it('with another agent is another one', async () => {
		const conversationKey = 'same';
		await agentMessage(sandbox(), { conversationKey });
		await agentMessage(sandbox(), { conversationKey, agent: 'sandbox/researcher' });
		expect(sandbox().chats()).toHaveLength(2);
	});

	it('whose chat is gone begins anew and says so', async () => {
		const conversationKey = 'gone';
		await agentMessage(sandbox(), { conversationKey });
		const [before] = sandbox().chats();
		sandbox().reset();
		const run = await agentMessage(sandbox(), { conversationKey, items: saying('again') });
		expect(jsonOf(run)).toMatchObject([{ text: 'You said "again".' }]);
		expect(run.hints('Node').map(({ message }) => message)).toEqual([
			`Chat ${before?.id} is gone, or this API key cannot see it any more; its conversation goes on in a new one.`,
		]);
		const next = await agentMessage(sandbox(), { conversationKey, items: saying('and again') });
		expect(jsonOf(next)).toMatchObject([{ text: expect.stringContaining('"again"') as string }]);
	});

	it.each([
		['a firewall', '<html>Attention required</html>', 'Something between this n8n'],
		['a blocked address', { message: 'access denied' }, 'blocks the address of this n8n'],
	])('is not forgotten because of %s', async (_what, body, said) => {
		const conversationKey = `kept ${said}`;
		await agentMessage(sandbox(), { conversationKey });
		for (const on of ['POST /agents/run', 'GET /chats/*', 'POST /chats']) {
			sandbox().fault({ on, kind: 'status', status: 403, body, times: 2 });
		}
		const items = saying('again');
		const refused = await passing(agentMessage(sandbox(), { conversationKey, items }));
		expect(refused.error?.message).toContain(said);
		expect(refused.hints('Node')).toEqual([]);
		sandbox().clearFaults();
		await agentMessage(sandbox(), { conversationKey, items });
		expect(sandbox().chats()).toHaveLength(1);
	});

	it('is not begun anew for a message that its chat has taken', async () => {
		const conversationKey = 'vanishing';
		await agentMessage(sandbox(), { conversationKey });
		for (const on of ['GET /chats/*', 'GET /chats/:id/stream']) {
			sandbox().fault({ on, kind: 'status', status: 404, times: Infinity });
		}
		const items = saying('again');
		const run = await passing(agentMessage(sandbox(), { conversationKey, items }));
		expect(run.error?.message).toContain('It does not exist, or this API key cannot see it');
		expect(sandbox().count('POST', '/agents/run')).toBe(2);
	});

	it('to which somebody else is talking waits for its turn at the service', async () => {
		const first = await agentMessage(sandbox(), { items: saying('start') });
		const chatId = String(jsonOf(first)[0]?.['chat_id']);
		sandbox().hold();
		const other = { agent: 'sandbox/assistant', chat_id: chatId, input: { text: 'other' } };
		await call('POST', '/agents/run', other);
		const running = agentMessage(sandbox(), { items: saying('mine'), chatId });
		const run = await meanwhile(running, async () => {
			await until(() => sandbox().chats()[0]?.messages.at(-1)?.status === 'queued');
			sandbox().release();
		});
		expect(jsonOf(run)).toMatchObject([
			{ text: 'You said "mine". Before that: "start", "other".' },
		]);
	});
});

describe('an agent defined in the node', () => {
	it('has core app, system prompt and the rest of its config', async () => {
		const run = await agentMessage(sandbox(), {
			parameters: adHoc({
				systemPrompt: 'Be brief.',
				agentConfig: '{"name": "helper", "core_app": {"input": {"temperature": 0}}}',
			}),
		});
		expect(jsonOf(run)).toMatchObject([{ text: '[Be brief.] You said "hello".' }]);
		expect(sandbox().chats()[0]?.config).toEqual({
			name: 'helper',
			core_app: { input: { temperature: 0 }, ref: 'anthropic/claude-sonnet-5' },
			system_prompt: 'Be brief.',
		});
	});

	it('gives structured output', async () => {
		const schema = {
			type: 'object',
			properties: { name: { type: 'string' }, age: { type: 'integer' } },
		};
		const run = await agentMessage(sandbox(), {
			items: saying('Ann is 41', 'Bob is 7'),
			parameters: adHoc({ agentConfig: '{"internal_tools": {"plan": true}}' }),
			options: { outputSchema: JSON.stringify(schema) },
		});
		expect(jsonOf(run).map(({ output }) => output)).toEqual([
			{ name: 'Ann is 41', age: 41 },
			{ name: 'Bob is 7', age: 7 },
		]);
		expect(sandbox().chats()[0]?.config).toMatchObject({
			output_schema: schema,
			internal_tools: { plan: true, finish: true },
		});
	});

	it('is asked again with its config in a second turn', async () => {
		const conversationKey = 'ad hoc';
		await agentMessage(sandbox(), { parameters: adHoc(), conversationKey, items: saying('one') });
		const run = await agentMessage(sandbox(), {
			parameters: adHoc(),
			conversationKey,
			items: saying('two'),
		});
		expect(jsonOf(run)).toMatchObject([{ text: 'You said "two". Before that: "one".' }]);
	});
});

describe('attachments', () => {
	it('come from URLs and from binary data, in one message', async () => {
		const bytes = Buffer.from('a picture').toString('base64');
		const run = await agentMessage(sandbox(), {
			agent: 'sandbox/painter',
			items: [
				{
					json: { message: 'look' },
					binary: { photo: { data: bytes, mimeType: 'image/png', fileName: 'photo.png' } },
				},
			],
			parameters: {
				attachments: {
					values: [
						{ source: 'url', url: 'https://example.com/docs/Terms%20of%20use.pdf?v=2' },
						{ source: 'binary', binaryProperty: 'photo' },
					],
				},
			},
		});
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)).toMatchObject([{ text: 'Got Terms of use.pdf, photo.png.' }]);
		const [message] = sandbox().chats()[0]?.messages ?? [];
		expect(message?.input['attachments']).toEqual([
			{
				uri: 'https://example.com/docs/Terms%20of%20use.pdf?v=2',
				filename: 'Terms of use.pdf',
				content_type: 'application/pdf',
			},
			{
				uri: expect.stringContaining('/app/files/') as string,
				filename: 'photo.png',
				content_type: 'image/png',
				size: 9,
			},
		]);
		expect(sandbox().violations()).toEqual([]);
	});
});

describe('a chat', () => {
	it('is read with its messages and what it waits for', async () => {
		const first = await agentMessage(sandbox(), { agent: 'sandbox/support' });
		const chatId = String(jsonOf(first)[0]?.['chat_id']);
		const run = await agentMessage(sandbox(), { parameters: { operation: 'getChat', chatId } });
		const [chat] = sandbox().chats();
		const [pending] = jsonOf(first)[0]?.['pending'] as object[];
		expect(jsonOf(run)).toMatchObject([
			{
				chat_id: chatId,
				status: 'input_required',
				text: expect.stringMatching(
					/^I would refund that\.\n\nWaits for approval of: refund/,
				) as string,
				messages: [
					{ id: chat?.messages[0]?.id, role: 'user', status: 'ready', text: 'hello' },
					{ role: 'assistant', tool_invocations: [{ tool: 'refund' }] },
				],
				pending: [pending],
			},
		]);
	});

	it.each([
		['newest first', false],
		['oldest first', true],
	])('is read to its beginning, %s', async (_what, messagesOldestFirst) => {
		sandbox().configure({ messagesOldestFirst, agentStartMs: 0 });
		const conversationKey = `long ${String(messagesOldestFirst)}`;
		const messages = Array.from({ length: 60 }, (_, n) => `${n} (0 ms)`);
		const agent = 'sandbox/researcher';
		const first = await agentMessage(sandbox(), {
			agent,
			items: saying(...messages),
			conversationKey,
		});
		const chatId = String(jsonOf(first)[0]?.['chat_id']);
		expect(jsonOf(first).at(-1)?.['text']).toBe('Found: 59 (0 ms)');
		const run = await agentMessage(sandbox(), { parameters: { operation: 'getChat', chatId } });
		const read = jsonOf(run)[0]?.['messages'] as Array<{ role: string; text: string }>;
		expect(read).toHaveLength(180);
		expect(read.filter(({ role }) => role === 'user').map(({ text }) => text)).toEqual(messages);
	});

	it('is stopped', async () => {
		const stopping = agentMessage(sandbox(), {
			agent: 'sandbox/slow',
			onError: 'continueRegularOutput',
		});
		await until(() => sandbox().chats()[0]?.state === 'working');
		const chatId = String(sandbox().chats()[0]?.id);
		const run = await agentMessage(sandbox(), { parameters: { operation: 'stop', chatId } });
		expect(jsonOf(run)).toEqual([{ chat_id: chatId, status: 'stopped' }]);
		expect(jsonOf(await stopping)).toMatchObject([
			{ details: { code: 'task_cancelled', id: chatId } },
		]);
		const again = await agentMessage(sandbox(), { parameters: { operation: 'stop', chatId } });
		expect(jsonOf(again)).toEqual([{ chat_id: chatId, status: 'not_running' }]);
	});
});
