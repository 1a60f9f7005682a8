/** Nodes of version 1, which workflows saved with release 0.1.0 have, with what is theirs alone. */
import { describe, expect, it } from 'vitest';
import { jsonOf, useSandbox } from '../../engine/support.mts';
import { agentMessage, saying, type AgentOptions } from './support.mts';

const sandbox = useSandbox();

describe('a node of release 0.1.0', () => {
	const first = { nodeFields: { typeVersion: 1 } };
	const send = async (options: AgentOptions) =>
		jsonOf(await agentMessage(sandbox(), { ...first, ...options }));

	it('sends to the chat whose id it has, and to a new one if it has none', async () => {
		const parameters = { chatId: '={{ $json.chat_id }}' };
		const [begun] = await send({ items: saying('one'), parameters });
		const items = [{ message: 'two', chat_id: begun?.['chat_id'] as string }];
		expect(await send({ items, parameters })).toMatchObject([
			{ chat_id: begun?.['chat_id'], text: 'You said "two". Before that: "one".' },
		]);
		expect(sandbox().chats()).toHaveLength(1);
	});

	it('may have a key in its options, but not besides a chat', async () => {
		const options = { conversationKey: 'ann' };
		await send({ items: saying('one'), options });
		expect(await send({ items: saying('two'), options })).toMatchObject([
			{ text: 'You said "two". Before that: "one".' },
		]);
		const run = await agentMessage(sandbox(), { ...first, options, parameters: { chatId: 'c' } });
		expect(run.error?.message).toContain('only one of them can tell the chat');
	});
});
