/** What can happen in a round: items, settings, faults, Stops, processes. */
import fc from 'fast-check';
import type { Fault, SandboxSettings } from '../../sandbox/index.mts';

/** How long something takes at the service, ms; `endless` never ends by itself. */
export type Pace = number | 'endless';

/** An item that becomes a task. Each part has few values, so that many items are equal or nearly so. */
export interface TaskItem {
	/** Index into the app's versions, newest first; without one: what is current. */
	readonly version?: number;
	readonly entry?: 'run' | 'other';
	/** Ends within the request that submits it. */
	readonly instant: boolean;
	readonly text: number;
	readonly setup?: number;
	/** Index into the sessions that are there before. */
	readonly session?: number | 'new';
	readonly pace: Pace;
	/** So many tasks with this input fail before one completes. */
	readonly failures: number;
}

/** An item that becomes a message. */
export interface MessageItem {
	/** Index of a saved agent, or of the system prompt of one that is defined in the node. */
	readonly agent: number;
	readonly text: number;
	readonly files: readonly number[];
	readonly context?: number;
	/** Conversation Key. */
	readonly key?: 'a' | 'b';
	readonly pace: Pace;
}

export interface Settings {
	readonly concurrency: number;
	/** Seconds; 0 for none. */
	readonly timeout: number;
	readonly totalTimeout: number;
	readonly maxRetries: number;
	readonly retryOn: ReadonlyArray<'rateLimit' | 'network' | 'serverError' | 'taskFailed'>;
	readonly onUnclearSubmit: 'check' | 'fail' | 'resubmit';
	readonly onStop: 'cancel' | 'keep';
	readonly onTimeout: 'cancel' | 'keep';
	readonly follow: 'auto' | 'stream' | 'poll';
}

/** When an execution is stopped, by a person or by the workflow's own timeout. */
export interface Stop {
	readonly by: 'person' | 'workflowTimeout';
	readonly when:
		| { readonly kind: 'time'; readonly ms: number }
		/** As soon as so many submissions have arrived, or have been accepted. */
		| { readonly kind: 'submitted' | 'accepted'; readonly count: number };
}

interface AnyWorkflow {
	readonly settings: Settings;
	readonly onError: 'stopWorkflow' | 'continueRegularOutput' | 'continueErrorOutput';
	readonly retryOnFail: boolean;
	readonly maxTries: number;
	/** Of the credential; 0 for none. */
	readonly maxConcurrency: number;
}

export interface TaskWorkflow extends AnyWorkflow {
	readonly node: 'RunApp' | 'Batch' | 'StreamTask';
	readonly items: readonly TaskItem[];
	/** Run App only. */
	readonly wait: 'result' | 'none';
	/** Batch only. */
	readonly order: 'input' | 'completion';
}

export interface MessageWorkflow extends AnyWorkflow {
	readonly node: 'AgentMessage';
	readonly agentSource: 'saved' | 'adHoc';
	readonly items: readonly MessageItem[];
}

export type Workflow = TaskWorkflow | MessageWorkflow;

/** One execution of a workflow. */
export interface Execution {
	readonly workflow: Workflow;
	/** Executions of one process share what n8n keeps in memory. */
	readonly process: number;
	readonly transport: 'undici' | 'helper';
	readonly stop?: Stop;
	/** How long after the first one it begins, ms. */
	readonly later: number;
}

export interface Round {
	readonly service: Partial<SandboxSettings>;
	readonly executions: readonly Execution[];
	readonly faults: readonly Fault[];
	/** Whether somebody else has started what the items ask for, so long before, ms. */
	readonly earlier?: number;
}

/** At most how often it happens that `of` is not its first value, in percent. */
function mostly<T>(usual: T, percent: number, other: fc.Arbitrary<T>): fc.Arbitrary<T> {
	return fc.oneof(
		{ weight: 100 - percent, arbitrary: fc.constant(usual) },
		{ weight: percent, arbitrary: other },
	);
}

const pace: fc.Arbitrary<Pace> = fc.oneof(
	{ weight: 5, arbitrary: fc.constantFrom(0, 5, 20) },
	{ weight: 3, arbitrary: fc.constantFrom(60, 150, 300) },
	{ weight: 1, arbitrary: fc.constant('endless' as const) },
);

