/** The trigger in a real n8n: its poll times, its database, its end and its start. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { IDataObject } from 'n8n-workflow';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

import { startSandbox, type Sandbox } from '../../sandbox/index.mts';
import { until } from '../../until.mts';
import { CREDENTIAL } from '../demo/demoInstance.mts';
import { N8n } from '../n8n/n8n.mts';
import { N8nRest } from '../n8n/rest.mts';
import { start } from '../../nodes/InferenceShTrigger/support.mts';

const TRIGGER = 'Inference Trigger';
const ARRIVED = 'Arrived';

/** What a workflow has been started with, told by its own requests: n8n empties executions that it takes for crashed. */
class Arrivals {
	readonly ids: string[] = [];
	private readonly server = createServer((request, response) => {
		this.ids.push(new URL(request.url ?? '', this.url).searchParams.get('id') ?? '');
		response.end('{}');
	});

	async listen(): Promise<void> {
		await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
	}

	get url(): string {
		const { port } = this.server.address() as AddressInfo;
		return `http://127.0.0.1:${port}/`;
	}

	async close(): Promise<void> {
		this.server.closeAllConnections();
		await new Promise((resolve) => this.server.close(resolve));
	}
}

function workflowWith(parameters: IDataObject, arrivals: Arrivals): IDataObject {
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
				type: 'n8n-nodes-base.httpRequest',
				typeVersion: 4.2,
				position: [200, 0],
				parameters: { url: `=${arrivals.url}?id={{ $json.id ?? $json.details.id }}` },
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
	const arrivals = new Arrivals();

	/** Starts n8n where it was left. */
	async function startN8n(): Promise<void> {
		await n8n.start();
		rest = new N8nRest(n8n.url, await n8n.signIn());
	}

	async function created(parameters: IDataObject): Promise<string> {
		return (
			await rest.call<{ id: string }>('POST', 'workflows', workflowWith(parameters, arrivals))
		).id;
	}

	/** What n8n has saved for the next start of a workflow. */
	async function remembered(workflow: string): Promise<string> {
		const { staticData } = await rest.call<{ staticData?: IDataObject | null }>(
			'GET',
			`workflows/${workflow}`,
		);
		return JSON.stringify(staticData ?? null);
	}

	beforeAll(async () => {
		const shared = inject('n8n');
		sandbox = await startSandbox();
		await arrivals.listen();
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
		await arrivals.close();
		if (home !== undefined) await rm(home, { recursive: true, force: true, maxRetries: 3 });
	});

	test('starts at its poll times, and n8n may be cut off: nothing is lost, nothing comes twice', async () => {
		await start(sandbox, 'sandbox/instant', 2);
		const workflow = await created({ event: 'taskFinished' });
		const before = await remembered(workflow);
		await rest.activate(workflow);
		// n8n answers before it has polled; from then on it counts.
		await until(async () => (await remembered(workflow)) !== before);
		const begun = await remembered(workflow);
		const all = await start(sandbox, 'sandbox/instant', 3);
		await until(() => arrivals.ids.length >= all.length);
		console.log(`[trigger] a poll after the activation has started an execution`);
		expect(arrivals.ids).toEqual(all);
		await until(async () => (await remembered(workflow)) !== begun);
		const known = await remembered(workflow);

		const [running = ''] = await start(sandbox, 'sandbox/manual');
		all.push(running, ...(await start(sandbox, 'sandbox/instant', 2)));
		await n8n.kill();
		sandbox.finishTask(running, { status: 'failed', error: 'too small' });
		all.push(...(await start(sandbox, 'sandbox/instant', 2)));
		await startN8n();
		await until(() => arrivals.ids.length >= all.length);
		console.log(`[trigger] the start after the first cut-off has started another one`);
		expect(arrivals.ids.toSorted()).toEqual(all.toSorted());
		await until(async () => (await remembered(workflow)) !== known);

		await n8n.kill();
		all.push(...(await start(sandbox, 'sandbox/instant')));
		await startN8n();
		await until(() => arrivals.ids.length >= all.length);
		expect(arrivals.ids.toSorted()).toEqual(all.toSorted());
		await rest.deactivate(workflow);
		console.log(
			`[trigger] ${all.length} ends over two cut-offs of n8n, each told once, in ${(await rest.executions(workflow)).length} executions`,
		);
	}, 600_000);

	test('in the editor shows the newest end, or says that there is none', async () => {
		sandbox.reset();
		arrivals.ids.length = 0;
		const workflow = await created({ event: 'taskFinished' });
		const none = await rest.executionOnce(await rest.run(workflow, TRIGGER));
		expect(none.status).toBe('error');
		expect(JSON.stringify(none.data)).toContain('No task has ended yet');
		const [, newest] = await start(sandbox, 'sandbox/instant', 2);
		const one = await rest.executionOnce(await rest.run(workflow, TRIGGER));
		expect(one.status).toBe('success');
		expect(arrivals.ids).toEqual([newest]);
	});
});
