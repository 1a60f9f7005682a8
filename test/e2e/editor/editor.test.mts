/** The nodes in n8n's editor, as a person sees them. */
import path from 'node:path';

import {
	afterAll,
	afterEach,
	beforeAll,
	describe,
	expect,
	inject,
	onTestFinished,
	test,
} from 'vitest';

import { readManifest } from '../../package/pack.mts';
import { DESCRIPTIONS } from '../../package/panelNames.mts';
import { CREDENTIAL, FIRST_EXAMPLE, readExamples } from '../demo/demoInstance.mts';
import { Editor, SIZE } from './editor.mts';
import { useInstance } from '../n8n/instance.mts';
import { ROOT } from '../n8n/paths.mts';
import { picture, plainSpeaker } from './pictures.mts';

const WAIT_MS = 60_000;
/** What lies over the nodes. */
const BUTTONS =
	':is([data-test-id="canvas-controls"], [class*="executionButtons"], [data-test-id^="execute-workflow-button"])';
/** Screens of many people. */
const WIDTHS = [1280, 1440];
const SMALL = { width: 1120, height: 740 };

/** Every node with parameters that its panel shows at first, and its version if it is not the second. */
const NODES: ReadonlyArray<{
	readonly type: string;
	readonly title: string;
	readonly shown: readonly string[];
	readonly version?: number;
}> = [
	{ type: 'runApp', title: 'Inference.sh Run App', shown: ['app', 'inputMode', 'wait'] },
	{ type: 'streamTask', title: 'Inference.sh Stream Task', shown: ['source', 'app', 'inputMode'] },
	{ type: 'agentMessage', title: 'Inference.sh Agent Message', shown: ['agentSource', 'message'] },
	{ type: 'batch', title: 'Inference.sh Batch', shown: ['app', 'itemsFrom', 'order'] },
	{
		type: 'inferenceSh',
		title: 'Inference.sh',
		shown: ['resource', 'operation'],
		version: 1,
	},
	{ type: 'lmChatInferenceSh', title: 'Inference.sh Chat Model', shown: ['model'], version: 1 },
	{ type: 'inferenceShTrigger', title: 'Inference.sh Trigger', shown: ['event'], version: 1 },
];

const examples = await readExamples();

