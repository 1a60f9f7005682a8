/** Workflows whose executions wait for callbacks of the service, and ways to look at them. */
import { randomUUID } from 'node:crypto';

import type { IDataObject } from 'n8n-workflow';
import type { Sandbox } from '../../sandbox/index.mts';
import { CREDENTIAL } from '../demo/demoInstance.mts';
import type { N8nRest, SavedExecution } from '../n8n/rest.mts';

/** Name of the node under test. */
export const NODE = 'Apps "in" {{ braces }}';

const WAITING: ReadonlySet<string> = new Set(['waiting']);

export interface WaitingWorkflow {
	readonly id: string;
	/** Id of the node under test: the last part of its callback URL. */
	readonly nodeId: string;
	/** Path of its webhook. */
	readonly hook: string;
}

const to = (target: string) => [{ node: target, type: 'main', index: 0 }];

/** The node under test: runs an app for each item, `{ app, input }`. */
function nodeUnderTest(
	node: 'runApp' | 'batch',
	nodeId: string,
	parameters: IDataObject,
	nodeFields: IDataObject,
): IDataObject {
	const { id, name } = CREDENTIAL;
	return {
		id: nodeId,
		name: NODE,
		type: `n8n-nodes-inferencesh.${node}`,
		typeVersion: 1,
		position: [400, 0],
		credentials: { inferenceShApi: { id, name } },
		parameters: {
			app: { __rl: true, mode: 'ref', value: '={{ $json.app }}' },
			inputMode: 'json',
			jsonInput: '={{ $json.input }}',
			wait: 'webhook',
			...parameters,
		},
		...nodeFields,
	};
}

/** A workflow that is executed by another one, or by hand, and waits. */
export function workflowBehind(trigger: IDataObject, before: readonly IDataObject[] = []) {
	const nodeId = randomUUID();
	const chain = [trigger, ...before, nodeUnderTest('runApp', nodeId, {}, {})].map(
		(node, index): IDataObject => ({ id: randomUUID(), position: [200 * index, 0], ...node }),
	);
	const names = chain.map(({ name }) => String(name));
	return {
		name: `Waiting ${nodeId}`,
		active: false,
		settings: { executionOrder: 'v1' },
		nodes: chain,
		connections: Object.fromEntries(
			names.slice(1).map((name, index) => [names[index] ?? '', { main: [to(name)] }]),
		),
	};
}

/** A workflow that takes items over HTTP and has another one do its work. */
export function parentOf(workflowId: string) {
	const { workflow, hook, nodeId } = workflowFor('runApp');
	const nodes = workflow.nodes.map((node) =>
		node['name'] === NODE
			? {
					id: nodeId,
					name: NODE,
					type: 'n8n-nodes-base.executeWorkflow',
					typeVersion: 1.2,
					position: [400, 0],
					parameters: {
						workflowId: { __rl: true, mode: 'id', value: workflowId },
						mode: 'once',
						options: { waitForSubWorkflow: true },
					},
				}
			: node,
	);
	return { workflow: { ...workflow, nodes }, hook, nodeId };
}

