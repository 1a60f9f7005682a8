import type { CancelSignal } from './util/cancelSignal';
import { accountFor } from './api/account';
import { AgentsApi } from './agents/agents';
import { functionOf } from './apps/appInfo';
import { appName } from './apps/appRef';
import { Api, path, type ApiCall, type ClientLog, type Credential } from './api/api';
import { cancelTask, type CancelOutcome } from './api/cancelRemote';
import { Catalogue } from './apps/catalogue';
import { systemClock, type Clock } from './util/clock';
import { downloadFile, type DownloadOptions, type IncomingFile } from './files/download';
import { findFiles, type OutputFile } from './files/findFiles';
import type { InferenceError } from './errors';
import { isJsonObject, listOf, textOf, type JsonObject } from './util/json';
import { outcomeOf } from './util/outcome';
import { QuietWatch } from './util/quietWatch';
import { retrying, type RetryStatistics } from './api/retry';
import {
	failureOf,
	followTask,
	runTask,
	type FollowTaskOptions,
	type TaskRun,
	type TaskRunOptions,
} from './tasks/runTask';
import type { RunRequest } from './tasks/runRequest';
import { DEFAULT_TIMINGS, type RunSettings, type Timings } from './settings';
import { taskFromWire, type Task } from './tasks/task';
import { parseTaskStatus, type TaskStatus } from './tasks/taskStatus';
import type { TransferContext } from './files/transfer';
import type { Transport } from './transport/transport';
import { uploadFile, type UploadedFile, type UploadSource } from './files/upload';
import type { ClientContext } from './api/context';

/** What a client is made of. */
export interface ClientOptions {
	readonly transport: Transport;
	readonly credential: Credential;
	/** Items in flight for this credential in this process, 0 for no limit. */
	readonly maxConcurrency: number;
	readonly settings: RunSettings;
	readonly log: ClientLog;
	/** Aborts everything the client does. */
	readonly signal: CancelSignal;
	readonly timings?: Partial<Timings>;
	readonly clock?: Clock;
}

/** An app as a list shows it. */
export interface AppSummary {
	/** `namespace/name` */
	readonly ref: string;
	readonly title: string;
	readonly category: string | undefined;
	readonly description: string | undefined;
}

/** One page of a list. */
export interface Page<T> {
	readonly items: readonly T[];
	readonly nextCursor: string | undefined;
}

/** A cost estimate in US dollars; `unknown` if the service cannot tell. */
export type CostEstimate =
	| { readonly kind: 'known'; readonly usd: number }
	| { readonly kind: 'unknown' };

/** API notes 3.1: one dollar is this many microcents. */
const MICROCENTS_PER_DOLLAR = 100_000_000;
const PAGE_SIZE = 50;

/** The shared async client of inference.sh: one for each node run, over what the process shares. */
export class InferenceClient implements AsyncDisposable {
	/** Retries and rate limits so far. */
	readonly statistics: RetryStatistics = { retries: 0, rateLimited: 0 };
	/** Agents and their chats. */
	readonly agents: AgentsApi;
	private readonly api: Api;
	/** What everything that the client does works with. */
	private readonly context: ClientContext;
	private readonly working = new Set<Promise<unknown>>();
	private readonly transfers: Omit<TransferContext, 'signal'>;
	/** Apps with their schemas, versions, sessions. */
	readonly catalogue: Catalogue;

	constructor(private readonly options: ClientOptions) {
		const { credential, transport, settings, log, signal, maxConcurrency } = options;
		const clock = options.clock ?? systemClock;
		const timings = { ...DEFAULT_TIMINGS, ...options.timings };
		const account = accountFor(credential.baseUrl, credential.apiKey, clock);
		this.api = new Api(transport, credential, account, clock, timings);
		this.context = {
			...{ settings, log, signal, maxConcurrency, account, clock, timings },
			api: this.api,
			statistics: this.statistics,
			quiet: new QuietWatch(clock),
		};
		this.transfers = { ...this.context, transport };
		this.agents = new AgentsApi(this.context, this.track.bind(this));
		this.catalogue = new Catalogue(this.readAs.bind(this), account, clock);
	}

	/** Runs one app to its end; see `runTask`. */
	run(request: RunRequest, options: TaskRunOptions): Promise<TaskRun> {
		return this.track(runTask(request, options, this.context));
	}

	/** Follows a task that is already there to its end; see `followTask`. */
	follow(taskId: string, options: FollowTaskOptions): Promise<TaskRun> {
		return this.track(followTask(taskId, options, this.context));
	}

	/** Cancels a task; never throws. */
	async cancel(taskId: string): Promise<CancelOutcome> {
		return await this.track(cancelTask(taskId, this.context));
	}

	/** Asks for a task's status alone; reading the whole task may be tens of kilobytes. */
	async status(taskId: string): Promise<TaskStatus> {
		const route = path('tasks', taskId, 'status');
		const about = { kind: 'task', id: taskId } as const;
		const { status } = await this.read({ method: 'GET', path: route, about });
		return parseTaskStatus(status);
	}

