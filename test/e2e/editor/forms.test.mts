/** What a person sees of a form's required fields, and of its files. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';

import { CREDENTIAL } from '../demo/demoInstance.mts';
import { useInstance } from '../n8n/instance.mts';
import { Editor, type Panel } from './editor.mts';

const WAIT = { timeout: 60_000 };
const TEXT = 'the words of a file';

describe('a form', () => {
	const instance = useInstance();
	let editor: Editor;
	let panel: Panel;
	let workflowId: string;

	beforeAll(async () => {
		editor = await Editor.open(instance().rest.url, inject('n8n').owner);
	});
	afterAll(async () => {
		await editor?.[Symbol.asyncDispose]();
	});
	afterEach(async ({ task }) => {
		if (task.result?.state === 'fail') await editor.keepPicture('forms-failure');
	});

	/** Opens the panel of a Run App whose items have a file in the binary field `photo`. */
	beforeEach(async () => {
		const link = (node: string): object => ({ main: [[{ node, type: 'main', index: 0 }]] });
		const base = 'n8n-nodes-base';
		const nodes = [
			{ name: 'Start', type: `${base}.manualTrigger`, typeVersion: 1, parameters: {} },
			{
				name: 'Text',
				type: `${base}.set`,
				typeVersion: 3.4,
				parameters: { mode: 'raw', jsonOutput: JSON.stringify({ text: TEXT }), options: {} },
			},
			{
				name: 'File',
				type: `${base}.convertToFile`,
				typeVersion: 1.1,
				parameters: {
					operation: 'toText',
					sourceProperty: 'text',
					binaryPropertyName: 'photo',
					options: {},
				},
			},
			{
				name: 'Node',
				type: 'n8n-nodes-inferencesh.runApp',
				typeVersion: 2,
				parameters: {},
				credentials: { [CREDENTIAL.type]: { id: CREDENTIAL.id, name: CREDENTIAL.name } },
			},
		];
		const { id } = await instance().rest.call<{ id: string }>('POST', 'workflows', {
			name: 'Forms',
			settings: { executionOrder: 'v1' },
			nodes: nodes.map((node, place) => ({
				...node,
				id: node.name,
				position: [220 * place, 0],
			})),
			connections: { Start: link('Text'), Text: link('File'), File: link('Node') },
		});
		workflowId = id;
		await editor.openWorkflow(id);
		panel = await editor.openPanel('Node');
	});

	/** The workflow as n8n has saved it, which is what it runs. */
	const saved = async (): Promise<string> =>
		JSON.stringify(await instance().rest.call('GET', `workflows/${workflowId}`));

	const submitted = (): number => instance().sandbox.count('POST', '/apps/run');

	test('marks what is required, and an empty one blocks the run before anything is sent', async () => {
		await panel.pickApp('Studio');
		for (const name of ['prompt', 'source']) await panel.complaint(name).waitFor();
		expect(await panel.complaint('mood').count()).toBe(0);
		// What is required cannot be taken away.
		expect(await panel.removal('prompt').count()).toBe(0);
		await panel.removal('mood').waitFor();

		await panel.type('prompt', 'a boat');
		await panel.complaint('prompt').waitFor({ state: 'hidden' });
		await panel.execute();
		await editor.toast('Field "source" is required').waitFor();
		expect(submitted()).toBe(0);
		expect(instance().sandbox.files()).toEqual([]);

		await panel.type('source', 'https://example.com/boat.png');
		await panel.complaint('source').waitFor({ state: 'hidden' });
		await panel.execute();
		await panel.output.getByText('completed').first().waitFor();
		expect(submitted()).toBe(1);
		await panel.close();
	});

	test.each([
		['the name of a binary field', 'photo'],
		['an expression', '{{ $binary.photo }}'],
	])('takes a required file as %s', async (_, value) => {
		await panel.pickApp('File Info');
		await panel.complaint('file').waitFor();
		if (value.startsWith('{{')) {
			await panel.typeExpression('file', value);
			await expect.poll(saved, WAIT).toContain(value);
		} else {
			await panel.type('file', value);
		}
		await panel.complaint('file').waitFor({ state: 'hidden' });
		await panel.execute();
		await panel.output.getByText('completed').first().waitFor();
		const [task] = instance().sandbox.tasks();
		expect(task).toMatchObject({ status: 'completed', output: { size: TEXT.length } });
		await panel.close();
	});

	test('names the files that there are if a name is wrong', async () => {
		await panel.pickApp('File Info');
		await panel.type('file', 'foto');
		await panel.execute();
		await expect
			.poll(() => panel.output.textContent(), WAIT)
			.toContain('a binary field of the item (which has photo), but is "foto"');
		expect(submitted()).toBe(0);
		await panel.close();
	});
});
