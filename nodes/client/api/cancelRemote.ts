import { path, type Api, type ClientLog } from './api';
import { Deadline } from '../util/deadline';
import type { Clock } from '../util/clock';
import { InferenceError, TimeoutError, type RemoteWork } from '../errors';
import { outcomeOf } from '../util/outcome';
import { backoffDelay } from './retryTiming';
import type { Timings } from '../settings';
import { messageOf } from '../util/errorMessage';

/** What became of the wish to cancel a task. */
export type CancelOutcome =
	| { readonly kind: 'cancelled' }
	/** The service had nothing left to cancel. */
	| { readonly kind: 'over' }
	| { readonly kind: 'failed'; readonly reason: string };

export interface CancelContext {
	readonly api: Api;
	readonly clock: Clock;
	readonly timings: Timings;
	readonly log: ClientLog;
}

const BACKOFF = { baseMs: 200, capMs: 1_000 };

/** Cancels a task; see `cancelRemote`. */
export async function cancelTask(taskId: string, context: CancelContext): Promise<CancelOutcome> {
	return await cancelRemote({ kind: 'task', id: taskId }, path('tasks', taskId, 'cancel'), context);
}

/**
 * Cancels what runs remotely, trying for at most `timings.cancelMs`. Never throws: it is called
 * when something else has already gone wrong, and its outcome goes into that error's text.
 *
 * @param about what is cancelled; of a message its chat
 * @param route where the request goes
 */
export async function cancelRemote(
	about: RemoteWork,
	route: string,
	context: CancelContext,
): Promise<CancelOutcome> {
	const { api, clock, timings, log } = context;
	using scope = new Deadline(
		undefined,
		timings.cancelMs,
		() => new TimeoutError('the service did not answer in time'),
	);
	const call = {
		method: 'POST',
		path: route,
		body: {},
		signal: scope.signal,
		about,
		urgent: true,
	} as const;
	const failed = (error: unknown): CancelOutcome => {
		const reason = messageOf(error);
		log.debug(`Could not cancel ${about.id}: ${reason}`);
		return { kind: 'failed', reason };
	};
	for (let attempt = 1; ; attempt += 1) {
		const sent = await outcomeOf(api.send(call));
		if (sent.ok) {
			log.debug(`Cancelled ${about.id}`);
			return { kind: 'cancelled' };
		}
		const { error } = sent;
		if (error instanceof InferenceError) {
			// It is unknown, or has nothing left to cancel.
			if (error.concern === 'request') return { kind: 'over' };
			if (!error.retryable) return failed(error);
		}
		const wait = clock.delay(backoffDelay(attempt, BACKOFF, clock), scope.signal);
		const waited = await outcomeOf(wait);
		if (!waited.ok) return failed(error === scope.signal.reason ? waited.error : error);
	}
}
