/**
 * Thousands of runs in one process, as it lives for weeks: of what a node needs while it runs,
 * nothing is there afterwards, and what it remembers has an end.
 */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { getEventListeners } from 'node:events';
import { createRequire } from 'node:module';
import type { IDataObject, INodeParameters, INodeType } from 'n8n-workflow';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { heldMegabytes } from '../bench/garbage.mts';
import { startService, type Service } from '../bench/serviceProcess.mts';
import { answerOf, runAsking, type Asking } from '../engine/askingNode.mts';
import { runNode, type EngineRun, type RunNodeOptions } from '../engine/engine.mts';
import { PollingWorkflow } from '../engine/pollEngine.mts';
import { aMoment, until } from '../until.mts';

/** So many runs of each kind, unless it takes a share of them only; half as many go before, so that what is kept once is there. */
const RUNS = Number(process.env['SOAK_RUNS'] ?? 3_000);
/** What is tried in several ways, or takes long. */
const A_THIRD = 1 / 3;
/** Runs that are under way at once. */
const WIDTH = 8;
/** Memory that may be held more after all the runs of a kind than before, MB. */
const MOST_GROWTH_MB = 3;
/** Keys, conversations and texts that come again. */
const AGAIN = 50;

let service: Service;
beforeAll(async () => {
	service = await startService();
});
afterAll(async () => await service[Symbol.asyncDispose]());

const require = createRequire(import.meta.url);
const DIST = `${process.cwd()}/dist/nodes`;

function nodeOf(name: string): INodeType {
	const { [name]: Node } = require(`${DIST}/${name}/${name}.node.js`) as Record<
		string,
		new () => INodeType
	>;
	if (Node === undefined) throw new Error(`No node ${name}`);
	return new Node();
}

const OPTIONS: INodeParameters = { backoffBase: 0.1, backoffCap: 0.1, pollInterval: 0.1 };

interface Kind {
	readonly what: string;
	readonly node: string;
	/** Default: all. */
	readonly share?: number;
	/** Makes what runs the node for the `n`-th time. */
	start(): Promise<(n: number) => Promise<void>>;
}

interface Executed extends Omit<Kind, 'start'> {
	/** What is special about the `n`-th run. */
	run(n: number): Partial<RunNodeOptions> & { parameters: INodeParameters; apiKey?: string };
	/** How a run ends; success unless told otherwise. */
	readonly ends?: EngineRun['status'];
}

const credentialsOf = (apiKey: string) => ({ apiKey, baseUrl: service.url, maxConcurrency: 0 });

/** A node that executes. */
function executed({ run, ends = 'success', ...rest }: Executed): Kind {
	return {
		...rest,
		start: async () => {
			const instance = nodeOf(rest.node);
			return async (n) => {
				const { apiKey = service.apiKey, ...options } = run(n);
				let signal: AbortSignal | undefined;
				const { status, error } = await runNode({
					node: instance,
					mode: 'trigger',
					credentials: credentialsOf(apiKey),
					adjustContext: (context) => (signal = context.getExecutionCancelSignal()),
					...options,
				});
				if (status !== ends) throw error ?? new Error(`ended as ${status}`);
				await unheard(signal);
			};
		},
	};
}

/** Waits until nobody listens to the signal of a run any more. */
async function unheard(signal: AbortSignal | undefined): Promise<void> {
	if (!signal) throw new Error('The node was not run');
	await until(() => getEventListeners(signal, 'abort').length === 0);
}

/** A signal that lives longer than whatever hears it. */
const patience = new AbortController().signal;

/** The chat model, asked as n8n's own nodes ask it. */
function asked(what: string, asking: Asking<BaseChatModel>): Kind {
	const node = 'LmChatInferenceSh';
	return {
		what,
		node,
		share: A_THIRD,
		start: async () => {
			const modelNode = nodeOf(node);
			return async () => {
				let signal: AbortSignal | undefined;
				const noting: typeof asking = async (model, context) => {
					signal = context.getExecutionCancelSignal();
					return await asking(model, context);
				};
				const run = await runAsking(noting, {
					modelNode,
					mode: 'trigger',
					parameters: { model: ref('sandbox/chat'), options: { reasoningEffort: 'high' } },
					credentials: credentialsOf(service.apiKey),
				});
				answerOf(run);
				await unheard(signal);
			};
		},
	};
}

