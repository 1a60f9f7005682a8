/** What n8n shows of a node before it is opened: on the canvas, and to agents and builders. */
import {
	NodeHelpers,
	nodeNameToToolName,
	Workflow,
	type INode,
	type INodeParameters,
	type INodeType,
	type INodeTypes,
} from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { AgentMessage } from '../../nodes/AgentMessage/AgentMessage.node.ts';
import { Batch } from '../../nodes/Batch/Batch.node.ts';
import { InferenceSh } from '../../nodes/InferenceSh/InferenceSh.node.ts';
import { InferenceShTrigger } from '../../nodes/InferenceShTrigger/InferenceShTrigger.node.ts';
import { RunApp } from '../../nodes/RunApp/RunApp.node.ts';
import { StreamTask } from '../../nodes/StreamTask/StreamTask.node.ts';
import { appRef } from '../engine/support.mts';

const NODES = [
	new RunApp(),
	new Batch(),
	new StreamTask(),
	new AgentMessage(),
	new InferenceSh(),
	new InferenceShTrigger(),
].map((node) => ({
	name: node.description.displayName,
	node,
}));

function nodeWith(type: string, parameters: INodeParameters): INode {
	return { id: 'n', name: 'Node', type, typeVersion: 1, position: [0, 0], parameters };
}

/** The line below a node on the canvas, as n8n's editor works it out. */
async function subtitleOf(type: INodeType, parameters: INodeParameters): Promise<unknown> {
	const nodeTypes: INodeTypes = {
		getByName: () => type,
		getByNameAndVersion: () => type,
		getKnownTypes: () => ({}),
	};
	const node = nodeWith('test.node', parameters);
	const workflow = new Workflow({ nodes: [node], connections: {}, active: false, nodeTypes });
	// Not in every n8n.
	await workflow.expression.acquireIsolate?.();
	try {
		const resolved = workflow.getNode('Node');
		return workflow.expression.getSimpleParameterValue(
			resolved ?? node,
			type.description.subtitle,
			'internal',
			{},
		);
	} finally {
		await workflow.expression.releaseIsolate?.();
	}
}

describe.each(NODES)('$name', ({ node: { description } }) => {
	it('has a short name on the canvas, which the steps of a tool survive', () => {
		const { name = '' } = description.defaults;
		// The workspace itself and the trigger are called like the service.
		expect(description.displayName).toBe(
			name.startsWith('Inference')
				? name.replace('Inference', 'Inference.sh')
				: `Inference.sh ${name}`,
		);
		// The editor writes underscores for blanks and nothing else; the tool is called by the other.
		expect(nodeNameToToolName(name)).toBe(name.replaceAll(' ', '_'));
	});

	it('says what it is in a sentence, and more to builders', () => {
		expect(description.description).toMatch(/^[A-Z].*\binference\.sh\b.*[^.]$/);
		expect(description.builderHint?.searchHint).toMatch(/^[A-Z].*\binference\.sh\b.*\.$/);
	});
});

describe('as a tool', () => {
	/** What a model reads, as n8n works it out. */
	function told(type: INodeType, parameters: INodeParameters): string {
		const description = { ...type.description, name: `${type.description.name}Tool` };
		const node = nodeWith('test.nodeTool', parameters);
		const filled = NodeHelpers.getNodeParameters(
			description.properties,
			parameters,
			true,
			false,
			node,
			description,
		);
		return NodeHelpers.getToolDescriptionForNode(
			{ ...node, parameters: filled ?? {} },
			{ ...type, description },
		);
	}

	it('Batch is none', () => {
		expect(new Batch().description.usableAsTool).toBeUndefined();
	});

	it.each([
		['Run App', new RunApp(), {}, /^Runs an AI app .* returns its result/],
		['Stream Task', new StreamTask(), {}, /^Runs an AI app .* returns its result/],
		['Agent Message', new AgentMessage(), {}, /^Sends a message to an AI agent .* its answer/],
		['Get Chat', new AgentMessage(), { operation: 'getChat' }, /^Reads a chat/],
		['Respond', new AgentMessage(), { operation: 'respond' }, /^Approves, rejects or answers/],
		['Stop', new AgentMessage(), { operation: 'stop' }, /^Stops what an AI agent/],
	])('%s tells the model what it does', (_, type, parameters, text) => {
		expect(type.description.usableAsTool).toBe(true);
		expect(told(type, parameters)).toMatch(text);
	});

	it('says what somebody has written instead, also in a workflow of 0.1.0', () => {
		const text = 'Makes pictures of cats';
		expect(told(new RunApp(), { toolDescription: text })).toBe(text);
		const manual = { descriptionType: 'manual', toolDescription: text };
		expect(told(new AgentMessage(), manual)).toBe(text);
		expect(told(new AgentMessage(), { descriptionType: 'auto' })).toMatch(/^Sends a message/);
	});

	it('shows that text only there', () => {
		const { description } = new RunApp();
		const parameters = NodeHelpers.getNodeParameters(
			description.properties,
			{},
			true,
			false,
			nodeWith('test.node', {}),
			description,
		);
		expect(parameters).not.toHaveProperty('toolDescription');
	});
});

