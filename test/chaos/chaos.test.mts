/**
 * A day of faults, in minutes: n8n in queue mode with a proxy between it and the service that drops,
 * delays, cuts and refuses at random, executions that are stopped, workers that are killed. At the
 * end there is an account of every item.
 */
import { afterAll, expect, test } from 'vitest';
import { seededIntegers } from '../bench/statistics.mts';
import type { SavedExecution } from '../e2e/n8n/rest.mts';
import { until, useFleet } from '../queue/useFleet.mts';
import { app, FROM_ROWS, NODE, webhookWorkflow, type Json } from '../queue/workflows.mts';
import { API_KEY } from '../sandbox/index.mts';
import { startChaosProxy, type ChaosProxy } from './chaosProxy.mts';

const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 600);
const SEED = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

const DRAWS = 200_000;
const draws = seededIntegers(DRAWS, [0, 999_999], SEED);
let drawn = 0;
const random = (): number => (draws[drawn++ % DRAWS] ?? 0) / 1_000_000;
const upTo = (most: number): number => 1 + Math.floor(random() * most);

/** n8n lists the latest hundred executions of a workflow. */
const MOST_EXECUTIONS = 90;
const EVERY_MS = Math.max(1_000, (SECONDS * 1_000) / MOST_EXECUTIONS);
const LONGEST_TASK_MS = 2_000;
/** One execution of so many is stopped. */
const STOPPED = 10;
const CONVERSATIONS = 4;
/** By then whatever was begun has its end. */
const SETTLE_MS = 300_000;

const node = { retryOnFail: true, maxTries: 3, onError: 'continueRegularOutput', typeVersion: 2 };
const WORKFLOWS = [
	webhookWorkflow({
		...{ id: 'run', type: 'runApp', node },
		parameters: { ...FROM_ROWS, app: app('sandbox/echo') },
	}),
	webhookWorkflow({
		...{ id: 'stream', type: 'streamTask', node },
		parameters: { ...FROM_ROWS, app: app('sandbox/echo') },
	}),
	webhookWorkflow({
		...{ id: 'batch', type: 'batch', output: 2 },
		node: { retryOnFail: true, maxTries: 3, typeVersion: 2 },
		parameters: {
			...FROM_ROWS,
			app: app('sandbox/echo'),
			options: { reuse: 'completedOrRunning' },
		},
	}),
	webhookWorkflow({
		...{ id: 'chat', type: 'agentMessage', node: { ...node, typeVersion: 2 } },
		parameters: {
			agent: app('sandbox/assistant'),
			message: '={{ $json.text }}',
			conversation: 'key',
			conversationKey: '={{ $json.key }}',
			timeout: 120,
			options: {},
		},
	}),
];

let proxy: ChaosProxy | undefined;
afterAll(async () => await proxy?.[Symbol.asyncDispose]());

const queue = useFleet({
	workers: ['worker-1', 'worker-2'],
	workflows: WORKFLOWS,
	through: async (sandbox) => {
		proxy = await startChaosProxy(sandbox.url, random);
		return proxy.url;
	},
});

/** Texts that were asked for, each once in all. */
const asked = new Set<string>();
function rowsFor(workflow: string): Json[] {
	return Array.from({ length: workflow === 'batch' ? 4 + upTo(8) : upTo(3) }, () => {
		const text = `${workflow} ${asked.size}`;
		asked.add(text);
		return { text, ms: upTo(LONGEST_TASK_MS), key: `caller ${upTo(CONVERSATIONS)}` };
	});
}

async function begin(workflow: string, rows: readonly Json[]): Promise<void> {
	const answer = queue
		.post(workflow, rows)
		.then(async (response) => await response.text())
		.catch(() => 'no answer');
	if (upTo(STOPPED) === 1) {
		await pause(random() * LONGEST_TASK_MS);
		const [id = ''] = await queue.latestExecutions(workflow, 1);
		// It may be over by now.
		await queue.fleet.rest.stop(id).catch(() => {});
	}
	await answer;
}

/** What became of an item. */
type Fate = 'own result' | 'honest error' | 'no result' | "another's result";

/** Items with the result of another one. */
const wrong: object[] = [];

