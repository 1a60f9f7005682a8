import type { ClientContext } from '../api/context';
import { ValidationError } from '../errors';
import { runFromWire, type PendingCall } from './chat';
import { readChatView, type ChatView } from './chatView';
import { decide, misfit, type Decision } from './decisions';
import { runTurn } from './runTurn';
import { answeredWith, type TurnRef } from './turn';
import type { TurnOptions, TurnRun } from './turnRun';

/** What somebody has decided about a call that waits for them. */
export interface ResponseRequest {
	readonly chatId: string;
	/** Of the call, or of the interrupt; undefined means the only one that waits. */
	readonly callId: string | undefined;
	readonly decision: Decision;
}

/**
 * Decides about a call that an agent waits for, and follows the agent's turn to where it ends or
 * waits again.
 *
 * @throws ValidationError if the call is unknown, has been answered, wants something else, or is not
 * named although not exactly one waits; otherwise as `runTurn`
 */
export async function respondToCall(
	request: ResponseRequest,
	options: TurnOptions,
	context: ClientContext,
): Promise<TurnRun> {
	const { chatId, decision } = request;
	return await runTurn(options, context, async (scope, earlier) => {
		const view = await readChatView(chatId, scope.context);
		// What an earlier try has decided is not decided about another call that waits by now.
		const before = earlier.state === 'deciding' ? earlier.turn.answered[0] : undefined;
		const callId = before ?? request.callId ?? onlyCall(view);
		const call = findCall(view, { ...request, callId }, before !== undefined);
		const ref = turnOf(view, call);
		const attempts = 1;
		if (call) {
			scope.note({ state: 'deciding', attempts, turn: ref });
			await decide(chatId, call, decision, scope.context);
		}
		scope.note({ state: 'answering', turn: ref, attempts });
		return { ref, attempts, adopted: false, notices: [] };
	});
}

/** A decision about a certain call. */
interface NamedDecision extends ResponseRequest {
	readonly callId: string;
}

/**
 * The only call that waits in a chat. An account to be connected counts only if nothing else waits:
 * that cannot be decided here.
 *
 * @throws ValidationError if there is none, or more than one
 */
function onlyCall({ chatId, pending }: ChatView): string {
	const others = pending.filter(({ kind }) => kind !== 'auth');
	const waiting = others.length === 0 ? pending : others;
	const [only] = waiting;
	if (only && waiting.length === 1) return only.id;
	const about = { kind: 'chat', id: chatId } as const;
	if (!only) {
		throw new ValidationError(`Nothing waits for a decision in chat ${chatId}`, {
			about,
			hint: 'It may have been answered before. Look at the chat with the operation "Get Chat".',
		});
	}
	throw new ValidationError(
		`${waiting.length} calls wait in chat ${chatId}, so "Call ID" has to say which one is meant`,
		{ about, hint: waitingNow(waiting) },
	);
}

function waitingNow(pending: readonly PendingCall[]): string {
	const calls = pending.map(({ id, tool }) => (tool === undefined ? id : `${id} (${tool})`));
	return `Waiting in this chat now: ${calls.join(', ') || 'nothing'}.`;
}

/**
 * The call that somebody decides about.
 *
 * @param decided whether an earlier try may have decided it
 * @returns undefined if an earlier try has
 * @throws ValidationError
 */
function findCall(
	{ chatId, pending, messages }: ChatView,
	{ callId, decision }: NamedDecision,
	decided: boolean,
): PendingCall | undefined {
	const call = pending.find(({ id, interruptId }) => id === callId || interruptId === callId);
	const problem = call && misfit(call, decision);
	if (call && problem === undefined) return call;
	const past = messages
		.flatMap(({ tools }) => tools)
		.find((tool) => tool.id === callId || tool.callId === callId);
	if (!call && decided) return undefined;
	const why =
		problem ?? (past ? `has been answered before (${past.status})` : 'is not in this chat');
	throw new ValidationError(`Call ${callId} of chat ${chatId} ${why}`, {
		about: { kind: 'chat', id: chatId },
		hint: waitingNow(pending),
	});
}

/** The turn that a call belongs to. */
function turnOf({ chatId, wire, messages }: ChatView, call: PendingCall | undefined): TurnRef {
	const ref = { chatId, answered: [] };
	const sent = messages.findLast(({ role, status }) => role === 'user' && status !== 'queued');
	return {
		...ref,
		userMessageId: sent?.id,
		runId: call?.runId ?? runFromWire(wire['active_run'])?.id,
		answered: call ? answeredWith(ref, call) : [],
	};
}
