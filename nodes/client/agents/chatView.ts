import { pendingCalls, runFromWire, type ChatMessage, type PendingCall } from './chat';
import { readChat, readMessages } from './readChat';
import { InferenceError, ValidationError } from '../errors';
import { listOf, textOf, type JsonObject } from '../util/json';
import type { Ask } from '../follow/follower';
import { outcomeOf } from '../util/outcome';
import { retrying } from '../api/retry';
import { misfit, type Decision } from './decisions';
import { Turn, type TurnRef, answeredWith } from './turn';
import type { ClientContext } from '../api/context';

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

/** What somebody has decided about a call that waits for them. */
export interface ResponseRequest {
	readonly chatId: string;
	/** Of the call, or of the interrupt. */
	readonly callId: string;
	readonly decision: Decision;
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
	const ask = async <T>(
		question: Parameters<Ask>[0],
		decode: (value: unknown) => T | undefined,
	): Promise<T> => {
		const about = { kind: 'chat', id: chatId } as const;
		const call = { ...question, signal: context.signal, about };
		return await retrying(async () => {
			const reply = await context.api.send(call);
			const value = decode(reply.value);
			if (value === undefined) throw context.api.unexpected(call, reply);
			return value;
		}, context);
	};
	const messages = (await readMessages(ask, chatId, () => false)) ?? [];
	const wire = (await readChat(ask, chatId)) ?? {};
	const turn = new Turn({ chatId, answered: [] });
	for (const data of [...messages, ...listOf(wire['chat_messages'])]) turn.readMessage(data);
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

/**
 * The call that somebody decides about.
 *
 * @param decided whether an earlier try may have decided it
 * @returns undefined if an earlier try has
 * @throws ValidationError
 */
export function findCall(
	{ chatId, pending, messages }: ChatView,
	{ callId, decision }: ResponseRequest,
	decided: boolean,
): PendingCall | undefined {
	const call = pending.find(({ id, interruptId }) => id === callId || interruptId === callId);
	const problem = call && misfit(call, decision);
	if (call && problem === undefined) return call;
	const past = messages
		.flatMap(({ tools }) => tools)
		.find((tool) => tool.id === callId || tool.callId === callId);
	if (!call && decided) return undefined;
	const waiting = pending.map(({ id }) => id).join(', ') || 'nothing';
	const why =
		problem ?? (past ? `has been answered before (${past.status})` : 'is not in this chat');
	throw new ValidationError(`Call ${callId} of chat ${chatId} ${why}`, {
		about: { kind: 'chat', id: chatId },
		hint: `Waiting in this chat now: ${waiting}.`,
	});
}

/** The turn that a call belongs to. */
export function turnOf(
	{ chatId, wire, messages }: ChatView,
	call: PendingCall | undefined,
): TurnRef {
	const ref = { chatId, answered: [] };
	const sent = messages.findLast(({ role, status }) => role === 'user' && status !== 'queued');
	return {
		...ref,
		userMessageId: sent?.id,
		runId: call?.runId ?? runFromWire(wire['active_run'])?.id,
		answered: call ? answeredWith(ref, call) : [],
	};
}
