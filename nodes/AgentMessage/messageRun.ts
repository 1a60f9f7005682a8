import type { INodeExecutionData } from 'n8n-workflow';
import type { PendingCall } from '../client/agents/chat';
import type { TurnOptions, TurnProgress, TurnRun } from '../client/agents/turnRun';
import { outcomeOf } from '../client/util/outcome';
import { notStarted } from '../client/api/itemTime';
import type { LiveStream } from '../shared/run/liveStream';
import type { ItemRun } from '../shared/run/itemRun';
import { Pace } from '../shared/run/pace';
import { ItemParameters } from '../shared/parameters/itemParameters';
import type { Conversations } from './conversations';
import { LiveText } from './liveText';
import { turnItem, type TurnWords } from '../shared/output/chatItems';
import { awaited, waitingText } from '../shared/output/waitingText';
import type { Release } from '../client/util/keyedQueue';

/** What an operation has for an item: the run, under the item's account. */
export interface MessageRun extends ItemRun {
	readonly conversations: Conversations;
	readonly live: LiveStream | undefined;
	readonly words: TurnWords;
}

/**
 * The chat that an operation is about.
 *
 * @throws NodeOperationError
 */
export function readChatId(item: ItemParameters): string {
	return item.get('chatId').text('It is <code>chat_id</code> in the output of "Send Message".');
}

/**
 * Waits for its turn in a conversation. What an earlier try has begun is ended even after a Stop, so
 * that goes on at once.
 *
 * @returns lets the next one through
 * @throws StoppedError or TimeoutError that says that nothing was started
 */
export async function enterQueue(run: MessageRun, index: number, key: string): Promise<Release> {
	const { client, memory, scope } = run;
	const entered = await outcomeOf(client.agents.queue(key, scope.signal));
	if (entered.ok) return entered.value;
	if (memory.knows(index)) return () => {};
	throw notStarted(entered.error);
}

/**
 * Runs the turn of an item with what all turns have, memory, live text, hints, and makes its output
 * item.
 *
 * @param take begins or goes on with the turn
 */
export async function runItemTurn(
	run: MessageRun,
	index: number,
	take: (options: TurnOptions) => Promise<TurnRun>,
): Promise<INodeExecutionData> {
	const { context, memory, scope, hints, words } = run;
	const { options } = new ItemParameters(context, index);
	const onInterrupt = options
		.get('onInterrupt', 'return')
		.oneOf(['return', 'approve', 'reject', 'error']);
	const streamAs = options.get('streamAs', 'text').oneOf(['text', 'off']);
	const pace = Pace.of(run);
	const live = new LiveText(streamAs === 'text' ? run.live : undefined, index);
	try {
		const turn = await take({
			onInterrupt,
			observer: live,
			signal: scope.signal,
			progress: memory.recallTurn(index),
			onProgress: (progress: TurnProgress) => memory.remember(index, progress),
		});
		live.complete(turn.answers);
		if (words.tellsWaiting) live.add(waitingText(turn.pending));
		hints.add({ ...turn, adopted: false });
		if (turn.adopted) {
			hints.say(
				`The answer to a message was lost; the message was found in chat ${turn.chatId} and not sent again.`,
			);
		}
		for (const call of turn.pending) hints.say(waitingHint(call));
		return turnItem(turn, index, words);
	} finally {
		live.end();
		pace?.endWithoutTask();
	}
}

/** One hint for all items that wait for the same. */
function waitingHint(call: PendingCall): string {
	const what = `The agent waits for ${awaited(call)}.`;
	return call.kind === 'auth'
		? `${what} Connect it there, then send the message again.`
		: `${what} Decide with the operation "Respond to Call"; chat_id and pending in the output say where.`;
}
