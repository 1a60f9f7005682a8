import type { ClientContext } from '../api/context';
import { readService } from '../api/readService';
import { InferenceError, type RemoteWork } from '../errors';
import type { Ask } from '../follow/follower';
import { listOf, textOf, type JsonObject } from '../util/json';
import { outcomeOf } from '../util/outcome';
import { pendingCalls, runFromWire, type ChatMessage, type PendingCall } from './chat';
import { readChat, readMessages } from './readChat';
import { Turn } from './turn';

/** A chat as it is now. */
export interface ChatView {
	readonly chatId: string;
	/** State of its run, else of the chat, in the service's words. */
	readonly status: string;
	readonly wire: JsonObject;
	/** Oldest first. */
	readonly messages: readonly ChatMessage[];
	readonly pending: readonly PendingCall[];
}

/**
 * Reads a chat with its messages.
 *
 * @throws NotFoundError or PermissionError that names the chat
 */
export async function readChatView(chatId: string, context: ClientContext): Promise<ChatView> {
	const read = await outcomeOf(readAll(chatId, context));
	if (!read.ok) throw unknownChat(chatId, read.error);
	return read.value;
}

async function readAll(chatId: string, context: ClientContext): Promise<ChatView> {
	const about: RemoteWork = { kind: 'chat', id: chatId };
	const ask: Ask = async (question, decode) =>
		await readService({ ...question, about }, decode, context);
	// In this order: of a chat that is said to be idle, no message is missing.
	const wire = (await readChat(ask, chatId)) ?? {};
	const messages = (await readMessages(ask, chatId, () => false)) ?? [];
	const turn = new Turn({ chatId, answered: [] });
	turn.readMessages([...messages, ...listOf(wire['chat_messages'])]);
	const run = runFromWire(wire['active_run']);
	const status = textOf(run?.wire['state']) ?? textOf(wire['status']) ?? 'unknown';
	const pending = pendingCalls(turn.all, wire['pending_interrupts']);
	return { chatId, status, wire, messages: turn.all, pending };
}

/** The error for a chat that is not there or not visible; other errors as they are. */
export function unknownChat(chatId: string, error: unknown): unknown {
	if (!(error instanceof InferenceError) || !error.outOfReach) return error;
	return error.reworded(`There is no chat ${chatId}, or this API key cannot see it`, {
		about: { kind: 'chat', id: chatId },
		hint: 'Check the chat ID, and that the API key belongs to the workspace of the chat.',
	});
}
