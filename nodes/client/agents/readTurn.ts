import type { Ask } from '../follow/follower';
import type { JsonObject } from '../util/json';
import { readChat, readMessages } from './readChat';
import type { Turn } from './turn';

/**
 * Reads how a turn stands: its messages, and then the chat. A message may come between the two; what
 * ends the turn wants another reading.
 *
 * @returns whether all of it could be read; else the turn is as it was
 */
export async function readTurn(ask: Ask, turn: Turn): Promise<boolean> {
	const { chatId, assistantMessageId, userMessageId } = turn.ref;
	const anchor = userMessageId ?? assistantMessageId;
	const enough = (page: readonly JsonObject[]) =>
		anchor === undefined || page.some(({ id }) => id === anchor);
	const messages = await readMessages(ask, chatId, enough);
	if (!messages) return false;
	const chat = await readChat(ask, chatId);
	if (!chat) return false;
	turn.readMessages(messages);
	turn.readChat(chat);
	return true;
}
