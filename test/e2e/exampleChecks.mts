/** What each example must do: how it is executed, and what a user must then see. */
import { createHash } from 'node:crypto';
import { expect } from 'vitest';

import { png } from '../sandbox/apps/media.mts';
import type { Instance } from './instance.mts';
import type { WorkflowRun } from './n8n.mts';

/** Executes an example and checks what came of it. */
export type Check = (instance: Instance, workflowId: string) => Promise<void>;

type Json = Readonly<Record<string, unknown>>;

/** JSON of the items of one output of a node's last run. */
export function itemsOf(run: WorkflowRun, nodeName: string, output = 0): readonly Json[] {
	const last = run.data.resultData.runData[nodeName]?.at(-1);
	return (last?.data?.main[output] ?? []).map(({ json }) => json);
}

/** A piece that a streaming workflow has sent, and when it arrived here. */
interface Piece {
	readonly type: string;
	readonly content: string;
	readonly at: number;
}

/** Posts to a workflow as soon as n8n has registered it, which is a moment after publishing. */
async function post(url: string, body: object | FormData): Promise<Response> {
	const deadline = Date.now() + 10_000;
	const content =
		body instanceof FormData
			? { body }
			: { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
	for (;;) {
		const response = await fetch(url, {
			method: 'POST',
			...content,
			signal: AbortSignal.timeout(30_000),
		});
		if (response.status !== 404 || Date.now() > deadline) return response;
		await response.text();
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}

/** Calls a workflow that streams, and notes every line when it comes. */
async function callStreaming(
	{ rest: n8n }: Instance,
	workflowId: string,
	path: string,
	body: object,
): Promise<readonly Piece[]> {
	await n8n.activate(workflowId);
	try {
		return await readPieces(await post(`${n8n.url}/webhook/${path}`, body));
	} finally {
		await n8n.deactivate(workflowId);
	}
}

async function readPieces(response: Response): Promise<readonly Piece[]> {
	const pieces: Piece[] = [];
	let rest = '';
	for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
		const lines = (rest + text).split('\n');
		rest = lines.pop() ?? '';
		for (const line of lines) {
			const { type, content = '' } = JSON.parse(line) as { type: string; content?: string };
			pieces.push({ type, content, at: Date.now() });
		}
	}
	expect(response.status, JSON.stringify([rest, pieces])).toBe(200);
	return pieces;
}

/** Whether an answer came piece by piece while it was written, and is whole. */
function expectLive(pieces: readonly Piece[], question: string): void {
	const items = pieces.filter(({ type }) => type === 'item');
	expect(items.map(({ content }) => content).join('')).toContain(`You said "${question}"`);
	expect(items.length).toBeGreaterThan(5);
	const [first] = items;
	expect((items.at(-1)?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(20);
	expect(pieces.map(({ type }) => type)).toEqual(expect.arrayContaining(['begin', 'end']));
}

/** The check of every example, by file. */
export const checks: Readonly<Record<string, Check>> = {
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
		expectLive(pieces, 'Tell me a story.');
		expect(instance.sandbox.tasks()).toHaveLength(1);
	},

	async 'stream-chat.json'(instance, workflowId) {
		const path = '1f5e0c00-0000-4000-8000-000000000431/chat';
		const body = { action: 'sendMessage', sessionId: 's1', chatInput: 'Hello there' };
		const pieces = await callStreaming(instance, workflowId, path, body);
		expectLive(pieces, 'Hello there');
		expect(instance.sandbox.tasks()).toHaveLength(1);
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

	async 'scheduled-batch.json'({ n8n, sandbox }, workflowId) {
		const run = await n8n.execute(workflowId);
		expect(run.status).toBe('success');
		expect(itemsOf(run, 'Answers')).toHaveLength(3);
		expect(itemsOf(run, 'Not answered')).toEqual([]);
		expect(itemsOf(run, 'Summary')).toMatchObject([{ total: 3, succeeded: 3 }]);
		expect(sandbox.tasks()).toHaveLength(3);
	},
};