	/**
	 * Reads a task as it is now; `failure` says why it has no result, if it has ended without one.
	 *
	 * @throws NotFoundError if there is no such task any more
	 */
	async task(taskId: string): Promise<{ task: Task; failure: InferenceError | undefined }> {
		const about = { kind: 'task', id: taskId } as const;
		const call = { method: 'GET', path: path('tasks', taskId), about } as const;
		const task = await this.readAs(call, taskFromWire);
		return { task, failure: failureOf(task, this.api) };
	}

	/** Apps of the key's own workspace (`POST /apps/list`), filtered by a search term. */
	async listApps(search: string | undefined, cursor?: string): Promise<Page<AppSummary>> {
		return await this.list('/apps/list', search, cursor);
	}

	/** Apps of the public store (`POST /store/apps/list`, API notes 7.3); older servers may lack it. */
	async listStoreApps(search: string | undefined, cursor?: string): Promise<Page<AppSummary>> {
		return await this.list('/store/apps/list', search, cursor);
	}

	/** Agents of the key's own workspace (`POST /agents/list`), filtered by a search term. */
	async listAgents(search: string | undefined, cursor?: string): Promise<Page<AppSummary>> {
		return await this.list('/agents/list', search, cursor);
	}

	/**
	 * What running an app with an input is going to cost.
	 *
	 * @param app `namespace/name`
	 */
	async estimate(app: string, request: RunRequest): Promise<CostEstimate> {
		const { id } = await this.catalogue.app(app);
		if (id === undefined) return { kind: 'unknown' };
		const { input, function: entry } = request;
		const answer = await this.read({
			method: 'POST',
			path: path('store', 'apps', id, 'estimate'),
			body: { input, function: entry },
		});
		const microcents = answer['max'] ?? answer['microcents'];
		return typeof microcents === 'number' && answer['confidence'] !== 'unknown'
			? { kind: 'known', usd: microcents / MICROCENTS_PER_DOLLAR }
			: { kind: 'unknown' };
	}

	/** Uploads a file; see `uploadFile`. */
	async upload(source: UploadSource, signal: CancelSignal): Promise<UploadedFile> {
		return await this.track(uploadFile(source, { ...this.transfers, signal }));
	}

	/** Downloads a file from any host; see `downloadFile`. */
	async download<T>(
		url: string,
		options: DownloadOptions,
		store: (file: IncomingFile) => Promise<T>,
	): Promise<T> {
		const { signal } = options;
		const context = { ...this.transfers, signal };
		return await this.track(downloadFile(url, options, store, context));
	}

	/**
	 * Finds the files in a task's output, with the help of the app's output schema if that can be read.
	 *
	 * @param app reference of the app, with or without version
	 */
	async filesIn(
		output: unknown,
		app: string,
		entry: string | undefined,
	): Promise<readonly OutputFile[]> {
		const info = await outcomeOf(this.catalogue.app(appName(app)));
		const schema = info.ok ? functionOf(info.value, entry)?.output : undefined;
		return findFiles(output, { schema, baseUrl: this.options.credential.baseUrl });
	}

	/** Waits for everything under way. Whoever closes a client early aborts its signal first. */
	async [Symbol.asyncDispose](): Promise<void> {
		await Promise.allSettled(this.working);
	}

	private async list(
		route: string,
		search: string | undefined,
		cursor: string | undefined,
	): Promise<Page<AppSummary>> {
		const term = search?.trim() ?? '';
		const list = await this.read({
			method: 'POST',
			path: route,
			body: {
				limit: PAGE_SIZE,
				cursor,
				search: term === '' ? undefined : { term, exact: false },
			},
		});
		const items = listOf(list['items'])
			.map(appSummary)
			.filter((app) => app !== undefined);
		const nextCursor = list['has_next'] === false ? undefined : textOf(list['next_cursor']);
		return { items, nextCursor };
	}

	private async read(call: Omit<ApiCall, 'signal'>): Promise<JsonObject> {
		return await this.readAs(call, (value) => (isJsonObject(value) ? value : undefined));
	}

	/** A request that changes nothing, repeated as the settings allow. */
	private async readAs<T>(
		call: Omit<ApiCall, 'signal'>,
		decode: (value: unknown) => T | undefined,
		signal: CancelSignal = this.options.signal,
	): Promise<T> {
		const job = async () => {
			const reply = await this.api.send({ ...call, signal });
			const value = decode(reply.value);
			if (value !== undefined) return value;
			throw this.api.unexpected({ ...call, signal }, reply);
		};
		return await this.track(retrying(job, { ...this.context, signal }));
	}

	/** Remembers work until it is over. */
	private async track<T>(work: Promise<T>): Promise<T> {
		this.working.add(work);
		try {
			return await work;
		} finally {
			this.working.delete(work);
		}
	}
}

function appSummary(entry: unknown): AppSummary | undefined {
	if (!isJsonObject(entry)) return undefined;
	const namespace = textOf(entry['namespace']);
	const name = textOf(entry['name']);
	if (name === undefined) return undefined;
	const ref = namespace === undefined ? name : `${namespace}/${name}`;
	return {
		ref,
		title: textOf(entry['title']) ?? name,
		category: textOf(entry['category']),
		description: textOf(entry['description']),
	};
}
