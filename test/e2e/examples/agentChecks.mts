/** Checks of the examples with agents. */
import { expect } from 'vitest';

import { start, tellAgent, untilWaiting } from '../../nodes/InferenceShTrigger/support.mts';
import type { Check } from './exampleChecks.mts';
import { callStreaming, itemsOf, type Piece } from './exampleRuns.mts';

const MANUAL = 'When clicking ‘Execute workflow’';
const WAITING_OR_OVER = new Set(['waiting', 'success', 'error', 'crashed']);

/** Answers n8n's form as a browser would. */
async function fillIn(url: string, values: readonly string[]): Promise<void> {
	const page = await fetch(url, { signal: AbortSignal.timeout(30_000) });
	expect(await page.text()).toContain('May the agent do this?');
	const form = new FormData();
	values.forEach((value, index) => form.append(`field-${index}`, value));
	const answer = await fetch(url, {
		method: 'POST',
		body: form,
		signal: AbortSignal.timeout(30_000),
	});
	expect(answer.status, await answer.text()).toBe(200);
}

function textOf(pieces: readonly Piece[]): string {
	return pieces
		.filter(({ type }) => type === 'item')
		.map(({ content }) => content)
		.join('');
}

export const agentChecks: Readonly<Record<string, Check>> = {
	async 'agent-chat.json'(instance, workflowId) {
		const path = '1f5e0c00-0000-4000-8000-000000000701/chat';
		const say = async (sessionId: string, chatInput: string) => {
			const body = { action: 'sendMessage', sessionId, chatInput };
			return await callStreaming(instance, workflowId, path, body);
		};
		const session = `ann-${Date.now()}`;
		const first = await say(session, 'My name is Ann (600 ms)');
		expect(textOf(first)).toContain('You said "My name is Ann (600 ms)".');
		const items = first.filter(({ type }) => type === 'item');
		expect(items.length).toBeGreaterThan(5);
		expect((items.at(-1)?.at ?? 0) - (items[0]?.at ?? 0)).toBeGreaterThan(100);
		expect(textOf(await say(`bob-${Date.now()}`, 'What is my name?'))).not.toContain('Ann');
		expect(textOf(await say(session, 'What is my name?'))).toContain(
			'You said "What is my name?". Before that: "My name is Ann (600 ms)".',
		);
		expect(instance.sandbox.chats()).toHaveLength(2);
	},

	async 'agent-extract.json'({ n8n, sandbox }, workflowId) {
		const run = await n8n.execute(workflowId);
		expect(run.status).toBe('success');
		expect(itemsOf(run, 'Rows')).toMatchObject([
			{ quantity: 12, kind: 'order', urgent: true, mail: expect.stringContaining('Ann') as string },
			{ quantity: 2, mail: expect.stringContaining('Bob') as string },
			{ quantity: 40, mail: expect.stringContaining('Cleo') as string },
		]);
		expect(sandbox.chats()).toHaveLength(3);
	},

	async 'agent-approval.json'({ rest, sandbox }, workflowId) {
		for (const [decision, reason, reply] of [
			['approve', '', 'Done.'],
			['reject', 'Too late', 'Not done: Too late.'],
		] as const) {
			const id = await rest.run(workflowId, MANUAL);
			const waiting = await rest.executionOnce(id, WAITING_OR_OVER);
			expect(waiting.status, JSON.stringify(waiting.data.resultData.error)).toBe('waiting');
			const [link] = itemsOf(waiting, 'Link for a human');
			expect(link).toMatchObject({ tool: 'refund', chat_id: sandbox.chats().at(-1)?.id });
			await fillIn(String(link?.['url']), [decision, reason]);
			const run = await rest.executionOnce(id);
			expect(run.status, JSON.stringify(run.data.resultData.error)).toBe('success');
			expect(itemsOf(run, 'Reply')).toEqual([
				{ reply, refunded: decision === 'approve', chat: link?.['chat_id'] },
			]);
		}
	},

	async 'trigger-approval.json'({ rest, sandbox }, workflowId) {
		const chat = await tellAgent(sandbox, 'sandbox/support');
		await untilWaiting(sandbox, chat);
		const id = await rest.run(workflowId, 'Inference Trigger');
		const waiting = await rest.executionOnce(id, WAITING_OR_OVER);
		expect(waiting.status, JSON.stringify(waiting.data.resultData.error)).toBe('waiting');
		const [link] = itemsOf(waiting, 'Link for a human');
		expect(link).toMatchObject({ chat_id: chat });
		expect(link?.['said']).toContain('Waits for approval of: refund (order: A-17, amount: 25)');
		await fillIn(String(link?.['url']), ['approve', '']);
		const run = await rest.executionOnce(id);
		expect(run.status, JSON.stringify(run.data.resultData.error)).toBe('success');
		expect(itemsOf(run, 'Reply')).toEqual([{ reply: 'Done.', chat }]);
	},

	async 'trigger-failed.json'({ rest, sandbox }, workflowId) {
		const [task = ''] = await start(sandbox, 'sandbox/manual');
		sandbox.finishTask(task, { status: 'failed', error: 'the picture has no face in it' });
		await start(sandbox, 'sandbox/instant');
		const run = await rest.executionOnce(await rest.run(workflowId, 'Inference Trigger'));
		expect(run.status, JSON.stringify(run.data.resultData.error)).toBe('success');
		expect(itemsOf(run, 'Alert')).toMatchObject([
			{
				...{ title: 'sandbox/manual has failed', task },
				text: `Task ${task} failed: the picture has no face in it`,
			},
		]);
	},
};