/** The trigger in an active workflow: `before` happens before its `n`-th poll, which has to give so much. */
function polled(what: string, before: (n: number) => Promise<void>, least: number): Kind {
	const node = 'InferenceShTrigger';
	return {
		what,
		node,
		share: A_THIRD,
		start: async () => {
			const workflow = new PollingWorkflow({
				node: nodeOf(node),
				parameters: {},
				credentials: credentialsOf(service.apiKey),
			});
			await workflow.activate();
			// Polls of one workflow come one after the other.
			let polls = Promise.resolve();
			return async (n) => {
				polls = polls.then(async () => {
					await before(n);
					const found = await workflow.poll();
					workflow.emitted.length = 0;
					if ((found ?? []).length !== least) throw new Error(`${found?.length ?? 0} came`);
				});
				await polls;
			};
		},
	};
}

const ref = (value: string) => ({ __rl: true, mode: 'ref', value });
const app = (value = 'sandbox/echo', more: INodeParameters = {}): INodeParameters => ({
	app: ref(value),
	inputMode: 'item',
	concurrency: 5,
	...more,
	options: OPTIONS,
});
const agent = (more: INodeParameters = {}): INodeParameters => ({
	agent: ref('sandbox/assistant'),
	message: 'hello',
	...more,
	options: OPTIONS,
});

const EXECUTED: readonly Executed[] = [
	{
		what: 'with one key',
		node: 'RunApp',
		run: (n) => ({ parameters: app(), items: [{ n }, { n: n + 1 }] }),
	},
	{
		what: 'with a key of its own for each run',
		node: 'RunApp',
		run: (n) => ({ parameters: app(), items: [{ n }], apiKey: `inf_key_${n}` }),
	},
	{
		what: 'that fails',
		node: 'RunApp',
		run: (n) => ({ parameters: app(`sandbox/none-${n % AGAIN}`) }),
		ends: 'error',
	},
	{
		what: 'that is stopped',
		node: 'RunApp',
		run: () => ({
			parameters: app('sandbox/sleep'),
			items: [{ ms: 600_000 }],
			cancelAfter: aMoment(),
		}),
		ends: 'canceled',
	},
	{
		what: 'that follows a stream',
		node: 'StreamTask',
		run: () => ({ parameters: app('sandbox/sleep'), items: [{ ms: 1 }], streaming: true }),
	},
	{
		what: 'of a few items',
		node: 'Batch',
		run: (n) => ({ parameters: app(), items: [{ n }, { n }, { n }] }),
	},
	{
		what: 'in a new chat',
		node: 'AgentMessage',
		run: () => ({ parameters: agent() }),
	},
	{
		what: 'in conversations that come again',
		node: 'AgentMessage',
		run: (n) => ({
			parameters: agent({ conversation: 'key', conversationKey: `again ${n % AGAIN}` }),
		}),
	},
	{
		what: 'in a conversation of its own for each run',
		node: 'AgentMessage',
		run: (n) => ({ parameters: agent({ conversation: 'key', conversationKey: `only ${n}` }) }),
	},
	{
		what: 'that reads',
		node: 'InferenceSh',
		share: A_THIRD,
		run: (n) => ({ parameters: READS[n % READS.length] ?? {} }),
	},
	{
		what: 'that uploads a file',
		node: 'InferenceSh',
		share: A_THIRD,
		run: (n) => ({
			parameters: { resource: 'file', operation: 'upload' },
			items: [{ json: {}, binary: { data: textFile(n) } }],
		}),
	},
	{
		what: 'that runs a flow with a file in and out',
		node: 'InferenceSh',
		share: A_THIRD,
		run: (n) => ({
			parameters: {
				resource: 'flow',
				operation: 'run',
				flow: ref('sandbox/poster'),
				inputMode: 'fields',
				fields: { mappingMode: 'defineBelow', value: { picture: 'data' } },
				downloadFiles: true,
				options: OPTIONS,
			},
			items: [{ json: {}, binary: { data: { ...textFile(n), mimeType: 'image/png' } } }],
		}),
	},
];