describe('the editor', () => {
	const instance = useInstance({ apps: [plainSpeaker] });
	let editor: Editor;

	beforeAll(async () => {
		editor = await Editor.open(instance().rest.url, inject('n8n').owner);
	});
	afterAll(async () => {
		await editor?.[Symbol.asyncDispose]();
	});
	afterEach(async ({ task }) => {
		if (task.result?.state === 'fail') await editor.keepPicture('editor-failure');
	});

	/** Opens a new workflow with one of the nodes behind a manual trigger. Returns its name. */
	async function newWorkflow(
		type: string,
		parameters: object = {},
		typeVersion = 2,
	): Promise<string> {
		const name = descriptionOf(type)?.defaults.name ?? type;
		const node = (fields: object): object => ({ typeVersion: 1, parameters: {}, ...fields });
		const { id } = await instance().rest.call<{ id: string }>('POST', 'workflows', {
			name: `Editor: ${type}`,
			settings: { executionOrder: 'v1' },
			nodes: [
				node({
					id: 'start',
					name: 'Start',
					type: 'n8n-nodes-base.manualTrigger',
					position: [0, 0],
				}),
				node({
					id: 'node',
					name,
					type: `n8n-nodes-inferencesh.${type}`,
					typeVersion,
					position: [220, 0],
					parameters,
					credentials: { [CREDENTIAL.type]: { id: CREDENTIAL.id, name: CREDENTIAL.name } },
				}),
			],
			connections: { Start: { main: [[{ node: name, type: 'main', index: 0 }]] } },
		});
		await editor.openWorkflow(id);
		return name;
	}

	test.each(NODES)('the panel of $title shows all that it has', async (node) => {
		const { type, shown, version } = node;
		const panel = await editor.openPanel(await newWorkflow(type, allOptions(type), version));
		for (const parameter of shown) await panel.parameter(parameter).waitFor();
		expect(await panel.credential()).toBe(CREDENTIAL.name);
		onTestFinished(() => editor.page.setViewportSize(SIZE));
		for (const width of WIDTHS) {
			await editor.page.setViewportSize({ ...SIZE, width });
			// n8n lays the panel out anew a moment after the window has changed.
			await expect
				.poll(() => panel.cutTexts(), { timeout: 30_000, message: `${width} pixels` })
				.toBe('');
		}
		await panel.close();
	});

	test('no node has been forgotten here', async () => {
		const { n8n } = await readManifest(ROOT);
		const types = n8n.nodes.map((file) => path.basename(file, '.node.js').toLowerCase());
		expect(types.toSorted()).toEqual(NODES.map(({ type }) => type.toLowerCase()).toSorted());
	});

	test('an app is picked from the list, its form filled in, its result seen', async () => {
		const panel = await editor.openPanel(await newWorkflow('runApp'));
		await panel.pickApp('Language Model');
		await panel.choose('inputMode', 'Form');
		await panel.type('text', 'Hello from the editor');
		await panel.execute();
		await panel.output.getByText('completed').first().waitFor();
		expect(await panel.output.textContent()).toContain('You said "Hello from the editor"');
		const [task, ...more] = instance().sandbox.tasks();
		expect(more).toEqual([]);
		expect(task).toMatchObject({
			app: 'sandbox/llm',
			status: 'completed',
			input: { text: 'Hello from the editor' },
		});
		await panel.close();
	});

	test('the form has the fields of the app, with drop-downs for choices', async () => {
		const panel = await editor.openPanel(await newWorkflow('runApp'));
		await panel.pickApp('Image Resize');
		await panel.choose('inputMode', 'Form');
		await panel.type('image', 'data');
		for (const field of ['Width', 'Resample']) await panel.addField(field);
		await panel.type('width', '1024');
		await panel.choose('resample', 'bicubic');
		await editor.settle();
		await picture(editor.page, 'docs/images/form-panel');
		await panel.close();
	});

	test('an example runs: the canvas shows it, and so does the panel of the node', async () => {
		await editor.openWorkflow(FIRST_EXAMPLE);
		await editor.execute();
		await editor.succeeded('Answers');
		await editor.fit();
		await editor.settle();
		await picture(editor.page, 'docs/images/run-app-canvas');
		const panel = await editor.openPanel('Run App');
		await panel.output.getByText('Lisbon').first().waitFor();
		await editor.settle();
		await picture(editor.page, 'docs/images/run-app-panel');
		await panel.close();
	});

	describe('on a smaller screen', () => {
		beforeAll(() => editor.page.setViewportSize(SMALL));
		afterAll(() => editor.page.setViewportSize(SIZE));

		test.each(examples)('examples/$file opens with nothing missing', async ({ file, workflow }) => {
			await editor.openWorkflow(workflow.id);
			// Notes are drawn apart from the nodes.
			const nodes = workflow.nodes.filter(({ type }) => !type.endsWith('.stickyNote'));
			await expect.poll(() => editor.nodes().count(), { timeout: WAIT_MS }).toBe(nodes.length);
			expect(await editor.complaints()).toEqual([]);
			await editor.fit();
			await editor.settle();
			await picture(editor.canvas, `examples/${file.replace(/\.json$/, '')}`, BUTTONS);
		});
	});

	test('what the service has to say is shown above the output', async () => {
		instance().sandbox.configure({
			messages: [{ level: 'warning', code: 'quota', message: 'Your quota is nearly used up.' }],
		});
		const panel = await editor.openPanel(
			await newWorkflow('runApp', { app: ref('sandbox/echo'), inputMode: 'item' }),
		);
		await panel.execute();
		await panel.output.getByText('Your quota is nearly used up.').waitFor();
		await panel.close();
	});

	test('an error says what happened and what to do', async () => {
		const panel = await editor.openPanel(
			await newWorkflow('runApp', { app: ref('sandbox/ecko'), inputMode: 'item' }),
		);
		await panel.execute();
		await panel.output.getByText("app 'sandbox/ecko' not found").first().waitFor();
		expect(instance().sandbox.tasks()).toEqual([]);
		await panel.close();
	});

	test('Stop cancels the tasks at the service', async () => {
		const { sandbox } = instance();
		await newWorkflow('runApp', { app: ref('sandbox/manual'), inputMode: 'item' });
		await editor.execute();
		await expect.poll(() => sandbox.running().length, { timeout: WAIT_MS }).toBe(1);
		await editor.stop();
		await expect
			.poll(() => sandbox.tasks().map(({ status }) => status), { timeout: WAIT_MS })
			.toEqual(['cancelled']);
		await editor.toast(/stopped/i).waitFor();
	});

	test('a batch shows its three outputs', async () => {
		const name = await newWorkflow('batch', {
			app: ref('sandbox/echo'),
			itemsFrom: 'list',
			list: '={{ [{ text: "a" }, { text: "b" }, 3] }}',
		});
		await editor.execute();
		await editor.succeeded(name);
		const panel = await editor.openPanel(name);
		await panel.output.getByText('2 of 3 items succeeded').waitFor();
		const shown = await panel.output.textContent();
		for (const output of [
			'Succeeded Branch (2 items)',
			'Failed Branch (1 item)',
			'Summary Branch',
		]) {
			expect(shown).toContain(output);
		}
		await editor.settle();
		await picture(editor.page, 'docs/images/batch-panel');
		await panel.close();
	});
});

const descriptionOf = (type: string) => DESCRIPTIONS.find(({ name }) => name === type);

/** Parameters of a node with everything that "Add option" can add to it. */
function allOptions(type: string): object {
	const { properties = [] } = descriptionOf(type) ?? {};
	const collections = properties.filter((property) => property.type === 'collection');
	return Object.fromEntries(
		collections.map(({ name, options = [] }) => [
			name,
			Object.fromEntries(
				options.flatMap((option) => ('default' in option ? [[option.name, option.default]] : [])),
			),
		]),
	);
}

const ref = (value: string): object => ({ __rl: true, mode: 'ref', value });
