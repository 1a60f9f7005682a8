import {
	NodeOperationError,
	type IDataObject,
	type INodeExecutionData,
	type IPollFunctions,
} from 'n8n-workflow';
import type { InferenceClient } from '../client/client';
import { InferenceError, NotFoundError, RateLimitError, TimeoutError } from '../client/errors';
import type { Task } from '../client/tasks/task';
import type { CancelSignal } from '../client/util/cancelSignal';
import { monotonicNow } from '../client/util/clock';
import { Deadline } from '../client/util/deadline';
import { isJsonObject } from '../client/util/json';
import { KeyedQueue } from '../client/util/keyedQueue';
import { outcomeOf, type Outcome } from '../client/util/outcome';
import { toNodeError } from '../shared/output/failures';
import { nodeOf } from '../shared/parameters/nodeOf';
import { parameterError } from '../shared/parameters/parameterError';
import { READ_SETTINGS } from '../shared/parameters/runSettings';
import { withClient } from '../shared/run/connection';
import { AccountChats } from './chatSource';
import { chatItem, isWhole, taskItem } from './items';
import { KnownTasks } from './knownTasks';
import { endOf, newestTask, newestWaiting } from './newest';
import { readTriggerSettings, type TriggerSettings } from './settings';
import { AccountTasks, type SeenTask } from './taskSource';
import { beginChatWatch, KnownCalls, watchChats } from './watchChats';
import { beginWatch, watchTasks } from './watchTasks';

/** Time for one poll if n8n does not say: n8n begins the next one after a minute at the earliest. */
const LONGEST_MS = 45_000;
/** The part of it in which something new is begun; the rest is for what is under way. */
const TO_BEGIN = 0.6;
/** More events wait for the next poll. */
const MOST_EVENTS = 10_000;
/** The same, of the text of what they show. */
const MOST_CHARACTERS = 50_000_000;

/** The same, of events that have to be read one by one because the list does not show all of them. */
const MOST_TO_READ = 1_000;
/** Of these so many at the same time. */
const AT_ONCE = 10;

/** What is found in n8n's database; anything else there is begun anew. */
const SAVED = 'watched';

/** Polls of one node may overlap, and must not look at the same time. */
const polls = new KeyedQueue();
/** Contexts that have begun their watch: n8n uses one for all polls until it starts again. */
const begun = new WeakSet<object>();

/** The time and the room of one poll. */
class PollBudget {
	private readonly from = monotonicNow();
	private counted = 0;
	private characters = 0;
	private toRead = 0;

	constructor(private readonly ms: number) {}

	readonly hasTime = (): boolean => monotonicNow() - this.from < this.ms * TO_BEGIN;

	/** Whether there is time for more, and room beside what has been found. */
	readonly hasRoom = (found: readonly SeenTask[]): boolean => {
		for (const { task } of found.slice(this.counted)) {
			this.characters += JSON.stringify(task.output ?? '').length;
			if (!isWhole(task)) this.toRead += 1;
		}
		this.counted = found.length;
		const isFull = this.characters >= MOST_CHARACTERS || this.toRead >= MOST_TO_READ;
		return found.length < MOST_EVENTS && !isFull && this.hasTime();
	};
}

/** What one poll works with. */
interface Poll {
	readonly context: IPollFunctions;
	readonly client: InferenceClient;
	readonly budget: PollBudget;
	readonly signal: CancelSignal;
	/** What was known before; undefined to begin with this poll. */
	readonly before: unknown;
	/** Whether that was learned with another key, which may be of another workspace. */
	readonly isOtherKey: boolean;
	/** Keeps what is known now. */
	keep(known: IDataObject): void;
}

/**
 * One poll of the trigger.
 *
 * @returns null if there is nothing new, which starts nothing
 * @throws NodeOperationError or NodeApiError that says why nothing could be read
 */
export async function poll(context: IPollFunctions): Promise<INodeExecutionData[][] | null> {
	const budgetMs = Math.min(timeOf(context), LONGEST_MS);
	using deadline = new Deadline(undefined, budgetMs, () => {
		return new TimeoutError(`The service did not answer within ${budgetMs / 1000} s`);
	});
	const { signal } = deadline;
	const items = await outcomeOf(
		context.getMode() === 'manual'
			? sample(context, signal)
			: inTurn(context, new PollBudget(budgetMs), signal),
	);
	if (items.ok) return items.value.length === 0 ? null : [[...items.value]];
	const goesOn = context.getMode() !== 'manual' && !isActivation(context);
	throw toNodeError(nodeOf(context), goesOn ? ofPoll(items.error) : items.error);
}

