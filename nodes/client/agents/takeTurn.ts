import type { ChatMessage, PendingCall, SettledState } from './chat';
import type { Talk, TalkOptions } from './turnTime';
import type { ServiceNotice } from '../api/envelope';
import {
	InputRequiredError,
	TaskCancelledError,
	TaskFailedError,
	type InferenceError,
} from '../errors';
import { followTurn } from './followTurn';
import type { Reached } from '../follow/follower';
import { automaticDecision, type Decision } from './decisions';
import { answeredWith, Turn, type TurnObserver, type TurnRef } from './turn';

/** How one turn is taken. */
export interface TurnOptions extends TalkOptions {
	/** What to do when the agent waits for somebody. */
	readonly onInterrupt: 'return' | 'approve' | 'reject' | 'error';
	readonly observer: TurnObserver;
}

/** A turn that has come to an end, or to a point where the agent waits for somebody. */
export interface TurnRun extends Reached {
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
	/** Requests that tried to begin it. */
	readonly attempts: number;
	/** From the item's start to its end, ms. */
	readonly durationMs: number;
	/** Found in the chat after its sending got no answer. */
	readonly adopted: boolean;
	readonly notices: readonly ServiceNotice[];
}

/** Automatic decisions in one turn; an agent that wants more is going in circles. */
const MOST_ROUNDS = 25;

/**
 * Follows a turn until it is over or waits for somebody; what it waits for is decided as the
 * options say.
 *
 * @param ref the turn
 * @param how how it was begun
 * @param decide tells the service a decision about a call
 * @throws TaskFailedError, TaskCancelledError, InputRequiredError; what following throws
 */
export async function converse(
	ref: TurnRef,
	how: Pick<TurnRun, 'attempts' | 'adopted' | 'notices'>,
	options: TurnOptions,
	talk: Talk,
	decide: (turn: TurnRef, call: PendingCall, decision: Decision) => Promise<void>,
): Promise<TurnRun> {
	const { onInterrupt, observer } = options;
	const { context } = talk;
	let current = ref;
	for (let rounds = 0; ; rounds += 1) {
		const turn = new Turn(current, observer);
		talk.turn = turn;
		const reached = await followTurn(turn, context);
		const state = stateOf(turn);
		if (state === 'completed') return result(turn, state, reached);
		if (state !== 'input_required' && state !== 'auth_required') {
			const reason = context.api.clean(turn.error ?? 'the service gave no reason');
			throw failure(current.chatId, state, reason);
		}
		if (onInterrupt === 'return') return result(turn, state, reached);
		if (onInterrupt === 'error' || rounds >= MOST_ROUNDS) throw nobodyThere(turn, rounds);
		const decisions = turn.pending.flatMap((call) => {
			const decision = automaticDecision(call, onInterrupt);
			return decision ? [{ call, decision }] : [];
		});
		if (decisions.length === 0) return result(turn, state, reached);
		for (const { call, decision } of decisions) {
			await decide(current, call, decision);
			current = { ...current, runId: turn.runId, answered: answeredWith(current, call) };
		}
		talk.note({ state: 'talking', turn: current, attempts: how.attempts });
	}

	function result(turn: Turn, state: TurnRun['state'], reached: Reached): TurnRun {
		const { answers, output, pending } = turn;
		const { chatId, userMessageId } = turn.ref;
		return {
			...{ ...how, ...reached, chatId, state, output, answers },
			messageId: answers.at(-1)?.id ?? userMessageId,
			text: answers.findLast(({ text }) => text !== '')?.text ?? '',
			pending: state === 'completed' ? [] : pending,
			durationMs: Math.round(context.clock.now() - talk.startedAt),
		};
	}
}

/** How a turn has settled; a message that failed counts whatever the run says. */
function stateOf(turn: Turn): SettledState {
	const verdict = turn.verdict();
	const state = verdict.kind === 'settled' ? verdict.state : 'completed';
	return state === 'completed' && turn.answers.at(-1)?.status === 'failed' ? 'failed' : state;
}

function failure(chatId: string, state: SettledState, reason: string): InferenceError {
	if (state === 'canceled') {
		return new TaskCancelledError(`Chat ${chatId}: the agent was stopped on inference.sh`, {
			about: { kind: 'chat', id: chatId },
			hint: 'Somebody or something outside this workflow stopped it.',
		});
	}
	const what = state === 'rejected' ? 'rejected the message' : 'failed';
	return new TaskFailedError(`Chat ${chatId}: the agent ${what}: ${reason}`, {
		about: { kind: 'chat', id: chatId },
		hint: 'The reason comes from the agent. Look at the chat on inference.sh.',
	});
}

/** The error for an agent that waits for somebody although nobody is there. */
function nobodyThere(turn: Turn, rounds: number): InputRequiredError {
	const { chatId } = turn.ref;
	const calls = turn.pending.map(({ id, kind, tool }) => `${kind} of ${tool ?? 'it'} (${id})`);
	const again = rounds === 0 ? '' : ` after ${rounds} automatic decisions`;
	return new InputRequiredError(
		`Chat ${chatId}: the agent waits for ${calls.join(', ') || 'somebody'}${again}`,
		{
			about: { kind: 'chat', id: chatId },
			hint: 'Answer with the operation Respond, or change On Interrupt in the options.',
		},
	);
}
