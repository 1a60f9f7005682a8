/** What people see of a run while it goes on, and after they have stopped it. */
import type { IDataObject } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { agentMessage, saying } from './AgentMessage/support.mts';
import { runBatch, spyOnLog } from './Batch/support.mts';
import type { EngineRun } from '../engine/engine.mts';
import {
	clock,
	FROM_ITEM,
	meanwhile,
	runApp,
	useSandbox,
	type RunAppOptions,
} from '../engine/support.mts';
import { until } from '../until.mts';
import { streamTask } from './StreamTask/support.mts';

const sandbox = useSandbox();

/** What the browser's console has, with the node that has said it. */
function consoleOf({ uiMessages }: EngineRun): string[] {
	return uiMessages
		.filter(({ type }) => type === 'sendConsoleMessage')
		.map(({ data }) => data as IDataObject)
		.map(({ source, messages }) => `${String(source)} ${(messages as string[]).join(' ')}`);
}

const quick = (count: number) =>
	Array.from({ length: count }, (_, n) => ({ app: 'sandbox/echo', input: { n } }));
const ENDLESS = { app: 'sandbox/manual', input: {} };
const completed = () =>
	sandbox()
		.tasks()
		.filter(({ status }) => status === 'completed')
		.map(({ id }) => id);
/** When so many tasks are over and the rest is followed. */
const over = async (count: number, followed = 1) => {
	await until(() => completed().length === count && sandbox().running().length === followed);
};

describe('progress in the console of the browser', () => {
	it('of Batch, in the editor', async () => {
		const run = await runBatch(sandbox(), {
			...FROM_ITEM,
			items: quick(4),
			options: { progressEvery: 2 },
		});
		expect(consoleOf(run)).toEqual([
			expect.stringMatching(/^\[Node: "Node"\] 2 of 4 items done, 0 failed, [\d.]+ per second/),
			expect.stringMatching(/^\[Node: "Node"\] 4 of 4 items done, 0 failed, [\d.]+ per second/),
		]);
	});

	it('is for executions in the editor only', async () => {
		const run = await runBatch(sandbox(), {
			...FROM_ITEM,
			items: quick(4),
			mode: 'webhook',
			options: { progressEvery: 2 },
		});
		expect(consoleOf(run)).toEqual([]);
	});

	it('is left out where n8n has none', async () => {
		const run = await runBatch(sandbox(), {
			...FROM_ITEM,
			items: quick(4),
			adjustContext: (context) => Object.assign(context, { sendMessageToUI: undefined }),
		});
		expect(run.status).toBe('success');
	});

	it.each([
		['Run App', runApp],
		['Stream Task', streamTask],
	] as const)('of %s with several items, every ten seconds', async (_name, run) => {
		const log: string[] = [];
		const running = run(sandbox(), {
			...FROM_ITEM,
			items: [...quick(3), ENDLESS],
			parameters: { ...FROM_ITEM.parameters, concurrency: 1 },
			adjustContext: spyOnLog((line) => log.push(line), /./),
		});
		const result = await meanwhile(running, async () => {
			await over(3);
			await clock.pass(10_000);
			sandbox().finishTask(sandbox().running()[0]?.id ?? '');
		});
		expect(consoleOf(result)).toEqual([
			expect.stringMatching(/^\[Node: "Node"\] 3 of 4 items done, 0 failed, /),
		]);
		expect(log.filter((line) => line.includes(' done'))).toEqual([
			expect.stringMatching(/^inference\.sh: execution \w+, "Node": 3 of 4 items done, 0 failed, /),
		]);
	});

	it('is not for a single item', async () => {
		const result = await meanwhile(
			runApp(sandbox(), { ...FROM_ITEM, items: [ENDLESS] }),
			async () => {
				await over(0);
				await clock.pass(10_000);
				sandbox().finishTask(sandbox().running()[0]?.id ?? '');
			},
		);
		expect(consoleOf(result)).toEqual([]);
	});
});