const taskItem: fc.Arbitrary<TaskItem> = fc
	.record(
		{
			version: fc.constantFrom(0, 1, 2),
			entry: fc.constantFrom('run', 'other'),
			instant: mostly(false, 10, fc.constant(true)),
			text: mostly(0, 40, fc.constant(1)),
			setup: fc.constantFrom(0, 1),
			session: fc.constantFrom<number | 'new'>(0, 1, 'new'),
			pace,
			failures: mostly(0, 10, fc.constant(1)),
		},
		{ requiredKeys: ['instant', 'text', 'pace', 'failures'] },
	)
	// A session belongs to the version that has begun it.
	.map(({ session, version, entry, ...rest }) => ({
		...rest,
		...(session === undefined ? (version === undefined ? {} : { version }) : { session }),
		...(entry === undefined ? {} : { entry }),
	}));

const plainTaskItem: fc.Arbitrary<TaskItem> = fc.record({
	instant: fc.constant(false),
	text: fc.constant(0),
	pace,
	failures: fc.constant(0),
});

const messageItem: fc.Arbitrary<MessageItem> = fc.record(
	{
		agent: mostly(0, 40, fc.constant(1)),
		text: mostly(0, 40, fc.constant(1)),
		files: mostly<number[]>([], 30, fc.constantFrom([0], [1], [0, 1])),
		context: fc.constantFrom(0, 1),
		key: fc.constantFrom('a', 'b'),
		pace,
	},
	{ requiredKeys: ['agent', 'text', 'files', 'pace'] },
);

const plainMessageItem: fc.Arbitrary<MessageItem> = fc.record({
	agent: fc.constant(0),
	text: fc.constant(0),
	files: fc.constant([]),
	pace,
});

/** Several, of which many are alike. */
function several<T>(plain: fc.Arbitrary<T>, any: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> {
	const list = (item: fc.Arbitrary<T>) => fc.array(item, { minLength: 1, maxLength: 6 });
	const alike = fc
		.tuple(any, fc.integer({ min: 2, max: 5 }))
		.map(([item, count]) => Array.from({ length: count }, () => item));
	return fc.oneof(list(plain), list(any), alike);
}

const settings: fc.Arbitrary<Settings> = fc.record({
	concurrency: fc.integer({ min: 1, max: 6 }),
	timeout: fc.constantFrom(0, 0, 0.25, 0.6, 1.5, 4),
	totalTimeout: mostly(0, 10, fc.constantFrom(0.5, 1.5)),
	maxRetries: fc.constantFrom(0, 1, 3),
	retryOn: mostly<Settings['retryOn']>(
		['rateLimit', 'network', 'serverError'],
		30,
		fc.subarray(['rateLimit', 'network', 'serverError', 'taskFailed']),
	),
	onUnclearSubmit: mostly('check', 25, fc.constantFrom('fail', 'resubmit')),
	onStop: mostly('cancel', 20, fc.constant('keep')),
	onTimeout: mostly('cancel', 20, fc.constant('keep')),
	follow: mostly('auto', 30, fc.constantFrom('stream', 'poll')),
});

const anyWorkflow = {
	settings,
	onError: fc.constantFrom<AnyWorkflow['onError'][]>(
		'stopWorkflow',
		'continueRegularOutput',
		'continueErrorOutput',
	),
	retryOnFail: mostly(false, 30, fc.constant(true)),
	maxTries: fc.constantFrom(2, 3),
	maxConcurrency: mostly(0, 20, fc.constantFrom(1, 2, 3)),
};

const taskWorkflow: fc.Arbitrary<TaskWorkflow> = fc.record({
	...anyWorkflow,
	node: fc.constantFrom('RunApp', 'Batch', 'StreamTask'),
	items: several(plainTaskItem, taskItem),
	wait: mostly('result', 10, fc.constant('none')),
	order: fc.constantFrom('input', 'completion'),
});

const messageWorkflow: fc.Arbitrary<MessageWorkflow> = fc.record({
	...anyWorkflow,
	node: fc.constant('AgentMessage'),
	agentSource: fc.constantFrom('saved', 'adHoc'),
	items: several(plainMessageItem, messageItem),
});

const stop: fc.Arbitrary<Stop> = fc.record({
	by: mostly('person', 25, fc.constant('workflowTimeout')),
	when: fc.oneof(
		fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 800 }) }),
		fc.record({
			kind: fc.constantFrom('submitted', 'accepted'),
			count: fc.integer({ min: 1, max: 4 }),
		}),
	),
});

