import { mayRunOn, type CancelOutcome } from '../api/cancelRemote';
import type { ClientContext } from '../api/context';
import type { GivenUp } from '../api/itemTime';
import type { InferenceError, RemoteWork } from '../errors';
import { stopOwnChat, stopTurn } from './stopTurn';
import type { Turn } from './turn';
import type { TurnProgress } from './turnRun';

/**
 * Stops the chat of an item that is given up, if that is wanted.
 *
 * @param progress how far the item has come
 * @param followed its turn, if it has got so far
 * @param note told that its turn has been stopped
 * @returns the error that says what became of it
 */
export async function giveUpTurn(
	givenUp: GivenUp,
	progress: TurnProgress,
	followed: Turn | undefined,
	context: ClientContext,
	note: (progress: TurnProgress) => void,
): Promise<InferenceError> {
	if (progress.state === 'none') return givenUp.error('The item', 'Nothing was sent for it.');
	if (progress.state === 'sending') return await giveUpSending(givenUp, progress, context);
	const { chatId } = progress.turn;
	const about: RemoteWork = { kind: 'chat', id: chatId };
	const outcome = givenUp.keep ? undefined : await stopTurn(progress.turn, followed, context);
	const isStopped = outcome?.kind === 'cancelled' || outcome?.kind === 'accepted';
	if (progress.state === 'answering' && isStopped) note({ ...progress, stopped: true });
	const hint = advice(chatId, outcome, givenUp);
	return givenUp.error(`Chat ${chatId}`, `${fateInWords(outcome)}.`, {
		about,
		mayRun: mayRunOn(outcome),
		hint,
	});
}

/** A message that may have arrived: if its chat is for it alone, whatever runs there is its answer. */
async function giveUpSending(
	givenUp: GivenUp,
	{ sent }: Extract<TurnProgress, { readonly state: 'sending' }>,
	context: ClientContext,
): Promise<InferenceError> {
	const { chatId } = sent.request;
	const unclear = 'Its message was being sent, and it is not known whether it arrived.';
	if (!sent.ownChat || chatId === undefined) {
		const hint = 'Look at the chats on inference.sh before sending it again.';
		return givenUp.error('The item', unclear, { mayRun: true, hint });
	}
	const about: RemoteWork = { kind: 'chat', id: chatId };
	const hint = `Look at chat ${chatId} on inference.sh before sending it again.`;
	const outcome = givenUp.keep ? undefined : await stopOwnChat(chatId, context);
	const fate =
		outcome?.kind === 'over'
			? `Nothing runs in chat ${chatId}, which was created for it`
			: `Chat ${chatId} was created for it. ${fateInWords(outcome)}`;
	return givenUp.error('The item', `${unclear} ${fate}.`, { about, mayRun: true, hint });
}

function fateInWords(outcome: CancelOutcome | undefined): string {
	switch (outcome?.kind) {
		case undefined:
			return 'It was left running';
		case 'cancelled':
			return 'It was stopped';
		case 'accepted':
			return 'It is being stopped: the service has agreed to';
		case 'over':
			return 'It was already over';
		case 'failed':
			return `It could not be stopped (${outcome.reason}) and may still run`;
	}
}

function advice(
	chatId: string,
	outcome: CancelOutcome | undefined,
	{ timedOut }: GivenUp,
): string | undefined {
	if (!outcome) return 'Read the answer later with the operation "Get Chat", or stop the chat.';
	if (outcome.kind === 'failed') return `Stop chat ${chatId} on inference.sh.`;
	if (outcome.kind === 'over') return 'Read the answer with the operation "Get Chat".';
	return timedOut ? 'Raise "Timeout (Seconds)" if the agent needs longer.' : undefined;
}
