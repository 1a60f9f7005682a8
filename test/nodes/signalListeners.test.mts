/**
 * What a run leaves behind on the execution's cancel signal, which lives on where a workflow goes on.
 * Of the chat model its own tests tell it.
 */
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { EngineRun } from '../engine/engine.mts';
import { runApp, useSandbox, type RunAppOptions } from '../engine/support.mts';
import { until } from '../until.mts';
import { agentMessage, saying } from './AgentMessage/support.mts';
import { runBatch } from './Batch/support.mts';
import { operate } from './InferenceSh/support.mts';
import { streamTask } from './StreamTask/support.mts';

const sandbox = useSandbox();

type Run = (options: Pick<RunAppOptions, 'adjustContext' | 'cancelAfter'>) => Promise<EngineRun>;

const MANY = Array.from({ length: 50 }, (_, n) => ({ n }));
const CONTINUE = { onError: 'continueRegularOutput' } as const;

const ENDING: ReadonlyArray<readonly [what: string, run: Run]> = [
	['Run App', (more) => runApp(sandbox(), { items: MANY, ...more })],
	[
		'Run App, whose tasks fail',
		(more) => runApp(sandbox(), { app: 'sandbox/fail', items: MANY, ...CONTINUE, ...more }),
	],
	[
		'Run App, some of whose answers are lost',
		(more) => {
			const fault = { kind: 'statusAfter', status: 502, skip: 10, times: 10 } as const;
			sandbox().fault({ on: 'POST /apps/run', ...fault });
			return runApp(sandbox(), { items: MANY, ...more });
		},
	],
	['Stream Task', (more) => streamTask(sandbox(), { items: MANY, ...more })],
	['Batch', (more) => runBatch(sandbox(), { items: MANY, ...more })],
	[
		'Agent Message',
		(more) => agentMessage(sandbox(), { items: saying(...MANY.map(({ n }) => `${n}`)), ...more }),
	],
	['the workspace', (more) => operate(sandbox(), 'task.getAll', { items: MANY, ...more })],
];

/** Runs with the signal in hand. */
async function signalOf(run: Run, stopping?: Promise<unknown>): Promise<AbortSignal | undefined> {
	let signal: AbortSignal | undefined;
	await run({
		adjustContext: (context) => (signal = context.getExecutionCancelSignal()),
		...(stopping && { cancelAfter: stopping }),
	});
	return signal;
}

const none = async (signal: AbortSignal | undefined) => {
	if (!signal) throw new Error('The node has not run');
	await until(() => getEventListeners(signal, 'abort').length === 0);
};

describe('no listener', () => {
	it.each(ENDING)('after a run of %s', async (_what, run) => {
		await none(await signalOf(run));
	});

	it('after a stopped run', async () => {
		const running = until(() => sandbox().running().length > 0);
		const endless: Run = (more) => runApp(sandbox(), { app: 'sandbox/manual', ...more });
		const signal = await signalOf(endless, running);
		expect(signal?.aborted).toBe(true);
		await none(signal);
	});
});
