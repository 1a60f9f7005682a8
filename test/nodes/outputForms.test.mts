/** What the items that come out are made of: Output, and the places of Download Files. */
import type { INode, INodeParameters } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { RunApp } from '../../nodes/RunApp/RunApp.node.ts';
import { StreamTask } from '../../nodes/StreamTask/StreamTask.node.ts';
import { CORE_NODES } from '../engine/coreNodes.mts';
import { NODE_NAME, runWorkflow, type EngineRun } from '../engine/engine.mts';
import {
	appRef,
	credentialsOf,
	jsonOf,
	objectIn,
	QUICK,
	runApp,
	useSandbox,
	type RunAppOptions,
} from '../engine/support.mts';
import type { SandboxApp } from '../sandbox/index.mts';
import { until } from '../until.mts';
import { runBatch } from './Batch/support.mts';
import { streamTask } from './StreamTask/support.mts';

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
const sandbox = useSandbox({ apps: [SAY], webhookCopies: 0 });

const says = (output: unknown): RunAppOptions => ({
	app: 'sandbox/say',
	items: [{ json: { output } as never }],
});
const output = (form: string, more: INodeParameters = {}) => ({
	parameters: { output: form, ...more },
});

describe('Output: Task', () => {
	it('has what is useful first', async () => {
		const run = await runApp(sandbox(), says({ response: 'Hello', usage: { total_tokens: 3 } }));
		const [json] = jsonOf(run);
		expect(Object.keys(json ?? {})).toEqual([
			...['output', 'text', 'id', 'status', 'app', 'created_at', 'updated_at', 'run'],
		]);
		expect(json).toMatchObject({ text: 'Hello', status: 'completed', app: 'sandbox/say' });
	});

	it.each([
		['Hello', 'Hello'],
		[{ response: 'Hi', reasoning: 'hm' }, 'Hi'],
		[{ text: 'spoken words', words: [] }, 'spoken words'],
		[{ answer: 'Yes.', citations: [] }, 'Yes.'],
		[{ caption: 'A cat', output_meta: {} }, 'A cat'],
		[{ response: '', text: 'from the tool' }, 'from the tool'],
	])('tells the text of an app that answers in words: %j', async (given, text) => {
		expect(jsonOf(await runApp(sandbox(), says(given)))[0]?.['text']).toBe(text);
	});

	it.each([
		[{ image: 'https://cloud.inference.sh/a.png', description: 'a cat' }],
		[{ result: 'https://cloud.inference.sh/a.png' }],
		['https://cloud.inference.sh/a.png'],
		[{ count: 3 }],
		[{ voice_id: 'v1', name: 'Ann' }],
		[['a', 'b']],
		[null],
	])('has no text for others: %j', async (given) => {
		expect(jsonOf(await runApp(sandbox(), says(given)))[0]).not.toHaveProperty('text');
	});
});

describe('Output: Only the Result', () => {
	it.each([
		[
			{ a: 1, run: { mine: true } },
			{ a: 1, run: { mine: true } },
		],
		['words', { output: 'words' }],
		[[1, 2], { output: [1, 2] }],
		[null, { output: null }],
		// n8n would take it for a failed item.
		[
			{ error: 'none found', n: 0 },
			{ output_error: 'none found', n: 0 },
		],
	])('is the output itself: %j', async (given, json) => {
		const run = await runApp(sandbox(), { ...says(given), ...output('result') });
		expect(jsonOf(run)).toEqual([json]);
		expect(run.output(NODE_NAME)[0]?.pairedItem).toEqual({ item: 0 });
	});

	it('has the files of the output, if they are wanted', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/image',
			items: [{ prompt: 'a' }],
			...output('result', { downloadFiles: true }),
		});
		const [item] = run.output(NODE_NAME);
		expect(Object.keys(item?.json ?? {})).not.toContain('id');
		expect(Object.keys(item?.binary ?? {})).not.toEqual([]);
	});

	it('of Stream Task is not added to', async () => {
		const run = await streamTask(sandbox(), {
			app: 'sandbox/video',
			items: [{ prompt: 'x', steps: 3 }],
			...output('result'),
			options: { maxUpdates: 1 },
		});
		expect(Object.keys(jsonOf(run)[0] ?? {})).toEqual(['video']);
	});
});

describe('Output: Only the Text', () => {
	it('is the words', async () => {
		const run = await runApp(sandbox(), { ...says({ response: 'Hello' }), ...output('text') });
		expect(jsonOf(run)).toEqual([{ text: 'Hello' }]);
	});

	it('of an app that makes files is an error that names the task, which is not lost', async () => {
		const run = await runApp(sandbox(), {
			...says({ image: 'https://cloud.inference.sh/a.png' }),
			...output('text'),
			retryOnFail: true,
		});
		const id = sandbox().tasks()[0]?.id ?? '';
		expect(run.error?.message).toBe(
			`Task ${id} has completed, but not with words: its output has image`,
		);
		expect(run.error?.description).toContain('Only the Result');
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it('fails its item only, if the node is set to continue', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/say',
			items: [{ output: { response: 'Hi' } }, { output: { n: 1 } }],
			...output('text'),
			onError: 'continueRegularOutput',
		});
		const [first, second] = jsonOf(run);
		expect(first).toEqual({ text: 'Hi' });
		expect(objectIn(second, 'details')).toMatchObject({
			code: 'unexpected_output',
			id: sandbox().tasks()[1]?.id,
			status: 'completed',
		});
	});

	it('is checked before anything is started', async () => {
		const run = await runApp(sandbox(), { ...says('x'), ...output('words') });
		expect(run.error?.message).toContain('"Output" must be one of task, result, text');
		expect(sandbox().tasks()).toEqual([]);
	});
});

