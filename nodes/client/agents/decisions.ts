import { path, type ApiCall } from '../api/api';
import type { PendingCall } from './chat';
import { readChatView } from './chatView';
import { InferenceError, ValidationError } from '../errors';
import { outcomeOf } from '../util/outcome';
import { waitForNextAttempt } from '../api/retry';
import type { ClientContext } from '../api/context';

/** What somebody decided about a call that waits for them. */
export type Decision =
	| { readonly kind: 'approve' }
	| { readonly kind: 'reject'; readonly reason: string | undefined }
	/** Objects are sent as JSON text. */
	| { readonly kind: 'answer'; readonly result: unknown };

/** What the web client answers for a tool that it does not have (API notes 5.5). */
const NOT_AVAILABLE = { status: 'not_available', message: 'This workflow does not have the tool.' };

/** Why a call waits whose approval lets a tool run, and nothing else (API notes 5.5). */
const TOOL_APPROVAL = 'tool_approval';

/**
 * The decision that approves or rejects a call without looking at it; undefined if none can. Only tools
 * are approved: nobody has agreed beforehand to anything else that an agent may wait for.
 */
export function automaticDecision(
	call: PendingCall,
	policy: 'approve' | 'reject',
): Decision | undefined {
	if (call.kind === 'approval') {
		if (policy === 'reject') return { kind: 'reject', reason: undefined };
		const reason = call.reason ?? (call.isTool ? TOOL_APPROVAL : undefined);
		return reason === TOOL_APPROVAL ? { kind: 'approve' } : undefined;
	}
	if (policy === 'approve' || call.kind === 'auth') return undefined;
	return { kind: 'answer', result: NOT_AVAILABLE };
}

/** Why a call cannot be decided in this way; undefined if it can. */
export function misfit(call: PendingCall, decision: Decision): string | undefined {
	if (call.kind === 'auth') return 'waits for an account to be connected on inference.sh';
	if (decision.kind === 'reject') return undefined;
	const wants = call.kind === 'approval' ? 'approve' : 'answer';
	if (decision.kind === wants) return undefined;
	return wants === 'approve'
		? 'waits for an approval, not for an answer'
		: 'waits for an answer, not for an approval';
}

function requestOf(call: PendingCall, decision: Decision): Pick<ApiCall, 'path' | 'body'> {
	if (!call.isTool) {
		const word = decision.kind === 'reject' ? 'deny' : 'allow';
		const route = path('interrupts', call.interruptId ?? call.id, 'resolve');
		return { path: route, body: { decision: word } };
	}
	if (decision.kind === 'approve') return { path: path('tools', call.id, 'invoke'), body: {} };
	if (decision.kind === 'reject' && call.kind === 'approval') {
		return { path: path('tools', call.id, 'reject'), body: { reason: decision.reason } };
	}
	const result =
		decision.kind === 'answer'
			? decision.result
			: { ...NOT_AVAILABLE, status: 'rejected', message: decision.reason ?? 'Rejected.' };
	const text = typeof result === 'string' ? result : JSON.stringify(result ?? null);
	return { path: path('tools', call.id), body: { result: text } };
}

/**
 * Tells the service what was decided. A call can be decided only once, so after a lost answer it is
 * looked at: if it does not wait any more, the decision has arrived.
 *
 * @throws ValidationError if it has been decided before; what `waitForNextAttempt` throws
 */
export async function decide(
	chatId: string,
	call: PendingCall,
	decision: Decision,
	context: ClientContext,
): Promise<void> {
	const { api, signal } = context;
	const request: ApiCall = {
		method: 'POST',
		...requestOf(call, decision),
		signal,
		about: { kind: 'chat', id: chatId },
	};
	for (let attempt = 1; ; attempt += 1) {
		const sent = await outcomeOf(api.send(request));
		if (sent.ok) return;
		const { error } = sent;
		signal.throwIfAborted();
		if (!(error instanceof InferenceError)) throw error;
		const refused = error.concern === 'request';
		// Refused after a lost answer may mean that the first attempt has arrived.
		if ((refused && attempt > 1) || error.mayHaveBeenAccepted) {
			if (!(await stillWaits(chatId, call, context))) return;
		}
		if (refused) throw notPossible(chatId, call.id, error);
		await waitForNextAttempt(error, attempt, context);
	}
}

async function stillWaits(
	chatId: string,
	call: PendingCall,
	context: ClientContext,
): Promise<boolean> {
	const { pending } = await readChatView(chatId, context);
	return pending.some(({ id }) => id === call.id);
}

function notPossible(chatId: string, callId: string, cause: Error): ValidationError {
	return new ValidationError(
		`Call ${callId} of chat ${chatId} cannot be decided: ${cause.message}`,
		{
			about: { kind: 'chat', id: chatId },
			cause,
			hint: 'It may have been answered before. Look at the chat with the operation "Get Chat".',
		},
	);
}
