/** What the items that come out are made of: Output, and the places of Download Files. */
import type { INodeParameters } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { NODE_NAME } from '../engine/engine.mts';
import { jsonOf, objectIn, runApp, useSandbox, type RunAppOptions } from '../engine/support.mts';
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
		[{ caption: 'A cat', error: null }, 'A cat'],
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

describe('Downloads', () => {
	it('are off by default', async () => {
		const run = await runApp(sandbox(), { app: 'sandbox/image', items: [{ prompt: 'a' }] });
		expect(run.output(NODE_NAME)[0]).not.toHaveProperty('binary');
		await until(() => sandbox().running().length === 0);
	});
});
