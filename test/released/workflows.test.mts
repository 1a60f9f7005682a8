/**
 * Workflows saved with earlier releases, as they were: the examples of those releases. Nothing in
 * them is ever adapted; they run with the nodes of now.
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { IConnections, INode, INodeExecutionData } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { AgentMessage } from '../../nodes/AgentMessage/AgentMessage.node.ts';
import { Batch } from '../../nodes/Batch/Batch.node.ts';
import { RunApp } from '../../nodes/RunApp/RunApp.node.ts';
import { StreamTask } from '../../nodes/StreamTask/StreamTask.node.ts';
import { CORE_NODES } from '../engine/coreNodes.mts';
import { runWorkflow, useFileBinaryData, type EngineRun } from '../engine/engine.mts';
import { credentialsOf, submissions, useSandbox } from '../engine/support.mts';
import { png } from '../sandbox/apps/media.mts';
import { filesOf, inMemory } from '../shared/files/support.mts';

const FOLDER = path.join(import.meta.dirname, '0.1.0');

const NODES = {
	...CORE_NODES,
	'n8n-nodes-inferencesh.runApp': new RunApp(),
	'n8n-nodes-inferencesh.batch': new Batch(),
	'n8n-nodes-inferencesh.streamTask': new StreamTask(),
	'n8n-nodes-inferencesh.agentMessage': new AgentMessage(),
};

const sandbox = useSandbox();

/** The JSON of what a node has put out. */
const out = (run: EngineRun, name: string, output = 0) =>
	run.output(name, output).map(({ json }) => json);

/** Runs a saved workflow from its first trigger. */
async function runSaved(
	file: string,
	options: { startItems?: INodeExecutionData[]; streaming?: boolean } = {},
): Promise<EngineRun> {
	const saved = JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as {
		nodes: INode[];
		connections: IConnections;
	};
	const nodes = saved.nodes.filter(({ type }) => !type.endsWith('.stickyNote'));
	for (const node of nodes) {
		if (node.type.includes('inferencesh')) {
			expect(node.typeVersion).toBe(1);
			node.credentials = { inferenceShApi: { id: '1', name: 'Test' } };
		}
	}
	const isStart = ({ type }: INode) => /(?:manualTrigger|chatTrigger|webhook)$/.test(type);
	return await runWorkflow({
		nodes: [...nodes.filter(isStart), ...nodes.filter((node) => !isStart(node))],
		connections: saved.connections,
		nodeTypes: NODES,
		credentials: credentialsOf(sandbox()),
		...options,
	});
}

