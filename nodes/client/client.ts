import { AgentsApi } from './agents/agentsApi';
import { accountFor } from './api/account';
import { Api, type ClientLog, type Credential } from './api/api';
import type { ClientContext } from './api/context';
import type { RetryStatistics } from './api/retry';
import { AppsApi } from './apps/appsApi';
import { FilesApi } from './files/filesApi';
import { FlowsApi } from './flows/flowsApi';
import { DEFAULT_TIMINGS, type RunSettings, type Timings } from './settings';
import { TasksApi } from './tasks/tasksApi';
import type { Transport } from './transport/transport';
import type { CancelSignal } from './util/cancelSignal';
import { systemClock, type Clock } from './util/clock';
import { PendingWork } from './util/pendingWork';
import { QuietWatch } from './util/quietWatch';
import { WorkspaceApi } from './workspace/workspaceApi';

/** What a client is made of. */
export interface ClientOptions {
	readonly transport: Transport;
	readonly credential: Credential;
	/** Items in flight for this credential in this process from now on, 0 for no limit. */
	readonly maxConcurrency: number;
	readonly settings: RunSettings;
	readonly log: ClientLog;
	/** Where retries and rate limits are counted, if several clients count together. */
	readonly statistics?: RetryStatistics;
	/** Aborts everything the client does. */
	readonly signal: CancelSignal;
	readonly timings?: Partial<Timings>;
	readonly clock?: Clock;
}

/**
 * The shared async client of inference.sh, one for each node run: the door to its rooms, over what
 * the process shares for each account.
 */
export class InferenceClient implements AsyncDisposable {
	/** Retries and rate limits so far. */
	readonly statistics: RetryStatistics;
	readonly tasks: TasksApi;
	readonly agents: AgentsApi;
	readonly apps: AppsApi;
	readonly files: FilesApi;
	readonly flows: FlowsApi;
	readonly workspace: WorkspaceApi;
	/** Stands for the base URL and the key, without telling them; the same in every process. */
	readonly accountId: string;
	private readonly work = new PendingWork();

	constructor(options: ClientOptions) {
		const { credential, transport, settings, log, signal, maxConcurrency } = options;
		const { statistics = { retries: 0, rateLimited: 0 } } = options;
		const { work } = this;
		this.statistics = statistics;
		const { apiKey, baseUrl } = credential;
		const clock = options.clock ?? systemClock;
		const timings = { ...DEFAULT_TIMINGS, ...options.timings };
		const account = accountFor(baseUrl, apiKey, clock);
		// The credential has just been read, so it is the newest.
		account.slots.limitTo(maxConcurrency === 0 ? Infinity : maxConcurrency);
		this.accountId = account.id;
		const api = new Api(transport, credential, account, clock, timings);
		const quiet = new QuietWatch(clock);
		const context: ClientContext = {
			api,
			account,
			settings,
			timings,
			clock,
			log,
			signal,
			statistics,
			quiet,
		};
		const apps = new AppsApi(context, work);
		this.tasks = new TasksApi(context, work);
		this.agents = new AgentsApi(context, work);
		this.apps = apps;
		this.flows = new FlowsApi(context, work);
		this.workspace = new WorkspaceApi(context, work);
		this.files = new FilesApi(
			{ ...context, transport, baseUrl },
			{ schemaOf: async (app, entry) => await apps.outputSchema(app, entry) },
			work,
		);
	}

	/** Waits for everything under way. Whoever closes a client early aborts its signal first. */
	async [Symbol.asyncDispose](): Promise<void> {
		await this.work.settled();
	}
}
