import { describe, expect, it } from 'vitest';
import { jsonOf, useSandbox } from './support.mts';
import { chunksOf, linesOf, liveText, streamTask, updatesOf } from './streamTaskSupport.mts';

const sandbox = useSandbox();

describe('Updates', () => {
	it('tell a video step by step', async () => {
		const run = await streamTask(sandbox(), {
			app: 'sandbox/video',
			items: [{ prompt: 'waves', steps: 3, stepMs: 30 }],
		});
		expect(linesOf(updatesOf(run))).toEqual(['loading model', 'step 1/3', 'step 2/3', 'step 3/3']);
	});
	it('tell an answer as it grows', async () => {
		const run = await streamTask(sandbox(), {
			app: 'sandbox/llm',
			items: [{ text: 'hi', tokens: 6, delayMs: 30 }],
			streaming: true,
			mode: 'webhook',
		});
		const [result] = jsonOf(run);
		expect(updatesOf(run).at(-1)?.['output']).toEqual(result?.['output']);
		expect(chunksOf(run).map(({ type }) => type)).toEqual([
			'begin',
			...Array(6).fill('item'),
			'end',
		]);
		expect(liveText(run)).toBe(updatesOf(run).at(-2)?.text);
	});
});