describe('an operation', () => {
	const { properties } = new AgentMessage().description;
	const operations = properties.find(({ name }) => name === 'operation')?.options ?? [];
	it.each(operations.map((each) => [each.name, Reflect.get(each, 'action') as string]))(
		'%s names its object, and its action has no article',
		(name, action) => {
			expect(name).toMatch(/^\w+( to)? (Chat|Call|Message)$/);
			expect(action).toBe(name.charAt(0) + name.slice(1).toLowerCase());
		},
	);
});

describe('a field that belongs to one operation', () => {
	const { description } = new AgentMessage();
	/** Names of the fields that the panel shows. */
	const shown = (parameters: INodeParameters, typeVersion: number): string[] =>
		description.properties
			.filter((property) =>
				NodeHelpers.displayParameter(parameters, property, { typeVersion }, description),
			)
			.map(({ name }) => name);

	it.each(['getChat', 'stop'])(
		'is not shown in another one, whatever expressions it has left behind: %s',
		(operation) => {
			const left = {
				agentSource: 'saved',
				conversation: '={{ "key" }}',
				decision: '={{ "reject" }}',
			};
			expect(shown({ operation, ...left }, 2)).toEqual(
				shown({ operation, agentSource: 'saved' }, 2),
			);
		},
	);

	it('is there once, in nodes of either version', () => {
		const chat = { agentSource: 'saved', conversation: 'chat' };
		for (const operation of ['send', 'respond', 'getChat', 'stop']) {
			for (const version of [1, 2]) {
				const names = shown({ operation, ...chat }, version);
				expect(names.filter((name) => name === 'chatId')).toEqual(['chatId']);
			}
		}
	});
});

describe('below the node on the canvas stands', () => {
	const app = appRef('infsh/flux');
	it.each<[string, INodeType, INodeParameters, string]>([
		['the app', new RunApp(), { app }, 'infsh/flux'],
		['nothing without one', new RunApp(), {}, ''],
		['the app', new Batch(), { app }, 'infsh/flux'],
		['the app', new StreamTask(), { app }, 'infsh/flux'],
		['that the task exists', new StreamTask(), { source: 'existing' }, 'existing task'],
		['the agent', new AgentMessage(), { agent: appRef('my/agent') }, 'my/agent'],
		[
			'the app an agent thinks with',
			new AgentMessage(),
			{ agentSource: 'adHoc', coreApp: app },
			'infsh/flux',
		],
		['what it does without an agent', new AgentMessage(), {}, 'send message'],
		[
			'an approval',
			new AgentMessage(),
			{ operation: 'respond', decision: 'approve' },
			'approve call',
		],
		['a refusal', new AgentMessage(), { operation: 'respond', decision: 'reject' }, 'reject call'],
		['an answer', new AgentMessage(), { operation: 'respond', decision: 'answer' }, 'answer call'],
		[
			'an answer that is worked out later',
			new AgentMessage(),
			{ operation: 'respond', decision: '={{ $json.decision }}' },
			'respond to call',
		],
		['a look', new AgentMessage(), { operation: 'getChat', chatId: 'c1' }, 'get chat'],
		['a stop', new AgentMessage(), { operation: 'stop', chatId: 'c1' }, 'stop chat'],
	])('%s', async (_, type, parameters, text) => {
		expect(await subtitleOf(type, parameters)).toBe(text);
	});
});
