import type { ClientContext } from '../api/context';
import { InferenceError, NotFoundError } from '../errors';
import type { SubmitOptions } from '../once/createOnce';
import type { CancelSignal } from '../util/cancelSignal';
import { outcomeOf } from '../util/outcome';
import { unknownChat } from './chatView';
import { createChat } from './createChat';
import type { Attachment, MessageRequest } from './messageRequest';
import { chatRoute } from './readChat';
import { runTurn } from './runTurn';
import { findSent, submitMessage, type SentMessage } from './submitMessage';
import type { TurnRef } from './turn';
import type { TurnOptions, TurnRun } from './turnRun';

/** How a message is sent and its answer followed. */
export interface SendOptions extends TurnOptions {
	/** Makes the message's files ready, within the item's time. */
	attach?(signal: CancelSignal): Promise<readonly Attachment[]>;
}

/**
 * Sends a message, at most once, and follows the agent's turn until it is over or waits for
 * somebody.
 *
 * @throws NotFoundError that tells whether the chat or the agent is unknown; what submitting throws;
 * otherwise as `runTurn`
 */
export async function sendMessage(
	request: MessageRequest,
	options: SendOptions,
	context: ClientContext,
): Promise<TurnRun> {
	return await runTurn(options, context, async (scope, earlier) => {
		const inner = scope.context;
		let attempts = earlier.state === 'none' ? 0 : earlier.attempts;
		const tell = (sent: Omit<SentMessage, 'since'>): SubmitOptions<TurnRef> => ({
			failedAttempts: 0,
			onAttempt: (since) => {
				attempts += 1;
				scope.note({ state: 'sending', sent: { ...sent, since }, attempts });
			},
			onNothingStarted: () => scope.note({ state: 'none' }),
			onCreated: (turn) => scope.note({ state: 'answering', turn, attempts }),
		});
		if (earlier.state === 'sending') {
			const { sent } = earlier;
			const found = await findSent(sent, tell(sent), inner);
			if (found) return { ref: found.value, attempts, adopted: true, notices: found.notices };
		}
		const more = (await options.attach?.(inner.signal)) ?? [];
		const attachments = [...request.attachments, ...more];
		const { chatId, ownChat, worked } = await openChat(request, inner);
		const whole = { ...request, attachments, chatId };
		const submission = tell({ request: whole, ownChat });
		const sent = await outcomeOf(submitMessage(whole, ownChat, submission, inner));
		if (!sent.ok) throw await explained(sent.error, request, inner);
		worked?.();
		const { value: ref, adopted, notices } = sent.value;
		return { ref, attempts, adopted, notices };
	});
}

interface OpenChat {
	/** Undefined if the message itself creates the chat. */
	readonly chatId: string | undefined;
	/** Whether it was created for this message alone. */
	readonly ownChat: boolean;
	/** To be called if the message could be sent without a chat. */
	readonly worked?: () => void;
}

/** The chat that a message goes to; a new one with a saved agent is created first. */
async function openChat(
	{ agent, chatId, context: values }: MessageRequest,
	context: ClientContext,
): Promise<OpenChat> {
	if (chatId !== undefined || agent.kind === 'adHoc') return { chatId, ownChat: false };
	const chat = await createChat(agent.ref, values, context);
	if (chat.kind === 'created') return { chatId: chat.chatId, ownChat: true };
	const { remember } = chat.kind === 'refused' ? chat : {};
	return { chatId, ownChat: false, ...(remember && { worked: remember }) };
}

/** Says which of the two is unknown: the chat or the agent. */
async function explained(
	error: unknown,
	{ chatId, agent }: MessageRequest,
	{ api, signal }: ClientContext,
): Promise<unknown> {
	if (!(error instanceof InferenceError) || !error.outOfReach) return error;
	if (chatId !== undefined) {
		const about = { kind: 'chat', id: chatId } as const;
		const call = { method: 'GET', path: chatRoute(chatId), signal, about } as const;
		const looked = await outcomeOf(api.send(call));
		if (!looked.ok) return unknownChat(chatId, looked.error);
	}
	if (!(error instanceof NotFoundError) || agent.kind === 'adHoc') return error;
	return error.reworded(
		`There is no agent ${agent.ref}, or this API key cannot see it: ${error.reason ?? error.message}`,
	);
}
