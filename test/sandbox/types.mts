/** Names and shapes that the sandbox shares with the tests that drive it. */

export interface RecordedRequest {
	/** Epoch milliseconds at which the whole request had been read. */
	readonly at: number;
	readonly method: string;
	/** Without the query. */
	readonly path: string;
	readonly query: string;
	readonly headers: Readonly<Record<string, string | undefined>>;
	/** Parsed JSON, or undefined (no body, not JSON, or recording of bodies switched off). */
	readonly body: unknown;
}

export interface SandboxTaskView {
	readonly id: string;
	/** namespace/name */
	readonly app: string;
	/** Status name, e.g. `running`. */
	readonly status: string;
	readonly input: unknown;
	/** The body of the request that has created it, as it is recorded with that request. */
	readonly request: Readonly<Record<string, unknown>>;
	readonly createdAt: number;
	/** Id of the app's version. */
	readonly version: string;
	readonly output: unknown;
	readonly function?: string;
	readonly sessionId?: string;
	readonly cancelRequestedAt?: number;
	/** Epoch milliseconds at which it was given a place of the scheduler. */
	readonly startedAt?: number;
	/** Epoch milliseconds at which the terminal status was set. */
	readonly finishedAt?: number;
}

/** The run of a flow. */
export interface SandboxFlowRunView {
	readonly id: string;
	/** namespace/name */
	readonly flow: string;
	readonly input: unknown;
	/** Status name, e.g. `running`. */
	readonly status: string;
	readonly taskId: string;
}

/** One attempt to call a webhook. */
export interface WebhookDelivery {
	readonly taskId: string;
	/** HTTP status of the answer; undefined if there was none. */
	readonly status: number | undefined;
}

export interface SandboxFileView {
	readonly id: string;
	readonly uri: string;
	readonly filename: string;
	readonly contentType: string;
	readonly size: number;
	readonly sha256: string;
}

export interface SandboxChatView {
	readonly id: string;
	/** namespace/name; nothing for an agent that exists for this chat only. */
	readonly agent: string | undefined;
	readonly config: Readonly<Record<string, unknown>>;
	readonly context: Readonly<Record<string, unknown>>;
	/** Of its last run. */
	readonly state: string | undefined;
	/** Epoch milliseconds at which it was stopped by request. */
	readonly stoppedAt: number | undefined;
	readonly messages: ReadonlyArray<{
		readonly id: string;
		readonly role: string;
		readonly status: string;
		readonly text: string;
		/** The agent's work that it belongs to. */
		readonly runId: string | undefined;
		/** What was sent, of a user's message; the very object that is recorded with its request. */
		readonly input: Readonly<Record<string, unknown>>;
	}>;
}

/** An agent's work on one message. */
export interface SandboxRunView {
	readonly id: string;
	readonly chatId: string;
	/** namespace/name; nothing for an agent that exists for its chat only. */
	readonly agent: string | undefined;
	readonly userMessageId: string;
	/** E.g. `working`, `input_required` or `completed`. */
	readonly state: string;
	readonly error: string | undefined;
	/** Structured output. */
	readonly output: unknown;
	readonly startedAt: number;
}

export interface Notice {
	readonly level: 'info' | 'warning';
	readonly code: string;
	readonly message: string;
	readonly meta?: Readonly<Record<string, unknown>>;
}

export interface RateLimit {
	/** Requests per window; `perMinute: n` is short for `{ max: n, windowMs: 60000 }`. */
	readonly max?: number;
	readonly perMinute?: number;
	readonly windowMs?: number;
	/** How the refusal says when to come back. Default `seconds`. */
	readonly retryAfter?: 'seconds' | 'ms' | 'date' | 'none';
	/** Send `X-RateLimit-Remaining` and `X-RateLimit-Reset` (unix seconds). Default true. */
	readonly resetHeader?: boolean;
	/** What counts: submissions only (default) or every API request. */
	readonly scope?: 'run' | 'all';
	/** Status of the refusal; the smallest plan has 402. Default 429. */
	readonly status?: 402 | 429;
}

