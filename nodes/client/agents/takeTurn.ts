import type { Api } from '../api/api';
import {
	InputRequiredError,
	TaskCancelledError,
	TaskFailedError,
	type InferenceError,
} from '../errors';
import type { Reached } from '../follow/follower';
import type { PendingCall, SettledState } from './chat';
import { automaticDecision, decide, type Decision } from './decisions';
import { followTurn } from './followTurn';
import { answeredWith, Turn } from './turn';
import type { BegunTurn, TurnOptions, TurnRun, TurnScope } from './turnRun';

/** Automatic decisions in one turn; an agent that wants more is going in circles. */
const MOST_ROUNDS = 25;

/**
 * Follows a turn until it is over or waits for somebody; what it waits for is decided as the
 * options say.
 *
 * @throws TaskFailedError, TaskCancelledError, InputRequiredError; what following and deciding throw
 */
export async function takeTurn(
	{ ref, ...start }: BegunTurn,
	{ onInterrupt, observer }: Pick<TurnOptions, 'onInterrupt' | 'observer'>,
	scope: TurnScope,
): Promise<TurnRun> {
	const { context } = scope;
	let current = ref;
	for (let rounds = 0; ; rounds += 1) {
		const turn = new Turn(current, observer);
		scope.following(turn);
		const reached = await followTurn(turn, context);
		const state = reachedState(turn, context.api);
		const decisions = state === 'completed' ? [] : decisionsFor(turn, onInterrupt, rounds);
		if (decisions.length === 0) {
			const durationMs = Math.round(context.clock.now() - scope.startedAt);
			return { ...start, ...reached, ...answerOf(turn, state), durationMs };
		}
		for (const { call, decision } of decisions) {
			await decide(current.chatId, call, decision, context);
			current = { ...current, runId: turn.runId, answered: answeredWith(current, call) };
		}
		scope.note({ state: 'answering', turn: current, attempts: start.attempts });
	}
}

/** What an agent that waits for somebody is told at once; nothing if it is left to wait. */
function decisionsFor(
	turn: Turn,
	onInterrupt: TurnOptions['onInterrupt'],
	rounds: number,
): ReadonlyArray<{ readonly call: PendingCall; readonly decision: Decision }> {
	if (onInterrupt === 'return') return [];
	if (onInterrupt === 'error' || rounds >= MOST_ROUNDS) throw nobodyThere(turn, rounds);
	return turn.pending.flatMap((call) => {
		const decision = automaticDecision(call, onInterrupt);
		return decision ? [{ call, decision }] : [];
	});
}

function answerOf(
	turn: Turn,
	state: TurnRun['state'],
): Omit<TurnRun, keyof BegunTurn | keyof Reached | 'durationMs'> {
	const { answers, output, pending } = turn;
	const { chatId, userMessageId } = turn.ref;
	return {
		chatId,
		messageId: answers.at(-1)?.id ?? userMessageId,
		state,
		text: answers.findLast(({ text }) => text !== '')?.text ?? '',
		output,
		answers,
		pending: state === 'completed' ? [] : pending,
	};
}

/** How a turn has settled; a message that failed counts whatever the run says. */
function stateOf(turn: Turn): SettledState {
	const verdict = turn.verdict();
	const state = verdict.kind === 'settled' ? verdict.state : 'completed';
	return state === 'completed' && turn.answers.at(-1)?.status === 'failed' ? 'failed' : state;
}

/** @throws TaskFailedError and TaskCancelledError, if the agent has come to no answer */
function reachedState(turn: Turn, api: Pick<Api, 'clean'>): TurnRun['state'] {
	const state = stateOf(turn);
	if (state === 'completed' || state === 'input_required' || state === 'auth_required') {
		return state;
	}
	const reason = api.clean(turn.error ?? 'the service gave no reason');
	throw failure(turn.ref.chatId, state, reason);
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
			hint: 'Answer with the operation "Respond to Call", or change "Chat: When the Agent Waits" in the options.',
		},
	);
}
