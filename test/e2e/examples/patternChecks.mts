/** Checks of the examples for one pattern each: endpoint, time limits, session, callback. */
import { expect } from 'vitest';

import type { Check } from './exampleChecks.mts';
import { itemsOf, post } from './exampleRuns.mts';
import { readExamples } from '../demo/demoInstance.mts';

const MANUAL = 'When clicking ‘Execute workflow’';

export const patternChecks: Readonly<Record<string, Check>> = {
	async 'web-endpoint.json'({ rest, sandbox }, workflowId) {
		await rest.activate(workflowId);
		try {
			const url = `${rest.url}/webhook/inference-sh-answer`;
			const answer = await post(url, { prompt: 'Name a colour.' });
			expect(answer.status).toBe(200);
			const [task] = sandbox.tasks();
			expect(await answer.json()).toEqual({
				answer: expect.stringContaining('Name a colour.') as string,
				task: task?.id,
			});
			const refusal = await post(url, { question: 'Name a colour.' });
			expect(refusal.status).toBe(400);
			expect(await refusal.json()).toMatchObject({ code: 'validation' });
			sandbox.fault({ on: 'POST /apps/run', times: 9, kind: 'status', status: 402 });
			const outage = await post(url, { prompt: 'Name a fruit.' });
			expect(outage.status).toBe(502);
			expect(await outage.json()).toMatchObject({ code: 'payment' });
			expect(sandbox.tasks()).toHaveLength(1);
		} finally {
			await rest.deactivate(workflowId);
		}
	},

	async 'time-limits.json'({ n8n, sandbox }, workflowId) {
		const refusal = { status: 503, headers: { 'retry-after': '1' } };
		sandbox.fault({ on: 'POST /apps/run', kind: 'status', ...refusal });
		const run = await n8n.execute(workflowId);
		expect(run.status).toBe('success');
		const videos = itemsOf(run, 'Videos');
		expect(videos.map(({ scene }) => scene)).toEqual([
			'A lighthouse in a storm',
			'A train in the snow',
		]);
		for (const { video } of videos) expect(video).toContain('.mp4');
		// Only one of the two was refused at first.
		expect(videos.map(({ attempts }) => Number(attempts)).sort()).toEqual([1, 2]);
		expect(itemsOf(run, 'Not in time')).toEqual([]);

		// The same with little time, and a service that starts nothing.
		const examples = await readExamples();
		const { workflow } = examples.find(({ workflow: { id } }) => id === workflowId) ?? {};
		const impatient = JSON.stringify(workflow)
			.replace('"timeout":600', '"timeout":1')
			.replace(workflowId, `${workflowId}Short`);
		await n8n.importJson('workflow', [JSON.parse(impatient)]);
		sandbox.configure({ schedulerLimit: 0 });
		const late = await n8n.execute(`${workflowId}Short`);
		expect(itemsOf(late, 'Videos')).toEqual([]);
		const cancelled = sandbox.tasks().filter(({ status }) => status === 'cancelled');
		expect(cancelled).toHaveLength(2);
		expect(itemsOf(late, 'Not in time').map(({ task }) => task)).toEqual(
			expect.arrayContaining(cancelled.map(({ id }) => id)),
		);
	},

	async 'session.json'({ n8n, sandbox }, workflowId) {
		const run = await n8n.execute(workflowId);
		expect(run.status).toBe('success');
		const [first, second, ...more] = sandbox.tasks();
		expect(more).toEqual([]);
		expect(first?.sessionId).toMatch(/^sess_/);
		expect(second?.sessionId).toBe(first?.sessionId);
		expect(itemsOf(run, 'Second step')).toMatchObject([
			{ status: 'completed', session_id: first?.sessionId },
		]);
	},

	async 'callback.json'({ rest, sandbox }, workflowId) {
		sandbox.configure({ schedulerLimit: 0 });
		const id = await rest.run(workflowId, MANUAL);
		await rest.executionOnce(id, new Set(['waiting']));
		expect(sandbox.tasks()).toHaveLength(3);
		sandbox.configure({ schedulerLimit: Infinity });
		const run = await rest.executionOnce(id);
		expect(run.status).toBe('success');
		expect(itemsOf(run, 'Videos')).toMatchObject([
			{ scene: 'A lighthouse in a storm', status: 'completed' },
			{ scene: 'A train in the snow', status: 'completed' },
			{ scene: 'A fair at night', status: 'completed' },
		]);
		for (const { task } of itemsOf(run, 'Videos')) {
			expect(sandbox.tasks().map((known) => known.id)).toContain(task);
		}
		expect(sandbox.tasks()).toHaveLength(3);
	},
};
