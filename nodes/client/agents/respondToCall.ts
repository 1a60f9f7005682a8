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
	/** Of the call, or of the interrupt. */
	readonly callId: string;
	readonly decision: Decision;
}

/**
 * Decides about a call that an agent waits for, and follows the agent's turn to where it ends or
 * waits again.
 *
 * @throws ValidationError if the call is unknown, has been answered, or wants something else;
 * otherwise as `runTurn`
 */
export async function respondToCall(
	request: ResponseRequest,
	options: TurnOptions,
	context: ClientContext,
): Promise<TurnRun> {
	const { chatId, decision } = request;
	return await runTurn(options, context, async (scope, earlier) => {
		const view = await readChatView(chatId, scope.context);
		const call = findCall(view, request, earlier.state === 'deciding');
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

/**
 * The call that somebody decides about.
 *
 * @param decided whether an earlier try may have decided it
 * @returns undefined if an earlier try has
 * @throws ValidationError
 */
function findCall(
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
