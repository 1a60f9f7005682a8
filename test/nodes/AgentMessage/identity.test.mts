/** Whose answer is it? Messages that are nearly equal, and sendings whose answers get lost. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type * as NodeModule from '../../../nodes/AgentMessage/AgentMessage.node.ts';
import { host } from '../../engine/host.mts';
import { jsonOf, useSandbox } from '../../engine/support.mts';
import { until } from '../../until.mts';
import { adHoc, agentMessage, saying, sent, type AgentOptions } from './support.mts';

vi.mock('../../../nodes/client/transport/undiciTransport.ts', async (original) => {
	const { ofHost } = await import('../../engine/host.mts');
	return await ofHost(async () => await original());
});

const sandbox = useSandbox();
const SEND = 'POST /agents/run';

/** The node in another n8n process, which shares no memory with this one. */
async function elsewhere(): Promise<Pick<AgentOptions, 'node'>> {
	vi.resetModules();
	const path = '../../../nodes/AgentMessage/AgentMessage.node.ts';
	const { AgentMessage } = (await import(path)) as typeof NodeModule;
	return { node: new AgentMessage() };
}

/** What was sent in the chat that an item has got its answer from. */
function inputOf(chatId: unknown): Readonly<Record<string, unknown>> {
	const chat = sandbox()
		.chats()
		.find(({ id }) => id === chatId);
	return chat?.messages.find(({ role }) => role === 'user')?.input ?? {};
}

describe.each([
	['undici', true],
	["n8n's HTTP helper", false],
])('over %s', (transport, undici) => {
	beforeEach(() => {
		host.undici = undici;
	});

	it('one question about six pictures: each item has the answer about its own', async () => {
		const pictures = ['car', 'boat', 'tree', 'dog', 'cup', 'sun'].map(
			(name) => `https://pictures.example/${name}.png`,
		);
		sandbox().fault({ on: SEND, kind: 'status', status: 502 });
		sandbox().fault({ on: SEND, kind: 'delay', ms: 100, when: 'after', skip: 1, times: 99 });
		const run = await agentMessage(sandbox(), {
			items: pictures.map((url) => ({ message: 'Describe this image', url })),
			parameters: {
				concurrency: 6,
				attachments: { values: [{ source: 'url', url: '={{ $json.url }}' }] },
			},
		});
		expect(jsonOf(run).map((json) => inputOf(json['chat_id'])['attachments'])).toEqual(
			pictures.map((uri) => [expect.objectContaining({ uri }) as object]),
		);
		expect(new Set(jsonOf(run).map((json) => json['chat_id'])).size).toBe(6);
	});

	it('two agents that are defined in the node, one text: none has the answer of the other', async () => {
		sandbox().fault({ on: SEND, kind: 'status', status: 502 });
		sandbox().fault({ on: SEND, kind: 'delay', ms: 100, when: 'after', skip: 1, times: 9 });
		const run = await agentMessage(sandbox(), {
			items: [
				{ message: 'hi', prompt: 'You are big' },
				{ message: 'hi', prompt: 'You are small' },
			],
			parameters: adHoc({ systemPrompt: '={{ $json.prompt }}' }),
			onError: 'continueRegularOutput',
		});
		for (const [index, json] of jsonOf(run).entries()) {
			const own = `[${['You are big', 'You are small'][index] ?? ''}] You said "hi".`;
			if (json['error'] === undefined) expect(json['text']).toBe(own);
			else expect(json).toMatchObject({ details: { code: 'submission_unknown' } });
		}
		expect(sent(sandbox())).toBeLessThanOrEqual(3);
	});

	it('two callers in two processes, one text: the chat of the other is not taken', async () => {
		const other = await elsewhere();
		// A node of its own: conversations are remembered.
		const common = { items: saying('hi'), nodeFields: { id: `identity over ${transport}` } };
		sandbox().fault({ on: SEND, kind: 'delay', ms: 200, when: 'after' });
		const first = agentMessage(sandbox(), {
			...common,
			...other,
			conversationKey: 'caller-2',
		});
		await until(() =>
			sandbox()
				.chats()
				.some(({ messages }) => messages.length > 0),
		);
		sandbox().fault({ on: SEND, kind: 'status', status: 502 });
		const second = await agentMessage(sandbox(), {
			...common,
			conversationKey: 'caller-1',
		});
		const chats = [jsonOf(await first)[0]?.['chat_id'], jsonOf(second)[0]?.['chat_id']];
		expect(new Set(chats).size).toBe(2);
		expect(jsonOf(second)).toMatchObject([{ text: 'You said "hi".' }]);
	});

	it('an answer that is lost is found in the chat that was created for its message', async () => {
		sandbox().fault({ on: SEND, kind: 'statusAfter', status: 502 });
		const run = await agentMessage(sandbox(), { items: saying('hi') });
		expect(jsonOf(run)).toMatchObject([{ text: 'You said "hi".', run: { attempts: 1 } }]);
		expect([sandbox().chats().length, sent(sandbox())]).toEqual([1, 1]);
	});
});
