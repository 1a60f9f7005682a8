import type { IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import type { InferenceClient } from '../../client/client';
import { Deadline } from '../../client/util/deadline';
import { ProtocolError, TimeoutError } from '../../client/errors';
import { isJsonObject, textOf } from '../../client/util/json';
import { outcomeOf } from '../../client/util/outcome';
import { isTerminal } from '../../client/tasks/taskStatus';
import { withClient } from '../run/connection';
import { RunHints } from '../run/hints';
import { toNodeError } from '../output/failures';
import { READ_SETTINGS } from '../parameters/runSettings';
import { readStatus, readEnd, settle } from './readEnds';
import { findState, type TaskEnd, type WaitingNode, type WaitState } from './waitState';
import { CANCELS_AT_ONCE, inParallel } from '../run/window';
import { messageOf } from '../../client/util/errorMessage';

/** Longest time in which a callback is answered; thousands of results may have to be read. */
const ANSWER_MS = 10 * 60_000;
/** Waits that are remembered; those forgotten only cost a few more requests. */
const MOST_WATCHES = 200;
/** For this long after it was resumed, an execution is taken to be running. */
const RESUMING_MS = 30_000;

/** What this process has learnt of the tasks that an execution waits for. */
interface Watch {
	/** Ids of tasks that have ended. */
	readonly ended: Set<string>;
	/** Ids of those that have failed or were cancelled. */
	readonly failed: Set<string>;
	/** Ids that callbacks named and nobody has looked at yet. */
	readonly named: Set<string>;
	/** Settles when nobody is looking any more. */
	looking: Promise<unknown> | undefined;
	/** Whether somebody waits for that, to look next. */
	queued: boolean;
	/** When the execution was resumed, ms since the epoch. */
	resumedAt: number;
}

const watches = new Map<string, Watch>();

/** Task ids are unique, so the first one names the wait. */
function watchOf(state: WaitState): Watch {
	const key = state.tasks[0]?.id ?? '';
	const watch = watches.get(key) ?? {
		ended: new Set(),
		failed: new Set(),
		named: new Set(),
		looking: undefined,
		queued: false,
		resumedAt: 0,
	};
	// Again as the last one: those that nobody has asked for longest are forgotten first.
	watches.delete(key);
	watches.set(key, watch);
	const [oldest] = watches.keys();
	if (watches.size > MOST_WATCHES && oldest !== undefined) watches.delete(oldest);
	return watch;
}

/** The task that a callback says it is about. Anybody can say anything: it is only a hint. */
function namedTask(context: IWebhookFunctions): string | undefined {
	const body: unknown = context.getBodyData();
	if (!isJsonObject(body)) return undefined;
	const { data } = body;
	return textOf(isJsonObject(data) ? data['id'] : body['id']);
}

/**
 * Reads tasks until one is found that goes on, or all have ended. That one is asked for first the
 * next time, so that a wait costs about two short requests for each task, however many there are.
 *
 * @returns the ends of all tasks, or that of one failed task if it fails the node; else undefined
 */
async function look(
	client: InferenceClient,
	state: WaitState,
	watch: Watch,
): Promise<readonly TaskEnd[] | undefined> {
	const { tasks, concurrency, stopOnError } = state;
	const { failed } = watch;
	const check = async (some: WaitState['tasks']) => {
		const statuses = await inParallel(some, concurrency, async (task) => {
			const status = await readStatus(client, task);
			if (isTerminal(status)) watch.ended.add(task.id);
			if (status === 'failed' || status === 'cancelled') failed.add(task.id);
			return status;
		});
		return statuses.every(isTerminal);
	};
	const open = () => tasks.filter(({ id }) => !watch.ended.has(id));
	const named = new Set(watch.named);
	watch.named.clear();
	if (open().length > 1) await check(open().filter(({ id }) => named.has(id)));
	const decided = () => stopOnError && failed.size > 0;
	for (let size = 1; open().length > 1 && !decided(); size = concurrency) {
		if (!(await check(open().slice(0, size)))) break;
	}
	if (decided()) {
		const ends = await inParallel(
			tasks.filter(({ id }) => failed.has(id)),
			concurrency,
			async (task) => await readEnd(client, task),
		);
		const failures = ends.filter((end) => end?.kind === 'failed');
		if (failures.length > 0) return failures;
		for (const id of failed) watch.ended.delete(id);
		failed.clear();
		throw contradiction();
	}
	const [last, ...more] = open();
	if (more.length > 0) return undefined;
	const lastEnd = last && (await readEnd(client, last));
	if (last && !lastEnd) return undefined;
	const others = await inParallel(
		tasks.filter((task) => task !== last),
		concurrency,
		async (task) => await readEnd(client, task),
	);
	const ends = [lastEnd, ...others].filter((end) => end !== undefined);
	if (ends.length === tasks.length) return ends;
	throw contradiction();
}

function contradiction(): ProtocolError {
	return new ProtocolError('the service contradicts itself on whether a task has ended');
}

/** Looks when nobody else does; of all who wait for that one does, for all of them. */
async function inTurn<T>(watch: Watch, work: () => Promise<T>): Promise<T | undefined> {
	if (watch.looking) {
		if (watch.queued) return undefined;
		watch.queued = true;
		await watch.looking;
		watch.queued = false;
	}
	if (Date.now() - watch.resumedAt < RESUMING_MS) return undefined;
	const looking = outcomeOf(work());
	watch.looking = looking;
	const outcome = await looking;
	watch.looking = undefined;
	if (outcome.ok) {
		// At once: whoever looks next is about to go on.
		if (outcome.value !== undefined) watch.resumedAt = Date.now();
		return outcome.value;
	}
	throw outcome.error;
}

async function handle(
	context: IWebhookFunctions,
	node: WaitingNode,
): Promise<IWebhookResponseData> {
	const state = findState(context);
	if (!state) return { webhookResponse: { message: 'This execution waits for no tasks.' } };
	const { tasks, concurrency } = state;
	const watch = watchOf(state);
	const named = namedTask(context);
	if (named !== undefined) watch.named.add(named);

	const scope = new Deadline(undefined, ANSWER_MS, () => new TimeoutError('took too long'));
	const resume = async (client: InferenceClient) => {
		const ends = await look(client, state, watch);
		if (!ends) return undefined;
		const failure = state.stopOnError && ends.find((end) => end.kind === 'failed');
		if (failure) {
			failNode(context, failure);
			const over = new Set([...watch.ended, ...ends.map(({ awaited }) => awaited.id)]);
			const goOn = tasks.filter(({ id }) => !over.has(id));
			await inParallel(goOn, CANCELS_AT_ONCE, async ({ id }) => await client.tasks.cancel(id));
		}
		const keeper = { client, scope, context, settings: READ_SETTINGS, hints: new RunHints() };
		const items = await inParallel(
			ends,
			concurrency,
			async (end) => await settle(node, end, keeper),
		);
		const read = new Set(ends.map(({ awaited }) => awaited));
		const unread = tasks.filter((task) => !read.has(task));
		return [...state.settled, ...items, ...unread.map((task) => node.unfinished(task))];
	};
	const items = await inTurn(
		watch,
		async () => await withClient(context, READ_SETTINGS, scope.signal, resume),
	).finally(() => scope[Symbol.dispose]());
	const { size } = watch.ended;
	const progress = { ended: items ? tasks.length : size, total: tasks.length };
	const { ended, total } = progress;
	const execution = context.getExecutionId();
	context.logger.debug(`inference.sh: ${ended} of ${total} tasks of execution ${execution} ended`);
	if (!items) return { webhookResponse: progress };
	return { webhookResponse: progress, workflowData: node.outputs(items, state.facts, Date.now()) };
}

/** Fails the node in n8n's own way for what failed while a node was waiting. */
function failNode(
	context: IWebhookFunctions,
	{ awaited, error }: Extract<TaskEnd, { kind: 'failed' }>,
): void {
	// Not part of the interface; where it is missing the failure is an item of the output.
	const entry: unknown = Reflect.get(context, 'executeData');
	if (!isJsonObject(entry)) return;
	const resumeError = toNodeError(context.getNode(), error, awaited.itemIndex);
	const metadata = isJsonObject(entry['metadata']) ? entry['metadata'] : {};
	Reflect.set(entry, 'metadata', { ...metadata, resumeError });
}

/**
 * Answers a callback of the service, the `webhook` method of a node that waits. Callbacks are not
 * signed, so each one is only a reason to look: early, repeated and forged ones change nothing.
 * As long as a task goes on, the execution stays waiting; when all have ended, it is resumed with
 * the node's outputs. If that cannot be told, the answer is 503, so that the service calls again.
 */
export async function answerCallback(
	context: IWebhookFunctions,
	node: WaitingNode,
): Promise<IWebhookResponseData> {
	// Whatever this method throws would resume the execution with an empty item.
	const answer = await outcomeOf(handle(context, node));
	if (answer.ok) return answer.value;
	const message = messageOf(answer.error);
	context.logger.warn(
		`inference.sh: callback for execution ${context.getExecutionId()} not verified: ${message}`,
	);
	context.getResponseObject().status(503).json({ message: 'The tasks could not be read.' });
	return { noWebhookResponse: true };
}
