import type { Account } from '../api/account';
import type { ClientContext } from '../api/context';
import { readyToCreate, retrying } from '../api/retry';
import { InferenceError } from '../errors';
import { claims } from '../once/claims';
import { compareJson } from '../once/comparison';
import { isJsonObject, textOf, throughJson, type JsonObject } from '../util/json';
import { outcomeOf } from '../util/outcome';

/** Statuses with which a service refuses a request that it does not know, or not in this form. */
const NOT_OFFERED: ReadonlySet<number> = new Set([400, 403, 404, 405, 409, 410, 415, 422, 501]);

/** Accounts whose service creates no chats in this way, and such as take no context. */
const withoutChats = new WeakSet<Account>();
const withoutContext = new WeakSet<Account>();

/** A chat that nobody has said anything in; undefined where the service offers none. */
export type EmptyChat =
	| { readonly kind: 'created'; readonly chatId: string }
	/** Not refused for good: perhaps the agent is unknown, which sending to it is going to tell. */
	| { readonly kind: 'refused'; remember(): void }
	| { readonly kind: 'unavailable' };

/**
 * Creates a chat with a saved agent before anything is said in it. That costs nothing and may be
 * repeated, so that a message whose answer gets lost can be looked for in a chat that is its own.
 *
 * @param agent reference of the agent
 * @param given values for the agent's tools; whether the service takes them here is not documented,
 * so the chat counts only if it shows them
 * @returns `refused` if the service does not offer it, to this key or in this form; `remember` is
 * called if sending without a chat works
 * @throws InferenceError if the service cannot be reached; the abort reason
 */
export async function createChat(
	agent: string,
	given: JsonObject | undefined,
	context: ClientContext,
): Promise<EmptyChat> {
	const { account, api, signal } = context;
	const wantsContext = given !== undefined && Object.keys(given).length > 0;
	if (withoutChats.has(account) || (wantsContext && withoutContext.has(account))) {
		return { kind: 'unavailable' };
	}
	const body = wantsContext ? { agent, context: given } : { agent };
	const call = { method: 'POST', path: '/chats', body, signal } as const;
	await readyToCreate(context);
	const answer = await outcomeOf(retrying(async () => await api.send(call), context));
	if (!answer.ok) {
		signal.throwIfAborted();
		const { error } = answer;
		const isRefused =
			error instanceof InferenceError &&
			NOT_OFFERED.has(error.httpStatus ?? 0) &&
			// What passes says nothing of what is offered.
			!error.retryable;
		if (!isRefused) throw error;
		return { kind: 'refused', remember: () => void withoutChats.add(account) };
	}
	const chat = answer.value.value;
	const chatId = isJsonObject(chat) ? textOf(chat['id']) : undefined;
	if (chatId === undefined)
		return { kind: 'refused', remember: () => void withoutChats.add(account) };
	// An empty chat of another item must not be taken for one that has just been begun.
	claims.add(chatId);
	if (wantsContext && !showsContext(chat, given)) {
		withoutContext.add(account);
		return { kind: 'unavailable' };
	}
	return { kind: 'created', chatId };
}

function showsContext(chat: unknown, given: JsonObject): boolean {
	const shown = isJsonObject(chat) ? chat['context'] : undefined;
	return shown !== undefined && compareJson(throughJson(given), shown) === 'equal';
}
