/** Clients over every transport, against a sandbox, with waits that take no time. */
import * as undici6 from 'undici6';
import * as undici7 from 'undici';
import * as undici8 from 'undici8';
import type { IHttpRequestOptions } from 'n8n-workflow';
import { InferenceClient, type ClientOptions } from '../../nodes/client/client.ts';
import { systemClock, type Clock } from '../../nodes/client/util/clock.ts';
import { HelperTransport } from '../../nodes/client/transport/helperTransport.ts';
import type { TaskProgress, TaskRun, TaskRunOptions } from '../../nodes/client/tasks/taskRun.ts';
import type { RunRequest } from '../../nodes/client/tasks/runRequest.ts';
import type { RunSettings } from '../../nodes/client/settings.ts';
import type { Transport } from '../../nodes/client/transport/transport.ts';
import { UndiciTransport, type Undici } from '../../nodes/client/transport/undiciTransport.ts';
import type { Sandbox } from '../sandbox/index.mts';
import { hostHttpRequest } from './hostHelper.mts';

const helperRequest = async (request: IHttpRequestOptions) => await hostHttpRequest(request);

/** The packages' own types differ in parts that are not used. */
function asUndici(module: object): Undici {
	return module as Undici;
}

/** Every way of sending requests that users may meet. */
export const TRANSPORTS: ReadonlyArray<readonly [name: string, make: () => Transport]> = [
	['undici 6', () => new UndiciTransport(asUndici(undici6))],
	['undici 7', () => new UndiciTransport(asUndici(undici7))],
	['undici 8', () => new UndiciTransport(asUndici(undici8))],
	["n8n's HTTP helper", () => new HelperTransport(helperRequest)],
];

/** How much faster than real time the tests' clock runs. */
const SPEED = 50;

/** A clock that runs fast, so that waits are short; what was waited for is written down. */
export class FastClock implements Clock {
	readonly waits: number[] = [];
	private readonly start = Date.now();

	now(): number {
		return this.start + (Date.now() - this.start) * SPEED;
	}

	async delay(ms: number, signal?: AbortSignal): Promise<void> {
		this.waits.push(ms);
		await systemClock.delay(ms / SPEED, signal);
	}

	random(): number {
		return 0.5;
	}
}

export const SETTINGS: RunSettings = {
	timeoutMs: 15_000,
	maxRetries: 3,
	retryOn: new Set(['rateLimit', 'network', 'serverError']),
	backoffBaseMs: 1_000,
	backoffCapMs: 30_000,
	maxRetryAfterMs: 120_000,
	onTimeout: 'cancel',
	onStop: 'cancel',
	onUnclearSubmit: 'check',
	follow: 'auto',
	pollIntervalMs: 2_000,
};

export type Overrides = Partial<Omit<ClientOptions, 'settings' | 'credential'>> & {
	readonly settings?: Partial<RunSettings>;
	readonly apiKey?: string;
	readonly baseUrl?: string;
};

export function makeClient(sandbox: Pick<Sandbox, 'url' | 'apiKey'>, overrides: Overrides = {}) {
	const { settings, apiKey, baseUrl, ...rest } = overrides;
	return new InferenceClient({
		transport: new UndiciTransport(asUndici(undici7)),
		credential: { baseUrl: baseUrl ?? sandbox.url, apiKey: apiKey ?? sandbox.apiKey },
		maxConcurrency: 0,
		log: { debug: () => {} },
		signal: new AbortController().signal,
		clock: new FastClock(),
		...rest,
		settings: { ...SETTINGS, ...settings },
	});
}

/** Runs one app and also tells what was noted for a further try. */
export async function runOne(
	client: InferenceClient,
	request: RunRequest,
	options: Partial<TaskRunOptions> = {},
): Promise<TaskRun> {
	return await client.tasks.run(request, {
		wait: 'result',
		full: false,
		observer: {},
		signal: new AbortController().signal,
		progress: { state: 'none' },
		onProgress: () => {},
		...options,
	});
}

/** Collects what a run notes about itself. */
export function progressLog(): {
	readonly entries: TaskProgress[];
	readonly onProgress: (progress: TaskProgress) => void;
} {
	const entries: TaskProgress[] = [];
	return { entries, onProgress: (progress) => void entries.push(progress) };
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
	return await promise.then(
		(value) => {
			throw new Error(`should have failed, but gave ${JSON.stringify(value)}`);
		},
		(error: unknown) => error,
	);
}
