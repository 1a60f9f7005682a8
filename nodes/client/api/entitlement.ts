import { textOf } from '../util/json';
import { wordsOf, type Problem } from './problem';

/** Codes of a refusal for the request rate, whatever its status. */
const RATE_CODES: ReadonlySet<string> = new Set([
	'rate_limited',
	'rate_limit',
	'rate_limit_exceeded',
	'too_many_requests',
]);
/** Names of limits on requests in a time, such as `rate_per_min` (API notes 1.5). */
const RATE_RESOURCE =
	/(?:^|_)rate(?:_limit)?$|(?:^|_)per_(?:s|sec|second|m|min|minute|h|hour)s?$|^rp[smh]$/;

/** How a sentence names one. */
const RATE_WORDS = /\brate_per_|\brate limit|\bper (?:second|minute|hour)\b/i;

/** Codes of a refusal that waiting does not help against: the balance or the plan has to change. */
export const PAYMENT_CODES = ['payment_required', 'insufficient_quota', 'insufficient_balance'];
export const PLAN_CODES = ['limit_exceeded', 'quota_exceeded'];

/** A name as a code would spell it: `Requests per minute` is `requests_per_minute`. */
function asCode(name: string): string {
	return name
		.trim()
		.toLowerCase()
		.replace(/[\s:.-]+/g, '_');
}

/**
 * Whether what is used up is a number of requests in a time, so that it comes back by itself. The
 * smallest plan says so with HTTP 402.
 */
export function isRateLimit({ code, message, meta, resource }: Problem): boolean {
	if (RATE_CODES.has(code ?? '')) return true;
	const names = [resource, textOf(meta['resource_label'])].filter((name) => name !== undefined);
	if (names.length > 0) return names.some((name) => RATE_RESOURCE.test(asCode(name)));
	return code === 'limit_exceeded' && RATE_WORDS.test(message ?? '');
}

/**
 * What a refusal tells of the plan: the limit that was reached and what could be bought, each a
 * sentence without its full stop.
 */
export function planFacts({ meta, resource }: Problem): readonly string[] {
	const facts: string[] = [];
	const limit = wordsOf(meta['resource_label']) ?? resource;
	if (limit !== undefined) {
		const usage =
			typeof meta['limit'] === 'number'
				? ` (${String(meta['current'] ?? '?')} of ${String(meta['limit'])} used)`
				: '';
		facts.push(`Limit: ${limit}${usage}`);
	}
	const addOn = wordsOf(meta['addon_plan_name']);
	if (addOn !== undefined) {
		const price = inDollars(meta['addon_plan_price']);
		facts.push(`The add-on ${addOn}${price === undefined ? '' : ` (${price})`} includes it`);
	}
	return facts;
}

/** @param cents as the service gives prices of plans */
function inDollars(cents: unknown): string | undefined {
	const amount = typeof cents === 'string' && cents.trim() !== '' ? Number(cents) : cents;
	if (typeof amount !== 'number' || !Number.isFinite(amount) || amount < 0) return undefined;
	return `$${(amount / 100).toFixed(2)}`;
}
