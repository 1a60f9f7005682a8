/** n8n's own AI Agent, with the chat model, when things go wrong. */
import { describe, expect, test } from 'vitest';

import type { Fault } from '../../sandbox/index.mts';
import { until } from '../../until.mts';
import { CREDENTIAL } from '../demo/demoInstance.mts';
import { itemsOf } from '../examples/exampleRuns.mts';
import { useInstance } from '../n8n/instance.mts';

const START = 'Start';
const AGENT = 'AI Agent';
const MODEL = 'Chat Model';
const QUESTION = 'Name a city by the sea.';
const credentials = { [CREDENTIAL.type]: { id: CREDENTIAL.id, name: CREDENTIAL.name } };

/** A model's run as n8n keeps it. */
interface ModelRun {
	readonly executionStatus: string;
	readonly data?: {
		readonly ai_languageModel: ReadonlyArray<
			ReadonlyArray<{ readonly json: Readonly<Record<string, unknown>> }>
		>;
	};
}

describe("n8n's AI Agent", () => {
	const instance = useInstance();

	/** Makes a workflow in which the agent is asked something; returns its id. */
	async function agentAsked(text: string, more: object = {}): Promise<string> {
		const place = { position: [0, 0], typeVersion: 1 };
		const toAgent = (type: string) => ({ [type]: [[{ node: AGENT, type, index: 0 }]] });
		const { id } = await instance().rest.call<{ id: string }>('POST', 'workflows', {
			name: 'AI Agent',
			settings: { executionOrder: 'v1' },
			nodes: [
				{
					...place,
					id: 'start',
					name: START,
					type: 'n8n-nodes-base.manualTrigger',
					parameters: {},
				},
				{
					...place,
					id: 'agent',
					name: AGENT,
					type: '@n8n/n8n-nodes-langchain.agent',
					typeVersion: 3.1,
					parameters: { promptType: 'define', text, options: {}, ...more },
				},
				{
					...place,
					id: 'model',
					name: MODEL,
					type: 'n8n-nodes-inferencesh.lmChatInferenceSh',
					parameters: { model: { __rl: true, mode: 'ref', value: 'sandbox/chat' }, options: {} },
					credentials,
				},
				...['Add', 'Mul'].map((name) => ({
					...place,
					id: name,
					name,
					type: 'n8n-nodes-inferencesh.runAppTool',
					typeVersion: 2,
					parameters: {
						toolDescription: name,
						app: { __rl: true, mode: 'ref', value: 'sandbox/echo' },
						inputMode: 'json',
						jsonInput: `={{ { text: '${name} ' + $fromAI('x', 'A number') } }}`,
						output: 'result',
						options: {},
					},
					credentials,
				})),
			],
			connections: {
				[START]: { main: [[{ node: AGENT, type: 'main', index: 0 }]] },
				[MODEL]: toAgent('ai_languageModel'),
				Add: toAgent('ai_tool'),
				Mul: toAgent('ai_tool'),
			},
		});
		return id;
	}

	async function run(text: string, more?: object) {
		const { rest } = instance();
		return await rest.executionOnce(await rest.run(await agentAsked(text, more), START));
	}

	test('calls two tools at once, and each result comes back to its call', async () => {
		const { status, data } = await run('call Add {"x":"1"} call Mul {"x":"22"}');
		expect(status, JSON.stringify(data.resultData.error)).toBe('success');
		const output = String(itemsOf({ status, data }, AGENT)[0]?.['output']);
		expect(output).toMatch(/^The tools say: .*Add 1.*; .*Mul 22/);
		const apps = instance()
			.sandbox.tasks()
			.map(({ app }) => app);
		expect(apps).toEqual(['sandbox/chat', 'sandbox/echo', 'sandbox/echo', 'sandbox/chat']);
	});

	test('shows the tokens that the model tells', async () => {
		const { data } = await run(QUESTION);
		const [model] = data.resultData.runData[MODEL] as unknown as readonly ModelRun[];
		expect(model?.data?.ai_languageModel[0]?.[0]?.json).toMatchObject({
			tokenUsage: { completionTokens: 12 },
		});
	});

	test('is stopped: the task of its model is cancelled', async () => {
		const { rest, sandbox } = instance();
		const id = await rest.run(await agentAsked('Talk, think 600000 ms'), START);
		await until(() => sandbox.running().length === 1);
		await rest.stop(id);
		await until(() => sandbox.running().length === 0);
		expect((await rest.executionOnce(id)).status).toBe('canceled');
		expect(sandbox.tasks()).toMatchObject([{ status: 'cancelled' }]);
	});

	test.each<[string, Fault]>([
		[
			'the answer to the submission is lost',
			{ on: 'POST /apps/run', kind: 'reset', when: 'after' },
		],
		[
			'the stream breaks in the middle',
			{ on: 'GET /tasks/:id/stream', kind: 'stream', resetAfter: 6 },
		],
	])('answers, bought once and whole, if %s', async (_what, fault) => {
		instance().sandbox.fault(fault);
		const { status, data } = await run(QUESTION);
		expect(status).toBe('success');
		expect(itemsOf({ status, data }, AGENT)).toEqual([
			{
				output: `You said "${QUESTION}".Grüße aus dem Sandkasten 🏖️ – 你好 👩‍💻 naïve café ✓`,
			},
		]);
		expect(instance().sandbox.tasks()).toHaveLength(1);
	});

	test('fails in our words, with the task', async () => {
		const { status, data } = await run('fail with "the model is overloaded"');
		expect(status).toBe('error');
		const [task, ...more] = instance().sandbox.tasks();
		expect(more).toEqual([]);
		expect(data.resultData.error?.message).toBe(`Task ${task?.id} failed: the model is overloaded`);
	});
});