/** The same failure with what it means for a workflow that goes on being started. */
function ofPoll(error: unknown): unknown {
	if (!(error instanceof InferenceError)) return error;
	const todo =
		error instanceof RateLimitError
			? 'If this happens often, have n8n poll less often, or set "Max Concurrency" in the credential, which all nodes share.'
			: error.hint;
	const lost = 'Nothing is lost: the next poll that succeeds goes on where the last one was.';
	return error.reworded(error.message, { hint: todo === undefined ? lost : `${todo} ${lost}` });
}

/** What n8n gives a poll; versions before 2.41 do not say. */
function timeOf(context: IPollFunctions): number {
	const { getPollBudgetMs }: { getPollBudgetMs?: unknown } = context;
	const ms: unknown =
		typeof getPollBudgetMs === 'function' ? getPollBudgetMs.call(context) : undefined;
	return typeof ms === 'number' && ms > 0 ? ms : LONGEST_MS;
}

/** The newest event, for a test in the editor. */
async function sample(
	context: IPollFunctions,
	signal: CancelSignal,
): Promise<readonly INodeExecutionData[]> {
	const settings = readTriggerSettings(context);
	return await withClient(context, READ_SETTINGS, signal, async (client) => {
		if (settings.event === 'taskFinished') {
			const seen = await newestTask(await tasksOf(context, client, settings));
			if (!seen) throw nothingYet(context, 'No task has ended yet', settings);
			const task = isWhole(seen.task) ? seen.task : (await client.tasks.get(seen.id)).task;
			return [taskItem(task, client, settings.app)];
		}
		const waiting = await newestWaiting(new AccountChats(client, settings.agent, signal));
		if (!waiting) throw nothingYet(context, 'No agent waits for anybody now', settings);
		return [chatItem(waiting)];
	});
}

function nothingYet(
	context: IPollFunctions,
	message: string,
	settings: TriggerSettings,
): NodeOperationError {
	const isNarrow =
		settings.event === 'approvalNeeded'
			? settings.agent !== undefined
			: settings.app !== undefined || settings.statuses.length < 3;
	return new NodeOperationError(
		nodeOf(context),
		isNarrow ? `${message} that fits the filters` : message,
		{
			description:
				'The test shows the newest event that there is. Let one happen on inference.sh and test again, or publish the workflow: it then starts with the next one.',
		},
	);
}

async function inTurn(
	context: IPollFunctions,
	budget: PollBudget,
	signal: CancelSignal,
): Promise<readonly INodeExecutionData[]> {
	const key = `${context.getWorkflow().id} ${nodeOf(context).id}`;
	const turn = await outcomeOf(polls.enter(key, signal));
	// The one before takes all the time; what there is now is going to be there the next time.
	if (!turn.ok) return [];
	try {
		return budget.hasTime() ? await look(context, budget, signal) : [];
	} finally {
		turn.value();
	}
}

async function look(
	context: IPollFunctions,
	budget: PollBudget,
	signal: CancelSignal,
): Promise<readonly INodeExecutionData[]> {
	const settings = readTriggerSettings(context);
	const saved = context.getWorkflowStaticData('node');
	return await withClient(context, READ_SETTINGS, signal, async (client) => {
		const { accountId: account } = client;
		// What is known of other events is of no use.
		const watch = JSON.stringify(settings);
		const before = isJsonObject(saved[SAVED]) ? saved[SAVED] : {};
		const isKnown = before['watch'] === watch && !isActivation(context);
		const poll: Poll = {
			...{ context, client, signal, budget },
			before: isKnown ? before['known'] : undefined,
			isOtherKey: before['account'] !== account,
			keep: (known) => {
				saved[SAVED] = { watch, account, known };
				begun.add(context);
			},
		};
		return settings.event === 'taskFinished'
			? await lookAtTasks(poll, settings)
			: await lookAtChats(poll, settings.agent);
	});
}

/** Whether somebody has just activated the workflow; after a restart or a change it goes on. */
function isActivation(context: IPollFunctions): boolean {
	return context.getActivationMode() === 'activate' && !begun.has(context);
}

async function tasksOf(
	context: IPollFunctions,
	client: InferenceClient,
	{ app, statuses }: Extract<TriggerSettings, { readonly event: 'taskFinished' }>,
): Promise<AccountTasks> {
	if (app === undefined) return new AccountTasks(client, { app, statuses });
	const found = await outcomeOf(client.apps.get(app));
	if (found.ok)
		return new AccountTasks(client, { app: { name: app, id: found.value.id }, statuses });
	throw notThere(context, 'App', app, found.error);
}

