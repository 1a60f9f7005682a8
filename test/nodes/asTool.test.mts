/** The nodes as tools of an AI agent, the way n8n runs those that it does not schedule itself. */
import type {
	IDataObject,
	IExecuteFunctions,
	INode,
	INodeExecutionData,
	INodeParameters,
	INodeType,
} from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { AgentMessage } from '../../nodes/AgentMessage/AgentMessage.node.ts';
import { RunApp } from '../../nodes/RunApp/RunApp.node.ts';
import { StreamTask } from '../../nodes/StreamTask/StreamTask.node.ts';
import { PASSTHROUGH, runWorkflow, type EngineRun } from '../engine/engine.mts';
import { appRef, credentialsOf, QUICK, useSandbox } from '../engine/support.mts';
import { until } from '../until.mts';

const sandbox = useSandbox();

interface Tool {
	invoke(args: IDataObject): Promise<string>;
}

/** What an agent does with a tool: calls it, and hears of its failures. */
class Caller implements INodeType {
	description: INodeType['description'] = {
		displayName: 'Caller',
		name: 'caller',
		group: ['transform'],
		version: 1,
		description: 'Calls a tool',
		defaults: { name: 'Caller' },
		properties: [],
		inputs: ['main', 'ai_tool'],
		outputs: ['main'],
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const [tool] = (await this.getInputConnectionData('ai_tool', 0)) as Tool[];
		if (!tool) throw new Error('There is no tool');
		const answers: INodeExecutionData[] = [];
		for (const { json } of this.getInputData()) {
			const answer = await tool.invoke(json).catch((error: unknown) => String(error));
			answers.push({ json: { answer }, pairedItem: { item: 0 } });
		}
		return [answers];
	}
}

interface CallOptions {
	node: INodeType;
	parameters: INodeParameters;
	/** What the model gives it, call by call. */
	calls: IDataObject[];
	fields?: Partial<INode>;
	cancelAfter?: Promise<unknown>;
}

async function call({ node, parameters, calls, fields, ...rest }: CallOptions): Promise<{
	answers: string[];
	run: EngineRun;
}> {
	// As n8n's own conversion does.
	const tool = Object.create(node, {
		description: {
			value: { ...node.description, name: `${node.description.name}Tool`, outputs: ['ai_tool'] },
		},
	}) as INodeType;
	const at = { typeVersion: 1, position: [0, 0] as [number, number], parameters: {} };
	const run = await runWorkflow({
		...rest,
		nodes: [
			{ ...at, id: 's', name: 'Start', type: PASSTHROUGH },
			{ ...at, id: 'c', name: 'Caller', type: 'test.caller' },
			{
				...at,
				id: 't',
				name: 'Tool',
				type: 'test.nodeTool',
				parameters,
				credentials: { inferenceShApi: { id: '1', name: 'Test' } },
				...fields,
			},
		],
		connections: {
			Start: { main: [[{ node: 'Caller', type: 'main', index: 0 }]] },
			Tool: { ai_tool: [[{ node: 'Caller', type: 'ai_tool', index: 0 }]] },
		},
		nodeTypes: { 'test.caller': new Caller(), 'test.nodeTool': tool },
		credentials: credentialsOf(sandbox()),
		startItems: calls.map((json) => ({ json })),
	});
	return { answers: run.output('Caller').map(({ json }) => String(json['answer'])), run };
}

const fromAi = (name: string) => `$fromAI('${name}', '', 'string')`;
const echo = (app = 'sandbox/echo'): INodeParameters => ({
	app: appRef(app),
	inputMode: 'json',
	jsonInput: `={{ ({ text: ${fromAi('text')} }) }}`,
	options: QUICK,
});

describe('as a tool of an AI agent', () => {
	it('Run App gives the agent the finished task', async () => {
		const calls = [{ text: 'one' }, { text: 'two' }];
		const { answers } = await call({ node: new RunApp(), parameters: echo(), calls });
		expect(answers.map((answer): unknown => JSON.parse(answer))).toMatchObject([
			[{ status: 'completed', output: { echo: { text: 'one' } } }],
			[{ status: 'completed', output: { echo: { text: 'two' } } }],
		]);
	});

	it('Stream Task gives the result', async () => {
		const calls = [{ text: 'one' }];
		const { answers } = await call({ node: new StreamTask(), parameters: echo(), calls });
		expect(answers.map((answer): unknown => JSON.parse(answer))).toMatchObject([
			[{ status: 'completed', output: { echo: { text: 'one' } } }],
		]);
	});

	it('Agent Message gives the answer of the other agent', async () => {
		const { answers } = await call({
			node: new AgentMessage(),
			parameters: {
				agent: appRef('sandbox/assistant'),
				message: `={{ ${fromAi('message')} }}`,
				options: QUICK,
			},
			calls: [{ message: 'Hello' }],
		});
		expect(answers.map((answer): unknown => JSON.parse(answer))).toMatchObject([
			[{ status: 'completed', text: expect.stringContaining('Hello') as string }],
		]);
	});

	it('a failure reaches the agent with what to do', async () => {
		const calls = [{ text: 'one' }];
		const { answers } = await call({ node: new RunApp(), parameters: echo('sandbox/no'), calls });
		expect(answers[0]).toContain('sandbox/no');
		expect(sandbox().tasks()).toEqual([]);
	});

	describe('with Retry On Fail', () => {
		const fields = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };
		const sleeping: INodeParameters = {
			app: appRef('sandbox/sleep'),
			inputMode: 'json',
			jsonInput: `={{ ({ ms: Number(${fromAi('ms')}) }) }}`,
			timeout: 0.3,
			options: { ...QUICK, onTimeout: 'keep' },
		};

		it('a further try goes on with the task of the one before', async () => {
			const node = new RunApp();
			const { answers } = await call({
				node,
				parameters: sleeping,
				calls: [{ ms: '500' }],
				fields,
			});
			expect(JSON.parse(answers[0] ?? '')).toMatchObject([{ status: 'completed' }]);
			expect(sandbox().tasks()).toHaveLength(1);
		});

		it('a message whose agent fails is sent once', async () => {
			const { answers } = await call({
				node: new AgentMessage(),
				parameters: {
					agent: appRef('sandbox/failing'),
					message: `={{ ${fromAi('message')} }}`,
					options: QUICK,
				},
				calls: [{ message: 'Hello' }],
				fields,
			});
			expect(answers[0]).toContain('the model is overloaded');
			expect(sandbox().count('POST', '/agents/run')).toBe(1);
		});

		it('a further call is one of its own, however equal', async () => {
			const calls = [{ text: 'one' }, { text: 'one' }];
			const { answers } = await call({ node: new RunApp(), parameters: echo(), calls, fields });
			expect(answers).toHaveLength(2);
			expect(sandbox().tasks()).toHaveLength(2);
		});
	});

	it('a stopped execution cancels the task', async () => {
		const { run } = await call({
			node: new RunApp(),
			parameters: echo('sandbox/manual'),
			calls: [{ text: 'one' }],
			cancelAfter: until(() => sandbox().running().length === 1),
		});
		expect(run.status).toBe('canceled');
		await until(() => sandbox().tasks()[0]?.status === 'cancelled');
	});
});
