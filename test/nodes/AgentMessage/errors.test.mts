import type { INodeParameters } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { adHoc, agentMessage, saying, sent, type AgentOptions } from './support.mts';
import { jsonOf, useSandbox } from '../../engine/support.mts';

const sandbox = useSandbox();

/** The failed item of a run of two, of which the first succeeds. */
async function failure(options: AgentOptions): Promise<{ error: string; details: object }> {
	const run = await agentMessage(sandbox(), { onError: 'continueRegularOutput', ...options });
	const [item] = jsonOf(run);
	return { error: String(item?.['error']), details: item?.['details'] as object };
}

const always = (value: string) => `={{ ${JSON.stringify(value)} }}`;

describe('a message that cannot be sent names parameter and item', () => {
	it.each<[string, AgentOptions, string]>([
		['empty', { items: saying('') }, 'Parameter "Message" is empty [item 0]'],
		['blank', { items: saying('  \n') }, 'Parameter "Message" is empty [item 0]'],
		['missing', { items: [{}] }, 'Parameter "Message" is empty [item 0]'],
		[
			'an object',
			{ items: [{ message: { a: 1 } }] },
			'Parameter "Message" must be text, but is {"a":1} [item 0]',
		],
		['without an agent', { agent: always('') }, 'Parameter "Agent" is empty [item 0]'],
		[
			'to something that is no agent',
			{ agent: always('not an agent') },
			'Parameter "Agent" must be a reference like namespace/name[@version], but is "not an agent" [item 0]',
		],
		[
			'to an app',
			{ agent: always('a/b:run') },
			'Parameter "Agent" must be a reference like namespace/name[@version], but is "a/b:run" [item 0]',
		],
		[
			'to a chat whose id is missing',
			{ chatId: '={{ $json.nothing }}' },
			'Parameter "Chat ID" is empty [item 0]',
		],
		[
			'to a conversation whose key is missing',
			{ conversationKey: '={{ $json.nothing }}' },
			'Parameter "Conversation Key" is empty [item 0]',
		],
		[
			'to a conversation of no known kind',
			{ parameters: { conversation: 'last' } },
			'Parameter "Conversation" must be one of new, key, chat, but is "last" [item 0]',
		],
		[
			'with a schema for a saved agent',
			{ options: { outputSchema: '{"type": "object"}' } },
			'Parameter "Output: Schema" works only with an agent that is defined here: a saved agent has its own [item 0]',
		],
		[
			'with a schema that is no JSON',
			{ parameters: adHoc(), options: { outputSchema: '{"type": object}' } },
			'line 1 column 10',
		],
		[
			'with context that is none',
			{ options: { context: '[1]' } },
			'Parameter "Chat: Context" must be a JSON object, but is [1] [item 0]',
		],
	])('%s', async (_what, options, message) => {
		const { error, details } = await failure(options);
		expect(error).toContain(message);
		expect(details).toMatchObject({ code: 'invalid_parameter', item_index: 0 });
		expect(sent(sandbox())).toBe(0);
	});

	it('of several, and the others are answered', async () => {
		const run = await agentMessage(sandbox(), {
			items: saying('one', '', 'three'),
			onError: 'continueErrorOutput',
		});
		expect(jsonOf(run).map(({ text }) => text)).toEqual(['You said "one".', 'You said "three".']);
		expect(jsonOf(run, 1)).toMatchObject([
			{ error: 'Parameter "Message" is empty [item 1]', details: { item_index: 1 } },
		]);
	});

	it('and stops a node that is not set to continue', async () => {
		const run = await agentMessage(sandbox(), { items: saying('one', '') });
		expect(run.error?.message).toBe('Parameter "Message" is empty [item 1]');
		expect(run.error).toMatchObject({ context: { itemIndex: 1 } });
	});
});