/** What each of them does, by file. */
const CHECKS: Readonly<Record<string, () => Promise<void>>> = {
	async 'run-app.json'() {
		const run = await runSaved('run-app.json');
		expect(out(run, 'Answers')).toHaveLength(5);
		expect(out(run, 'Answers')[0]).toMatchObject({
			prompt: 'Name a colour.',
			answer: expect.stringContaining('You said "Name a colour."') as string,
			task: sandbox().tasks()[0]?.id,
		});
		expect(Object.keys(out(run, 'Run App')[0] ?? {})).toEqual([
			...['id', 'status', 'output', 'app', 'created_at', 'updated_at', 'run'],
		]);
	},
	async 'run-app-errors.json'() {
		const run = await runSaved('run-app-errors.json');
		expect(out(run, 'Answers')).toHaveLength(4);
		expect(out(run, 'Problems')).toMatchObject([{ row: 3, code: 'validation' }]);
	},
	async 'image-resize.json'() {
		const photo = inMemory(png(60, 30, [200, 30, 30]));
		const run = await runSaved('image-resize.json', {
			startItems: [{ json: { body: { width: '40' } }, binary: { image: photo } }],
		});
		const [resized] = run.output('Respond to Webhook');
		expect(await filesOf(resized)).toMatchObject({ image: { mimeType: 'image/png' } });
		expect(sandbox().tasks()).toMatchObject([{ input: { width: 40 } }]);
	},
	async 'callback.json'() {
		const run = await runSaved('callback.json');
		expect(sandbox().tasks()).toHaveLength(3);
		for (const { webhook } of submissions(sandbox())) expect(webhook).toContain('webhook-waiting');
		// Tasks that have ended before the wait begins are not waited for.
		if (run.status !== 'waiting') expect(out(run, 'Videos')).toHaveLength(3);
	},
	async 'session.json'() {
		await runSaved('session.json');
		const [first, second] = sandbox().tasks();
		expect(second?.sessionId).toBe(first?.sessionId);
		expect(second?.status).toBe('completed');
	},
	async 'time-limits.json'() {
		const run = await runSaved('time-limits.json');
		expect(out(run, 'Videos')).toMatchObject([
			{ scene: 'A lighthouse in a storm', attempts: 1 },
			{ scene: 'A train in the snow', attempts: 1 },
		]);
		expect(out(run, 'Videos')[0]?.['video']).toContain('.mp4');
	},
	async 'web-endpoint.json'() {
		const run = await runSaved('web-endpoint.json', {
			startItems: [{ json: { body: { prompt: 'Hello' } } }, { json: { body: {} } }],
		});
		expect(out(run, 'Answer')).toMatchObject([
			{ answer: expect.stringContaining('You said "Hello"') as string },
		]);
		expect(out(run, 'Refusal')).toMatchObject([{ code: 'validation' }]);
	},
	async 'batch.json'() {
		const run = await runSaved('batch.json');
		expect(out(run, 'Texts')).toHaveLength(8);
		expect(out(run, 'Texts')[1]?.['text']).toContain('Espresso machine');
		expect(out(run, 'To look at')).toMatchObject([{ row: { sku: 'A-009' } }]);
		expect(out(run, 'Summary')).toMatchObject([{ total: 9, succeeded: 8, failed: 1 }]);
	},
	async 'scheduled-batch.json'() {
		const run = await runSaved('scheduled-batch.json');
		expect(out(run, 'Answers')).toHaveLength(3);
		expect(out(run, 'Summary')).toMatchObject([{ total: 3, succeeded: 3 }]);
	},
	async 'stream-progress.json'() {
		const run = await runSaved('stream-progress.json');
		expect(out(run, 'Video')[0]?.['video']).toContain('.mp4');
		expect(out(run, 'Progress').at(-1)).toMatchObject({ status: 'completed' });
	},
	async 'stream-chat.json'() {
		const startItems = [{ json: { sessionId: 's1', chatInput: 'Hello there' } }];
		const run = await runSaved('stream-chat.json', { startItems, streaming: true });
		const said = run.chunks.map(({ content }) => content ?? '').join('');
		expect(said).toContain('You said "Hello there"');
	},
	async 'stream-webhook.json'() {
		const startItems = [{ json: { body: { prompt: 'Hello there' } } }];
		const run = await runSaved('stream-webhook.json', { startItems, streaming: true });
		const said = run.chunks.map(({ content }) => content ?? '').join('');
		expect(said).toContain('You said "Hello there"');
		expect(out(run, 'Answer')).toMatchObject([{ status: 'completed' }]);
		expect(out(run, 'What happened').length).toBeGreaterThan(0);
	},
	async 'agent-chat.json'() {
		const startItems = [{ json: { sessionId: 's1', chatInput: 'Hello there' } }];
		const run = await runSaved('agent-chat.json', { startItems, streaming: true });
		expect(out(run, 'Agent Message')).toMatchObject([{ status: 'completed' }]);
		const again = await runSaved('agent-chat.json', { startItems, streaming: true });
		const [first] = out(run, 'Agent Message');
		expect(out(again, 'Agent Message')).toMatchObject([{ chat_id: first?.['chat_id'] }]);
	},
	async 'agent-extract.json'() {
		const run = await runSaved('agent-extract.json');
		expect(out(run, 'Rows')).toHaveLength(3);
		expect(out(run, 'Rows')[0]).toHaveProperty('name');
	},
	async 'agent-approval.json'() {
		const run = await runSaved('agent-approval.json');
		expect(out(run, 'Link for a human')).toMatchObject([{ tool: 'refund' }]);
		expect(out(run, 'Reply')).toMatchObject([{ refunded: true }]);
	},
};

describe('a workflow of 0.1.0', () => {
	it.each(readdirSync(FOLDER))('runs as it was: %s', async (file) => {
		await useFileBinaryData();
		const check = CHECKS[file];
		if (!check) throw new Error(`No check is written for ${file}`);
		await check();
		expect(sandbox().violations()).toEqual([]);
	});
});