describe('a Stop', () => {
	const RUNS: ReadonlyArray<readonly [string, (options: RunAppOptions) => Promise<EngineRun>]> = [
		['Run App', async (options) => await runApp(sandbox(), options)],
		['Stream Task', async (options) => await streamTask(sandbox(), options)],
		['Batch', async (options) => await runBatch(sandbox(), options)],
	];

	describe.each(RUNS)('of %s', (_name, start) => {
		it('says how many items are done, which tasks have their results, and how to get them', async () => {
			const log: string[] = [];
			const run = await start({
				...FROM_ITEM,
				items: [...quick(3), ENDLESS, ...quick(5)],
				parameters: { ...FROM_ITEM.parameters, concurrency: 1, output: 'result' },
				adjustContext: spyOnLog((line) => log.push(line), /./),
				cancelAfter: over(3),
			});
			expect(run.status).toBe('canceled');
			expect(run.error?.message).toBe(
				'The execution was canceled with 1 item running. 3 of 9 items were done',
			);
			const ids = completed();
			expect(ids).toHaveLength(3);
			expect(run.error?.description).toContain(
				`n8n keeps no output of a node that is stopped, but inference.sh has it, and nothing has to be paid for again: Stream Task with "Source" set to "Existing Task" gets it by these task IDs: ${ids.join(', ')}`,
			);
			expect(run.error?.description).toContain('The task was cancelled.');
			const line = expect.stringContaining(
				`"Node": done before the stop: ${ids.join(', ')}`,
			) as string;
			expect(log).toContainEqual(line);
			expect(consoleOf(run)).toContainEqual(
				expect.stringContaining(`done before the stop: ${ids.join(', ')}`),
			);
		});

		it('says nothing of the kind if nothing was done', async () => {
			const run = await start({ ...FROM_ITEM, items: [ENDLESS, ENDLESS], cancelAfter: over(0, 2) });
			expect(run.error?.message).toBe('The execution was canceled with 2 items running');
			expect(run.error?.description).not.toContain('Existing Task');
		});
	});

	it('names a hundred of many in the error, and all in the log', async () => {
		const log: string[] = [];
		const run = await runBatch(sandbox(), {
			...FROM_ITEM,
			items: [...quick(230), ENDLESS],
			parameters: { ...FROM_ITEM.parameters, concurrency: 20 },
			adjustContext: spyOnLog((line) => log.push(line), /./),
			options: { progressEvery: 10 },
			cancelAfter: until(() => log.some((line) => line.includes('230 of 231 items done'))),
		});
		const named = (text: string) => completed().filter((id) => text.includes(id)).length;
		expect(run.error?.message).toContain('230 of 231 items were done');
		expect(named(run.error?.description ?? '')).toBe(100);
		expect(run.error?.description).toContain('and 130 more, which the log of n8n names');
		const lines = log.filter((line) => line.includes('done before the stop'));
		expect(lines.map(named)).toEqual([100, 100, 30]);
	});

	it('counts what an earlier try has done, too', async () => {
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			items: [{ app: 'sandbox/fail', input: {} }, ...quick(2), ENDLESS],
			parameters: { ...FROM_ITEM.parameters, concurrency: 1 },
			retryOnFail: true,
			onError: 'continueRegularOutput',
			cancelAfter: over(2),
		});
		expect(run.error?.message).toContain('2 of 4 items were done');
	});

	it('of Agent Message names the chats', async () => {
		const run = await agentMessage(sandbox(), {
			items: [...saying('hi', 'hello')],
			parameters: {
				concurrency: 1,
				agent: '={{ $itemIndex === 0 ? "sandbox/assistant" : "sandbox/slow" }}',
			},
			cancelAfter: until(
				() =>
					sandbox()
						.chats()
						.some(({ state }) => state === 'working') && sandbox().chats().length === 2,
			),
		});
		const [first] = sandbox().chats();
		expect(run.error?.message).toContain('1 of 2 items were done');
		expect(run.error?.description).toContain(
			`the operation "Get Chat" of Agent Message gets it by these chat IDs: ${first?.id}`,
		);
	});
});