describe('In Batch', () => {
	it('the summary knows how long items took whose JSON does not say so', async () => {
		const items = [20, 40, 60].map((ms) => ({ ms }));
		const run = await runBatch(sandbox(), {
			app: 'sandbox/sleep',
			items,
			...output('result', { concurrency: 1 }),
		});
		expect(jsonOf(run)).toEqual(items.map(({ ms }) => ({ slept: ms })));
		const [summary] = jsonOf(run, 2);
		expect(summary).toMatchObject({ succeeded: 3, failed: 0 });
		expect(Number(summary?.['p50_ms'])).toBeGreaterThan(0);
	});

	it('no words go to Failed, with the id', async () => {
		const run = await runBatch(sandbox(), {
			app: 'sandbox/say',
			items: [{ output: { response: 'Hi' } }, { output: { n: 1 } }],
			...output('text'),
		});
		expect(jsonOf(run)).toEqual([{ text: 'Hi' }]);
		const [, second] = sandbox().tasks();
		expect(jsonOf(run, 1)).toMatchObject([
			{ id: second?.id, error: { code: 'unexpected_output', retryable: false } },
		]);
	});
});

describe('A node of version 1', () => {
	const version1 = { nodeFields: { typeVersion: 1 } };

	it('puts out what it did', async () => {
		const run = await runApp(sandbox(), { ...says({ response: 'Hello' }), ...version1 });
		expect(Object.keys(jsonOf(run)[0] ?? {})).toEqual([
			...['id', 'status', 'output', 'app', 'created_at', 'updated_at', 'run'],
		]);
	});

	it('downloads files as its options say', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/image',
			items: [{ prompt: 'a' }],
			options: { downloadFiles: true, maxFileSize: 1 },
			...version1,
		});
		expect(Object.keys(run.output(NODE_NAME)[0]?.binary ?? {})).not.toEqual([]);
	});
});

describe("Behind n8n's chat", () => {
	const chat = '@n8n/n8n-nodes-langchain.chatTrigger';

	async function fromChat(options: {
		node?: RunApp | StreamTask;
		said?: unknown;
		form?: string;
		streaming?: boolean;
		last?: boolean;
		version?: number;
	}): Promise<EngineRun> {
		const { node = new RunApp(), form = 'task', last = true, version = 2 } = options;
		const given = options.said ?? { response: 'Hi' };
		const base = { typeVersion: version, position: [0, 0] } satisfies Partial<INode>;
		const nodes: INode[] = [
			{ ...base, id: 'c', name: 'Say {{it}}', type: chat, typeVersion: 1.4, parameters: {} },
			{
				...base,
				id: 'n',
				name: NODE_NAME,
				type: 'our.node',
				parameters: {
					app: appRef('sandbox/say'),
					inputMode: 'json',
					jsonInput: JSON.stringify({ output: given }),
					output: form,
					options: { ...QUICK },
				},
				credentials: { inferenceShApi: { id: '1', name: 'Test' } },
			},
			{
				...base,
				id: 'e',
				name: 'End',
				type: 'n8n-nodes-base.noOp',
				typeVersion: 1,
				parameters: {},
			},
		];
		const to = (name: string) => ({ main: [[{ node: name, type: 'main' as const, index: 0 }]] });
		return await runWorkflow({
			nodes,
			connections: { 'Say {{it}}': to(NODE_NAME), ...(last ? {} : { [NODE_NAME]: to('End') }) },
			nodeTypes: { ...CORE_NODES, 'our.node': node },
			credentials: credentialsOf(sandbox()),
			streaming: options.streaming ?? false,
			startItems: [{ json: { chatInput: 'Hello', sessionId: 's' } }],
		});
	}

	const hints = (run: EngineRun) => run.hints(NODE_NAME).map(({ message }) => message);

	it.each([
		['Run App, the task', {}, 'Only the Text'],
		['Run App, the result', { form: 'result' }, 'Only the Text'],
		['Stream Task, the task', { node: new StreamTask() }, 'Only the Text'],
		['no words', { said: { n: 1 }, form: 'result' }, 'Edit Fields'],
		['a stream is waited for', { streaming: true, form: 'text' }, 'Stream Task'],
	])('a hint says what shows the answer: %s', async (_, options, setting) => {
		const run = await fromChat(options);
		expect(run.error).toBeUndefined();
		expect(hints(run)).toEqual([expect.stringContaining(setting)]);
		expect(hints(run)[0]?.length).toBeLessThan(240);
	});

	it.each([
		['the text', { form: 'text' }],
		['a result that is text', { said: 'Hi', form: 'result' }],
		['streamed text', { node: new StreamTask(), streaming: true }],
		['another node is last', { last: false }],
		['version 1', { version: 1 }],
	])('nothing has to be said: %s', async (_, options) => {
		expect(hints(await fromChat(options))).toEqual([]);
	});
});

describe('Downloads', () => {
	it('are off by default', async () => {
		const run = await runApp(sandbox(), { app: 'sandbox/image', items: [{ prompt: 'a' }] });
		expect(run.output(NODE_NAME)[0]).not.toHaveProperty('binary');
		await until(() => sandbox().running().length === 0);
	});
});
