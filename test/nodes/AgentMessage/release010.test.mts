/** Workflows that were saved with release 0.1.0: its examples with agents, as they were. */
import { readFileSync } from 'node:fs';
import type {
	IConnections,
	IDataObject,
	IExecuteFunctions,
	INode,
	INodeExecutionData,
	INodeType,
} from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { AgentMessage } from '../../../nodes/AgentMessage/AgentMessage.node.ts';
import { PASSTHROUGH, runWorkflow, type EngineRun } from '../../engine/engine.mts';
import { credentialsOf, jsonOf, useSandbox } from '../../engine/support.mts';
import { agentMessage, saying, type AgentOptions } from './support.mts';

const sandbox = useSandbox();

interface SavedWorkflow {
	nodes: INode[];
	connections: IConnections;
}

function saved(name: string): SavedWorkflow {
	const file = new URL(`../../released/0.1.0/${name}`, import.meta.url);
	return JSON.parse(readFileSync(file, 'utf8')) as SavedWorkflow;
}

/** What a node gives for one of its items, and at which output. */
type Work = (context: IExecuteFunctions, index: number) => [output: number, ...json: IDataObject[]];

/** Does what the examples need of one of n8n's own nodes, which are not part of the engine. */
function standIn(parameters: string[], outputs: number, work: Work): INodeType {
	return {
		description: {
			displayName: 'Stand-In',
			name: 'standIn',
			group: ['transform'],
			version: 1,
			description: 'Stands in for another node',
			defaults: { name: 'Stand-In' },
			inputs: ['main'],
			outputs: Array.from({ length: outputs }, () => 'main' as const),
			properties: parameters.map((name) => ({
				displayName: name,
				name,
				type: 'json',
				default: '',
			})),
		},
		async execute() {
			const result = Array.from({ length: outputs }, (): INodeExecutionData[] => []);
			for (const index of this.getInputData().keys()) {
				const [output, ...all] = work(this, index);
				for (const json of all) result[output]?.push({ json, pairedItem: { item: index } });
			}
			return await Promise.resolve(result);
		},
	};
}

const set = standIn(['mode', 'jsonOutput', 'assignments'], 1, (context, index) => {
	if (context.getNodeParameter('mode', index, '') === 'raw') {
		const raw = context.getNodeParameter('jsonOutput', index) as string | IDataObject;
		return [0, typeof raw === 'string' ? (JSON.parse(raw) as IDataObject) : raw];
	}
	const { assignments } = context.getNodeParameter('assignments', index) as {
		assignments: Array<{ name: string; value: IDataObject }>;
	};
	return [0, Object.fromEntries(assignments.map(({ name, value }) => [name, value]))];
});

const mails = standIn([], 1, (context, index) => {
	const { mails } = context.getInputData()[index]?.json as { mails: string[] };
	return [0, ...mails.map((mail) => ({ mail }))];
});

const condition = standIn(['conditions'], 2, (context, index) => {
	const { conditions } = context.getNodeParameter('conditions', index) as {
		conditions: Array<{ leftValue: unknown; rightValue: unknown }>;
	};
	const holds = conditions.every(({ leftValue, rightValue }) => leftValue === rightValue);
	return [holds ? 0 : 1, context.getInputData()[index]?.json ?? {}];
});

/** Runs an example from its trigger on. */
async function run(name: string, trigger: IDataObject, form: IDataObject = {}): Promise<EngineRun> {
	const { nodes, connections } = saved(name);
	const triggers = nodes.filter(({ type }) => type.endsWith('Trigger'));
	const others = nodes.filter(({ type }) => !/Trigger$|stickyNote$/.test(type));
	return await runWorkflow({
		// It stands in for the trigger of the example.
		nodes: [...triggers.map((node) => ({ ...node, type: PASSTHROUGH })), ...others],
		connections,
		credentials: credentialsOf(sandbox()),
		startItems: [{ json: trigger }],
		nodeTypes: {
			'n8n-nodes-inferencesh.agentMessage': new AgentMessage(),
			'n8n-nodes-base.set': set,
			'n8n-nodes-base.splitOut': mails,
			'n8n-nodes-base.if': condition,
			'n8n-nodes-base.wait': standIn([], 1, () => [0, form]),
		},
	});
}

const outputOf = (run: EngineRun, node: string) => run.output(node).map(({ json }) => json);

describe('an example of release 0.1.0', () => {
	it('agent-chat remembers the chat of a session', async () => {
		const say = async (sessionId: string, chatInput: string) =>
			await run('agent-chat.json', { action: 'sendMessage', sessionId, chatInput });
		await say('ann', 'My name is Ann');
		expect(outputOf(await say('bob', 'And I?'), 'Agent Message')).toMatchObject([
			{ text: expect.not.stringContaining('Ann') as string },
		]);
		expect(outputOf(await say('ann', 'Who am I?'), 'Agent Message')).toMatchObject([
			{ status: 'completed', text: expect.stringContaining('"My name is Ann"') as string },
		]);
		expect(sandbox().chats()).toHaveLength(2);
	});

	it('agent-extract gives objects', async () => {
		const rows = outputOf(await run('agent-extract.json', {}), 'Rows');
		expect(rows).toMatchObject([
			{ quantity: 12, mail: expect.stringContaining('Ann') as string },
			{ quantity: 2, mail: expect.stringContaining('Bob') as string },
			{ quantity: 40, mail: expect.stringContaining('Cleo') as string },
		]);
	});

	it.each([
		['approve', 'Done.', true],
		['reject', 'Not done: Too late.', false],
	])('agent-approval asks, and goes on with: %s', async (Decision, reply, refunded) => {
		const done = await run('agent-approval.json', {}, { Decision, Reason: 'Too late' });
		expect(done.error).toBeUndefined();
		expect(outputOf(done, 'Ask the agent')).toMatchObject([
			{ status: 'input_required', text: '', pending: [{ tool: 'refund' }] },
		]);
		expect(outputOf(done, 'Reply')).toEqual([{ reply, refunded, chat: sandbox().chats()[0]?.id }]);
	});
});

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
