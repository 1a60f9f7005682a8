/** Clients over every transport, against a sandbox, on a clock that the test moves. */
import * as undici6 from 'undici6';
import * as undici7 from 'undici';
import * as undici8 from 'undici8';
import type { IHttpRequestOptions } from 'n8n-workflow';
import { InferenceClient, type ClientOptions } from '../../nodes/client/client.ts';
import { HelperTransport } from '../../nodes/client/transport/helperTransport.ts';
import type { TaskProgress, TaskRun, TaskRunOptions } from '../../nodes/client/tasks/taskRun.ts';
import type { Clock } from '../../nodes/client/util/clock.ts';
import type { RunRequest } from '../../nodes/client/tasks/runRequest.ts';
import type { RunSettings } from '../../nodes/client/settings.ts';
import type { Transport, TransportRequest } from '../../nodes/client/transport/transport.ts';
import type { Undici } from '../../nodes/client/transport/connect.ts';
import {
	loadHostNetwork,
	UndiciTransport,
	type HostNetwork,
} from '../../nodes/client/transport/undiciTransport.ts';
import { routePattern } from '../sandbox/http/faults.mts';
import type { Sandbox } from '../sandbox/index.mts';
import { ruleTime } from '../ruleTime.mts';
import { TestClock } from '../testClock.mts';
import { until } from '../until.mts';
import { hostHttpRequest } from './hostHelper.mts';

const helperRequest = async (request: IHttpRequestOptions) => await hostHttpRequest(request);

/** n8n's network, with an undici of the test's choice. */
export function networkWith(undici: object): HostNetwork {
	const { proxyFor } = loadHostNetwork() ?? {};
	if (!proxyFor) throw new Error('The n8n of the tests has no proxy-from-env');
	// The packages' own types differ in parts that are not used.
	return { undici: undici as Undici, proxyFor };
}

/** Every way of sending requests that users may meet. */
export const TRANSPORTS: ReadonlyArray<readonly [name: string, make: () => Transport]> = [
	['undici 6', () => new UndiciTransport(networkWith(undici6))],
	['undici 7', () => new UndiciTransport(networkWith(undici7))],
	['undici 8', () => new UndiciTransport(networkWith(undici8))],
	["n8n's HTTP helper", () => new HelperTransport(helperRequest)],
];

/** The clock of all clients, and of their timeouts: no real time passes on it. */
export const clock = new TestClock(Infinity);

/** Which requests are not waited for as long as others are. */
export interface Impatience {
	/** `METHOD /path`, as in faults. */
	readonly on: string;
	/** Of how many such requests; default 1. */
	readonly times?: number;
}

const NEVER_IMPATIENT: Impatience = { on: '', times: 0 };

/** How long these are waited for, ms: real time, because transports measure it themselves. */
const IMPATIENT_MS = 200;

const LITTLE_MS = 500;

/** Answers that clients wait for. */
let awaited = 0;

/**
 * The transport of a test: counts the answers that are awaited, and gives certain requests little
 * time, so that all the others may have as much as they need.
 */
function observed(inner: Transport, time: Clock, { on, times = 1 }: Impatience): Transport {
	const pattern = routePattern(on);
	let left = times;
	const hurried = (request: TransportRequest): TransportRequest => {
		const { pathname } = new URL(request.url);
		if (left === 0 || !pattern.test(`${request.method} ${pathname}`)) return request;
		left -= 1;
		return { ...request, headersTimeoutMs: IMPATIENT_MS, silenceMs: IMPATIENT_MS };
	};
	const counted = async <T,>(answer: Promise<T>): Promise<T> => {
		awaited += 1;
		if (time instanceof TestClock) time.tick();
		try {
			return await answer;
		} finally {
			awaited -= 1;
		}
	};
	return {
		name: inner.name,
		request: async (request) => await counted(inner.request(hurried(request))),
		open: async (request) => await counted(inner.open(hurried(request))),
	};
}

/**
 * Lets time pass until the work is done, little by little, but none while an answer is awaited: so
 * it does not matter how long answers take.
 *
 * @param always whether time passes then, too, for answers that never come
 * @param held how many answers do not come now, so that time passes while they are awaited
 */
export async function passing<T>(
	work: Promise<T>,
	{
		time = clock,
		always = false,
		held = () => 0,
	}: { time?: TestClock; always?: boolean; held?: () => number } = {},
): Promise<T> {
	let over = false;
	void work.catch(() => {}).then(() => (over = true));
	await until(async () => {
		if (always || awaited <= held()) await time.pass(LITTLE_MS);
		return over;
	});
	return await work;
}

/** Does something at the moment at which so much of the clients' time has passed from now. */
export function afterTime(ms: number, then: () => void): void {
	let left = ms;
	clock.lead((passed) => {
		const wasLeft = left > 0;
		left -= passed;
		if (wasLeft && left <= 0) then();
	});
}

export const SETTINGS: RunSettings = {
	timeoutMs: 3_600_000,
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
	readonly impatient?: Impatience;
};

/** A service; time passes at a sandbox whenever it passes for its clients. */
type Service = Pick<Sandbox, 'url' | 'apiKey'> & Partial<Pick<Sandbox, 'keepUp'>>;

export function makeClient(service: Service, overrides: Overrides = {}) {
	const { settings, apiKey, baseUrl, transport, impatient = NEVER_IMPATIENT, ...rest } = overrides;
	const { clock: time = clock } = rest;
	if (time instanceof TestClock) ruleTime(time);
	if (service.keepUp) clock.lead(service.keepUp);
	const real = transport ?? new UndiciTransport(networkWith(undici7));
	return new InferenceClient({
		credential: { baseUrl: baseUrl ?? service.url, apiKey: apiKey ?? service.apiKey },
		maxConcurrency: 0,
		log: { debug: () => {} },
		signal: new AbortController().signal,
		clock: time,
		...rest,
		transport: observed(real, time, impatient),
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

/**
 * Lets the sandbox's tasks and agents go on only when the condition holds: what has to be seen of
 * something that runs is seen, however long that takes.
 */
export async function heldUntil<T>(
	sandbox: Pick<Sandbox, 'hold' | 'release'>,
	condition: () => boolean,
	work: () => Promise<T>,
): Promise<T> {
	sandbox.hold();
	let over = false;
	const working = work().finally(() => (over = true));
	await Promise.race([working, until(() => over || condition())]);
	sandbox.release();
	return await working;
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
