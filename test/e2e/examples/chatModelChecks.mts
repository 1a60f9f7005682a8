/** Checks of the examples in which n8n's own AI nodes have a model of inference.sh. */
import { expect } from 'vitest';

import type { Check } from './exampleChecks.mts';
import { callStreaming, itemsOf, type Piece } from './exampleRuns.mts';

function textOf(pieces: readonly Piece[]): string {
	return pieces
		.filter(({ type }) => type === 'item')
		.map(({ content }) => content)
		.join('');
}

export const chatModelChecks: Readonly<Record<string, Check>> = {
	async 'chat-model-agent.json'(instance, workflowId) {
		const { sandbox } = instance;
		const path = '1f5e0c00-0000-4000-8000-000000000901/chat';
		const say = async (sessionId: string, chatInput: string) => {
			const body = { action: 'sendMessage', sessionId, chatInput };
			return await callStreaming(instance, workflowId, path, body);
		};
		const session = `ann-${Date.now()}`;
		const first = await say(session, 'My name is Ann, 60 words, every 20 ms');
		expect(textOf(first)).toContain('You said "My name is Ann, 60 words, every 20 ms".');
		const items = first.filter(({ type, content }) => type === 'item' && content !== '');
		expect(items.length).toBeGreaterThan(5);
		expect(items[0]?.at).toBeLessThan(sandbox.tasks()[0]?.finishedAt ?? 0);

		const later = textOf(await say(session, 'What did I say earlier?'));
		expect(later).toBe('Earlier you said: My name is Ann, 60 words, every 20 ms');
		expect(textOf(await say(`bob-${Date.now()}`, 'What did I say earlier?'))).not.toContain('Ann');

		const before = sandbox.tasks().length;
		const used = textOf(
			await say(session, 'call Calculator {"input":"2+3"} call Make_a_video {"prompt":"a cat"}'),
		);
		expect(used).toMatch(/^The tools say: .*5.*; .*\.mp4/);
		const [asked, video, answered, ...more] = sandbox.tasks().slice(before);
		expect(more).toEqual([]);
		expect([asked?.app, video?.app, answered?.app]).toEqual([
			'anthropic/claude-sonnet-5',
			'bfl/flux-3-video',
			'anthropic/claude-sonnet-5',
		]);
		expect(video?.input).toEqual({ prompt: 'a cat' });
		expect(answered?.input).toMatchObject({
			role: 'tool',
			system_prompt: 'You are a friendly assistant. Answer in a few short sentences.',
		});
	},

	async 'chat-model-list.json'({ n8n, sandbox }, workflowId) {
		const run = await n8n.execute(workflowId);
		expect(run.status).toBe('success');
		const rows = itemsOf(run, 'Opinions');
		expect(rows.map(({ review }) => review)).toEqual([
			'The lamp is lovely, but it came late.',
			'Broken on the first day.',
			'I would buy it again.',
		]);
		for (const { review, opinion } of rows) expect(opinion).toContain(String(review));
		expect(sandbox.tasks().map(({ input }) => input)).toEqual(
			Array(3).fill(expect.objectContaining({ temperature: 0, max_tokens: 200 })),
		);
	},

	async 'chat-model-fallback.json'({ n8n, sandbox }, workflowId) {
		sandbox.fault({ on: 'POST /apps/run', kind: 'status', status: 402 });
		const run = await n8n.execute(workflowId);
		expect(run.status).toBe('success');
		expect(itemsOf(run, 'AI Agent')[0]?.['output']).toContain('You said "Name a city by the sea."');
		expect(sandbox.tasks()).toMatchObject([{ app: 'openrouter/claude-sonnet-46' }]);
	},
};
