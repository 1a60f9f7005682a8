import type { ClientContext } from '../api/context';
import { retrying } from '../api/retry';
import { ValidationError } from '../errors';
import { outcomeOf } from '../util/outcome';
import { unknownChat } from './chatView';
import { chatRoute } from './readChat';

/** The route that stops what an agent is doing in a chat. */
export function stopRoute(chatId: string): string {
	return `${chatRoute(chatId)}/stop`;
}

/**
 * Stops what an agent is doing in a chat.
 *
 * @returns whether there was anything to stop
 * @throws NotFoundError or PermissionError that names the chat
 */
export async function stopChat(chatId: string, context: ClientContext): Promise<boolean> {
	const call = {
		method: 'POST',
		path: stopRoute(chatId),
		body: {},
		signal: context.signal,
		about: { kind: 'chat', id: chatId },
	} as const;
	const stopped = await outcomeOf(retrying(async () => await context.api.send(call), context));
	if (stopped.ok) return true;
	if (stopped.error instanceof ValidationError) return false;
	throw unknownChat(chatId, stopped.error);
}
