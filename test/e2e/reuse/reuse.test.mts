/** What is bought once in a real n8n, whatever happens to it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { IDataObject } from 'n8n-workflow';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

import { startSandbox, type Sandbox } from '../../sandbox/index.mts';
import { until } from '../../until.mts';
import { CREDENTIAL } from '../demo/demoInstance.mts';
import { N8n } from '../n8n/n8n.mts';
import { N8nRest } from '../n8n/rest.mts';
import { shiftClock } from '../n8n/shiftedClock.mts';
import {
	arrived,
	publish,
	start,
	startWaiting,
	workflowFor,
	type WaitingWorkflow,
} from '../waiting/waitingWorkflow.mts';

const DAY_MS = 24 * 3_600_000;
const PRELOAD = path.join(import.meta.dirname, '../n8n/shiftedClock.mts');

const nap = (value: number): IDataObject => ({ app: 'sandbox/sleep', input: { ms: 60, value } });
const naps = (from: number, to: number) =>
	Array.from({ length: to - from }, (_, n) => nap(from + n));

describe('with Reuse: Earlier Results', () => {
	let sandbox: Sandbox;
	let n8n: N8n;
	let home: string;
	let rest: N8nRest;

	/** Starts n8n where it was left, its clock so far ahead. */
	async function startN8n(aheadMs: number): Promise<void> {
		const { installed } = inject('n8n');
		const env = { CLOCK_AHEAD_MS: String(aheadMs) };
		n8n = await N8n.open({ installed, home, env, nodeArgs: ['--import', PRELOAD] });
		await n8n.start();
		rest = new N8nRest(n8n.url, await n8n.signIn());
	}

	beforeAll(async () => {
		const shared = inject('n8n');
		sandbox = await startSandbox();
		home = await mkdtemp(path.join(tmpdir(), 'n8n-reuse-'));
		n8n = await N8n.open({ installed: shared.installed, home });
		await n8n.link(path.join(shared.home, '.n8n/nodes/node_modules/n8n-nodes-inferencesh'));
		const { apiKey, url: baseUrl } = sandbox;
		await n8n.importJson('credentials', [
			{ ...CREDENTIAL, data: { apiKey, baseUrl, maxConcurrency: 0 } },
		]);
		await startN8n(0);
	});
	afterAll(async () => {
		shiftClock(0);
		await n8n?.stop();
		await sandbox?.close();
		if (home !== undefined) await rm(home, { recursive: true, force: true, maxRetries: 3 });
	});

	async function published(
		options: IDataObject,
		parameters: IDataObject = {},
	): Promise<WaitingWorkflow> {
		const batch = workflowFor('batch', { wait: 'result', concurrency: 5, options, ...parameters });
		return await publish(rest, batch);
	}

	/** Runs a workflow and gives its summary. */
	async function summaryOf(
		workflow: WaitingWorkflow,
		items: readonly IDataObject[],
	): Promise<IDataObject | undefined> {
		const execution = await rest.executionOnce(await start(rest, workflow, items));
		return arrived(execution, 2)[0];
	}

	test('n8n is cut off in the middle: Retry execution buys only the others; so does the next day', async () => {
		const reuse = { reuse: 'completedOrRunning', reuseWithin: 48 };
		const workflow = await published(reuse);
		const id = await start(rest, workflow, naps(0, 200));
		await until(() => sandbox.tasks().length >= 80);
		await n8n.kill();
		const bought = sandbox.tasks().length;
		expect(bought).toBeLessThan(200);

		await startN8n(0);
		expect((await rest.executionOnce(id)).status).toBe('crashed');
		const retried = await rest.executionOnce(await rest.retry(id));
		expect(retried.status).toBe('success');
		expect(arrived(retried, 2)).toMatchObject([{ total: 200, succeeded: 200, reused: bought }]);
		expect(sandbox.tasks()).toHaveLength(200);

		await n8n.stop();
		shiftClock(DAY_MS);
		await startN8n(DAY_MS);
		expect(await summaryOf(workflow, naps(0, 220))).toMatchObject({ succeeded: 220, reused: 200 });
		const values = sandbox.tasks().map(({ input }) => (input as { value: number }).value);
		expect(values).toHaveLength(220);
		expect(new Set(values).size).toBe(220);
		console.log(
			`[reuse] n8n cut off with ${bought} of 200 bought: ${200 - bought} more after Retry execution, 20 of 220 the next day`,
		);
	});

	test('the last callback is lost: what has ended meanwhile is not bought again', async () => {
		sandbox.reset();
		const workflow = await published(
			{ reuse: 'completed' },
			{ wait: 'webhook', app: { __rl: true, mode: 'ref', value: '={{ $json.app }}' } },
		);
		const items = Array.from({ length: 6 }, (_, n) => ({ app: 'sandbox/manual', input: { n } }));
		const lost = await startWaiting(rest, workflow, items);
		const ids = sandbox.tasks().map((task) => task.id);
		for (const task of ids.slice(1)) sandbox.finishTask(task, { output: { task } });
		await until(() => sandbox.webhookDeliveries().length === 5);
		sandbox.configure({ webhookCopies: 0 });
		sandbox.finishTask(ids[0] ?? '', { output: { task: ids[0] } });
		expect((await rest.execution(lost)).status).toBe('waiting');
		await rest.stop(lost);

		const execution = await rest.executionOnce(await start(rest, workflow, items));
		expect(execution.status).toBe('success');
		expect(arrived(execution, 2)).toMatchObject([{ total: 6, succeeded: 6 }]);
		expect(arrived(execution).map(({ id, output }) => [id, output])).toEqual(
			expect.arrayContaining(ids.map((task) => [task, { task }])),
		);
		expect(sandbox.tasks()).toHaveLength(6);
	});
});
