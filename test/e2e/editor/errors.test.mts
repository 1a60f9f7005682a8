/** What a person reads in the panel of a node that has failed. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
	afterAll,
	afterEach,
	beforeAll,
	describe,
	expect,
	onTestFinished,
	inject,
	test,
} from 'vitest';

import { CREDENTIAL } from '../demo/demoInstance.mts';
import { useInstance } from '../n8n/instance.mts';
import { Editor } from './editor.mts';

const NODE = 'Node';
const WEB_PAGE =
	'<!DOCTYPE html><html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1></body></html>';

describe('a failed step', () => {
	const instance = useInstance();
	let editor: Editor;
	/** A web server that knows nothing of inference.sh. */
	let stranger: Server;

	beforeAll(async () => {
		editor = await Editor.open(instance().rest.url, inject('n8n').owner);
		stranger = createServer((_, answer) => {
			answer.writeHead(404, { 'content-type': 'text/html' }).end(WEB_PAGE);
		});
		await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
	});
	afterAll(async () => {
		await editor?.[Symbol.asyncDispose]();
		stranger?.close();
		stranger?.closeAllConnections();
	});
	afterEach(async ({ task }) => {
		if (task.result?.state === 'fail') await editor.keepPicture('errors-failure');
	});

	const strangerUrl = (): string => `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`;

	/** What the credential of the node has, besides what a good one has. */
	const CASES: ReadonlyArray<{
		readonly what: string;
		readonly app: string;
		readonly credential: () => object;
		/** What happened, and what to do. */
		readonly read: readonly string[];
	}> = [
		{
			what: 'the wrong base URL',
			app: 'sandbox/echo',
			credential: () => ({ baseUrl: strangerUrl() }),
			read: ['is not inference.sh', 'Correct "Base URL" in the Inference.sh credential'],
		},
		{
			what: 'a key that is refused',
			app: 'sandbox/echo',
			credential: () => ({ apiKey: 'inf_of_somebody_else' }),
			read: [
				'The service does not accept the API key',
				'Check the API key in the Inference.sh credential',
			],
		},
		{
			what: 'requirements that are not met',
			app: 'sandbox/secret',
			credential: () => ({}),
			read: [
				'Missing required secret: SANDBOX_API_KEY',
				'connect Google Sheets (google.sheets) in your inference.sh workspace settings',
			],
		},
		{
			what: 'an app that is not there',
			app: 'sandbox/ecko',
			credential: () => ({}),
			read: ["app 'sandbox/ecko' not found", 'Check the reference'],
		},
	];

	test.each(CASES)('says of $what what happened and what to do', async (given) => {
		const { rest, sandbox } = instance();
		const { id, name } = await rest.call<{ id: string; name: string }>('POST', 'credentials', {
			name: `For ${given.what}`,
			type: CREDENTIAL.type,
			data: {
				apiKey: sandbox.apiKey,
				baseUrl: sandbox.url,
				maxConcurrency: 0,
				...given.credential(),
			},
		});
		// A new node would take it.
		onTestFinished(async () => void (await rest.call('DELETE', `credentials/${id}`)));
		const workflow = await rest.call<{ id: string }>('POST', 'workflows', {
			name: `Errors: ${given.what}`,
			settings: { executionOrder: 'v1' },
			nodes: [
				{
					id: 'start',
					name: 'Start',
					type: 'n8n-nodes-base.manualTrigger',
					typeVersion: 1,
					position: [0, 0],
					parameters: {},
				},
				{
					id: 'node',
					name: NODE,
					type: 'n8n-nodes-inferencesh.runApp',
					typeVersion: 2,
					position: [220, 0],
					parameters: {
						app: { __rl: true, mode: 'ref', value: given.app },
						inputMode: 'json',
						jsonInput: '{}',
					},
					credentials: { [CREDENTIAL.type]: { id, name } },
				},
			],
			connections: { Start: { main: [[{ node: NODE, type: 'main', index: 0 }]] } },
		});
		await editor.openWorkflow(workflow.id);
		const panel = await editor.openPanel(NODE);
		await panel.execute();
		await panel.output.getByText('Error details').waitFor();
		const read = await panel.output.innerText();
		for (const words of given.read) expect(read).toContain(words);
		// This is for whoever opens the details.
		const technical = /\b(?:GET|POST) \/|<\/?[a-z]|[{}]|undefined|\[object/i;
		expect(read).not.toMatch(technical);
		expect(sandbox.tasks()).toEqual([]);
		await panel.output.locator('summary').first().click();
		await panel.output.getByText('POST /apps/run').first().waitFor();
		await panel.close();
	});
});
