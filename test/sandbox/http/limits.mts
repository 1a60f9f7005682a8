/** Request rate: a fixed window, refused with 429, or with 402 as the smallest plan is. */
import { problem, type Answer } from './answers.mts';
import type { RateLimit } from '../types.mts';

export class RateLimiter {
	private windowEndsAt = 0;
	private used = 0;

	reset(): void {
		this.windowEndsAt = 0;
		this.used = 0;
	}

	/**
	 * Counts a request. Returns the refusal, or the headers that an accepted request's answer
	 * carries.
	 */
	admit(limit: RateLimit, serviceNow: () => number): Answer | Record<string, string> {
		const now = Date.now();
		const windowMs = limit.perMinute === undefined ? (limit.windowMs ?? 60_000) : 60_000;
		const max = limit.perMinute ?? limit.max ?? Infinity;
		if (now >= this.windowEndsAt) {
			this.windowEndsAt = now + windowMs;
			this.used = 0;
		}
		this.used++;
		const headers: Record<string, string> = {};
		const waitMs = this.windowEndsAt - now;
		if (limit.resetHeader ?? true) {
			headers['x-ratelimit-remaining'] = String(Math.max(0, max - this.used));
			headers['x-ratelimit-reset'] = String(Math.ceil((serviceNow() + waitMs) / 1000));
		}
		if (this.used <= max) return headers;
		switch (limit.retryAfter ?? 'seconds') {
			case 'seconds':
				headers['retry-after'] = String(Math.ceil(waitMs / 1000));
				break;
			case 'ms':
				headers['retry-after-ms'] = String(waitMs);
				break;
			case 'date':
				// HTTP dates know whole seconds only; rounding down would invite a second refusal.
				headers['retry-after'] = new Date(
					Math.ceil((serviceNow() + waitMs) / 1000) * 1000,
				).toUTCString();
				break;
			case 'none':
				break;
		}
		const said = `rate limit of ${max} requests exceeded`;
		const meta = { resource: 'rate_per_min', limit: max, current: this.used };
		const refusal =
			limit.status === 402
				? problem(402, 'limit_exceeded', said, { meta })
				: problem(429, 'rate_limited', said);
		return { ...refusal, headers } as Answer;
	}
}
