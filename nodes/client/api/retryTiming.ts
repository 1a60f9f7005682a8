import type { AnswerHeaders } from '../transport/headers';
import type { Clock } from '../util/clock';

/** How long the waits between attempts are. */
export interface BackoffSettings {
	/** Longest first wait, ms; the bound doubles with each attempt. */
	readonly baseMs: number;
	/** Bound of a single wait, ms. */
	readonly capMs: number;
}

/**
 * Shortest wait between two attempts, ms, whatever is set: a loop that does not wait would only
 * keep a service down that is in trouble.
 */
export const SHORTEST_WAIT_MS = 100;

/**
 * Full jitter: a random wait between nothing and `base · 2^(attempt-1)`, at most the cap, so that
 * many items that fail together do not come back together. It is never shorter than a random wait of
 * `SHORTEST_WAIT_MS` to twice as long.
 *
 * @param attempt 1 after the first failure
 * @returns milliseconds
 */
export function backoffDelay(attempt: number, settings: BackoffSettings, clock: Clock): number {
	const bound = Math.min(settings.capMs, settings.baseMs * 2 ** Math.min(attempt - 1, 30));
	const chance = clock.random();
	return Math.max(chance * bound, (1 + chance) * SHORTEST_WAIT_MS);
}

const NUMBER = /^\d+(\.\d+)?$/;
/** Every form of an HTTP date has one; `Date.parse` alone makes a date of "in 5". */
const TIME_OF_DAY = /\d\d:\d\d/;
/** Between values of a header that came several times; an HTTP date has a comma of its own. */
const BETWEEN = /,\s*(?=\d[\d.]*\s*(?:,|$)|[A-Za-z]{6,9},|[A-Za-z]{3},)/;
const EPOCH_SECONDS_FROM = 1e9;
const EPOCH_MILLISECONDS_FROM = 1e12;

/** Where a time names its zone; the oldest form of an HTTP date does not, and is in GMT (RFC 9110, 5.6.7). */
const ZONE = /(?:[a-z]|[+-]\d\d:?\d\d)$/i;

/** A point in time as milliseconds since the epoch; NaN if it is none. */
function timeOf(text: string): number {
	if (!TIME_OF_DAY.test(text)) return Number.NaN;
	return Date.parse(ZONE.test(text) ? text : `${text} GMT`);
}

/** What points in time of an answer are read against: the service's own clock, if it tells it. */
function referenceTime(headers: AnswerHeaders, now: number): number {
	const serverNow = timeOf(headers.get('date') ?? '');
	return Number.isNaN(serverNow) ? now : serverNow;
}

/** Milliseconds from the reference until what a number means: unix time in s or ms, or seconds. */
function untilNumber(text: string, reference: number): number {
	const value = Number(text);
	if (value >= EPOCH_MILLISECONDS_FROM) return Math.max(0, value - reference);
	if (value >= EPOCH_SECONDS_FROM) return Math.max(0, value * 1000 - reference);
	return value * 1000;
}

function untilAny(text: string, reference: number): number | undefined {
	if (NUMBER.test(text)) return untilNumber(text, reference);
	const at = timeOf(text);
	return Number.isNaN(at) ? undefined : Math.max(0, at - reference);
}

/**
 * How long the service asks to wait: `retry-after-ms` or `Retry-After` (seconds, HTTP date or unix
 * time; the longest, if there are several). Points in time are read against the service's own `Date`,
 * so a wrong clock on either side does no harm. Seconds are documented for this API (API notes 1.6);
 * gateways use the other forms.
 *
 * @param now milliseconds since the epoch, used if there is no `Date` header
 * @returns milliseconds, or undefined if the headers say nothing usable
 */
export function requestedDelay(headers: AnswerHeaders, now: number): number | undefined {
	const milliseconds = headers.get('retry-after-ms')?.trim() ?? '';
	if (NUMBER.test(milliseconds)) return Number(milliseconds);

	const reference = referenceTime(headers, now);
	const waits = (headers.get('retry-after') ?? '')
		.split(BETWEEN)
		.map((text) => untilAny(text.trim(), reference))
		.filter((wait) => wait !== undefined);
	return waits.length === 0 ? undefined : Math.max(...waits);
}

/**
 * How long it takes until a rate limit begins anew: `X-RateLimit-Reset` (unix seconds or
 * milliseconds, or seconds from now; API notes 1.6). It may come with any answer and asks for a wait
 * only if the request was refused for its rate.
 *
 * @param now milliseconds since the epoch, used if there is no `Date` header
 * @returns milliseconds, or undefined if the headers say nothing usable
 */
export function rateLimitReset(headers: AnswerHeaders, now: number): number | undefined {
	const reset = headers.get('x-ratelimit-reset')?.trim() ?? '';
	return NUMBER.test(reset) ? untilNumber(reset, referenceTime(headers, now)) : undefined;
}
