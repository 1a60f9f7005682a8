import { cancelRemote, type CancelOutcome } from '../api/cancelRemote';
import type { CancelSignal } from '../util/cancelSignal';
import { chatRoute } from './readChat';
import { Deadline } from '../util/deadline';
import { InferenceError, StoppedError, TimeoutError, AbandonedError } from '../errors';
import { cancelMessageRoute, type SentMessage } from './sendMessage';
import type { Turn, TurnRef } from './turn';
import type { Release } from '../util/keyedQueue';
import type { ClientContext } from '../api/context';

/** What is known of an item's turn from an earlier try in the same execution. */
export type TurnProgress =
	| { readonly state: 'none' }
	/** A message that may have begun the turn is on its way or lost. */
	| { readonly state: 'sending'; readonly sent: SentMessage; readonly attempts: number }
	/** A decision that sets the turn going again is on its way or lost. */
	| { readonly state: 'deciding'; readonly turn: TurnRef; readonly attempts: number }
	| { readonly state: 'talking'; readonly turn: TurnRef; readonly attempts: number };

/** What an item brings along. */
export interface TalkOptions {
	/** What an earlier try has done. */
	readonly progress: TurnProgress;
	/** Told before and after everything that may cost money. */
	onProgress(progress: TurnProgress): void;
	/** Aborts with the node run. */
	readonly signal: CancelSignal;
}

/** One item's part of a conversation, as long as it has time. */
export interface Talk {
	readonly context: ClientContext;
	/** Remembers how far it has come. */
	note(progress: TurnProgress): void;
	/** The turn that is followed, so that the right thing can be stopped. */
	turn: Turn | undefined;
	readonly startedAt: number;
}

/**
 * Gives an item its place among the account's, and its time; stops the chat if that is over or the
 * execution is stopped, unless it is to be kept.
 *
 * @throws TimeoutError and StoppedError that say what became of the chat; what `job` throws
 */
export async function talk<T>(
	options: TalkOptions,
	context: ClientContext,
	job: (talk: Talk) => Promise<T>,
): Promise<T> {
	const { account, clock, maxConcurrency, settings } = context;
	const { timeoutMs } = settings;
	const scope = new Deadline(options.signal);
	const { signal } = scope;
	let progress = options.progress;
	let release: Release | undefined;
	let current: Talk | undefined;
	try {
		signal.throwIfAborted();
		if (maxConcurrency > 0) release = await account.slot(maxConcurrency, signal);
		if (timeoutMs !== undefined) {
			const limit = `${Math.round(timeoutMs / 100) / 10} s`;
			scope.start(timeoutMs, () => new TimeoutError(`did not answer within ${limit}`));
		}
		current = {
			context: { ...context, signal },
			note: (next) => {
				progress = next;
				options.onProgress(next);
			},
			turn: undefined,
			startedAt: clock.now(),
		};
		return await job(current);
	} catch (error) {
		return await end(error);
	} finally {
		scope[Symbol.dispose]();
		release?.();
	}

	async function end(error: unknown): Promise<never> {
		const reason: unknown = signal.reason;
		const gaveUp = error === reason && reason instanceof InferenceError;
		throw gaveUp ? await giveUp(reason, progress, current?.turn, context) : error;
	}
}

/** Stops the chat, if that is wanted, and says what became of it. */
async function giveUp(
	reason: InferenceError,
	progress: TurnProgress,
	turn: Turn | undefined,
	context: ClientContext,
): Promise<InferenceError> {
	const timedOut = reason instanceof TimeoutError;
	const { onTimeout, onStop } = context.settings;
	const keep = reason instanceof AbandonedError || (timedOut ? onTimeout : onStop) === 'keep';
	const Kind = timedOut ? TimeoutError : StoppedError;
	if (progress.state === 'none') {
		return new Kind(`The item ${reason.message}. Nothing was sent for it.`);
	}
	if (progress.state === 'sending') {
		return new Kind(
			`The item ${reason.message}. Its message was being sent, and it is not known whether it arrived.`,
			{ hint: 'Look at the chats on inference.sh before sending it again.' },
		);
	}
	const { chatId } = progress.turn;
	const about = { kind: 'chat', id: chatId } as const;
	const subject = `Chat ${chatId} ${reason.message}.`;
	if (keep) {
		const hint = 'Read the answer later with the operation Get Chat, or stop the chat.';
		return new Kind(`${subject} It was left running.`, { about, hint });
	}
	const outcome = await stopTurn(progress.turn, turn, context);
	if (outcome.kind === 'failed') {
		return new Kind(`${subject} It could not be stopped (${outcome.reason}) and may still run.`, {
			...{ about, hint: `Stop chat ${chatId} on inference.sh.` },
		});
	}
	return new Kind(
		`${subject} ${outcome.kind === 'cancelled' ? 'It was stopped.' : 'It was already over.'}`,
		{ about, hint: timedOut ? 'Raise Timeout if the agent needs longer.' : undefined },
	);
}

/** A message that waits behind another turn is taken back; that turn is none of our business. */
async function stopTurn(
	ref: TurnRef,
	turn: Turn | undefined,
	context: ClientContext,
): Promise<CancelOutcome> {
	const { chatId, userMessageId } = ref;
	const chat = { kind: 'chat', id: chatId } as const;
	if (userMessageId !== undefined && (turn?.unbegun ?? ref.assistantMessageId === undefined)) {
		const route = cancelMessageRoute(userMessageId);
		const outcome = await cancelRemote(chat, route, context);
		if (outcome.kind !== 'over') return outcome;
	}
	return await cancelRemote(chat, stopRoute(chatId), context);
}

/** The route that stops what an agent is doing in a chat. */
export function stopRoute(chatId: string): string {
	return `${chatRoute(chatId)}/stop`;
}
