/** A fleet with a sandbox behind its credential, for a test file. */
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';

import { CREDENTIAL } from '../e2e/demo/demoInstance.mts';
import { API_KEY, startSandbox, type Sandbox } from '../sandbox/index.mts';
import { startFleet, type Fleet, type FleetOptions } from './fleet.mts';
import type { Json, webhookWorkflow } from './workflows.mts';

/** n8n's defaults take two minutes to notice that a worker is gone; nothing else differs. */
const QUICK_TO_NOTICE = {
	QUEUE_WORKER_LOCK_DURATION: '5000',
	QUEUE_WORKER_LOCK_RENEW_TIME: '1000',
	QUEUE_WORKER_STALLED_INTERVAL: '2000',
};
/** A limit for a start that hangs, also on a machine with much else to do. */
const START_MS = 1_200_000;
const REQUEST_MS = 120_000;

interface Options extends Pick<FleetOptions, 'workers' | 'workerConcurrency' | 'env'> {
	/** The service's address for n8n, if something is between them. Default: the sandbox's own. */
	readonly through?: (sandbox: Sandbox) => Promise<string>;
	/** They are active before the first test. */
	readonly workflows: ReadonlyArray<ReturnType<typeof webhookWorkflow>>;
}

/** Starts a fleet and a sandbox for the tests of a file; the sandbox is reset before each. */
export function useFleet({ workflows, through, env, ...options }: Options): QueueMode {
	const queue = new QueueMode();
	beforeAll(async () => {
		const sandbox = await startSandbox();
		queue.started.sandbox = sandbox;
		const baseUrl = through ? await through(sandbox) : sandbox.url;
		queue.started.fleet = await startFleet({
			...options,
			env: { ...QUICK_TO_NOTICE, ...env },
			say: (line) => console.log(`[queue] ${line}`),
			prepare: async (main) => {
				const data = { apiKey: API_KEY, baseUrl, maxConcurrency: 0 };
				await main.importJson('credentials', [{ ...CREDENTIAL, data }]);
				await main.importJson('workflow', workflows);
			},
		});
		for (const { id } of workflows) {
			await queue.fleet.rest.activate(id);
			await queue.registered(id);
		}
	}, START_MS);
	beforeEach(() => queue.sandbox.reset());
	afterAll(async () => {
		await queue.started.fleet?.[Symbol.asyncDispose]();
		await queue.started.sandbox?.close();
	});
	return queue;
}

/** n8n in queue mode as its tests see it. */
class QueueMode {
	readonly started: { sandbox?: Sandbox; fleet?: Fleet } = {};

	get sandbox(): Sandbox {
		return there(this.started.sandbox);
	}

	get fleet(): Fleet {
		return there(this.started.fleet);
	}

	/** @param more what is in the request beside the rows */
	post(workflow: string, rows: readonly Json[], more: Json = {}): Promise<Response> {
		return fetch(`${this.fleet.main.url}/webhook/${workflow}`, {
			method: 'POST',
			headers: { 'content-type': 'application/json' },
			body: JSON.stringify({ ...more, rows }),
			signal: AbortSignal.timeout(REQUEST_MS),
		});
	}

	/** Waits until n8n has registered a webhook: a GET is then refused for its method, not its path. */
	async registered(workflow: string): Promise<void> {
		await until(async () => {
			const response = await fetch(`${this.fleet.main.url}/webhook/${workflow}`);
			return (await response.text()).includes('not registered for GET');
		});
	}

	/** Executions that a worker has begun, from its log. */
	async begunBy(worker: string): Promise<ReadonlySet<string>> {
		const begun = (await this.fleet.log(worker)).matchAll(/Worker started execution (\d+)/g);
		return new Set([...begun].map(([, id = '']) => id));
	}

	async latestExecutions(workflow: string, count: number): Promise<readonly string[]> {
		return (await this.fleet.rest.executions(workflow)).slice(0, count).map(({ id }) => id);
	}
}

function there<T>(part: T | undefined): T {
	if (part === undefined) expect.fail('The fleet is there from the first test on');
	return part;
}

/** Waits until something is true; the test's own time limit ends it otherwise. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
	while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}