const READS: readonly INodeParameters[] = [
	{ resource: 'task', operation: 'getAll', limit: 5 },
	{ resource: 'app', operation: 'search', search: 'echo' },
	{ resource: 'account', operation: 'getBalance' },
	{ resource: 'flow', operation: 'getAll' },
];

const textFile = (n: number) => ({
	data: Buffer.from(`file ${n}`).toString('base64'),
	mimeType: 'text/plain',
	fileName: `${n}.txt`,
});

const QUESTION = 'Hello, 3 words, think 1 ms every 1 ms';
const CALLS = 'call add {"x":1} call add {"x":2}, think 1 ms every 1 ms';
const ADD = {
	type: 'function',
	function: { name: 'add', description: 'Adds', parameters: { type: 'object', properties: {} } },
} as const;

/**
 * Starts a task elsewhere, which has ended when the answer comes. Polls are minutes apart in life, and
 * read the tasks of the last two again: here the service forgets them now and then instead.
 */
async function startElsewhere(n: number): Promise<void> {
	if (n % AGAIN === 0) await service.reset();
	const answer = await fetch(`${service.url}/apps/run`, {
		method: 'POST',
		headers: {
			authorization: `Bearer ${service.apiKey}`,
			'content-type': 'application/json',
			connection: 'close',
		},
		body: JSON.stringify({ app: 'sandbox/instant', input: {} }),
	});
	await answer.text();
}

const KINDS: readonly Kind[] = [
	...EXECUTED.map(executed),
	asked('asked for an answer in one piece', async (model) => {
		const { text } = await model.invoke(QUESTION, { signal: patience });
		return { text };
	}),
	asked('asked for a stream', async (model) => {
		let text = '';
		const answer = await model.stream(QUESTION, { signal: patience });
		for await (const chunk of answer) text += chunk.text;
		return { text };
	}),
	asked('asked for calls of tools', async (model) => {
		const { tool_calls = [] } = (await model
			.bindTools?.([ADD])
			.invoke(CALLS, { signal: patience })) as { tool_calls?: IDataObject[] };
		if (tool_calls.length !== 2) throw new Error(`${tool_calls.length} calls came`);
		return { tool_calls };
	}),
	asked('left in the middle of a stream', async (model) => {
		for await (const _ of await model.stream('200 words', { signal: patience })) break;
		return {};
	}),
	polled('that finds nothing', async () => {}, 0),
	polled('that finds a task', startElsewhere, 1),
];

async function runs(run: (n: number) => Promise<void>, from: number, to: number): Promise<void> {
	let next = from;
	const worker = async () => {
		while (next < to) await run(next++);
	};
	await Promise.all(Array.from({ length: WIDTH }, worker));
}

/** Sockets, timers and whatever else keeps a process alive, without what was there before. */
const handles = () => process.getActiveResourcesInfo().toSorted();

it.for(KINDS)('$node $what', async (kind, { annotate }) => {
	await service.reset();
	const count = Math.ceil(RUNS * (kind.share ?? 1));
	const keys = Array.from({ length: count * 2 }, (_, n) => `inf_key_${n}`);
	await service.addWorkspaces(keys);
	const before = handles();
	const run = await kind.start();
	await runs(run, 0, Math.ceil(count / 2));
	await until(() => handles().length <= before.length);
	const warm = heldMegabytes();

	await runs(run, count, count * 2);

	// Connections are kept for a few seconds, for whoever comes next.
	await until(() => handles().length <= before.length);
	const growth = heldMegabytes() - warm;
	await annotate(`${growth.toFixed(2)} MB more after ${count} runs`);
	expect(growth).toBeLessThanOrEqual(MOST_GROWTH_MB);
	expect(getEventListeners(patience, 'abort')).toEqual([]);
	await until(async () => (await service.running()) === 0);
});
