import type { CancelSignal } from '../util/cancelSignal';
import { RESUME_SPREAD_MS, type Account } from './account';
import type { ClientLog } from './api';
import type { Clock } from '../util/clock';
import { InferenceError, RateLimitError } from '../errors';
import { backoffDelay } from './retryTiming';
import type { RunSettings } from '../settings';

/** What a client has met so far. */
export interface RetryStatistics {
	/** Attempts made after a failed one. */
	retries: number;
	/** Refusals for the rate of requests, HTTP 429 and what means the same. */
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
function waitTooLong(
	error: InferenceError,
	askedMs: number,
	{ maxRetryAfterMs, isFixed }: RunSettings,
): InferenceError {
	const asked = `${error.message}. The service asks to wait ${seconds(askedMs)}`;
	if (isFixed) return error.reworded(asked, { hint: 'Try again after that time.' });
	return error.reworded(
		`${asked}, longer than "Retry: Accepted Wait (Seconds)" allows (${seconds(maxRetryAfterMs)})`,
		{ hint: 'Run it again later, or raise that limit in the options.' },
	);
}

/**
 * Waits before a further attempt after `error`: the backoff's random wait, or what the service
 * asked for if that is longer. After a refusal for the rate of requests the whole account waits, also
 * if this is the last attempt.
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
	const backoff = { baseMs: settings.backoffBaseMs, capMs: settings.backoffCapMs };
	const backoffMs = backoffDelay(attempt, backoff, clock);
	if (reason === 'rateLimit') {
		pauseForRate(askedMs, backoffMs, context);
		account.close(askedMs);
	}
	if (reason === undefined || !settings.retryOn.has(reason)) throw error;
	if (askedMs > settings.maxRetryAfterMs) {
		throw waitTooLong(error, askedMs, settings);
	}
	if (attempt > settings.maxRetries) throw error;
	const waitMs = Math.max(askedMs, backoffMs);
	log.debug(`Attempt ${attempt} failed (${reason}), next one in ${Math.round(waitMs)} ms`);
	await clock.delay(waitMs, signal);
	statistics.retries += 1;
}

/**
 * Counts a refusal for the rate of requests, and makes the account wait: no longer than Max Retry-After
 * allows, because what runs is paid for and is followed.
 *
 * @param askedMs how long the service asks to wait, 0 if it does not
 * @param leastMs the least wait
 */
export function pauseForRate(
	askedMs: number,
	leastMs: number,
	{ account, settings, statistics }: Pick<RetryContext, 'account' | 'settings' | 'statistics'>,
): void {
	statistics.rateLimited += 1;
	account.pause(Math.max(leastMs, Math.min(askedMs, settings.maxRetryAfterMs)));
}

/** What another item was told to wait is waited for, if it is no longer than this, ms. */
const WAITED_FOR_MS = 30_000;
/** A plan may change: after this long the service is asked again, ms. */
const ASK_AGAIN_MS = 60_000;

type Asking = Pick<RetryContext, 'account' | 'settings' | 'signal'>;

/** Whether the service may be asked for something new right now. */
export function mayCreate({ account, settings }: Pick<Asking, 'account' | 'settings'>): boolean {
	if (account.paused) return false;
	return account.closedMs === 0 || (takesTooLong(account, settings) && wasLongAgo(account));
}

/**
 * Waits until the service may be asked for something new of the account.
 *
 * @throws RateLimitError if another item has just been told to wait longer than Max Retry-After; the
 * abort reason
 */
export async function readyToCreate(context: Asking): Promise<void> {
	const { account, settings, signal } = context;
	while (!mayCreate(context)) {
		if (takesTooLong(account, settings) && !wasLongAgo(account)) {
			throw notAsked(account.closedMs, settings);
		}
		if (account.paused) await account.ready(RESUME_SPREAD_MS, signal);
		else await account.open(RESUME_SPREAD_MS, signal);
	}
}

function takesTooLong({ closedMs }: Account, { maxRetryAfterMs }: RunSettings): boolean {
	return closedMs > Math.max(maxRetryAfterMs, WAITED_FOR_MS);
}

function wasLongAgo({ closedSinceMs }: Account): boolean {
	return closedSinceMs >= ASK_AGAIN_MS;
}

function notAsked(closedMs: number, settings: RunSettings): InferenceError {
	const facts = { retryAfterMs: closedMs };
	const error = new RateLimitError('The service limits the request rate and was not asked', facts);
	return waitTooLong(error, closedMs, settings);
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
