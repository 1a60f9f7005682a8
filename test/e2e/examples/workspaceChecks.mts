/** Checks of the examples with what is around running: spending, flows, files. */
import { createHash } from 'node:crypto';
import { expect } from 'vitest';

import { start } from '../../nodes/InferenceShTrigger/support.mts';
import { png } from '../../sandbox/apps/media.mts';
import { readExamples } from '../demo/demoInstance.mts';
import type { Check } from './exampleChecks.mts';
import { endOfForm, itemsOf, post } from './exampleRuns.mts';

const DAY_MS = 86_400_000;

export const workspaceChecks: Readonly<Record<string, Check>> = {
	async 'cost-report.json'({ n8n, sandbox }, workflowId) {
		await start(sandbox, 'sandbox/instant');
		await start(sandbox, 'anthropic/claude-sonnet-5', 2);
		await expect.poll(() => sandbox.running(), { timeout: 30_000 }).toEqual([]);
		const run = await n8n.execute(workflowId);
		expect(run.status).toBe('success');
		const [report, ...more] = itemsOf(run, 'Report');
		expect(more).toEqual([]);
		expect(report?.['total_usd']).toBeCloseTo(0.03, 9);
		const [title, ...lines] = String(report?.['text']).split('\n');
		expect(title).toMatch(
			/^Spent on inference\.sh in the 24 hours before \d+ \w+ \d{4}, \d\d:\d\d: \$0\.03$/,
		);
		expect(lines).toEqual(['• anthropic/claude-sonnet-5: $0.02', '• sandbox/instant: $0.01']);
	},

	async 'flow-from-form.json'({ rest, sandbox }, workflowId) {
		const picture = png(60, 30, [200, 30, 30]);
		const submit = async (): Promise<string> => {
			const form = new FormData();
			const content = new Blob([new Uint8Array(picture)], { type: 'image/png' });
			form.append('field-0', content, 'lighthouse.png');
			form.append('field-1', 'Lighthouse');
			return await endOfForm(await post(`${rest.url}/form/inference-sh-poster`, form));
		};
		await rest.activate(workflowId);
		try {
			const page = await submit();
			const [given, poster, ...others] = sandbox.files();
			expect(others).toEqual([]);
			const sha256 = createHash('sha256').update(picture).digest('hex');
			expect(given).toMatchObject({ filename: 'lighthouse.png', sha256 });
			expect(sandbox.flowRuns()).toMatchObject([
				{
					...{ flow: 'sandbox/poster', status: 'completed' },
					input: { picture: { uri: given?.uri }, title: 'Lighthouse' },
				},
			]);
			expect(page).toContain('Your poster is ready');
			expect(page).toContain(`src="${poster?.uri}"`);

			sandbox.fault({ on: 'POST /flowruns', times: 9, kind: 'status', status: 402 });
			expect(await submit()).toContain('The poster could not be made');
			expect(sandbox.flowRuns()).toHaveLength(1);
		} finally {
			await rest.deactivate(workflowId);
		}
	},

	async 'clean-up-files.json'({ n8n, sandbox }, workflowId) {
		const old = sandbox.addFile('old.txt', 100 * DAY_MS);
		const older = sandbox.addFile('older.txt', 200 * DAY_MS);
		sandbox.addFile('new.txt', 80 * DAY_MS);
		const list = [
			{ id: older, filename: 'older.txt', size: 9 },
			{ id: old, filename: 'old.txt', size: 7 },
		];
		const dry = await n8n.execute(workflowId);
		expect(dry.status).toBe('success');
		expect(itemsOf(dry, 'Would be deleted')).toMatchObject(list);
		expect(sandbox.files()).toHaveLength(3);

		const examples = await readExamples();
		const { workflow } = examples.find(({ workflow: { id } }) => id === workflowId) ?? {};
		const real = JSON.stringify(workflow)
			.replace(String.raw`\"delete_for_real\": false`, String.raw`\"delete_for_real\": true`)
			.replace(workflowId, `${workflowId}Real`);
		await n8n.importJson('workflow', [JSON.parse(real)]);
		// As if somebody else had deleted one of them meanwhile.
		sandbox.fault({ on: `DELETE /files/${old}`, kind: 'status', status: 404 });
		const done = await n8n.execute(`${workflowId}Real`);
		expect(done.status).toBe('success');
		expect(itemsOf(done, 'Deleted')).toMatchObject(list.slice(0, 1));
		expect(itemsOf(done, 'Not deleted')).toMatchObject([
			{ id: old, filename: 'old.txt', reason: expect.stringContaining('not exist') as string },
		]);
		expect(sandbox.files().map(({ filename }) => filename)).toEqual(['old.txt', 'new.txt']);
	},
};