/** Items of a node by the place of their row. */
function fatesOf(execution: SavedExecution, workflow: string): Fate[] {
	const { runData } = execution.data.resultData;
	const [rows = []] = runData['Rows']?.at(-1)?.data?.main ?? [];
	const outputs = runData[NODE]?.at(-1)?.data?.main ?? [];
	const results = outputs.slice(0, workflow === 'batch' ? 2 : 1).flatMap((items) => items ?? []);
	return (rows ?? []).map(({ json: row }, index): Fate => {
		const result = results.find(
			({ pairedItem }) => (pairedItem as { item?: number } | undefined)?.item === index,
		);
		const { error, output, text, run } = result?.json ?? {};
		if (error !== undefined) return 'honest error';
		// Of a node that was ended n8n puts out what came in.
		if (run === undefined) return 'no result';
		const isOwn =
			workflow === 'chat'
				? String(text).startsWith(`You said "${String(row['text'])}".`)
				: (output as { echo?: Json } | undefined)?.echo?.['text'] === row['text'];
		if (isOwn) return 'own result';
		wrong.push({ row, result: result?.json });
		return "another's result";
	});
}

test(`${SECONDS} s of faults, seed ${SEED}`, async () => {
	const { sandbox, fleet } = queue;
	const end = performance.now() + SECONDS * 1_000;
	const isAt = (share: number) => end - performance.now() < SECONDS * 1_000 * (1 - share);
	const deaths = [
		{ at: 0.3, worker: 'worker-1', next: 'worker-3', how: 'kill' },
		{ at: 0.6, worker: 'worker-2', next: 'worker-4', how: 'stop' },
	] as const;
	let died = 0;
	const executions: Array<Promise<void>> = [];
	while (performance.now() < end) {
		for (const { id } of WORKFLOWS) executions.push(begin(id, rowsFor(id)));
		await pause(EVERY_MS);
		const death = deaths[died];
		if (death && isAt(death.at)) {
			died += 1;
			executions.push(
				(async () => {
					await fleet.workers.get(death.worker)?.[death.how]();
				})(),
			);
			await fleet.addWorker(death.next);
		}
	}
	proxy?.calm();
	await Promise.all(executions);
	expect(died).toBe(deaths.length);

	// Nothing runs on.
	const settled = performance.now() + SETTLE_MS;
	await until(() => sandbox.running().length === 0 || performance.now() > settled);
	expect(sandbox.running()).toEqual([]);

	// Every item has its own result or an honest error.
	const account = new Map<string, number>();
	let withoutData = 0;
	const count = (what: string) => account.set(what, (account.get(what) ?? 0) + 1);
	for (const { id: workflow } of WORKFLOWS) {
		for (const { id } of await fleet.rest.executions(workflow)) {
			const execution = await fleet.rest.executionOnce(id);
			expect(JSON.stringify(execution)).not.toContain(API_KEY);
			const hasData = execution.data.resultData.runData[NODE] !== undefined;
			if (!hasData && execution.status !== 'success') withoutData += 1;
			for (const fate of hasData ? fatesOf(execution, workflow) : []) {
				count(execution.status === 'success' ? fate : `execution ${execution.status}: ${fate}`);
			}
		}
	}
	// Of an execution whose worker was killed n8n has nothing but that it failed.
	const told = [...account.values()].reduce((sum, items) => sum + items, 0);
	if (told < asked.size) {
		expect(withoutData).toBeGreaterThan(0);
		account.set('execution without data', asked.size - told);
	}
	expect(wrong).toEqual([]);
	expect(account.get('no result')).toBeUndefined();
	expect(account.get('own result')).toBeGreaterThan(0);

	// Nothing was bought twice, no message was sent twice, and no conversation lost one.
	const bought = sandbox.tasks().map(({ input }) => (input as { text: string }).text);
	expect(new Set(bought).size).toBe(bought.length);
	const said = sandbox
		.chats()
		.flatMap(({ messages }) => messages.filter(({ role }) => role === 'user'))
		.map(({ text }) => text);
	expect(new Set(said).size).toBe(said.length);
	expect([...bought, ...said].filter((text) => !asked.has(text))).toEqual([]);
	expect(sandbox.violations()).toEqual([]);

	// No log has the key.
	for (const name of ['main', 'worker-1', 'worker-2', 'worker-3', 'worker-4']) {
		expect(await fleet.log(name)).not.toContain(API_KEY);
	}
	console.log(
		`[chaos] ${asked.size} items asked, ${bought.length + said.length} bought; ` +
			`items ${JSON.stringify(Object.fromEntries(account))}; ` +
			`requests ${JSON.stringify(Object.fromEntries(proxy?.counts ?? []))}`,
	);
});

async function pause(ms: number): Promise<void> {
	await new Promise((resolve) => setTimeout(resolve, ms));
}
