/**
 * Thousands of runs in one process, as it lives for weeks: of what a node needs while it runs,
 * nothing is there afterwards, and what it remembers has an end.
 */
import { createRequire } from 'node:module';
import type { INodeParameters, INodeType } from 'n8n-workflow';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { heldMegabytes } from '../bench/garbage.mts';
import { startService, type Service } from '../bench/serviceProcess.mts';
import { runNode, type EngineRun, type RunNodeOptions } from '../engine/engine.mts';
import { aMoment, until } from '../until.mts';

/** So many runs of each kind; half as many go before, so that what is kept once is there. */
const RUNS = Number(process.env['SOAK_RUNS'] ?? 3_000);
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
	/** What is special about the `n`-th run. */
	run(n: number): Partial<RunNodeOptions> & { parameters: INodeParameters; apiKey?: string };
	/** How a run ends; success unless told otherwise. */
	readonly ends?: EngineRun['status'];
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

const KINDS: readonly Kind[] = [
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
];

async function runs(kind: Kind, from: number, to: number): Promise<void> {
	const node = nodeOf(kind.node);
	let next = from;
	const worker = async () => {
		while (next < to) {
			const { apiKey = service.apiKey, ...options } = kind.run(next++);
			const { status, error } = await runNode({
				node,
				mode: 'trigger',
				credentials: { apiKey, baseUrl: service.url, maxConcurrency: 0 },
				...options,
			});
			if (status !== (kind.ends ?? 'success')) throw error ?? new Error(`ended as ${status}`);
		}
	};
	await Promise.all(Array.from({ length: WIDTH }, worker));
}

/** Sockets, timers and whatever else keeps a process alive, without what was there before. */
const handles = () => process.getActiveResourcesInfo().toSorted();

it.for(KINDS)('$node $what', async (kind, { annotate }) => {
	await service.reset();
	const keys = Array.from({ length: RUNS * 2 }, (_, n) => `inf_key_${n}`);
	await service.addWorkspaces(keys);
	const before = handles();
	await runs(kind, 0, Math.ceil(RUNS / 2));
	await until(() => handles().length <= before.length);
	const warm = heldMegabytes();

	await runs(kind, RUNS, RUNS * 2);

	// Connections are kept for a few seconds, for whoever comes next.
	await until(() => handles().length <= before.length);
	const growth = heldMegabytes() - warm;
	await annotate(`${growth.toFixed(2)} MB more after ${RUNS} runs`);
	expect(growth).toBeLessThanOrEqual(MOST_GROWTH_MB);
	expect(await service.running()).toBe(0);
});