export interface SandboxSettings {
	/** Added before every API answer. */
	latencyMs: number;
	/** Most tasks that run at once; the rest stay queued. */
	schedulerLimit: number;
	rateLimit: RateLimit | undefined;
	heartbeatMs: number;
	envelope: 'v1' | 'v2' | 'v3';
	streamFormat: 'negotiate' | 'sse' | 'ndjson';
	/** `named` frames task updates as `update` and closes with `done`, as the docs show. */
	sseEvents: 'unnamed' | 'named';
	/** How `GET /tasks/:id/status` spells the status. */
	statusAs: 'number' | 'string';
	streamClosesAfterTerminal: boolean;
	/** Without it the stream of an ended task shows nothing but heartbeats. */
	streamSnapshotFirst: boolean;
	/** One entry for each type of log, or all of it as one text, as in the documentation. */
	logsAs: 'entries' | 'text';
	/** `zeroed` fills a partial's unchanged fields with Go zero values. */
	partials: 'changed' | 'zeroed';
	/** Notices added to the envelope of POST /apps/run. */
	messages: readonly Notice[];
	/** Shifts the service's clock: `created_at` and the like, and the Date header. */
	clockSkewMs: number;
	/** How creation times are told: with their zone, or bare, as a database without zones has them. */
	timesAs: 'zoned' | 'bare';
	/** By so much the clock that stamps tasks and chats is behind the one of the Date header. */
	stampsLateMs: number;
	/** Whether answers have a Date header. */
	dateHeader: boolean;
	/**
	 * How a task shows its input: as it was sent; with the defaults of its schema filled in; without
	 * nulls; not at all.
	 */
	inputsAs: 'sent' | 'defaults' | 'withoutNulls' | 'hidden';
	/** Fields that tasks do not show. */
	hiddenFields: readonly string[];
	/**
	 * How many requests for a new task or chat are answered with 404, as by a copy of the database that
	 * lags behind; Infinity until `catchUp`. Lists show it at once.
	 */
	replicaLag: number;
	/** What cancelling a task is answered with: null, or `{id, status, cancelled}`. */
	cancelAnswer: 'null' | 'state';
	/** The status for cancelling a task that is over. */
	cancelOfEnded: 200 | 404 | 409 | 410;
	/** The status for stopping a chat in which nothing runs. */
	stopOfEnded: 200 | 404 | 409 | 410;
	/** Fields that lists do not filter by: they are refused. */
	unknownFilters: readonly string[];
	/** What cursors of lists are: ids of rows, or places, to which other rows move. */
	listCursors: 'ids' | 'places';
	/** Whether task lists embed the (version-less) app. */
	listPreloads: 'app' | 'none';
	/** How long after its end there is a record of what a task has cost. */
	costAfterMs: number;
	/** Delays before a webhook delivery is tried again. */
	webhookRetriesMs: readonly number[];
	/** How long after the end of a task its webhook is called. */
	webhookDelayMs: number;
	/** How often it is called, retries not counted; 0 for never. */
	webhookCopies: number;
	/** How much a chat shows of its runs: all, none that has ended, none. */
	agentRuns: 'shown' | 'gone' | 'hidden';
	/** How long a run takes to begin, or to go on after a decision. */
	agentStartMs: number;
	/** Whether agents send token deltas; without, their messages grow. */
	agentDeltas: boolean;
	/** How arguments of tool calls are spelled: JSON text, or the object. */
	argumentsAs: 'text' | 'object';
	/** The same for what an interrupt is about. */
	metaAs: 'text' | 'object';
	/** `text` makes the content of messages a text, as old servers did. */
	contentAs: 'blocks' | 'text';
	/** Go writes null for a list without items. */
	emptyListsAs: 'null' | 'empty';
	/** Chat streams usually stay open after a turn. */
	chatStreamClosesAfterTurn: boolean;
	/** Which end of a chat the first page of its messages has. */
	messagesOldestFirst: boolean;
	/** Shown first on streams of chats instead of how these are. */
	staleSnapshot: Readonly<Record<string, unknown>> | undefined;
	/** Where others get at its files, if something stands before it; default: its own address. */
	filesUrl: string | undefined;
	record: boolean;
	recordBodies: boolean;
}

interface FaultTarget {
	/** `METHOD /path` where `:name` is one segment and `*` anything; or `*` for every request. */
	readonly on: string;
	/** How many requests it hits; default 1. */
	readonly times?: number;
	/** How many matching requests pass before it starts. */
	readonly skip?: number;
	/** Hits only requests with this key. */
	readonly key?: string;
}

type When = 'before' | 'after';

export interface StreamFaultOptions {
	/** End cleanly after this many lines (heartbeats do not count). */
	readonly closeAfter?: number;
	readonly resetAfter?: number;
	/** Keep the socket open but send nothing more, not even heartbeats. */
	readonly stallAfter?: number;
	/** Insert a broken line, a blank line and an HTML fragment after this many lines. */
	readonly garbageAfter?: number;
	/** Each byte is a write of its own, so UTF-8 sequences are split. */
	readonly byteByByte?: boolean;
	readonly crlf?: boolean;
	readonly format?: 'sse' | 'ndjson';
	/** The terminal line carries the status only. */
	readonly omitTerminalOutput?: boolean;
	/** No terminal line at all: the stream closes, or goes on with heartbeats. */
	readonly omitTerminal?: boolean;
	readonly onlyHeartbeats?: boolean;
	/** Every line is sent twice. */
	readonly duplicate?: boolean;
	readonly noFinalNewline?: boolean;
	readonly heartbeatMs?: number;
}

