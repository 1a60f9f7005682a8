import type { IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';
import type { InferenceClient } from '../../client/client';
import { PermissionError, TimeoutError } from '../../client/errors';
import { Deadline } from '../../client/util/deadline';
import { messageOf } from '../../client/util/errorMessage';
import { isJsonObject, textOf } from '../../client/util/json';
import { outcomeOf } from '../../client/util/outcome';
import type { FileKeeper } from '../files/downloads';
import { toNodeError } from '../output/failures';
import { READ_SETTINGS } from '../parameters/runSettings';
import { withClient } from '../run/connection';
import { RunHints } from '../run/hints';
import { failWhenResumed } from '../run/waitingExecution';
import { CANCELS_AT_ONCE, inParallel } from '../run/window';
import { findEnds } from './findEnds';
import { settle } from './readEnds';
import {
	findState,
	type AwaitedTask,
	type SettledItem,
	type TaskEnd,
	type WaitingNode,
	type WaitState,
} from './waitState';
import { Watch } from './watch';

/** Longest time in which a callback is answered; thousands of results may have to be read. */
const ANSWER_MS = 10 * 60_000;

/** The task that a callback says it is about. Anybody can say anything: it is only a hint. */
function namedTask(context: IWebhookFunctions): string | undefined {
	const body: unknown = context.getBodyData();
	if (!isJsonObject(body)) return undefined;
	const { data } = body;
	return textOf(isJsonObject(data) ? data['id'] : body['id']);
}

async function handle<Facts>(
	context: IWebhookFunctions,
	node: WaitingNode<Facts>,
): Promise<IWebhookResponseData> {
	const state = findState(context, node);
	if (!state) return { webhookResponse: { message: 'This execution waits for no tasks.' } };
	const watch = Watch.on(state);
	const named = namedTask(context);
	if (named !== undefined) watch.named.add(named);

	using scope = new Deadline(undefined, ANSWER_MS, () => new TimeoutError('took too long'));
	const hints = new RunHints();
	const items = await watch.inTurn(async () => {
		return await withClient(context, READ_SETTINGS, scope.signal, async (client) => {
			const isOurs = (state.account ?? client.accountId) === client.accountId;
			const ends = isOurs ? await findEnds(client, state, watch) : state.tasks.map(notRead);
			if (!ends) return undefined;
			await failIfWanted(context, client, state, ends, watch);
			const keeper = { client, scope, context, settings: READ_SETTINGS, hints };
			return await allItems(node, state, ends, keeper);
		});
	});
	const total = state.tasks.length;
	const ended = items ? total : watch.ended.size;
	const webhookResponse = { ended, total };
	const execution = context.getExecutionId();
	context.logger.debug(`inference.sh: ${ended} of ${total} tasks of execution ${execution} ended`);
	if (!items) return { webhookResponse };
	return { webhookResponse, workflowData: node.outputs(items, state.facts, Date.now()) };
}

/** The end of the wait for a task that belongs to another account than the credential's of now. */
function notRead(awaited: AwaitedTask): TaskEnd {
	const { id } = awaited;
	const error = new PermissionError(
		`Task ${id} was not read, because the credential has another key or base URL now than when the task was started. It may still be running, or have ended`,
		{
			about: { kind: 'task', id },
			hint: 'Follow it by its ID with the key that has started it, for example with Stream Task.',
		},
	);
	return { awaited, kind: 'failed', error, durationMs: 0 };
}

/** If a failed task fails the node: does that, and cancels the tasks that go on. */
async function failIfWanted(
	context: IWebhookFunctions,
	client: InferenceClient,
	{ tasks, stopOnError }: WaitState<unknown>,
	ends: readonly TaskEnd[],
	watch: Watch,
): Promise<void> {
	const failure = stopOnError && ends.find((end) => end.kind === 'failed');
	if (!failure) return;
	const { error, awaited } = failure;
	failWhenResumed(context, toNodeError(context.getNode(), error, awaited.itemIndex));
	const over = new Set([...watch.ended, ...ends.map((end) => end.awaited.id)]);
	const goOn = tasks.filter(({ id }) => !over.has(id));
	await inParallel(goOn, CANCELS_AT_ONCE, async ({ id }) => await client.tasks.cancel(id));
}

/** The items of all tasks; what was not read because the node fails counts as unfinished. */
async function allItems<Facts>(
	node: WaitingNode<Facts>,
	{ tasks, settled, concurrency }: WaitState<Facts>,
	ends: readonly TaskEnd[],
	keeper: FileKeeper,
): Promise<readonly SettledItem[]> {
	const items = await inParallel(ends, concurrency, async (end) => await settle(node, end, keeper));
	const read = new Set(ends.map(({ awaited }) => awaited));
	const unread = tasks.filter((task) => !read.has(task));
	return [...settled, ...items, ...unread.map((task) => node.unfinished(task))];
}

/**
 * Answers a callback of the service, the `webhook` method of a node that waits. Callbacks are not
 * signed, so each one is only a reason to look: early, repeated and forged ones change nothing.
 * As long as a task goes on, the execution stays waiting; when all have ended, it is resumed with
 * the node's outputs. If that cannot be told, the answer is 503, so that the service calls again.
 */
export async function answerCallback<Facts>(
	context: IWebhookFunctions,
	node: WaitingNode<Facts>,
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