/** Something that has no end must be ended from outside. */
function ended(execution: Execution): Execution {
	const { workflow, stop: stopped } = execution;
	const endless = workflow.items.some((item) => item.pace === 'endless');
	const { timeout, totalTimeout } = workflow.settings;
	if (!endless || timeout > 0 || totalTimeout > 0 || stopped?.when.kind === 'time') {
		return execution;
	}
	return {
		...execution,
		workflow: { ...workflow, settings: { ...workflow.settings, timeout: 0.6 } },
	};
}

const executions: fc.Arbitrary<readonly Execution[]> = fc
	.record({
		workflow: fc.oneof(
			{ weight: 2, arbitrary: taskWorkflow },
			{ weight: 1, arbitrary: messageWorkflow },
		),
		/** Who runs it a second time, if anybody does. */
		second: mostly<'nobody' | 'same process' | 'another process'>(
			'nobody',
			45,
			fc.constantFrom('same process', 'another process', 'another process'),
		),
		transport: fc.constantFrom<Execution['transport'][]>('undici', 'helper'),
		stops: fc.tuple(
			mostly<Stop | undefined>(undefined, 30, stop),
			mostly<Stop | undefined>(undefined, 20, stop),
		),
		later: fc.constantFrom(0, 0, 5, 30, 120),
	})
	.map(({ workflow, second, transport, stops: [first, other], later }) => {
		const of = (process: number, stopped: Stop | undefined, wait: number): Execution =>
			ended({
				...{ workflow, process, transport, later: wait },
				...(stopped && { stop: stopped }),
			});
		if (second === 'nobody') return [of(0, first, 0)];
		return [of(0, first, 0), of(second === 'same process' ? 0 : 1, other, later)];
	});

/** Where something can go wrong for tasks, or for messages. */
interface Routes {
	readonly submission: string;
	/** What is read to follow it. */
	readonly reads: readonly string[];
	/** What is read or made around it. */
	readonly around: readonly string[];
	readonly stream: string;
	readonly cancel: readonly string[];
}

const ROUTES: Readonly<Record<'task' | 'message', Routes>> = {
	task: {
		submission: 'POST /apps/run',
		reads: ['GET /tasks/:id', 'GET /tasks/:id/status'],
		around: ['POST /tasks/list', 'GET /apps/:namespace/:name'],
		stream: 'GET /tasks/:id/stream',
		cancel: ['POST /tasks/:id/cancel'],
	},
	message: {
		submission: 'POST /agents/run',
		reads: ['GET /chats/:id', 'GET /chats/:id/status', 'GET /chats/:id/messages'],
		around: ['POST /chats/list', 'POST /chats'],
		stream: 'GET /chats/:id/stream',
		cancel: ['POST /chats/:id/stop', 'POST /chats/messages/:id/cancel'],
	},
};

/** Refusals of something that exists, for a moment. */
const BLINKS: readonly number[] = [400, 401, 403, 404, 408, 409, 425];
const TROUBLES = [429, 500, 502, 503, 504];

const garbage = fc.constantFrom('<html><body>Bad gateway</body></html>', '{}', 'null', '{"data":');

type Effect = Fault extends infer F
	? F extends Fault
		? Omit<F, 'on' | 'times' | 'skip'>
		: never
	: never;

const anyTrouble: fc.Arbitrary<Effect> = fc.oneof(
	fc.constantFrom<Effect[]>(
		{ kind: 'reset', when: 'before' },
		{ kind: 'reset', when: 'after' },
		{ kind: 'truncate' },
		{ kind: 'truncate', bytes: 1, chunked: true },
		{ kind: 'stall' },
		{ kind: 'hang', when: 'before' },
		{ kind: 'hang', when: 'after' },
	),
	fc.record({
		kind: fc.constant('delay' as const),
		ms: fc.constantFrom(20, 100, 300),
		when: fc.constantFrom('before', 'after'),
	}),
	fc.record({
		kind: fc.constant('body' as const),
		body: garbage,
		when: fc.constantFrom('before', 'after'),
	}),
);

const status = (from: readonly number[]): fc.Arbitrary<Effect> =>
	fc
		.record({
			kind: fc.constant('status' as const),
			status: fc.constantFrom(...from),
			retryAfter: mostly(false, 20, fc.constant(true)),
		})
		.map(({ retryAfter, ...effect }) => ({
			...effect,
			...(retryAfter && { headers: { 'retry-after': '0.1' } }),
		}));

