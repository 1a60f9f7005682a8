/** What a person reads in n8n's own chat panel when one of the nodes answers. */
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';

import { until } from '../../until.mts';
import { CREDENTIAL } from '../demo/demoInstance.mts';
import { useInstance } from '../n8n/instance.mts';
import { ChatPanel } from './chatPanel.mts';
import { Editor } from './editor.mts';
import { picture, plainSpeaker, Writer } from './pictures.mts';

const NODE = 'Answer';
const TRIGGER = 'Chat';
const WAIT = { timeout: 60_000 };
const QUESTION = 'Name a city by the sea.';

/** The chat's Response Mode; the first is n8n's default. */
const MODES = [
	{ mode: 'When Last Node Finishes', trigger: {} },
	{ mode: 'Streaming', trigger: { options: { responseMode: 'streaming' } } },
];

const ref = (value: string): object => ({ __rl: true, mode: 'ref', value });
const ofChat = {
	app: ref('anthropic/claude-sonnet-5'),
	inputMode: 'json',
	jsonInput: '={{ ({ text: $json.chatInput }) }}',
};
const toAgent = (agent: string): object => ({
	agent: ref(`sandbox/${agent}`),
	message: '={{ $json.chatInput }}',
	conversation: 'key',
});

describe("n8n's chat panel", () => {
	const writer = new Writer();
	const instance = useInstance({ apps: [plainSpeaker, writer.app] });
	let editor: Editor;

	beforeAll(async () => {
		editor = await Editor.open(instance().rest.url, inject('n8n').owner);
	});
	afterAll(async () => {
		await editor?.[Symbol.asyncDispose]();
	});
	afterEach(async ({ task }) => {
		if (task.result?.state === 'fail') await editor.keepPicture('chat-failure');
	});

	/** Opens the chat of a new workflow in which a node answers. */
	async function chatWith(type: string, parameters: object, trigger: object): Promise<ChatPanel> {
		const { id } = await instance().rest.call<{ id: string }>('POST', 'workflows', {
			name: `Chat: ${type}`,
			settings: { executionOrder: 'v1' },
			nodes: [
				{
					id: 'chat',
					name: TRIGGER,
					type: '@n8n/n8n-nodes-langchain.chatTrigger',
					typeVersion: 1.4,
					webhookId: crypto.randomUUID(),
					position: [0, 0],
					parameters: trigger,
				},
				{
					id: 'node',
					name: NODE,
					type: `n8n-nodes-inferencesh.${type}`,
					typeVersion: 2,
					position: [220, 0],
					parameters,
					credentials: { [CREDENTIAL.type]: { id: CREDENTIAL.id, name: CREDENTIAL.name } },
				},
			],
			connections: { [TRIGGER]: { main: [[{ node: NODE, type: 'main', index: 0 }]] } },
		});
		await editor.openWorkflow(id);
		return await ChatPanel.open(editor.page);
	}

	/** What stands above the output of the node. */
	async function expectHint(text: string): Promise<void> {
		const panel = await editor.openPanel(NODE);
		await panel.output.getByText(text).waitFor();
		await panel.close();
	}

	describe.each(MODES)('Response Mode: $mode', ({ trigger }) => {
		test.each([
			['Run App', 'runApp'],
			['Stream Task', 'streamTask'],
		])('%s answers in words, with Output as the page says', async (_, type) => {
			const chat = await chatWith(type, { ...ofChat, output: 'text' }, trigger);
			await chat.say(QUESTION);
			await expect.poll(() => chat.answers(), WAIT).toEqual(['Lisbon']);
		});

		test('Agent Message answers in words, and remembers what was said', async () => {
			const chat = await chatWith('agentMessage', toAgent('assistant'), trigger);
			await chat.say('Hello');
			const first = 'You said "Hello".';
			await expect.poll(() => chat.answers(), WAIT).toEqual([first]);
			await chat.say('Bye');
			const second = 'You said "Bye". Before that: "Hello".';
			await expect.poll(() => chat.answers(), WAIT).toEqual([first, second]);
		});

		test('an agent that waits says what for, in words, and so does a hint', async () => {
			const chat = await chatWith('agentMessage', toAgent('support'), trigger);
			await chat.say('My money back, please');
			await expect
				.poll(() => chat.answers(), WAIT)
				.toEqual([
					expect.stringMatching(
						/^I would refund that\.\s+Waits for approval of: refund \(order: A-17, amount: 25\)$/,
					),
				]);
			await expectHint('The agent waits for approval of: refund.');
		});
	});

	test.each([
		['Run App', 'runApp'],
		['Stream Task', 'streamTask'],
	])('%s: with the default Output a hint names the setting', async (_, type) => {
		const chat = await chatWith(type, ofChat, {});
		await chat.say(QUESTION);
		await editor.succeeded(NODE);
		await expectHint('Set "Output" to "Only the Text".');
	});

	test('Stream Task shows its words while they are written', async () => {
		const { sandbox } = instance();
		const parameters = { ...ofChat, app: ref('anthropic/claude-haiku-5') };
		const chat = await chatWith('streamTask', parameters, MODES[1]?.trigger ?? {});
		const before = sandbox.count('GET', /\/stream$/);
		await chat.say(QUESTION);
		await until(() => sandbox.count('GET', /\/stream$/) > before);
		writer.write('Lisbon. It lies on seven hills above the Tagus,');
		await expect
			.poll(() => chat.answers(), WAIT)
			// n8n shows by a bubble of its own that more is coming.
			.toEqual(['Lisbon. It lies on seven hills above the Tagus,', '']);
		await picture(editor.page, 'docs/images/chat-stream');
		writer.write(' close to the Atlantic.');
		writer.finish();
		await expect
			.poll(() => chat.answers(), WAIT)
			.toEqual(['Lisbon. It lies on seven hills above the Tagus, close to the Atlantic.']);
	});

	test.each([
		['Run App', 'runApp'],
		['Stream Task', 'streamTask'],
	])('%s: a chat that streams needs no setting', async (_, type) => {
		const chat = await chatWith(type, ofChat, MODES[1]?.trigger ?? {});
		await chat.say(QUESTION);
		await expect.poll(() => chat.answers(), WAIT).toEqual(['Lisbon']);
	});
});
