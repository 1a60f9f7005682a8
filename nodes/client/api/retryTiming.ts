import type { Clock } from '../util/clock';

/** How long the waits between attempts are. */
export interface BackoffSettings {
	/** Longest first wait, ms; the bound doubles with each attempt. */
	readonly baseMs: number;
	/** Bound of a single wait, ms. */
	readonly capMs: number;
}

/**
 * Full jitter: a random wait between nothing and `base · 2^(attempt-1)`, at most the cap, so that
 * many items that fail together do not come back together.
 *
 * @param attempt 1 after the first failure
 * @returns milliseconds
 */
export function backoffDelay(attempt: number, settings: BackoffSettings, clock: Clock): number {
	const bound = Math.min(settings.capMs, settings.baseMs * 2 ** Math.min(attempt - 1, 30));
	return clock.random() * bound;
}

const SECONDS = /^\d+(\.\d+)?$/;
/** Every form of an HTTP date has one; `Date.parse` alone makes a date of "in 5". */
const TIME_OF_DAY = /\d\d:\d\d/;
const EPOCH_SECONDS_FROM = 1e9;
const EPOCH_MILLISECONDS_FROM = 1e12;

/**
 * How long the service asks to wait: `retry-after-ms`, `Retry-After` (seconds or HTTP date), else
 * `X-RateLimit-Reset` (unix seconds or milliseconds, or seconds from now). The latter may come with
 * any answer and asks for a wait only if the request was refused for its rate. Points in time are
 * read against the service's own `Date`, so a wrong clock on either side does no harm. Retry-After in
 * seconds and the reset header are documented for this API (API notes 1.6); gateways use the others.
 *
 * @param headers with lower-case names
 * @param now milliseconds since the epoch, used if there is no `Date` header
 * @param httpStatus status of the answer
 * @returns milliseconds, or undefined if the headers say nothing usable
 */
export function requestedDelay(
	headers: Readonly<Record<string, string>>,
	now: number,
	httpStatus: number,
): number | undefined {
	const serverNow = Date.parse(headers['date'] ?? '');
	const reference = Number.isNaN(serverNow) ? now : serverNow;

	const milliseconds = headers['retry-after-ms']?.trim() ?? '';
	if (SECONDS.test(milliseconds)) return Number(milliseconds);

	const retryAfter = headers['retry-after']?.trim() ?? '';
	if (SECONDS.test(retryAfter)) return Number(retryAfter) * 1000;
	if (TIME_OF_DAY.test(retryAfter)) {
		const at = Date.parse(retryAfter);
		if (!Number.isNaN(at)) return Math.max(0, at - reference);
	}

	if (httpStatus !== 429) return undefined;
	const reset = headers['x-ratelimit-reset']?.trim() ?? '';
	if (!SECONDS.test(reset)) return undefined;
	const value = Number(reset);
	if (value >= EPOCH_MILLISECONDS_FROM) return Math.max(0, value - reference);
	if (value >= EPOCH_SECONDS_FROM) return Math.max(0, value * 1000 - reference);
	return value * 1000;
}
