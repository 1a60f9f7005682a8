import type { CancelSignal } from '../util/cancelSignal';
import type { Account } from './account';
import type { ClientLog } from './api';
import type { Clock } from '../util/clock';
import { InferenceError } from '../errors';
import { backoffDelay } from './retryTiming';
import type { RunSettings } from '../settings';

/** What a client has met so far. */
export interface RetryStatistics {
	/** Attempts made after a failed one. */
	retries: number;
	/** Answers with HTTP 429. */
	rateLimited: number;
}

/** What is needed to decide on and wait for a further attempt. */
export interface RetryContext {
	readonly settings: RunSettings;
	readonly account: Account;
	readonly clock: Clock;
	readonly log: ClientLog;
	/** Counts for the client as a whole. */
	readonly statistics: RetryStatistics;
	readonly signal: CancelSignal;
}

function seconds(ms: number): string {
	return `${Math.ceil(ms / 1000)} s`;
}

/** The same failure, with the words for a wait that is longer than allowed. */
function waitTooLong(error: InferenceError, askedMs: number, maxMs: number): InferenceError {
	return error.reworded(
		`${error.message}. The service asks to wait ${seconds(askedMs)}, longer than Max Retry-After (${seconds(maxMs)})`,
		{ hint: 'Run it again later, or raise Max Retry-After in the options.' },
	);
}

/**
 * Waits before a further attempt after `error`: the backoff's random wait, or what the service
 * asked for if that is longer. After a 429 the whole account waits.
 *
 * @param attempt number of attempts that have failed so far
 * @throws `error` itself if it is final or no attempt is left; the same failure in other words if
 * the service asks for a longer wait than allowed; the abort reason
 */
export async function waitForNextAttempt(
	error: unknown,
	attempt: number,
	context: RetryContext,
): Promise<void> {
	const { settings, clock, account, log, statistics, signal } = context;
	if (!(error instanceof InferenceError)) throw error;
	const { repeatable: reason, retryAfterMs: askedMs = 0 } = error;
	if (reason === 'rateLimit') statistics.rateLimited += 1;
	if (reason === undefined || !settings.retryOn.has(reason)) throw error;
	if (askedMs > settings.maxRetryAfterMs) {
		throw waitTooLong(error, askedMs, settings.maxRetryAfterMs);
	}
	if (attempt > settings.maxRetries) throw error;
	const backoff = { baseMs: settings.backoffBaseMs, capMs: settings.backoffCapMs };
	const waitMs = Math.max(askedMs, backoffDelay(attempt, backoff, clock));
	if (reason === 'rateLimit') account.pause(waitMs);
	log.debug(`Attempt ${attempt} failed (${reason}), next one in ${Math.round(waitMs)} ms`);
	await clock.delay(waitMs, signal);
	statistics.retries += 1;
}

/**
 * Repeats a request that changes nothing on the service until it succeeds.
 *
 * @throws what `waitForNextAttempt` throws
 */
export async function retrying<T>(job: () => Promise<T>, context: RetryContext): Promise<T> {
	for (let attempt = 1; ; attempt += 1) {
		try {
			return await job();
		} catch (error) {
			await waitForNextAttempt(error, attempt, context);
		}
	}
}
