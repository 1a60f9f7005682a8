/** Whether people find the nodes in n8n's editor, can add them there, and try them as tools. */
import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';

import { RESOURCES } from '../../../nodes/InferenceSh/actions/index.ts';
import { BEHIND_ICONS, type Theme } from '../../package/contrast.mts';
import { CREDENTIAL } from '../demo/demoInstance.mts';
import { useInstance } from '../n8n/instance.mts';
import { Editor } from './editor.mts';
import { NodePicker } from './nodePicker.mts';
import { picture } from './pictures.mts';

const WAIT = { timeout: 60_000 };
const START = 'Start';
const AGENT = 'AI Agent';

interface Wanted {
	/** Its name on the canvas. */
	readonly name: string;
	/** Its name in lists; on the canvas a dot would break n8n's tools. */
	readonly title: string;
	readonly type: string;
	readonly isTool: boolean;
	/** If it has several, one of its actions. */
	readonly action?: RegExp;
	/** The name that n8n gives it on the canvas by that action, and as a tool by its first. */
	readonly named?: readonly [node: string, tool: string];
}

const inList = (name: string): string => `Inference.sh ${name}`;
const titled = (node: Omit<Wanted, 'title'>): Wanted => ({ ...node, title: inList(node.name) });

const NODES: readonly Wanted[] = [
	titled({ name: 'Run App', type: 'runApp', isTool: true }),
	titled({ name: 'Batch', type: 'batch', isTool: false }),
	titled({ name: 'Stream Task', type: 'streamTask', isTool: true }),
	titled({ name: 'Agent Message', type: 'agentMessage', isTool: true, action: /^\s*Send/ }),
	{
		name: 'Inference',
		title: 'Inference.sh',
		type: 'inferenceSh',
		isTool: true,
		action: /^\s*Get balance of account/,
		named: ['Get balance of account', 'Get task in Inference'],
	},
];
const MODEL = titled({ name: 'Chat Model', type: 'lmChatInferenceSh', isTool: false });
const ALL = [...NODES, MODEL].map(({ name }) => name);

/** What people type, and what they must find by it. */
const SEARCHES: ReadonlyArray<readonly [words: string, names: readonly string[]]> = [
	['inference', ALL],
	['inference.sh', ALL],
	['AI', ALL],
	['run app', ['Run App']],
	['bulk', ['Batch']],
	['batch', ['Batch']],
	['image', ['Run App', 'Batch', 'Stream Task']],
	['video', ['Run App', 'Batch', 'Stream Task']],
	['LLM', ['Run App', 'Batch', 'Stream Task', 'Agent Message', 'Chat Model']],
	['agent', ['Agent Message', 'Inference']],
	['text to image', ['Run App']],
	['transcribe', ['Run App']],
	['Stable Diffusion', ['Run App']],
	['Claude', ['Run App', 'Agent Message', 'Chat Model']],
	['chat model', ['Chat Model']],
	['balance', ['Inference']],
	['workspace', ['Inference']],
	// n8n lists the trigger under the node with its name.
	['approval', ['Agent Message', 'Inference']],
	['task finished', ['Inference']],
];
const OURS = /^Inference\.sh/;

const listed = ({ title }: Wanted): string => title;
const asTool = ({ title }: Wanted): string => `${title} Tool`;
const tools = NODES.filter(({ isTool }) => isTool);

