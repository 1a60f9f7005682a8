import { NodeConnectionTypes, type IExecuteFunctions, type INodeExecutionData } from 'n8n-workflow';
import type { RemoteWork } from '../../client/errors';
import type { FlowProgress } from '../../client/flows/runFlow';
import type { TurnProgress } from '../../client/agents/turnRun';
import type { TaskProgress } from '../../client/tasks/taskRun';
import { monotonicNow } from '../../client/util/clock';
import type { RunCredential } from './credential';
import type { TaskJournal } from './taskJournal';

/** What an earlier try of the same node run has achieved for an item. */
export type ItemMemory =
	| TaskProgress
	| { readonly state: 'done'; readonly item: INodeExecutionData };

/** That an item is done which gives several output items, or none. */
export interface ItemsMemory {
	readonly state: 'listed';
	readonly items: readonly INodeExecutionData[];
}

type Memory = ItemMemory | ItemsMemory | TurnProgress | FlowProgress;

interface RememberedRun {
	readonly items: Map<number, Memory>;
	/** Under whose account each of them is. */
	readonly credentials: Map<number, RunCredential>;
	/** Under which id each of them is, or was, at the service. */
	readonly works: Map<number, RemoteWork>;
	/** What they have as their results. */
	readonly finished: Set<RemoteWork>;
	tries: number;
	/** When its last try ended, by the monotonic clock; undefined while one is under way. */
	endedAt: number | undefined;
}

const NOTHING = { state: 'none' } as const;

/** n8n waits at most 5 s between tries; what is older belongs to no try any more. */
const LIFETIME_MS = 60_000;

/**
 * Node runs of this process that n8n may try again. Retry On Fail runs the whole node again, up to
 * 5 times, in the same process; what is kept here lets it go on where it was.
 */
const runs = new Map<string, RememberedRun>();
/** Calls of a node by an AI agent, by the arguments that the agent has given it. */
const calls = new WeakMap<object, RememberedRun>();

function forgetOld(): void {
	for (const [key, run] of runs) {
		if (run.endedAt !== undefined && monotonicNow() - run.endedAt > LIFETIME_MS) runs.delete(key);
	}
}

/** n8n's own reading of the two settings. */
function triesAllowed(context: IExecuteFunctions): number {
	const { retryOnFail, maxTries } = context.getNode();
	return retryOnFail === true ? Math.min(5, Math.max(2, maxTries ?? 3)) : 1;
}

/**
 * The arguments of an AI agent that calls the node as a tool. n8n gives each try of such a call a
 * run index of its own, but hands on the same object.
 */
function callOf(context: IExecuteFunctions): object | undefined {
	return context.getInputData(0, NodeConnectionTypes.AiTool)[0]?.json;
}

type Turn = Exclude<TurnProgress, { state: 'none' }>;

function isTurn(memory: Memory): memory is Turn {
	return ['sending', 'deciding', 'answering'].includes(memory.state);
}

type Flowing = Exclude<FlowProgress, { state: 'none' }>;

function isFlow(memory: Memory): memory is Flowing {
	return memory.state === 'starting' || memory.state === 'following';
}

/** The memory of one node run across its tries. */
export class RetryMemory implements Disposable {
	private failed = true;

	private constructor(
		private readonly run: RememberedRun,
		private readonly allowed: number,
		private readonly journal: TaskJournal,
		private readonly forget: () => void,
	) {}

	/**
	 * Begins a try: the first one, or a further one that finds what the earlier ones left.
	 *
	 * @param journal told of every task that is started
	 */
	static begin(context: IExecuteFunctions, journal: TaskJournal): RetryMemory {
		const allowed = triesAllowed(context);
		const fresh: RememberedRun = {
			items: new Map(),
			credentials: new Map(),
			works: new Map(),
			finished: new Set(),
			tries: 0,
			endedAt: undefined,
		};
		const begin = (run: RememberedRun, forget: () => void) => {
			run.tries += 1;
			run.endedAt = undefined;
			return new RetryMemory(run, allowed, journal, forget);
		};
		if (allowed === 1) return begin(fresh, () => {});
		const call = callOf(context);
		if (call) {
			const run = calls.get(call) ?? fresh;
			calls.set(call, run);
			return begin(run, () => calls.delete(call));
		}
		forgetOld();
		const runIndex = context.evaluateExpression('{{ $runIndex }}', 0);
		const key = JSON.stringify([context.getExecutionId(), context.getNode().id, runIndex]);
		const run = runs.get(key) ?? fresh;
		runs.set(key, run);
		return begin(run, () => runs.delete(key));
	}

