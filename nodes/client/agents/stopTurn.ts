import { path } from '../api/api';
import {
	cancelRemote,
	type CancelAsk,
	type CancelOutcome,
	type CancelContext,
	type Fate,
} from '../api/cancelRemote';
import type { Ask } from '../follow/follower';
import { isJsonObject, textOf } from '../util/json';
import { chatRoute } from './readChat';
import { readTurn } from './readTurn';
import { stopRoute } from './stopChat';
import { Turn, type TurnRef } from './turn';

/**
 * Stops one turn of a chat. A message that waits behind another turn is taken back; that turn is
 * none of our business.
 *
 * @param followed the turn as far as it has been followed
 */
export async function stopTurn(
	ref: TurnRef,
	followed: Turn | undefined,
	context: CancelContext,
): Promise<CancelOutcome> {
	const { chatId, userMessageId } = ref;
	const about = { kind: 'chat', id: chatId } as const;
	const known = { ...ref, runId: followed?.runId ?? ref.runId };
	const unbegun = followed?.unbegun ?? ref.assistantMessageId === undefined;
	if (userMessageId !== undefined && unbegun) {
		const route = path('chats', 'messages', userMessageId, 'cancel');
		const look = async (ask: CancelAsk) => queueFate(await lookAt(known, ask));
		const outcome = await cancelRemote({ about, route, look }, context);
		if (outcome.kind !== 'over') return outcome;
	}
	const look = async (ask: CancelAsk) => turnFate(await lookAt(known, ask));
	const turn = { about, route: stopRoute(chatId), hasSuccessors: true, look };
	return await cancelRemote(turn, context);
}

/** Stops whatever runs in a chat that was created for one item alone. */
export async function stopOwnChat(chatId: string, context: CancelContext): Promise<CancelOutcome> {
	const about = { kind: 'chat', id: chatId } as const;
	const look = async (ask: CancelAsk): Promise<Fate | undefined> => {
		const said = await ask({ method: 'GET', path: `${chatRoute(chatId)}/status` });
		const status = isJsonObject(said) ? textOf(said['status'])?.toLowerCase() : undefined;
		if (status === undefined) return undefined;
		return status === 'busy' || status === 'awaiting_input' ? 'running' : 'over';
	};
	return await cancelRemote({ about, route: stopRoute(chatId), look }, context);
}

/** The turn as it is now; undefined if it could not be read. */
async function lookAt(ref: TurnRef, ask: CancelAsk): Promise<Turn | undefined> {
	const turn = new Turn(ref);
	const read: Ask = async (question, decode) => decode(await ask(question));
	return (await readTurn(read, turn)) ? turn : undefined;
}

function turnFate(turn: Turn | undefined): Fate | undefined {
	const verdict = turn?.verdict();
	switch (verdict?.kind) {
		case 'settled':
			if (verdict.state === 'canceled') return 'cancelled';
			return verdict.state.endsWith('_required') ? 'running' : 'over';
		case 'running':
			return 'running';
		default:
			return undefined;
	}
}

/** What has left the queue is not to be taken back any more. */
function queueFate(turn: Turn | undefined): Fate | undefined {
	if (turn?.waiting) return 'running';
	if (turnFate(turn) === 'cancelled') return 'cancelled';
	return turn?.unbegun === false ? 'over' : undefined;
}
