import { InferenceError } from '../errors';
import type { Timings } from '../settings';
import type { Clock } from '../util/clock';
import { outcomeOf } from '../util/outcome';
import type { Account } from './account';
import type { ClientContext } from './context';
import { withoutFullStop } from './problem';
import { backoffDelay } from './retryTiming';

/**
 * Statuses that say nothing of what was asked for, only of the moment or the way: a request that
 * took too long, a conflict, a server or a connection that was the wrong one, a gateway's client
 * that was gone.
 */
const PASSING: ReadonlySet<number> = new Set([408, 409, 421, 425, 499]);

/** Statuses that are about the key, so that everything else is refused to it likewise. */
const ABOUT_THE_KEY: ReadonlySet<number> = new Set([401, 402, 403]);

/** Nobody has refused what nobody has asked for: more than this between two refusals counts as this. */
const MOST_BETWEEN_MS = 15_000;

/** Between two requests for something that was refused; not the wait for a service that is down. */
const BACKOFF = { baseMs: 200, capMs: 10_000 };

/** Whether an answer says that something is not there, or not for this key. */
export function isRefusal(error: unknown): error is InferenceError {
	return (
		error instanceof InferenceError && error.endsFollowing && !PASSING.has(error.httpStatus ?? 0)
	);
}

/**
 * How the service refuses to show something that it has accepted. A single refusal proves nothing: a
 * copy of the database may lag behind, a cache of keys may be empty for a moment. So refusals are
 * counted, and timed by the monotonic clock, from the first one since it was shown last.
 */
export class Refusals {
	private count = 0;
	private firstAt = 0;
	private lastAt = 0;
	private steadyMs = 0;
	private latest: InferenceError | undefined;

	constructor(
		private readonly account: Account,
		private readonly clock: Clock,
		private readonly timings: Pick<Timings, 'refusedMs' | 'refusals'>,
	) {}

	/** The last one; undefined if nothing is refused at present. */
	get last(): InferenceError | undefined {
		return this.latest;
	}

	add(error: InferenceError): void {
		const now = this.clock.now();
		if (this.count === 0) this.firstAt = now;
		else this.steadyMs += Math.min(now - this.lastAt, MOST_BETWEEN_MS);
		this.lastAt = now;
		this.count += 1;
		this.latest = error;
	}

	/** It has been shown, so that whatever was refused before was a bad moment. */
	end(): void {
		this.account.shownAt = this.clock.now();
		if (this.count === 0) return;
		this.count = 0;
		this.steadyMs = 0;
		this.latest = undefined;
	}

	/** Whether it has been refused for so long, and often enough, that it must be believed. */
	areSteady(ms = this.timings.refusedMs): boolean {
		return this.count >= this.timings.refusals && this.steadyMs >= ms;
	}

	/** A random wait before the next request, ms; longer from one refusal to the next. */
	backoff(capMs = BACKOFF.capMs): number {
		return backoffDelay(Math.max(1, this.count), { ...BACKOFF, capMs }, this.clock);
	}

	/** What the service says, as the end of a sentence without its full stop. */
	get inWords(): string {
		return `again and again the service has refused to show it, last with: ${withoutFullStop(this.latest?.message ?? '')}`;
	}

	/** Why the account's other tasks and chats are refused, too; undefined if that is not so. */
	get hopeless(): string | undefined {
		const { latest, count, timings, account, firstAt } = this;
		const aboutKey = ABOUT_THE_KEY.has(latest?.httpStatus ?? 0);
		// To a key that may not read, some services say that there is nothing: then it never was shown any.
		if (!aboutKey && account.shownAt > 0) return undefined;
		// Something else has been shown meanwhile.
		if (count < timings.refusals || account.shownAt > firstAt) return undefined;
		return 'the service does not let the API key see what it has started';
	}
}

/**
 * Reads something that the service has accepted, and as long as it refuses to show it, again.
 *
 * @throws the refusal, once it has stood for a while; what else `read` throws; the abort reason
 */
export async function untilShown<T>(read: () => Promise<T>, context: ClientContext): Promise<T> {
	const { account, clock, timings, signal } = context;
	const refusals = new Refusals(account, clock, timings);
	for (;;) {
		const answer = await outcomeOf(read());
		if (answer.ok) {
			refusals.end();
			return answer.value;
		}
		const { error } = answer;
		if (!(error instanceof InferenceError && error.endsFollowing)) throw error;
		signal.throwIfAborted();
		refusals.add(error);
		if (refusals.areSteady()) throw error;
		await clock.delay(refusals.backoff(), signal);
	}
}
