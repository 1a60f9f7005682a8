/** What each example must do: how it is executed, and what a user must then see. */
import { createHash } from 'node:crypto';
import { expect } from 'vitest';

import { png } from '../../sandbox/apps/media.mts';
import { agentChecks } from './agentChecks.mts';
import { readExamples } from '../demo/demoInstance.mts';
import { chatModelChecks } from './chatModelChecks.mts';
import { callStreaming, expectLive, itemsOf, post } from './exampleRuns.mts';
import type { Instance } from '../n8n/instance.mts';
import { patternChecks } from './patternChecks.mts';
import { workspaceChecks } from './workspaceChecks.mts';

/** Executes an example and checks what came of it. */
export type Check = (instance: Instance, workflowId: string) => Promise<void>;

/** The check of every example, by file. */
export const checks: Readonly<Record<string, Check>> = {
	...patternChecks,
	...agentChecks,
	...chatModelChecks,
	...workspaceChecks,

	async 'run-app.json'({ n8n, sandbox }, workflowId) {
		const run = await n8n.execute(workflowId);
		expect(run.status).toBe('success');
		expect(itemsOf(run, 'Answers').map(({ prompt }) => prompt)).toEqual([
			'Name a colour.',
			'Name a city by the sea.',
			'Name a fruit.',
			'Name a musical instrument.',
			'Name a planet.',
		]);
		for (const { prompt, answer, task } of itemsOf(run, 'Answers')) {
			const bought = sandbox.tasks().find(({ id }) => id === task);
			expect(bought).toMatchObject({ status: 'completed', input: { text: prompt } });
			expect(answer).toContain(`You said "${String(prompt)}"`);
		}
		expect(sandbox.tasks()).toHaveLength(5);
	},

	async 'run-app-errors.json'({ n8n, sandbox }, workflowId) {
		const run = await n8n.execute(workflowId);
		expect(run.status).toBe('success');
		expect(itemsOf(run, 'Answers')).toHaveLength(4);
		const [problem, ...more] = itemsOf(run, 'Problems');
		expect(more).toEqual([]);
		expect(problem).toMatchObject({ row: 3, code: 'validation' });
		expect(problem?.['error']).toContain('text');
		expect(sandbox.tasks()).toHaveLength(4);
	},

	async 'stream-webhook.json'(instance, workflowId) {
		const body = { prompt: 'Tell me a story.' };
		const pieces = await callStreaming(instance, workflowId, 'inference-sh-stream', body);
		const [task, ...more] = instance.sandbox.tasks();
		expectLive(pieces, 'Tell me a story.', task);
		expect(more).toEqual([]);
	},

	async 'stream-chat.json'(instance, workflowId) {
		const path = '1f5e0c00-0000-4000-8000-000000000431/chat';
		const body = { action: 'sendMessage', sessionId: 's1', chatInput: 'Hello there' };
		const pieces = await callStreaming(instance, workflowId, path, body);
		const [task, ...more] = instance.sandbox.tasks();
		expectLive(pieces, 'Hello there', task);
		expect(more).toEqual([]);
	},

	async 'stream-progress.json'({ n8n, sandbox }, workflowId) {
		const run = await n8n.execute(workflowId);
		expect(run.status).toBe('success');
		const [video, ...more] = itemsOf(run, 'Video');
		expect(more).toEqual([]);
		expect(video?.['video']).toContain('.mp4');
		const progress = itemsOf(run, 'Progress');
		expect(progress.at(-1)).toMatchObject({ status: 'completed' });
		expect(progress.map(({ log }) => log).join('')).toBe('rendering');
		expect(sandbox.tasks()).toHaveLength(1);
	},

	async 'image-resize.json'({ rest: n8n, sandbox }, workflowId) {
		const photo = png(600, 300, [200, 30, 30]);
		const form = new FormData();
		form.append('image', new Blob([new Uint8Array(photo)], { type: 'image/png' }), 'photo.png');
		form.append('width', '400');
		await n8n.activate(workflowId);
		try {
			const response = await post(`${n8n.url}/webhook/inference-sh-resize`, form);
			const bytes = Buffer.from(await response.arrayBuffer());
			expect(response.status, bytes.toString().slice(0, 500)).toBe(200);
			expect(response.headers.get('content-type')).toBe('image/png');
			// Where a PNG says how wide it is.
			expect(bytes.readUInt32BE(16)).toBe(400);
		} finally {
			await n8n.deactivate(workflowId);
		}
		const [uploaded, ...others] = sandbox.files();
		const sha256 = createHash('sha256').update(photo).digest('hex');
		expect(uploaded).toMatchObject({ filename: 'photo.png', contentType: 'image/png', sha256 });
		expect(others).toHaveLength(1);
		expect(sandbox.tasks()).toMatchObject([{ input: { width: 400, image: uploaded?.uri } }]);
	},

	async 'batch.json'({ n8n, sandbox }, workflowId) {
		const run = await n8n.execute(workflowId);
		expect(run.status).toBe('success');
		const texts = itemsOf(run, 'Texts');
		expect(texts.map(({ sku }) => sku)).toEqual(
			['1', '2', '3', '4', '5', '6', '7', '8'].map((digit) => `A-00${digit}`),
		);
		expect(texts[1]?.['text']).toContain('Espresso machine');
		const [bad, ...more] = itemsOf(run, 'To look at');
		expect(more).toEqual([]);
		expect(bad).toMatchObject({ row: { sku: 'A-009' } });
		expect(bad?.['reason']).toContain('text');
		expect(itemsOf(run, 'Summary')).toMatchObject([
			{ total: 9, succeeded: 8, failed: 1, not_started: 0, stopped_by: null },
		]);
		expect(sandbox.tasks()).toHaveLength(8);
	},

	async 'nightly-new-rows.json'({ n8n, sandbox }, workflowId) {
		const skus = ['A-001', 'A-002', 'A-003', 'A-004', 'A-005'];
		const first = await n8n.execute(workflowId);
		expect(itemsOf(first, 'Summary')).toMatchObject([{ total: 5, succeeded: 5, reused: 0 }]);
		expect(Number(itemsOf(first, 'Summary')[0]?.['cost_usd'])).toBeGreaterThan(0);
		expect(sandbox.tasks()).toHaveLength(5);

		// The next night: one row has changed.
		const examples = await readExamples();
		const { workflow } = examples.find(({ workflow: { id } }) => id === workflowId) ?? {};
		const changed = JSON.stringify(workflow)
			.replace('Beach towel', 'Bath towel')
			.replace(workflowId, `${workflowId}Next`);
		await n8n.importJson('workflow', [JSON.parse(changed)]);
		const second = await n8n.execute(`${workflowId}Next`);
		expect(itemsOf(second, 'Summary')).toMatchObject([{ total: 5, succeeded: 5, reused: 4 }]);
		const texts = itemsOf(second, 'Texts');
		expect(texts.map(({ sku }) => sku)).toEqual(skus);
		expect(texts.map(({ reused }) => reused)).toEqual([true, true, true, false, true]);
		expect(texts[3]?.['text']).toContain('Bath towel');
		expect(sandbox.tasks()).toHaveLength(6);
	},

	async 'scheduled-batch.json'({ n8n, sandbox }, workflowId) {
		const run = await n8n.execute(workflowId);
		expect(run.status).toBe('success');
		expect(itemsOf(run, 'Answers')).toHaveLength(3);
		expect(itemsOf(run, 'Not answered')).toEqual([]);
		expect(itemsOf(run, 'Summary')).toMatchObject([{ total: 3, succeeded: 3 }]);
		expect(sandbox.tasks()).toHaveLength(3);
	},
};