export type FaultEffect =
	| {
			readonly kind: 'status' | 'statusAfter';
			readonly status: number;
			readonly body?: string | object;
			readonly headers?: Readonly<Record<string, string>>;
	  }
	| { readonly kind: 'reset' | 'hang'; readonly when: When }
	/** A part of the body, by default its half, and then the end of the connection or silence. */
	| {
			readonly kind: 'truncate' | 'stall';
			readonly bytes?: number;
			/** Without saying how long the whole is. */
			readonly chunked?: boolean;
	  }
	| {
			readonly kind: 'body';
			readonly body: string;
			readonly contentType?: string;
			readonly when?: When;
	  }
	| { readonly kind: 'delay'; readonly ms: number; readonly when: When }
	| { readonly kind: 'dripBody'; readonly everyMs: number }
	| ({ readonly kind: 'stream' } & StreamFaultOptions);

/** Something that goes wrong with the next matching request. */
export type Fault = FaultTarget & FaultEffect;

export type JsonSchema = Readonly<Record<string, unknown>>;

/** The answer with which an app refuses to start at all. */
export interface Refusal {
	readonly status: number;
	readonly body: Readonly<Record<string, unknown>>;
	readonly contentType: string;
	readonly headers?: Readonly<Record<string, string>>;
}

/** What an app's code sees of the task it runs. */
export interface Job {
	readonly input: Readonly<Record<string, unknown>>;
	readonly setup: unknown;
	readonly functionName: string;
	/** State of the session the task runs in, kept between its calls. */
	readonly session: Map<string, unknown> | undefined;
	/** State kept until the sandbox is reset. */
	readonly memory: Map<string, unknown>;
	readonly files: JobFiles;
	/** Runs later, unless the task ends or is cancelled first. */
	after(ms: number, then: () => void): void;
	/** Publishes a partial: `log` is appended to what the task has logged so far. */
	update(change: JobUpdate): void;
	finish(output: unknown): void;
	fail(error: string): void;
}

export interface JobUpdate {
	readonly status?: string | number;
	readonly log?: string;
	/** Which log grows; default 1, the run's. */
	readonly logType?: number;
	readonly output?: unknown;
	readonly error?: string;
	/** A token delta; numbered by the sandbox. */
	readonly delta?: unknown;
}

/** File storage as an app sees it. */
export interface JobFiles {
	/** Stores bytes and returns the public URL. */
	publish(bytes: Uint8Array, contentType: string, extension: string): string;
	/** A file whose bytes are made while it is downloaded. */
	publishSynthetic(size: number, contentType: string, extension: string): string;
	/** What is stored under a URL of this sandbox. */
	describe(
		uri: string,
	): { size: number; contentType: string; filename: string; sha256: string } | undefined;
}

export interface SandboxFunction {
	readonly description?: string;
	readonly input: JsonSchema;
	readonly output: JsonSchema;
	/** `stream` functions talk through a socket and are of no use over HTTP. */
	readonly kind?: 'run' | 'stream';
}

/** An app of the catalogue: what it says of itself and how its tasks behave. */
export interface SandboxApp {
	readonly namespace: string;
	readonly name: string;
	readonly title: string;
	readonly description: string;
	readonly category: string;
	/** Listed in the public store instead of the workspace. */
	readonly store?: boolean;
	/** Whether lists leave it out; its reference works all the same. */
	readonly unlisted?: boolean;
	readonly setup?: JsonSchema;
	/** `run` is the default function when it exists, else the first one. */
	readonly functions: Readonly<Record<string, SandboxFunction>>;
	/** Earlier versions, newest first. */
	readonly older?: ReadonlyArray<
		Pick<SandboxApp, 'functions' | 'setup'> & Partial<Pick<SandboxApp, 'run'>>
	>;
	readonly secrets?: readonly string[];
	/** Ends within the submit request. */
	readonly instant?: boolean;
	/** Waits in the queue for ever. */
	readonly neverStarts?: boolean;
	readonly needsSession?: boolean;
	/** The terminal stream line carries the status only. */
	readonly bareTerminalLine?: boolean;
	readonly cancel?: {
		/** How long the task takes to notice; default 1. */
		readonly ms?: number;
		/** Completes with this output in spite of the request. */
		readonly completesWith?: unknown;
	};
	/** Price of one run in microcents; a pair is a range, nothing means unknown. */
	readonly price?: number | readonly [number, number];
	readonly refuse?: Refusal;
	run(job: Job): void;
}
