/** The trigger in a real n8n: its poll times, its database, its end and its start. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { IDataObject } from 'n8n-workflow';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

import { startSandbox, type Sandbox } from '../../sandbox/index.mts';
import { until } from '../../until.mts';
import { CREDENTIAL } from '../demo/demoInstance.mts';
import { N8n } from '../n8n/n8n.mts';
import { N8nRest, type SavedExecution } from '../n8n/rest.mts';
import { idOf, start } from '../../nodes/InferenceShTrigger/support.mts';

const TRIGGER = 'Inference Trigger';
const ARRIVED = 'Arrived';

function workflowWith(parameters: IDataObject): IDataObject {
	const { id, name } = CREDENTIAL;
	return {
		name: `Trigger ${randomUUID()}`,
		active: false,
		settings: { executionOrder: 'v1' },
		nodes: [
			{
				id: randomUUID(),
				name: TRIGGER,
				type: 'n8n-nodes-inferencesh.inferenceShTrigger',
				typeVersion: 1,
				position: [0, 0],
				credentials: { inferenceShApi: { id, name } },
				parameters: { pollTimes: { item: [{ mode: 'everyMinute' }] }, ...parameters },
			},
			{
				id: randomUUID(),
				name: ARRIVED,
				type: 'n8n-nodes-base.noOp',
				typeVersion: 1,
				position: [200, 0],
				parameters: {},
			},
		],
		connections: { [TRIGGER]: { main: [[{ node: ARRIVED, type: 'main', index: 0 }]] } },
	};
}

describe('Inference.sh Trigger', () => {
	let sandbox: Sandbox;
	let n8n: N8n;
	let home: string;
	let rest: N8nRest;

	/** Starts n8n where it was left. */
	async function startN8n(): Promise<void> {
		await n8n.start();
		rest = new N8nRest(n8n.url, await n8n.signIn());
	}

	async function created(parameters: IDataObject): Promise<string> {
		return (await rest.call<{ id: string }>('POST', 'workflows', workflowWith(parameters))).id;
	}

	function itemsOf(execution: SavedExecution): readonly IDataObject[] {
		const [run] = execution.data.resultData.runData[ARRIVED] ?? [];
		return (run?.data?.main[0] ?? []).map(({ json }) => json as IDataObject);
	}

	/** What has arrived in all executions, the oldest first. */
	async function arrived(workflow: string): Promise<readonly IDataObject[]> {
		const list = (await rest.executions(workflow)).toReversed();
		const executions: SavedExecution[] = [];
		for (const { id } of list) executions.push(await rest.executionOnce(id));
		return executions.flatMap(itemsOf);
	}

	/** Waits for an execution more than there were. */
	async function untilExecutions(workflow: string, count: number): Promise<void> {
		await until(async () => (await rest.executions(workflow)).length >= count);
	}

	beforeAll(async () => {
		const shared = inject('n8n');
		sandbox = await startSandbox();
		home = await mkdtemp(path.join(tmpdir(), 'n8n-trigger-'));
		n8n = await N8n.open({ installed: shared.installed, home });
		await n8n.link(path.join(shared.home, '.n8n/nodes/node_modules/n8n-nodes-inferencesh'));
		const { apiKey, url: baseUrl } = sandbox;
		await n8n.importJson('credentials', [
			{ ...CREDENTIAL, data: { apiKey, baseUrl, maxConcurrency: 0 } },
		]);
		await startN8n();
	});
	afterAll(async () => {
		await n8n?.stop();
		await sandbox?.close();
		if (home !== undefined) await rm(home, { recursive: true, force: true, maxRetries: 3 });
	});

	test('starts at its poll times, and n8n may be cut off: nothing is lost, nothing comes twice', async () => {
		await start(sandbox, 'sandbox/instant', 2);
		const workflow = await created({ event: 'taskFinished' });
		await rest.activate(workflow);
		// n8n answers before it has polled; from then on it counts.
		await until(() => sandbox.count('POST', '/tasks/list') >= 3);
		const polled = await start(sandbox, 'sandbox/instant', 3);
		await untilExecutions(workflow, 1);
		console.log(`[trigger] the poll after the activation has started an execution`);
		expect((await arrived(workflow)).map(idOf)).toEqual(polled);

		const [running = ''] = await start(sandbox, 'sandbox/manual');
		const unseen = await start(sandbox, 'sandbox/instant', 2);
		await n8n.kill();
		sandbox.finishTask(running, { status: 'failed', error: 'too small' });
		const meanwhile = await start(sandbox, 'sandbox/instant', 2);
		await startN8n();
		await untilExecutions(workflow, 2);
		console.log(`[trigger] the start after the first cut-off has started another one`);
		const all = [...polled, running, ...unseen, ...meanwhile].toSorted();
		expect((await arrived(workflow)).map(idOf).toSorted()).toEqual(all);

		const polls = sandbox.count('POST', '/tasks/list');
		await n8n.kill();
		await startN8n();
		await until(() => sandbox.count('POST', '/tasks/list') > polls);
		expect((await arrived(workflow)).map(idOf).toSorted()).toEqual(all);
		await rest.deactivate(workflow);
		console.log(
			`[trigger] ${all.length} ends over two cut-offs of n8n, each told once, in ${(await rest.executions(workflow)).length} executions`,
		);
	}, 600_000);

	test('in the editor shows the newest end, or says that there is none', async () => {
		sandbox.reset();
		const workflow = await created({ event: 'taskFinished' });
		const none = await rest.executionOnce(await rest.run(workflow, TRIGGER));
		expect(none.status).toBe('error');
		expect(JSON.stringify(none.data)).toContain('No task has ended yet');
		const [, newest] = await start(sandbox, 'sandbox/instant', 2);
		const one = await rest.executionOnce(await rest.run(workflow, TRIGGER));
		expect(itemsOf(one).map(idOf)).toEqual([newest]);
	});
});
