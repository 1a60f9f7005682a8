/** The official SDK against what the sandbox has around running: flows, their runs, files, the search. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';

import { startSandbox, type Sandbox } from '../sandbox/index.mts';
import { until } from '../until.mts';
import { loadSdk, type LoadedSdk } from './sdk.mts';

type Client = ReturnType<LoadedSdk['sdk']['inference']>;

let loaded: LoadedSdk;
let sandbox: Sandbox;
let client: Client;

beforeAll(async () => {
	loaded = await loadSdk();
	sandbox = await startSandbox();
	client = loaded.sdk.inference({ apiKey: sandbox.apiKey, baseUrl: sandbox.url });
});
afterEach(() => sandbox.reset());
afterAll(async () => {
	await sandbox.close();
	await loaded.dispose();
});

const COMPLETED = 3;
const CANCELLED = 5;

async function flowId(name: string): Promise<string> {
	const { data: page } = await client.flows.list({ limit: 50 });
	const flow = page.items.find((one) => (one as { name?: string }).name === name);
	return flow?.id ?? '';
}

it('runs a flow by its id and reads what became of it', async () => {
	const id = await flowId('greet');
	expect((await client.flows.get(id)).data).toMatchObject({ id, name: 'greet' });
	const { data: created } = await client.flowRuns.create(id, { name: 'Ada' });
	expect(created.flow_id).toBe(id);
	await until(() => sandbox.flowRuns()[0]?.status === 'completed');
	const { data: run } = await client.flowRuns.get(created.id);
	expect(run).toMatchObject({ status: COMPLETED, output: { text: 'Hello Ada' } });
	expect(run.node_statuses).toEqual({ write: 'completed', check: 'completed' });
	const { data: runs } = await client.flowRuns.list({
		limit: 1,
		filters: [{ field: 'flow_id', operator: 'eq', value: id }],
	});
	expect(runs.items.map((one) => one.id)).toEqual([created.id]);
});

it('cancels the run of a flow', async () => {
	const { data: run } = await client.flowRuns.create(await flowId('manual'), {});
	await client.flowRuns.cancel(run.id);
	expect((await client.flowRuns.get(run.id)).data.status).toBe(CANCELLED);
});

it('refuses what a flow does not take, and names that are no ids', async () => {
	await expect(client.flowRuns.create(await flowId('greet'), {})).rejects.toThrow(/name/);
	await expect(client.flowRuns.create('sandbox/greet', { name: 'x' })).rejects.toThrow(/not found/);
});

it('lists and deletes files', async () => {
	const file = await client.files.upload(Buffer.from('hello').toString('base64'), {
		filename: 'a.txt',
		contentType: 'text/plain',
	});
	const { data: page } = await client.files.list({ search: { term: 'a.txt', exact: false } });
	expect(page.items.map((one) => one.uri)).toEqual([file.uri]);
	await client.files.delete(page.items[0]?.id ?? '');
	expect((await client.files.list()).data.items).toEqual([]);
});

it('searches knowledge', async () => {
	const { data } = await client.search.search({
		query: 'refunds',
		collections: ['knowledge'],
	} as unknown as Parameters<Client['search']['search']>[0]);
	expect(data).toMatchObject({ results: [{ collection: 'knowledge', id: 'kn_refunds' }] });
});