describe('the config of an agent names the place of what is wrong', () => {
	const tool = { name: 'refund', description: '', type: 'http', http: { url: 'https://x.test' } };

	it.each<[string, unknown, string]>([
		[
			'text',
			'{"tools": [}',
			'(Unexpected token \'}\', "{"tools": [}" is not valid JSON, line 1 column 12)',
		],
		['a longer text', '{\n  "name": "a",\n  "tools": [{]\n}', 'line 3 column 14'],
		['a list', [1], 'must be a JSON object, but is [1]'],
		['tools that are no list', { tools: {} }, 'at tools must be a list, but is {}'],
		[
			'a tool that is no object',
			{ tools: [tool, 'x'] },
			'at tools[1] must be an object, but is "x"',
		],
		[
			'a tool without a name',
			{ tools: [{ type: 'app' }] },
			'at tools[0].name must be text, but is nothing',
		],
		['tools of one name', { tools: [tool, tool] }, 'at tools[1].name is there twice: "refund"'],
		[
			'a tool of an unknown type',
			{ tools: [{ ...tool, type: 'magic' }] },
			'at tools[0].type must be one of app, agent, hook, http, call, mcp, client, internal, but is "magic"',
		],
		[
			'a tool without its own part',
			{ tools: [{ ...tool, http: undefined }] },
			'at tools[0].http.url must be text',
		],
		[
			'an app tool without a ref',
			{ tools: [{ ...tool, type: 'app', app: { ref: 7 } }] },
			'at tools[0].app.ref must be text, but is 7',
		],
		['a core app that is none', { core_app: 'x' }, 'at core_app must be an object, but is "x"'],
		[
			'another core app',
			{ core_app: { ref: 'a/b' } },
			'at core_app.ref names another app than "Core App": "a/b"',
		],
		[
			'a saved agent',
			{ agent: 'a/b' },
			'has the key "agent" of a saved agent, but an agent is either saved or defined here',
		],
		['the id of one', { agent_id: 'x' }, 'has the key "agent_id" of a saved agent'],
	])('%s', async (_what, config, message) => {
		const agentConfig = typeof config === 'string' ? config : JSON.stringify(config);
		const { error } = await failure({ parameters: adHoc({ agentConfig }) });
		expect(error).toContain('Parameter "Agent Config (JSON)"');
		expect(error).toContain(message);
		expect(error).toContain('[item 0]');
		expect(sent(sandbox())).toBe(0);
	});

	it('internal tools that are none', async () => {
		const { error } = await failure({
			parameters: adHoc({ agentConfig: '{"internal_tools": ["plan"]}' }),
			options: { outputSchema: '{"type": "object"}' },
		});
		expect(error).toContain('at internal_tools must be an object, but is ["plan"]');
	});

	it('no core app', async () => {
		const coreApp = { __rl: true, mode: 'ref', value: always('') };
		const { error } = await failure({ parameters: adHoc({ coreApp }) });
		expect(error).toBe('Parameter "Core App" is empty [item 0]');
	});
});

describe('attachments that cannot be had', () => {
	const attachments = (value: INodeParameters): INodeParameters => ({
		attachments: { values: [value] },
	});

	it('name the binary property and what there is', async () => {
		const { error, details } = await failure({
			items: [
				{ json: { message: 'look' }, binary: { photo: { data: '', mimeType: 'image/png' } } },
			],
			parameters: attachments({ source: 'binary', binaryProperty: 'image' }),
		});
		expect(error).toBe(
			'Parameter "Attachments" needs a file, but the item has no binary field "image" [item 0]',
		);
		expect(details).toMatchObject({ code: 'invalid_parameter' });
		expect(sent(sandbox())).toBe(0);
	});

	it.each<[string, INodeParameters, string]>([
		[
			'no property',
			{ source: 'binary', binaryProperty: '' },
			'Parameter "Input Data Field Name" is empty [item 0]',
		],
		['no URL', { source: 'url', url: '' }, 'Parameter "URL" is empty [item 0]'],
		[
			'something that is no URL',
			{ source: 'url', url: 'a.png' },
			'Parameter "URL" must be an http or https URL, but is "a.png" [item 0]',
		],
	])('name %s', async (_what, value, message) => {
		const { error } = await failure({ parameters: attachments(value) });
		expect(error).toBe(message);
	});
});