/** The error for a filter whose app or agent could not be read. */
function notThere(
	context: IPollFunctions,
	parameter: 'App' | 'Agent',
	name: string,
	error: unknown,
): unknown {
	if (!(error instanceof NotFoundError)) return error;
	const problem = `is ${name}, but there is no such ${parameter.toLowerCase()}, or this API key cannot see it`;
	return parameterError(nodeOf(context), { parameter, problem, itemIndex: undefined });
}

async function lookAtTasks(
	{ context, client, budget, before, isOtherKey, keep }: Poll,
	settings: Extract<TriggerSettings, { readonly event: 'taskFinished' }>,
): Promise<readonly INodeExecutionData[]> {
	const source = await tasksOf(context, client, settings);
	const known = KnownTasks.from(before);
	if (!known || (isOtherKey && !(await showsWitness(source, known)))) {
		keep((await beginWatch(source, budget.hasTime)).saved());
		return [];
	}
	const { ended, error } = await watchTasks(source, known, budget.hasRoom);
	const { whole, trouble } = await wholeTasks(client, ended, known, budget);
	keep(known.saved());
	// What has been read is told; what could not be read is going to be, or to fail, the next time.
	const reason = error ?? trouble ?? source.trouble;
	if (whole.length === 0 && reason !== undefined) throw reason;
	return whole.map((task) => taskItem(task, client, settings.app));
}

/** Whether a key shows a task of the account that is known: then it is of the same workspace. */
async function showsWitness(source: AccountTasks, { witness }: KnownTasks): Promise<boolean> {
	if (witness === undefined) return false;
	const seen = (await source.look([witness])).get(witness);
	if (seen === undefined) throw source.trouble;
	return seen !== 'gone';
}

async function showsAnyCall(source: AccountChats, known: KnownCalls): Promise<boolean> {
	const { chats } = await source.waiting(undefined);
	return chats.some(({ id, calls }) => calls.length > 0 && known.hasAll(id, calls));
}

/**
 * The tasks with all that items show, those first that ended first. For what is missing there may be no
 * time, and what cannot be read is left to the next poll; `trouble` is why the first one could not be.
 */
async function wholeTasks(
	client: InferenceClient,
	ended: readonly SeenTask[],
	known: KnownTasks,
	budget: PollBudget,
): Promise<{ readonly whole: readonly Task[]; readonly trouble: unknown }> {
	const whole: Task[] = [];
	let trouble: unknown;
	const inOrder = ended.toSorted((left, right) => endOf(left) - endOf(right));
	for (let from = 0; from < inOrder.length; from += AT_ONCE) {
		const some = inOrder.slice(from, from + AT_ONCE);
		const reads = await Promise.all(
			some.map(async (seen) => await wholeTask(client, seen, budget)),
		);
		for (const [at, { id }] of some.entries()) {
			const read = reads[at];
			if (read?.ok) whole.push(read.value);
			else known.putBack(id);
			if (read?.ok === false) trouble ??= read.error;
		}
	}
	return { whole, trouble };
}

/** Undefined if there is no time to read it. */
async function wholeTask(
	client: InferenceClient,
	{ id, task }: SeenTask,
	budget: PollBudget,
): Promise<Outcome<Task> | undefined> {
	if (isWhole(task)) return { ok: true, value: task };
	if (!budget.hasTime()) return undefined;
	const read = await outcomeOf(client.tasks.get(id));
	if (read.ok) return { ok: true, value: read.value.task };
	return read.error instanceof NotFoundError ? { ok: true, value: task } : read;
}

async function lookAtChats(
	{ context, client, budget, signal, before, isOtherKey, keep }: Poll,
	agent: string | undefined,
): Promise<readonly INodeExecutionData[]> {
	const source = new AccountChats(client, agent, signal);
	const known = KnownCalls.from(before);
	if (!known && agent !== undefined) {
		const found = await outcomeOf(client.agents.idOf(agent));
		// A key that may not read agents is good for chats all the same.
		if (!found.ok && found.error instanceof NotFoundError) {
			throw notThere(context, 'Agent', agent, found.error);
		}
	}
	if (!known || (isOtherKey && !(await showsAnyCall(source, known)))) {
		keep((await beginChatWatch(source, budget.hasTime)).saved());
		return [];
	}
	const { waiting, error } = await watchChats(source, known, budget.hasTime);
	keep(known.saved());
	if (waiting.length === 0 && error !== undefined) throw error;
	return waiting.map(chatItem);
}
