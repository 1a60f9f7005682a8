import type { ItemContext } from '../api/itemTime';
import type { ServiceNotice } from '../api/envelope';
import type { Reached } from '../follow/follower';
import type { CancelSignal } from '../util/cancelSignal';
import type { ChatMessage, PendingCall } from './chat';
import type { SentMessage } from './submitMessage';
import type { Turn, TurnObserver, TurnRef } from './turn';

/**
 * What is known of an item's turn from an earlier try in the same execution. It is what keeps n8n's
 * Retry On Fail from sending a message twice.
 */
export type TurnProgress =
	| { readonly state: 'none' }
	/** A message that may have begun the turn is on its way or lost. */
	| { readonly state: 'sending'; readonly sent: SentMessage; readonly attempts: number }
	/** A decision that sets the turn going again is on its way or lost. */
	| { readonly state: 'deciding'; readonly turn: TurnRef; readonly attempts: number }
	| {
			readonly state: 'answering';
			readonly turn: TurnRef;
			readonly attempts: number;
			/** This run has stopped it; it may have been answered all the same. */
			readonly stopped?: boolean;
	  };

/** How one turn is taken. */
export interface TurnOptions {
	/** What an earlier try has done. */
	readonly progress: TurnProgress;
	/** Told before and after everything that may cost money. */
	onProgress(progress: TurnProgress): void;
	/** What to do when the agent waits for somebody. */
	readonly onInterrupt: 'return' | 'approve' | 'reject' | 'error';
	readonly observer: TurnObserver;
	/** Aborts with the node run. */
	readonly signal: CancelSignal;
}

/** How a turn was begun. */
export interface TurnStart {
	/** Requests that tried to begin it. */
	readonly attempts: number;
	/** Found in the chat after its sending got no answer. */
	readonly adopted: boolean;
	readonly notices: readonly ServiceNotice[];
}

/** A turn that has been begun. */
export interface BegunTurn extends TurnStart {
	readonly ref: TurnRef;
}

/** A turn that has come to an end, or to a point where the agent waits for somebody. */
export interface TurnRun extends Reached, TurnStart {
	readonly chatId: string;
	/** The last message of the answer, else the message that was sent. */
	readonly messageId: string | undefined;
	readonly state: 'completed' | 'input_required' | 'auth_required';
	/** The last message of the answer that has any text. */
	readonly text: string;
	/** Structured output; undefined if there is none. */
	readonly output: unknown;
	/** Messages of the answer, oldest first. */
	readonly answers: readonly ChatMessage[];
	readonly pending: readonly PendingCall[];
	/** From the item's start to its end, ms. */
	readonly durationMs: number;
}

/** What one item's turn works with, as long as it has time. */
export interface TurnScope {
	readonly context: ItemContext;
	/** When the item's time began, ms since the epoch. */
	readonly startedAt: number;
	/** Remembers how far it has come. */
	note(progress: TurnProgress): void;
	/** Told which turn is followed, so that the right thing can be stopped. */
	following(turn: Turn): void;
}
