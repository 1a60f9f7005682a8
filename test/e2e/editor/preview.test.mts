/** What the next node offers for mapping before anything has run. */
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';

import { useInstance } from '../n8n/instance.mts';
import { Editor } from './editor.mts';

const WAIT = { timeout: 60_000 };

const instance = useInstance();
let editor: Editor;

beforeAll(async () => {
	editor = await Editor.open(instance().rest.url, inject('n8n').owner);
});
afterAll(async () => {
	await editor?.[Symbol.asyncDispose]();
});
afterEach(async ({ task }) => {
	if (task.result?.state === 'fail') await editor.keepPicture('preview-failure');
});

const TASK = ['output', 'text', 'id', 'status', 'app', 'created_at', 'updated_at', 'run'];

test.each<[type: string, version: number, fields: readonly string[]]>([
	['runApp', 2, TASK],
	['runApp', 1, ['id', 'status', 'output', 'app', 'created_at', 'updated_at', 'run']],
	['streamTask', 2, TASK],
	['batch', 2, TASK],
	['agentMessage', 2, ['text', 'status', 'pending', 'chat_id', 'message_id']],
])('%s (version %i) shows what it will put out', async (type, version, fields) => {
	const link = (node: string): object => ({ main: [[{ node, type: 'main', index: 0 }]] });
	const { id } = await instance().rest.call<{ id: string }>('POST', 'workflows', {
		name: `Preview: ${type}`,
		settings: { executionOrder: 'v1' },
		nodes: [
			{ name: 'Start', type: 'n8n-nodes-base.manualTrigger', typeVersion: 1 },
			{ name: 'Node', type: `n8n-nodes-inferencesh.${type}`, typeVersion: version },
			{ name: 'Next', type: 'n8n-nodes-base.set', typeVersion: 3.4 },
		].map((node, place) => ({
			...node,
			id: node.name,
			position: [220 * place, 0],
			parameters: {},
		})),
		connections: { Start: link('Node'), Node: link('Next') },
	});
	await editor.openWorkflow(id);
	const panel = await editor.openPanel('Next');
	await panel.input.getByText('Usually outputs the following fields').waitFor();
	const shown = panel.input.locator('[data-test-id="run-data-schema-item"]');
	const names = async () => (await shown.allInnerTexts()).map((text) => text.trim());
	// The list is drawn bit by bit, in any order.
	await expect.poll(names, WAIT).toEqual(expect.arrayContaining([...fields]));
	await panel.close();
});