describe('what the service does not know', () => {
	it('is an agent', async () => {
		const { error, details } = await failure({ agent: 'sandbox/assistent' });
		expect(error).toMatch(/^There is no agent sandbox\/assistent, or this API key cannot see it/);
		expect(error).not.toMatch(/cannot see it.*cannot see it/);
		expect(details).toMatchObject({ code: 'not_found', http_status: 404, item_index: 0 });
		expect(JSON.stringify(details)).toContain('sandbox/assistant');
	});

	it.each([
		['send', 404, 'not_found'],
		['send', 403, 'permission'],
		['getChat', 404, 'not_found'],
		['getChat', 403, 'permission'],
		['respond', 404, 'not_found'],
		['stop', 403, 'permission'],
	] as const)('is a chat of another workspace (%s, %s)', async (operation, status, code) => {
		const chatId = sandbox().foreignChat(status);
		const { error, details } = await failure({
			chatId,
			parameters: { operation, ...(operation === 'respond' ? { callId: 'x' } : {}) },
		});
		expect(error).toBe(`There is no chat ${chatId}, or this API key cannot see it`);
		expect(details).toMatchObject({ code, http_status: status, id: chatId, item_index: 0 });
	});

	it.each(['send', 'getChat', 'respond', 'stop'])(
		'is a chat that never was (%s)',
		async (operation) => {
			const { error } = await failure({
				chatId: 'nowhere',
				parameters: {
					operation,
					...(operation === 'respond' ? { callId: 'x' } : {}),
				},
			});
			expect(error).toBe('There is no chat nowhere, or this API key cannot see it');
		},
	);
});

describe('an agent that comes to a bad end', () => {
	it.each([
		['failing', 'task_failed', 'failed', 'the agent failed: the model is overloaded'],
		['stumbling', 'task_failed', 'failed', 'the agent failed: the context is too long'],
		['strict', 'task_failed', 'failed', 'the agent rejected the message: not my business'],
	])('(%s) fails the item, naming the chat', async (name, code, status, message) => {
		const { error, details } = await failure({ agent: `sandbox/${name}` });
		const [chat] = sandbox().chats();
		expect(error).toBe(`Chat ${chat?.id}: ${message}`);
		expect(details).toMatchObject({ code, status, id: chat?.id, item_index: 0 });
	});

	it('keeps the conversation for the next message', async () => {
		const conversationKey = 'failing';
		await failure({ agent: 'sandbox/failing', conversationKey });
		await failure({ agent: 'sandbox/failing', conversationKey });
		expect(sandbox().chats()).toHaveLength(1);
	});
});

describe('settings of the whole run that cannot be used', () => {
	it.each<[string, INodeParameters, string]>([
		[
			'an operation',
			{ operation: 'sing' },
			'Parameter "Operation" must be one of send, respond, getChat, stop, but is "sing"',
		],
		[
			'a concurrency',
			{ concurrency: 0 },
			'Parameter "Concurrency" must be a whole number from 1 to 1000, but is 0',
		],
	])('are told: %s', async (_what, parameters, message) => {
		const { error } = await failure({ parameters });
		expect(error).toBe(message);
	});

	it.each<[string, string, string]>([
		[
			'onInterrupt',
			'panic',
			'Parameter "Chat: When the Agent Waits" must be one of return, approve, reject, error, but is "panic" [item 0]',
		],
		[
			'streamAs',
			'song',
			'Parameter "Output: Stream As" must be one of text, off, but is "song" [item 0]',
		],
	])('are told: %s', async (name, value, message) => {
		const { error } = await failure({ options: { [name]: value } });
		expect(error).toBe(message);
	});
});
