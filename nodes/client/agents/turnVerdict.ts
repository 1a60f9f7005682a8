import type { AgentRun, ChatMessage, PendingCall, SettledState } from './chat';

/** Whether a turn is over. */
export type Verdict =
	| { readonly kind: 'running' }
	/** Nothing seems to run, and yet nothing shows an end. */
	| { readonly kind: 'doubtful' }
	| { readonly kind: 'settled'; readonly state: SettledState };

/** What is known of a turn, as far as it decides whether the turn is over. */
export interface TurnFacts {
	/** The message that was sent. */
	readonly user: ChatMessage | undefined;
	/** Whether that message still waits for the end of another turn. */
	readonly waiting: boolean;
	/** This turn's run, if the service has shown it. */
	readonly run: AgentRun | undefined;
	/** The run that is at work in the chat, whose ever it is. */
	readonly activeRun: AgentRun | undefined;
	/** The service's word for how the chat stands, in lower case. */
	readonly chatStatus: string;
	/** What is waited for; of a message in the queue what holds up the turn before it. */
	readonly pending: readonly PendingCall[];
	/** Whether anything that the turn waited for has been answered here. */
	readonly hasAnswered: boolean;
	/** Messages of the answer, oldest first. */
	readonly answers: readonly ChatMessage[];
}

const RUNNING: Verdict = { kind: 'running' };
const DOUBTFUL: Verdict = { kind: 'doubtful' };

function settled(state: SettledState): Verdict {
	return { kind: 'settled', state };
}

/**
 * Decides whether a turn is over (API notes 5.4). The run that counts is the active one of the chat
 * as long as this turn's message is queued behind it, else its own. The first row that fits decides:
 *
 * | what is known                                                      | verdict                |
 * | ------------------------------------------------------------------ | ---------------------- |
 * | its message is cancelled, or has failed                            | canceled, failed       |
 * | its own run has ended                                              | its state, or completed |
 * | the run that counts is interrupted, and something is pending       | that run's state       |
 * | the run that counts waits for an account, and nothing was answered | auth_required          |
 * | the run that counts is interrupted otherwise, and the active one   | doubtful               |
 * | its message is queued; the active run or the chat is at work       | running                |
 * | its message is queued; something is pending                        | what the calls wait for |
 * | its message is queued otherwise                                    | doubtful               |
 * | its run is the active one; the chat waits, something is pending    | input_required         |
 * | its run is the active one otherwise                                | running                |
 * | nothing of all that                                                | see `byMessages`       |
 *
 * An interrupted run that is not the active one any more has gone on, and may have ended unseen.
 */
export function verdictOf(turn: TurnFacts): Verdict {
	const { user, run, activeRun, waiting, chatStatus } = turn;
	if (user?.status === 'cancelled') return settled('canceled');
	if (user?.status === 'failed') return settled('failed');
	if (run?.kind === 'terminal') return settled(run.state ?? 'completed');
	// A message behind a turn that waits for somebody waits for the same.
	const atWork = waiting ? activeRun : run;
	if (atWork?.kind === 'interrupted') {
		const verdict = ofInterrupted(turn, atWork.state ?? 'input_required');
		if (verdict.kind === 'settled' || atWork === activeRun) return verdict;
	}
	if (waiting) {
		if (chatStatus === 'busy' || activeRun?.kind === 'active') return RUNNING;
		return turn.pending.length > 0 ? byPendingCalls(turn) : DOUBTFUL;
	}
	if (run !== undefined && activeRun === run) {
		const asked = chatStatus === 'awaiting_input' && turn.pending.length > 0;
		return asked ? settled('input_required') : RUNNING;
	}
	return byMessages(turn);
}

function ofInterrupted({ pending, hasAnswered }: TurnFacts, state: SettledState): Verdict {
	if (pending.length > 0) return settled(state);
	return state === 'auth_required' && !hasAnswered ? settled(state) : DOUBTFUL;
}

/** What the pending calls mean where no run tells its state. */
function byPendingCalls({ pending }: TurnFacts): Verdict {
	const onlyAuth = pending.every(({ kind }) => kind === 'auth');
	return settled(onlyAuth ? 'auth_required' : 'input_required');
}

/**
 * What the messages mean where the service does not say how the run stands:
 *
 * | what is known                                               | verdict                     |
 * | ----------------------------------------------------------- | --------------------------- |
 * | something is pending                                        | what the calls wait for     |
 * | the chat is busy, and not with another run                  | running                     |
 * | the answer's last message, or a call in it, has not ended   | doubtful                    |
 * | the answer's last message has ended                         | failed, canceled, completed |
 */
function byMessages(turn: TurnFacts): Verdict {
	const { run, activeRun, chatStatus, answers } = turn;
	if (turn.pending.length > 0) return byPendingCalls(turn);
	const busy = chatStatus === 'busy' && (activeRun === undefined || activeRun === run);
	if (busy) return RUNNING;
	const last = answers.at(-1);
	if (!last?.terminal || last.tools.some(({ open }) => open)) return DOUBTFUL;
	if (last.status === 'failed') return settled('failed');
	return settled(last.status === 'cancelled' ? 'canceled' : 'completed');
}
