/** What each example must do: how it is executed, and what a user must then see. */
import { expect } from 'vitest';

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
