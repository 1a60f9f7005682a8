/** Whose conversation it is where Conversation Key has been left as it is in a new node. */
import type { IDataObject, INode, INodeType } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { AgentMessage } from '../../../nodes/AgentMessage/AgentMessage.node.ts';
import { PASSTHROUGH, runWorkflow } from '../../engine/engine.mts';
import { appRef, credentialsOf, QUICK, useSandbox } from '../../engine/support.mts';
import { talkOf } from './support.mts';

const sandbox = useSandbox();

const CHAT_TRIGGER = '@n8n/n8n-nodes-langchain.chatTrigger';

/** Hands items on, with what it makes of them. */
function passing(change: (json: IDataObject) => IDataObject): INodeType {
	return {
		description: {
			displayName: 'Passing',
			name: 'passing',
			group: ['transform'],
			version: 1,
			description: 'Hands items on',
			defaults: { name: 'Passing' },
			inputs: ['main'],
			outputs: ['main'],
			properties: [],
		},
		async execute() {
			const items = this.getInputData();
			return await Promise.resolve([
				items.map(({ json }, item) => ({ json: change(json), pairedItem: { item } })),
			]);
		},
	};
}

const NODE_TYPES = {
	agentMessage: new AgentMessage(),
	[CHAT_TRIGGER]: passing((json) => json),
	forgetful: passing(({ chatInput }) => ({ chatInput })),
};

/** Runs a trigger, a node and Agent Message as it is added, with By Key. Returns all chats. */
async function run(options: {
	/** Types of the triggers; the first one has begun the execution. */
	triggers: [string, ...string[]];
	items: IDataObject[];
	between: string;
}): Promise<string[][]> {
	const { triggers, items, between } = options;
	const nodes = [...triggers, between, 'agentMessage'].map((type, index): INode => {
		return {
			id: `session-${index}`,
			name: `Node ${index}`,
			type,
			typeVersion: 1,
			position: [0, 0],
			parameters: {},
		};
	});
	const [agent, before] = nodes.toReversed();
	if (agent === undefined || before === undefined) throw new Error('There are always two');
	agent.typeVersion = 2;
	agent.credentials = { inferenceShApi: { id: '1', name: 'Test' } };
	agent.parameters = {
		agent: appRef('sandbox/assistant'),
		message: '={{ $json.chatInput }}',
		conversation: 'key',
		options: QUICK,
	};
	const to = (name: string) => ({ main: [[{ node: name, type: 'main' as const, index: 0 }]] });
	const ran = await runWorkflow({
		nodes,
		connections: { 'Node 0': to(before.name), [before.name]: to(agent.name) },
		nodeTypes: NODE_TYPES,
		credentials: credentialsOf(sandbox()),
		startItems: items.map((json) => ({ json })),
	});
	expect(ran.error).toBeUndefined();
	return sandbox()
		.chats()
		.map((chat) => talkOf(chat).filter((line) => line.startsWith('user')));
}

describe('a conversation whose key is left as it is', () => {
	it.each([
		['with the item', PASSTHROUGH],
		['although the node in between drops it', 'forgetful'],
	])('is the session of the Chat Trigger, %s', async (_what, between) => {
		const say = async (sessionId: string, chatInput: string) =>
			await run({ triggers: [CHAT_TRIGGER], between, items: [{ sessionId, chatInput }] });
		await say(`ann ${between}`, 'one');
		await say(`bob ${between}`, 'eins');
		expect(await say(`ann ${between}`, 'two')).toEqual([
			['user: one', 'user: two'],
			['user: eins'],
		]);
	});

	it.each([
		['without a Chat Trigger', [PASSTHROUGH]],
		['that another trigger has begun', [PASSTHROUGH, CHAT_TRIGGER]],
	] as Array<[string, [string, ...string[]]]>)('is the execution, %s', async (_what, triggers) => {
		const items = [{ chatInput: 'one' }, { chatInput: 'two' }];
		const options = { triggers, items, between: PASSTHROUGH };
		await run(options);
		expect(await run(options)).toEqual([
			['user: one', 'user: two'],
			['user: one', 'user: two'],
		]);
	});
});
