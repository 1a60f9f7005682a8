/** What the tests of the nodes share: a sandbox, Run App with quick settings, ways to look at runs. */
import type { IDataObject, IExecuteFunctions, INodeParameters } from 'n8n-workflow';
import { RunApp } from '../../nodes/RunApp/RunApp.node.ts';
import { beforeEach } from 'vitest';
import { ruleTime } from '../ruleTime.mts';
import type { RecordedRequest, Sandbox, SandboxOptions } from '../sandbox/index.mts';
import { TestClock } from '../testClock.mts';
import { until } from '../until.mts';
import { useSandbox as startBeforeTests } from '../useSandbox.mts';
import { NODE_NAME, runNode, type EngineRun, type RunNodeOptions } from './engine.mts';

/** Waits between attempts that are short enough for the clock below to skip. */
export const QUICK = { backoffBase: 0.02, backoffCap: 0.05, pollInterval: 0.1 };

const SKIPPED_MS = 3_000;

/**
 * The time of nodes and sandbox. An answer takes a millisecond, short backoffs and polls take as long
 * as they should, on this clock; timeouts, longer waits and intervals come when a test lets time pass.
 */
export const clock = new TestClock(SKIPPED_MS);

/** Starts a sandbox for the tests of a file or a group, with the clock for the time. */
export function useSandbox(options: SandboxOptions = {}): () => Sandbox {
	const sandbox = startBeforeTests({ ...options, onRequest: () => clock.tick() });
	beforeEach(() => {
		ruleTime(clock);
		clock.lead(sandbox().keepUp);
	});
	return sandbox;
}

export function credentialsOf(sandbox: Pick<Sandbox, 'url' | 'apiKey'>): IDataObject {
	return { apiKey: sandbox.apiKey, baseUrl: sandbox.url, maxConcurrency: 0 };
}

/** The value of the App parameter for a typed reference. */
export function appRef(value: string): INodeParameters {
	return { __rl: true, mode: 'ref', value };
}

export interface RunAppOptions extends Partial<Omit<RunNodeOptions, 'node' | 'parameters'>> {
	/** A reference, or an expression that gives one. Default `={{ $json.app }}` if items have it. */
	app?: string;
	/** Parameters besides `app`. */
	parameters?: INodeParameters;
	/** The Options collection, on top of the quick settings. */
	options?: INodeParameters;
}

/** Runs Run App in the engine. Unless told otherwise each item is the input of its task. */
export async function runApp(sandbox: Sandbox, options: RunAppOptions = {}): Promise<EngineRun> {
	const { app = 'sandbox/echo', parameters, options: collection, ...rest } = options;
	return await runNode({
		node: new RunApp(),
		credentials: credentialsOf(sandbox),
		...rest,
		parameters: {
			app: appRef(app),
			inputMode: 'item',
			...parameters,
			options: { ...QUICK, ...collection },
		},
	});
}

/**
 * Takes app and input of each task from its item: `{ app, input }`. An input that is text is the
 * value of Input (JSON) as somebody typed it.
 */
export const FROM_ITEM: { app: string; parameters: INodeParameters } = {
	app: '={{ $json.app }}',
	parameters: { inputMode: 'json', jsonInput: '={{ $json.input }}' },
};

/** An object inside JSON, or an empty one. */
export function objectIn(json: IDataObject | undefined, key: string): IDataObject {
	const value = json?.[key];
	return typeof value === 'object' && value !== null && !Array.isArray(value)
		? (value as IDataObject)
		: {};
}

/** JSON of the node's output items. */
export function jsonOf(run: EngineRun, outputIndex = 0): IDataObject[] {
	return run.output(NODE_NAME, outputIndex).map(({ json }) => json);
}

/** Bodies of the submissions, in the order in which they arrived. */
export function submissions(sandbox: Sandbox): IDataObject[] {
	return sandbox.requests.filter(isSubmission).map(({ body }) => body as IDataObject);
}

function isSubmission({ method, path }: RecordedRequest): boolean {
	return method === 'POST' && path === '/apps/run';
}

/** Stops an execution when the node has been tried once, while n8n waits for the next try. */
export function stopAfterFirstTry(): Pick<RunNodeOptions, 'onNodeEnd' | 'cancelAfter'> {
	let onNodeEnd = () => {};
	const cancelAfter = new Promise<void>((resolve) => (onNodeEnd = resolve));
	return { onNodeEnd, cancelAfter };
}

/**
 * Does something beside a run that goes on. If the run ends without it, the test goes on with what
 * it has ended with.
 */
export async function meanwhile<T>(work: Promise<T>, action: () => Promise<unknown>): Promise<T> {
	return await Promise.race([work, action().then(async () => await work)]);
}

/** Lets time pass whenever somebody waits for it, until the work is done. */
export async function passing<T>(work: Promise<T>): Promise<T> {
	let over = false;
	void work.catch(() => {}).then(() => (over = true));
	await until(async () => {
		if (clock.awaited) await clock.pass(500);
		return over;
	});
	return await work;
}

/** Everything of a run that is shown or saved somewhere, as text. */
export function everythingSaid(run: EngineRun): string {
	const { error } = run;
	// JSON leaves out what errors inherit.
	const shown = error && [error.message, error.description, error.stack, error.cause];
	return JSON.stringify([run.raw, shown, run.chunks, run.uiMessages]);
}

/** Notes every read of a parameter for an item, in order. */
export function spyOnParameters(
	name: string,
	onRead: (itemIndex: number) => void,
): (context: IExecuteFunctions) => void {
	return (context) => {
		const original = context.getNodeParameter.bind(context) as (...args: unknown[]) => unknown;
		Object.assign(context, {
			getNodeParameter: (...args: unknown[]) => {
				if (args[0] === name) onRead(Number(args[1]));
				return original(...args);
			},
		});
	};
}
