import type { IDataObject } from 'n8n-workflow';
import { ItemCount } from '../shared/run/progress';

/** Why a batch started no more items before its end. */
export type StoppedBy = 'total_timeout' | 'circuit_breaker' | 'budget';

/** Different messages that the summary lists. */
const MOST_MESSAGES = 20;

/** Counts what happens in a batch. */
export class Tally extends ItemCount {
	stoppedBy: StoppedBy | undefined;
	private inFlight = 0;
	/** Items that were in flight at once, at most. */
	mostInFlight = 0;
	private readonly messages = new Map<string, number>();

	/** Shortest duration of a success so far, ms; what has less time left cannot finish. */
	fastest = 0;

	enter(): void {
		this.inFlight += 1;
		this.mostInFlight = Math.max(this.mostInFlight, this.inFlight);
	}

	leave(): void {
		this.inFlight -= 1;
	}

	success(durationMs: number): void {
		this.fastest = this.succeeded === 0 ? durationMs : Math.min(this.fastest, durationMs);
		this.succeeded += 1;
	}

	/** @param message without what differs from item to item */
	failure(message: string): void {
		this.failed += 1;
		this.count(message);
	}

	/** @param message why, unless `stoppedBy` tells */
	unstarted(message?: string): void {
		this.notStarted += 1;
		if (message !== undefined) this.count(message);
	}

	private count(message: string): void {
		this.messages.set(message, (this.messages.get(message) ?? 0) + 1);
	}

	/**
	 * The Summary item.
	 *
	 * @param durations those of the successes, ms
	 */
	toJson(
		now: number,
		retries: { readonly retries: number; readonly rateLimited: number },
		durations: readonly number[],
	): IDataObject {
		const sorted = Float64Array.from(durations).sort();
		const percentile = (share: number) =>
			sorted.length === 0 ? null : (sorted[Math.ceil(sorted.length * share) - 1] ?? null);
		return {
			total: this.total,
			succeeded: this.succeeded,
			failed: this.failed,
			not_started: this.notStarted,
			duration_ms: Math.max(0, Math.round(now - this.startedAt)),
			per_second: Math.round(this.rate(now) * 100) / 100,
			p50_ms: percentile(0.5),
			p95_ms: percentile(0.95),
			retries: retries.retries,
			rate_limited: retries.rateLimited,
			max_in_flight: this.mostInFlight,
			stopped_by: this.stoppedBy ?? null,
			errors: this.errors(),
		};
	}

	/** The most frequent messages; the rest is counted together, so that the counts add up. */
	private errors(): IDataObject[] {
		const sorted = [...this.messages].sort(([, left], [, right]) => right - left);
		const errors = sorted.slice(0, MOST_MESSAGES).map(([message, count]) => ({ message, count }));
		const others = sorted.slice(MOST_MESSAGES);
		if (others.length === 0) return errors;
		const count = others.reduce((total, [, times]) => total + times, 0);
		return [...errors, { message: `${others.length} other messages`, count }];
	}
}