/** A workflow that takes items over HTTP and runs an app for each: `{ app, input }`. */
export function workflowFor(
	node: 'runApp' | 'batch',
	parameters: IDataObject = {},
	nodeFields: IDataObject = {},
) {
	const hook = randomUUID();
	const nodeId = randomUUID();
	const outputs = node === 'batch' ? 3 : nodeFields['onError'] === 'continueErrorOutput' ? 2 : 1;
	const ends = Array.from({ length: outputs }, (_, index) => `Output ${index}`);
	const workflow = {
		name: `Waiting ${hook}`,
		active: false,
		settings: { executionOrder: 'v1' },
		nodes: [
			{
				id: randomUUID(),
				name: 'Webhook',
				type: 'n8n-nodes-base.webhook',
				typeVersion: 2.1,
				position: [0, 0],
				webhookId: hook,
				parameters: { httpMethod: 'POST', path: hook, responseMode: 'onReceived', options: {} },
			},
			{
				id: randomUUID(),
				name: 'Items',
				type: 'n8n-nodes-base.splitOut',
				typeVersion: 1,
				position: [200, 0],
				parameters: { fieldToSplitOut: 'body.items', options: {} },
			},
			nodeUnderTest(node, nodeId, parameters, nodeFields),
			...ends.map((end, index) => ({
				id: randomUUID(),
				name: end,
				type: 'n8n-nodes-base.set',
				typeVersion: 3.4,
				position: [600, 100 * index],
				parameters: {
					includeOtherFields: true,
					assignments: {
						assignments: [
							{ id: end, name: 'from', type: 'object', value: '={{ $("Items").item.json }}' },
						],
					},
					options: {},
				},
				onError: 'continueRegularOutput',
			})),
		],
		connections: {
			Webhook: { main: [to('Items')] },
			Items: { main: [to(NODE)] },
			[NODE]: { main: ends.map(to) },
		},
	};
	return { workflow, hook, nodeId };
}

/** Saves and publishes a workflow. */
export async function publish(
	rest: N8nRest,
	made: ReturnType<typeof workflowFor>,
): Promise<WaitingWorkflow> {
	const { hook, nodeId, workflow } = made;
	const { id } = await rest.call<{ id: string }>('POST', 'workflows', workflow);
	await rest.activate(id);
	return { id, hook, nodeId };
}

/** Starts an execution, as an outside caller would; returns its id. */
export async function start(
	rest: N8nRest,
	{ id, hook }: WaitingWorkflow,
	items: readonly IDataObject[],
): Promise<string> {
	const before = new Set((await rest.executions(id)).map((execution) => execution.id));
	const deadline = Date.now() + 30_000;
	for (;;) {
		const response = await fetch(`${rest.url}/webhook/${hook}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ items }),
		});
		if (response.ok) break;
		// A published webhook is there a moment later.
		if (Date.now() > deadline) throw new Error(`n8n: HTTP ${response.status}`);
		await pause(100);
	}
	for (;;) {
		const started = (await rest.executions(id)).find((execution) => !before.has(execution.id));
		if (started) return started.id;
		if (Date.now() > deadline) throw new Error('The execution was not started.');
		await pause(50);
	}
}

/** Waits until n8n has put an execution away. */
export async function waiting(rest: N8nRest, executionId: string): Promise<SavedExecution> {
	return await rest.executionOnce(executionId, WAITING);
}

/** Starts an execution and waits until n8n has put it away. */
export async function startWaiting(
	rest: N8nRest,
	workflow: WaitingWorkflow,
	items: readonly IDataObject[],
): Promise<string> {
	const id = await start(rest, workflow, items);
	await waiting(rest, id);
	return id;
}

/** The callback URL that the service was given; the same for all tasks of an execution. */
export function callbackUrl(sandbox: Sandbox): string {
	const urls = sandbox.requests
		.filter(({ method, path }) => method === 'POST' && path === '/apps/run')
		.map(({ body }) => (body as { webhook?: unknown }).webhook);
	const url = urls.at(-1);
	if (typeof url !== 'string') throw new Error('No task was submitted with a callback URL.');
	return url;
}

/** Calls back as the service does, or as somebody who only pretends. */
export async function callBack(
	url: string,
	body: unknown,
): Promise<{ status: number; json: unknown }> {
	const response = await fetch(url, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: typeof body === 'string' ? body : JSON.stringify(body),
	});
	const text = await response.text();
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch {
		json = text;
	}
	return { status: response.status, json };
}

/** JSON of the items that arrived behind an output. */
export function arrived(execution: SavedExecution, output = 0): readonly IDataObject[] {
	const last = execution.data.resultData.runData[`Output ${output}`]?.at(-1);
	return (last?.data?.main[0] ?? []).map(({ json }) => json as IDataObject);
}

export async function pause(ms: number): Promise<void> {
	await new Promise((resolve) => setTimeout(resolve, ms));
}