describe('the nodes in the list of nodes', () => {
	const instance = useInstance();
	let editor: Editor;

	beforeAll(async () => {
		editor = await Editor.open(instance().rest.url, inject('n8n').owner);
	});
	afterAll(async () => {
		await editor?.[Symbol.asyncDispose]();
	});
	afterEach(async ({ task }) => {
		if (task.result?.state === 'fail') await editor.keepPicture('picker-failure');
	});

	async function open(nodes: readonly object[], connections: object = {}): Promise<void> {
		const { id } = await instance().rest.call<{ id: string }>('POST', 'workflows', {
			name: 'Editor: list of nodes',
			settings: { executionOrder: 'v1' },
			nodes: nodes.map((node) => ({ typeVersion: 1, parameters: {}, ...node })),
			connections,
		});
		await editor.openWorkflow(id);
	}

	const start = {
		id: 'start',
		name: START,
		type: 'n8n-nodes-base.manualTrigger',
		position: [0, 0],
	};
	const agent = {
		id: 'agent',
		name: AGENT,
		type: '@n8n/n8n-nodes-langchain.agent',
		typeVersion: 3,
		position: [220, 0],
	};
	const toAgent = { [START]: { main: [[{ node: AGENT, type: 'main', index: 0 }]] } };

	const plusOf = (node: string, handle: string): Locator =>
		editor.page.locator(
			`[data-node-name="${node}"][data-handleid="${handle}"] [data-test-id="canvas-handle-plus"]`,
		);

	/** What a function, which is given as text, says of an element of the page. */
	const inBrowser = async (ask: string, selector: string): Promise<unknown> =>
		await editor.page.evaluate(`(${ask})(document.querySelector(${JSON.stringify(selector)}))`);

	/** The places from which a person looks for a node. */
	const PLACES = {
		'an empty canvas': async () => {
			await editor.openEmpty();
			const first = editor.page.locator('[data-test-id="canvas-plus-button"]').first();
			return await NodePicker.open(editor.page, first, 'What triggers this workflow?');
		},
		'the plus behind a node': async () => {
			await open([start]);
			return await NodePicker.open(
				editor.page,
				plusOf(START, 'outputs/main/0'),
				'What happens next?',
			);
		},
		'the Tool plus of an AI Agent': async () => {
			await open([start, agent], toAgent);
			await NodePicker.load(editor.page);
			return await NodePicker.open(editor.page, plusOf(AGENT, 'inputs/ai_tool/0'), 'Tools');
		},
		'the Chat Model plus of an AI Agent': async () => {
			await open([start, agent], toAgent);
			await NodePicker.load(editor.page);
			const plus = plusOf(AGENT, 'inputs/ai_languageModel/0');
			return await NodePicker.open(editor.page, plus, 'Language Models');
		},
	} as const;
	type Place = keyof typeof PLACES;
	const OPENERS: ReadonlyArray<readonly [place: Place, nodes: readonly Wanted[]]> = [
		['an empty canvas', [...NODES, MODEL]],
		['the plus behind a node', [...NODES, MODEL]],
		['the Tool plus of an AI Agent', tools],
		['the Chat Model plus of an AI Agent', [MODEL]],
	];

	describe.each(OPENERS)('from %s', (place, nodes) => {
		const forTools = place === 'the Tool plus of an AI Agent';
		const nameOf = forTools ? asTool : listed;

		test('are found by the service and by what they do, and no others', async () => {
			const picker = await PLACES[place]();
			const own = async (): Promise<readonly string[]> =>
				(await picker.found()).filter((name) => OURS.test(name)).toSorted();
			for (const [words, names] of SEARCHES) {
				const wanted = nodes.filter(({ name }) => names.includes(name)).map(nameOf);
				if (wanted.length === 0) continue;
				await picker.search(words);
				const isEverything = wanted.length === nodes.length;
				await expect
					.poll(own, { ...WAIT, message: words })
					.toEqual(isEverything ? wanted.toSorted() : expect.arrayContaining(wanted));
				if (place === 'an empty canvas' && words === 'inference') {
					await picture(editor.page, 'docs/images/node-search');
				}
			}
		});

		// Where a workflow has no start yet, n8n offers the trigger of the workspace first.
		const added = nodes.filter(
			(node) => node !== MODEL && (place !== 'an empty canvas' || node.type !== 'inferenceSh'),
		);
		test.each(added)('$title is added', async (node) => {
			const { action, named = [node.name, node.name] } = node;
			const name = named[forTools ? 1 : 0];
			const picker = await PLACES[place]();
			await picker.search('inference.sh');
			await picker.add(nameOf(node), action);
			const panel = await editor.openedPanel();
			await expect.poll(() => panel.credential(), WAIT).toBe(CREDENTIAL.name);
			await panel.close();
			await editor.node(name).waitFor();
			const links = await editor.links();
			expect(links.flat()).toContain(name);
			if (forTools) expect(links).toContainEqual([name, AGENT]);
		});
	});

	test('the trigger is found on an empty canvas, and starts the workflow', async () => {
		const picker = await PLACES['an empty canvas']();
		await picker.search('inference');
		await picker.add('Inference.sh', /^\s*On approval needed/);
		const panel = await editor.openedPanel();
		await expect.poll(() => panel.credential(), WAIT).toBe(CREDENTIAL.name);
		expect(await panel.choice('event')).toBe('Approval Needed');
		await panel.close();
		await editor.node('Inference Trigger').waitFor();
	});

	test('the actions of Inference.sh are all its operations by resource, and its events', async () => {
		const picker = await PLACES['the plus behind a node']();
		await picker.search('inference');
		await picker.open('Inference.sh');
		const actions = RESOURCES.flatMap(({ name, operations }) => [
			`${name} Actions`,
			...operations.map(({ action }) => action),
		]);
		await expect.poll(() => picker.listed(), WAIT).toEqual(actions);
		await picture(editor.page, 'docs/images/actions');
		await picker.unfold('Triggers');
		await expect
			.poll(() => picker.listed(), WAIT)
			.toEqual([...actions, 'On approval needed', 'On task finished']);
		await picker.choose(/^\s*Run flow/);
		const panel = await editor.openedPanel();
		await expect.poll(() => panel.credential(), WAIT).toBe(CREDENTIAL.name);
		expect([await panel.choice('resource'), await panel.choice('operation')]).toEqual([
			'Flow',
			'Run',
		]);
		await panel.close();
		expect(await editor.links()).toContainEqual([START, 'Run flow']);
	});

	test('none is a memory for an AI Agent', async () => {
		await open([start, agent], toAgent);
		await NodePicker.load(editor.page);
		const plus = plusOf(AGENT, 'inputs/ai_memory/0');
		const picker = await NodePicker.open(editor.page, plus, 'Memory');
		await expect.poll(() => picker.found(), WAIT).toContain('Simple Memory');
		expect(await picker.found()).not.toContainEqual(expect.stringMatching(OURS));
	});

	test('the chat model is added to an AI Agent', async () => {
		const picker = await PLACES['the Chat Model plus of an AI Agent']();
		await picker.search('inference');
		await picker.add(MODEL.title);
		const panel = await editor.openedPanel();
		await expect.poll(() => panel.credential(), WAIT).toBe(CREDENTIAL.name);
		await panel.close();
		expect(await editor.links()).toContainEqual([MODEL.name, AGENT]);
	});

	test('the chat model comes with a chain around it where there is no agent', async () => {
		const picker = await PLACES['the plus behind a node']();
		await picker.search('inference');
		await picker.add(MODEL.title);
		await (await editor.openedPanel()).close();
		expect(await editor.links()).toContainEqual([MODEL.name, 'Basic LLM Chain']);
	});

	describe('as a tool', () => {
		const app = { __rl: true, mode: 'ref', value: 'sandbox/echo' };
		const jsonInput = "={{ ({ text: $fromAI('text', 'What to say', 'string') }) }}";
		const saved = { __rl: true, mode: 'ref', value: 'sandbox/assistant' };
		const PARAMETERS: Readonly<Record<string, object>> = {
			runApp: { app, inputMode: 'json', jsonInput },
			streamTask: { app, inputMode: 'json', jsonInput },
			agentMessage: { agent: saved, message: "={{ $fromAI('text', 'What to say', 'string') }}" },
		};

		const speaking = tools.filter(({ type }) => type in PARAMETERS);
		test.each(speaking)(
			'$name runs by Execute step and shows its result',
			async ({ name, type }) => {
				await open(
					[
						start,
						agent,
						{
							id: 'tool',
							name,
							type: `n8n-nodes-inferencesh.${type}Tool`,
							typeVersion: 2,
							position: [320, 220],
							parameters: PARAMETERS[type],
							credentials: { [CREDENTIAL.type]: { id: CREDENTIAL.id, name: CREDENTIAL.name } },
						},
					],
					{ ...toAgent, [name]: { ai_tool: [[{ node: AGENT, type: 'ai_tool', index: 0 }]] } },
				);
				const panel = await editor.openPanel(name);
				await panel.execute();
				await editor.answerForModel({ text: 'Hello from a model' });
				await panel.output.getByText('completed').first().waitFor();
				expect(await panel.output.textContent()).toContain('Hello from a model');
				if (type === 'runApp') {
					await editor.settle();
					await picture(editor.page, 'docs/images/tool-panel');
				}
				await panel.close();
			},
		);
	});

	test.each<Theme>(['light', 'dark'])('their icons are drawn in the %s theme', async (theme) => {
		await editor.page.emulateMedia({ colorScheme: theme });
		const nodes = [...NODES, MODEL, { name: 'Trigger', type: 'inferenceShTrigger' }];
		await open(
			nodes.map(({ name, type }, index) => ({
				id: type,
				name,
				type: `n8n-nodes-inferencesh.${type}`,
				position: [200 * index, 0],
			})),
		);
		for (const { name, type } of nodes) {
			const icon = editor.node(name).locator('img').first();
			const place = `[data-node-name="${name}"] img`;
			await expect.poll(() => inBrowser(HAS_BEEN_DRAWN, place), WAIT).toBe(true);
			const file = `${type}${theme === 'dark' ? '.dark' : ''}.svg`;
			expect(await icon.getAttribute('src')).toMatch(
				new RegExp(`/${file.replaceAll('.', '\\.')}$`),
			);
			expect(BEHIND_ICONS[theme]).toContain(await inBrowser(COLOUR_BEHIND, place));
		}
		expect(BEHIND_ICONS[theme]).toContain(
			await inBrowser(COLOUR_BEHIND, '[data-test-id="canvas"]'),
		);
		await editor.page.emulateMedia({ colorScheme: 'light' });
	});
});

const HAS_BEEN_DRAWN = '(image) => image !== null && image.complete && image.naturalWidth > 0';
/** The colour that an element stands on, as `#rrggbb`. */
const COLOUR_BEHIND = `(element) => {
	const drawing = document.createElement('canvas').getContext('2d');
	for (let at = element; at !== null; at = at.parentElement) {
		drawing.clearRect(0, 0, 1, 1);
		drawing.fillStyle = getComputedStyle(at).backgroundColor;
		drawing.fillRect(0, 0, 1, 1);
		const [red, green, blue, alpha] = drawing.getImageData(0, 0, 1, 1).data;
		const hex = [red, green, blue].map((part) => part.toString(16).padStart(2, '0'));
		if (alpha === 255) return '#' + hex.join('');
	}
}`;
