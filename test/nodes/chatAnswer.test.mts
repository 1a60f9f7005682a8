/** What n8n's chat gets of the last node, and what a hint says if that would be no words. */
import type { INode, INodeParameters, INodeType } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { AgentMessage } from '../../nodes/AgentMessage/AgentMessage.node.ts';
import { RunApp } from '../../nodes/RunApp/RunApp.node.ts';
import { StreamTask } from '../../nodes/StreamTask/StreamTask.node.ts';
import { CORE_NODES } from '../engine/coreNodes.mts';
import { NODE_NAME, runWorkflow, type EngineRun } from '../engine/engine.mts';
import { appRef, credentialsOf, QUICK, useSandbox } from '../engine/support.mts';
import type { SandboxApp } from '../sandbox/index.mts';

const CHAT = '@n8n/n8n-nodes-langchain.chatTrigger';
const TRIGGER = 'Say {{it}}';

/** Answers with what it is told to. */
const SAY: SandboxApp = {
	namespace: 'sandbox',
	name: 'say',
	title: 'Say',
	description: 'Answers with what it is told to.',
	category: 'other',
	functions: {
		run: { input: { type: 'object', properties: {} }, output: { type: 'object', properties: {} } },
	},
	run: (job) => job.finish(job.input['output']),
};
const sandbox = useSandbox({ apps: [SAY] });

interface ChatOptions {
	readonly node?: INodeType;
	/** The app's output. */
	readonly said?: unknown;
	readonly form?: string;
	readonly parameters?: INodeParameters;
	readonly options?: INodeParameters;
	readonly streaming?: boolean;
	/** Whether nothing comes after the node. */
	readonly last?: boolean;
	readonly version?: number;
}

/** Runs a node behind a Chat Trigger in which somebody has said something. */
async function fromChat(chat: ChatOptions): Promise<EngineRun> {
	const { node = new RunApp(), form = 'task', last = true, version = 2 } = chat;
	const given = chat.said ?? { response: 'Hi' };
	const base = { typeVersion: 1, position: [0, 0], parameters: {} } satisfies Partial<INode>;
	const nodes: INode[] = [
		{ ...base, id: 'c', name: TRIGGER, type: CHAT, typeVersion: 1.4 },
		{
			...base,
			id: 'n',
			name: NODE_NAME,
			type: 'our.node',
			typeVersion: version,
			parameters: {
				app: appRef('sandbox/say'),
				inputMode: 'json',
				jsonInput: JSON.stringify({ output: given }),
				output: form,
				...chat.parameters,
				options: { ...QUICK, ...chat.options },
			},
			credentials: { inferenceShApi: { id: '1', name: 'Test' } },
		},
		{ ...base, id: 'e', name: 'End', type: 'n8n-nodes-base.noOp' },
	];
	const to = (name: string) => ({ main: [[{ node: name, type: 'main' as const, index: 0 }]] });
	return await runWorkflow({
		nodes,
		connections: { [TRIGGER]: to(NODE_NAME), ...(last ? {} : { [NODE_NAME]: to('End') }) },
		nodeTypes: { ...CORE_NODES, 'our.node': node },
		credentials: credentialsOf(sandbox()),
		streaming: chat.streaming ?? false,
		startItems: [{ json: { chatInput: 'Hello', sessionId: 's' } }],
	});
}

const agent = (name: string): ChatOptions => ({
	node: new AgentMessage(),
	parameters: {
		agent: { __rl: true, mode: 'ref', value: `sandbox/${name}` },
		message: '={{ $json.chatInput }}',
	},
});
const stream = { streaming: true } as const;
const off = { options: { streamAs: 'off' } } as const;
const hints = (run: EngineRun) => run.hints(NODE_NAME).map(({ message }) => message);
const streamed = ({ chunks }: EngineRun) =>
	chunks.map(({ type, content }) => (type === 'item' ? content : `<${type}>`));

describe('a hint says what shows the answer', () => {
	it.each<[string, ChatOptions, string]>([
		['Run App, the task', {}, 'Only the Text'],
		['Run App, the result', { form: 'result' }, 'Only the Text'],
		['Stream Task, the task', { node: new StreamTask() }, 'Only the Text'],
		['no words', { said: { n: 1 }, form: 'result' }, 'Edit Fields'],
		['an empty answer', { said: { response: '' }, form: 'text' }, 'Edit Fields'],
		['no words for a stream', { said: { n: 1 }, ...stream }, 'When Last Node Finishes'],
		['Stream Task, Stream As Off', { node: new StreamTask(), ...stream, ...off }, 'Stream As'],
		['an agent without a word', agent('silent'), 'Edit Fields'],
		['an agent with an object', agent('extractor'), 'Edit Fields'],
		['an agent, no words for a stream', { ...agent('silent'), ...stream }, 'When Last Node'],
		['an agent, Stream As Off', { ...agent('assistant'), ...stream, ...off }, 'Stream As'],
	])('%s', async (_, chat, setting) => {
		const run = await fromChat(chat);
		expect(run.error).toBeUndefined();
		expect(hints(run)).toEqual([expect.stringContaining(setting)]);
		expect(hints(run)[0]?.length).toBeLessThan(240);
	});
});

describe('nothing has to be said', () => {
	it.each<[string, ChatOptions]>([
		['the text', { form: 'text' }],
		['a result that is text', { said: 'Hi', form: 'result' }],
		['streamed text', { node: new StreamTask(), ...stream }],
		[
			'streamed updates, as wanted',
			{ node: new StreamTask(), ...stream, options: { streamAs: 'json' } },
		],
		['another node is last', { last: false }],
		['another node is last, for a stream', { last: false, ...stream }],
		['version 1', { version: 1 }],
		['version 1, for a stream', { version: 1, ...stream }],
		['an agent', agent('assistant')],
		['an agent that streams', { ...agent('assistant'), ...stream }],
	])('%s', async (_, chat) => {
		expect(hints(await fromChat(chat))).toEqual([]);
	});
});

describe('a chat that streams', () => {
	it.each(['task', 'result', 'text'])('gets the words of Run App: %s', async (form) => {
		const run = await fromChat({ form, ...stream });
		expect(streamed(run)).toEqual(['<begin>', 'Hi', '<end>']);
		expect(hints(run)).toEqual([]);
	});

	it('gets nothing of Run App if another node answers it, or if there is nothing to read', async () => {
		for (const chat of [{ last: false }, { version: 1 }, { said: { n: 1 } }]) {
			expect(streamed(await fromChat({ ...chat, ...stream }))).toEqual([]);
		}
	});

	it.each([
		[{ text: 'Hi', images: [] }],
		[{ response: null, answer: 'Hi' }],
		[{ caption: 'Hi', usage: {} }],
		['Hi'],
	])('gets the words of Stream Task, whatever the app calls them: %j', async (said) => {
		const run = await fromChat({ node: new StreamTask(), said, ...stream });
		expect(streamed(run)).toEqual(['<begin>', 'Hi', '<end>']);
		expect(hints(run)).toEqual([]);
	});

	it('gets the words of Stream Task once', async () => {
		const run = await fromChat({ node: new StreamTask(), ...stream });
		expect(streamed(run)).toEqual(['<begin>', 'Hi', '<end>']);
	});
});
