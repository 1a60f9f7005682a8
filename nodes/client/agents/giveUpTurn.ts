import { path } from '../api/api';
import { cancelRemote, type CancelOutcome } from '../api/cancelRemote';
import type { ClientContext } from '../api/context';
import type { GivenUp } from '../api/itemTime';
import type { InferenceError, RemoteWork } from '../errors';
import { stopRoute } from './stopChat';
import type { Turn, TurnRef } from './turn';
import type { TurnProgress } from './turnRun';

/**
 * Stops the chat of an item that is given up, if that is wanted.
 *
 * @param progress how far the item has come
 * @param followed its turn, if it has got so far
 * @returns the error that says what became of it
 */
export async function giveUpTurn(
	givenUp: GivenUp,
	progress: TurnProgress,
	followed: Turn | undefined,
	context: ClientContext,
): Promise<InferenceError> {
	if (progress.state === 'none') return givenUp.error('The item', 'Nothing was sent for it.');
	if (progress.state === 'sending') {
		return givenUp.error(
			'The item',
			'Its message was being sent, and it is not known whether it arrived.',
			{ mayRun: true, hint: 'Look at the chats on inference.sh before sending it again.' },
		);
	}
	const { chatId } = progress.turn;
	const about: RemoteWork = { kind: 'chat', id: chatId };
	const subject = `Chat ${chatId}`;
	if (givenUp.keep) {
		const hint = 'Read the answer later with the operation Get Chat, or stop the chat.';
		return givenUp.error(subject, 'It was left running.', { about, mayRun: true, hint });
	}
	const outcome = await stopTurn(progress.turn, followed, context);
	if (outcome.kind === 'failed') {
		const fate = `It could not be stopped (${outcome.reason}) and may still run.`;
		const hint = `Stop chat ${chatId} on inference.sh.`;
		return givenUp.error(subject, fate, { about, mayRun: true, hint });
	}
	return givenUp.error(
		subject,
		outcome.kind === 'cancelled' ? 'It was stopped.' : 'It was already over.',
		{ about, hint: givenUp.timedOut ? 'Raise Timeout if the agent needs longer.' : undefined },
	);
}

/** A message that waits behind another turn is taken back; that turn is none of our business. */
async function stopTurn(
	ref: TurnRef,
	followed: Turn | undefined,
	context: ClientContext,
): Promise<CancelOutcome> {
	const { chatId, userMessageId } = ref;
	const chat = { kind: 'chat', id: chatId } as const;
	const unbegun = followed?.unbegun ?? ref.assistantMessageId === undefined;
	if (userMessageId !== undefined && unbegun) {
		const route = path('chats', 'messages', userMessageId, 'cancel');
		const outcome = await cancelRemote(chat, route, context);
		if (outcome.kind !== 'over') return outcome;
	}
	return await cancelRemote(chat, stopRoute(chatId), context);
}