	/** The same object in all tries of a node run, to keep more about it. */
	get identity(): object {
		return this.run;
	}

	/** Whether n8n will run the node again if this try fails. */
	get hasTriesLeft(): boolean {
		return this.run.tries < this.allowed;
	}

	/** Whether an earlier try has begun anything, so that what all will cost has been accepted. */
	get hasBegun(): boolean {
		return [...this.run.items.keys()].some((index) => this.knows(index));
	}

	/** Whether an earlier try has begun anything for an item. */
	knows(itemIndex: number): boolean {
		return (this.run.items.get(itemIndex)?.state ?? 'none') !== 'none';
	}

	/** Under whose account an earlier try has begun something for an item; undefined if none has. */
	credentialOf(itemIndex: number): RunCredential | undefined {
		return this.knows(itemIndex) ? this.run.credentials.get(itemIndex) : undefined;
	}

	/** Under whose accounts earlier tries have begun something. */
	get begunUnder(): readonly RunCredential[] {
		const { items, credentials } = this.run;
		const begun = [...credentials].filter(([index]) => items.has(index) && this.knows(index));
		return [...new Set(begun.map(([, credential]) => credential))];
	}

	/** Says under whose account an item begins what is remembered from now on. */
	begins(itemIndex: number, credential: RunCredential): void {
		if (this.allowed > 1) this.run.credentials.set(itemIndex, credential);
	}

	recall(itemIndex: number): ItemMemory {
		const known = this.run.items.get(itemIndex);
		return !known || isTurn(known) || isFlow(known) || known.state === 'listed' ? NOTHING : known;
	}

	/** The output items of an item that an earlier try has finished and that may have several. */
	recallItems(itemIndex: number): readonly INodeExecutionData[] | undefined {
		const known = this.run.items.get(itemIndex);
		return known?.state === 'listed' ? known.items : undefined;
	}

	/** What an earlier try has done of a chat's turn. */
	recallTurn(itemIndex: number): TurnProgress {
		const known = this.run.items.get(itemIndex);
		return known && isTurn(known) ? known : NOTHING;
	}

	/** What an earlier try has done of a flow's run. */
	recallFlow(itemIndex: number): FlowProgress {
		const known = this.run.items.get(itemIndex);
		return known && isFlow(known) ? known : NOTHING;
	}

	remember(itemIndex: number, memory: Memory): void {
		const { works, finished } = this.run;
		const begin = (kind: RemoteWork['kind'], id: string) => {
			this.journal.started(itemIndex, id);
			works.set(itemIndex, { kind, id });
		};
		if (memory.state === 'running' && memory.cancelled !== true && memory.earlier !== true) {
			begin('task', memory.task.id);
		}
		if (memory.state === 'following' && memory.cancelled !== true) begin('flow run', memory.run.id);
		if (memory.state === 'answering' && memory.stopped !== true) begin('chat', memory.turn.chatId);
		const work = works.get(itemIndex);
		if ((memory.state === 'done' || memory.state === 'listed') && work) finished.add(work);
		if (this.allowed > 1) this.run.items.set(itemIndex, memory);
	}

	/** What is at the service as the result of an item that is done, of all tries. */
	get finished(): readonly RemoteWork[] {
		return [...this.run.finished];
	}

	/** Says that the try needs no further one. */
	succeeded(): void {
		this.failed = false;
	}

	/** Ends the try; what was remembered is kept only if another one is going to need it. */
	[Symbol.dispose](): void {
		if (this.failed && this.hasTriesLeft) this.run.endedAt = monotonicNow();
		else this.forget();
	}
}
