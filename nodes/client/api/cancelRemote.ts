import { InferenceError, ProtocolError, TimeoutError, type RemoteWork } from '../errors';
import type { Timings } from '../settings';
import type { CancelSignal } from '../util/cancelSignal';
import type { Clock } from '../util/clock';
import { Deadline } from '../util/deadline';
import { messageOf } from '../util/errorMessage';
import { isJsonObject } from '../util/json';
import { outcomeOf, type Outcome } from '../util/outcome';
import type { Api, ApiCall, ApiReply, ClientLog } from './api';
import { backoffDelay } from './retryTiming';

/** What became of the wish to cancel something. */
export type CancelOutcome =
	| { readonly kind: 'cancelled' }
	/** The service has agreed; nobody has seen yet that it has ended. */
	| { readonly kind: 'accepted' }
	/** It has been seen to have ended by itself. */
	| { readonly kind: 'over' }
	/** It cannot be told, or it goes on. */
	| { readonly kind: 'failed'; readonly reason: string; readonly error?: unknown };

/**
 * Whether something may run on.
 *
 * @param outcome undefined if it was not to be cancelled
 */
export function mayRunOn(outcome: CancelOutcome | undefined): boolean {
	return outcome?.kind !== 'cancelled' && outcome?.kind !== 'over';
}

/** What a look at something shows, after it should have been cancelled. */
export type Fate = 'running' | 'cancelled' | 'over';

export interface CancelContext {
	readonly api: Api;
	readonly clock: Clock;
	readonly timings: Timings;
	readonly log: ClientLog;
}

/** Something at the service that can be cancelled. */
export interface Cancellable {
	/** What it is; of a message its chat. */
	readonly about: RemoteWork;
	/** Where the request goes. */
	readonly route: string;
	/**
	 * Whether the request would end what has come after this: then it is repeated only while a look
	 * shows that this still runs.
	 */
	readonly hasSuccessors?: boolean;
	/** What the answer to the request tells of its fate; undefined if nothing. */
	read?(answer: unknown): Fate | undefined;
	/**
	 * Looks how it stands.
	 *
	 * @param ask sends a request as part of cancelling
	 * @returns undefined if that cannot be told
	 * @throws InferenceError if the service refuses or does not answer
	 */
	look(ask: CancelAsk): Promise<Fate | undefined>;
}

/** Sends a request within the time for cancelling and gives its answer's value. */
export type CancelAsk = (question: Pick<ApiCall, 'method' | 'path'>) => Promise<unknown>;

const BACKOFF = { baseMs: 200, capMs: 1_000 };

/**
 * Cancels what runs remotely, trying for at most `timings.cancelMs`. Never throws: it is called
 * when something else has already gone wrong, and its outcome goes into that error's text.
 *
 * An answer alone decides nothing that a look can tell: services agree to cancel what has ended
 * long ago, and a copy of the database that lags behind does not know what is running.
 */
export async function cancelRemote(
	work: Cancellable,
	context: CancelContext,
): Promise<CancelOutcome> {
	using scope = new Deadline(undefined, context.timings.cancelMs, tooLate);
	const outcome = await new Cancelling(work, context, scope.signal).run();
	const { about } = work;
	context.log.debug(
		outcome.kind === 'failed'
			? `Could not cancel ${about.id}: ${outcome.reason}`
			: `Cancelling ${about.kind} ${about.id}: ${outcome.kind}`,
	);
	return outcome;
}

/** What there is to say where the service answers that it has not cancelled something. */
const NOT_CANCELLED = new ProtocolError('the service answers that it has not been');

/** Whether an answer says that nothing was cancelled: `{id, status, cancelled}` (API notes 3.1). */
function isNo(answer: unknown): boolean {
	return answer === false || (isJsonObject(answer) && answer['cancelled'] === false);
}

class Cancelling {
	constructor(
		private readonly work: Cancellable,
		private readonly context: CancelContext,
		/** Aborts when the time for cancelling is over. */
		private readonly signal: CancelSignal,
	) {}

	async run(): Promise<CancelOutcome> {
		const { work, signal } = this;
		const { api, clock, timings } = this.context;
		const until = clock.now() + timings.cancelMs;
		const call = { ...this.call({ method: 'POST', path: work.route }, signal), body: {} };
		let reason: unknown;
		for (let attempt = 1; ; attempt += 1) {
			const before =
				attempt > 1 && work.hasSuccessors ? await this.look(timings.cancelMs / 4) : 'running';
			if (before === 'over' || before === 'cancelled') return { kind: before };
			if (before === 'running') {
				const sent = await outcomeOf(api.send(call));
				const fate = await this.fate(sent);
				if (fate === 'over' || fate === 'cancelled') return { kind: fate };
				if (sent.ok && !isNo(sent.value.value)) return { kind: 'accepted' };
				// What the service has said tells more than that it did not come to say it again.
				const error = sent.ok ? NOT_CANCELLED : sent.error;
				if (error !== signal.reason || reason === undefined) reason = error;
			}
			const wait = clock.delay(backoffDelay(attempt, BACKOFF, clock), signal);
			const waited = await outcomeOf(wait);
			if (!waited.ok || clock.now() >= until) {
				return { kind: 'failed', reason: messageOf(reason), error: reason };
			}
		}
	}

	/** What is known after a request; undefined if it has to be repeated to find out. */
	private async fate(sent: Outcome<ApiReply>): Promise<Fate | undefined> {
		const { work, context } = this;
		if (sent.ok) return work.read?.(sent.value.value) ?? (await this.look());
		const isRefused = sent.error instanceof InferenceError && !sent.error.retryable;
		// Enough is left to try again.
		return isRefused ? await this.look(context.timings.cancelMs / 4) : undefined;
	}

	/**
	 * Looks how it stands; undefined if that cannot be told.
	 *
	 * @param forMs for how long at most, by default for all the time that is left
	 */
	private async look(forMs?: number): Promise<Fate | undefined> {
		const { work, context } = this;
		using part = new Deadline(this.signal, forMs, tooLate);
		const ask: CancelAsk = async (question) => {
			return (await context.api.send(this.call(question, part.signal))).value;
		};
		const looked = await outcomeOf(work.look(ask));
		return looked.ok ? looked.value : undefined;
	}

	private call(question: Pick<ApiCall, 'method' | 'path'>, signal: CancelSignal): ApiCall {
		const { about } = this.work;
		return { ...question, signal, about, urgent: true, purpose: 'cancel' };
	}
}

function tooLate(): TimeoutError {
	return new TimeoutError('the service did not answer in time');
}

/**
 * What became of a task, or of the run of a flow, that is not waited for any more, after words such as
 * `The task`.
 *
 * @param outcome undefined if it was not to be cancelled
 */
export function fateInWords(outcome: CancelOutcome | undefined): string {
	switch (outcome?.kind) {
		case undefined:
			return 'was left running';
		case 'cancelled':
			return 'was cancelled';
		case 'accepted':
			return 'is being cancelled: the service has agreed to';
		case 'over':
			return 'was already over';
		case 'failed':
			return `could not be cancelled (${outcome.reason}) and may still be running`;
	}
}