/** A submission that is refused, lost on its way, or accepted with its answer lost. */
const submissionEffect: fc.Arbitrary<Effect> = fc.oneof(
	{ weight: 2, arbitrary: anyTrouble },
	{ weight: 1, arbitrary: fc.constant<Effect>({ kind: 'dripBody', everyMs: 1 }) },
	{ weight: 1, arbitrary: status([400, 401, 402, 403, 404, 408, 409, 412, 422, 425, 429, 499]) },
	{ weight: 1, arbitrary: status([500, 502, 503, 504]) },
	{
		weight: 2,
		arbitrary: fc.record({
			kind: fc.constant('statusAfter' as const),
			status: fc.constantFrom(500, 502, 503, 504),
		}),
	},
);

const streamEffect: fc.Arbitrary<Effect> = fc.oneof(
	fc
		.record(
			{
				closeAfter: fc.nat(2),
				resetAfter: fc.nat(2),
				stallAfter: fc.nat(2),
				garbageAfter: fc.nat(2),
				byteByByte: fc.boolean(),
				omitTerminal: fc.boolean(),
				omitTerminalOutput: fc.boolean(),
				duplicate: fc.boolean(),
				onlyHeartbeats: fc.constant(true),
			},
			{ requiredKeys: [] },
		)
		.map((options) => ({ kind: 'stream' as const, ...options })),
	status([...BLINKS, ...TROUBLES]),
	anyTrouble,
);

/** Faults of `effect` on one of the routes, on some requests in a row. */
function faultsOn(
	routes: readonly string[],
	effect: fc.Arbitrary<Effect>,
	most: number,
): fc.Arbitrary<Fault> {
	return fc
		.record({
			on: fc.constantFrom(...routes),
			effect,
			skip: fc.constantFrom(0, 0, 0, 1, 2),
			times: fc.integer({ min: 1, max: most }),
		})
		.map(({ effect: what, ...where }): Fault => ({ ...where, ...what }));
}

const readEffect = fc.oneof(anyTrouble, status([...BLINKS, ...TROUBLES]));

function fault(of: 'task' | 'message'): fc.Arbitrary<Fault> {
	const { submission, reads, around, stream, cancel } = ROUTES[of];
	// What seems to be a success is one: nobody looks behind it.
	const cancelEffect = fc.oneof(
		anyTrouble.filter(({ kind }) => kind !== 'body'),
		status(TROUBLES),
	);
	return fc.oneof(
		{ weight: 5, arbitrary: faultsOn([submission], submissionEffect, 4) },
		{ weight: 2, arbitrary: faultsOn(around, readEffect, 3) },
		{ weight: 2, arbitrary: faultsOn(reads, readEffect, 3) },
		{ weight: 1, arbitrary: faultsOn([stream], streamEffect, 4) },
		{ weight: 1, arbitrary: faultsOn(cancel, cancelEffect, 2) },
	);
}

const service: fc.Arbitrary<Partial<SandboxSettings>> = fc.record(
	{
		latencyMs: fc.constantFrom(1, 5, 15),
		schedulerLimit: fc.constantFrom(1, 2, 4),
		envelope: fc.constantFrom('v1', 'v2', 'v3'),
		streamFormat: fc.constantFrom('negotiate', 'sse', 'ndjson'),
		statusAs: fc.constantFrom('number', 'string'),
		partials: fc.constantFrom('changed', 'zeroed'),
		clockSkewMs: fc.constantFrom(-4_000, -700, 700, 4_000),
		listPreloads: fc.constantFrom('app', 'none'),
		streamSnapshotFirst: fc.boolean(),
		streamClosesAfterTerminal: fc.boolean(),
		agentRuns: fc.constantFrom('shown', 'gone'),
		agentStartMs: fc.constantFrom(1, 20),
		agentDeltas: fc.boolean(),
		chatStreamClosesAfterTurn: fc.boolean(),
		emptyListsAs: fc.constantFrom('null', 'empty'),
		messagesOldestFirst: fc.boolean(),
	},
	{ requiredKeys: [] },
);

const earlier = mostly<number | undefined>(undefined, 20, fc.constantFrom(300, 1_200));

export const rounds: fc.Arbitrary<Round> = fc
	.tuple(executions, mostly({}, 60, service), earlier)
	.chain(([played, settled, before]) => {
		const of = played[0]?.workflow.node === 'AgentMessage' ? 'message' : 'task';
		return fc.array(fault(of), { maxLength: 4, size: 'max' }).map((faults) => ({
			...{ service: settled, executions: played, faults },
			...(before !== undefined && { earlier: before }),
		}));
	});
