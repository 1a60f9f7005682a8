import { createHash } from 'crypto';
import type { CancelSignal } from '../util/cancelSignal';
import type { Clock } from '../util/clock';
import { Slots } from '../util/slots';
import { ServiceClock } from './serviceClock';

/** Requests that a pause held back come back spread over this long, ms. */
export const RESUME_SPREAD_MS = 1_000;

/** How long it is remembered that streams are held back on their way. */
const STREAMS_HELD_MS = 30 * 60_000;

/**
 * What all nodes and executions of this process share about one credential: the limit on items in
 * flight, the pause after a refusal for the rate of requests, and what is known of the service's
 * clock and of the way to it.
 */
export class Account {
	/** Until when nothing is asked at all. */
	private pausedUntil = 0;
	/** Until when the service has said that it takes nothing new, and when it has. */
	private closedUntil = 0;
	private closedAt = 0;
	readonly serviceClock = new ServiceClock();
	/** Until when streams count as held back. */
	private heldUntil = 0;
	/** When the service last showed a task or chat of this credential, ms since the epoch. */
	shownAt = 0;
	/** Items in flight. */
	readonly slots = new Slots();

	/** @param id stands for the base URL and the key, without telling them */
	constructor(
		private readonly clock: Clock,
		readonly id = '',
	) {}

	/**
	 * Whether streams were found to be held back on their way, by a proxy that buffers, in the last half
	 * hour. It costs nothing to be wrong about it where streams speak.
	 */
	get streamsHeld(): boolean {
		return this.heldUntil > 0 && this.heldUntil > this.clock.now();
	}

	set streamsHeld(held: boolean) {
		this.heldUntil = held ? this.clock.now() + STREAMS_HELD_MS : 0;
	}

	/** Makes every request of this credential wait: the service limits the account, not the item. */
	pause(ms: number): void {
		this.pausedUntil = Math.max(this.pausedUntil, this.clock.now() + ms);
	}

	/** Makes whatever creates something wait, as long as the service asks. */
	close(ms: number): void {
		this.closedAt = this.clock.now();
		this.closedUntil = Math.max(this.closedUntil, this.closedAt + ms);
	}

	/** Whether a pause is in force. */
	get paused(): boolean {
		return this.pausedUntil > 0 && this.pausedUntil > this.clock.now();
	}

	/** How long the service still takes nothing new, ms; 0 if it does. */
	get closedMs(): number {
		return this.closedUntil === 0 ? 0 : Math.max(0, this.closedUntil - this.clock.now());
	}

	/** How long ago the service has said so, ms. */
	get closedSinceMs(): number {
		return this.clock.now() - this.closedAt;
	}

	/**
	 * Waits until no pause is in force. Whoever waits comes back at a slightly different moment.
	 *
	 * @param spreadMs upper bound of that difference
	 * @throws the abort reason of `signal`
	 */
	async ready(spreadMs: number, signal: CancelSignal): Promise<void> {
		let left = this.pausedUntil - this.clock.now();
		while (left > 0) {
			await this.clock.delay(left + this.clock.random() * spreadMs, signal);
			left = this.pausedUntil - this.clock.now();
		}
	}

	/**
	 * Waits as long as the service takes nothing new, as far as that is known now.
	 *
	 * @param spreadMs as of `ready`
	 * @throws the abort reason of `signal`
	 */
	async open(spreadMs: number, signal: CancelSignal): Promise<void> {
		await this.clock.delay(this.closedMs + this.clock.random() * spreadMs, signal);
	}
}

/** The one that was used last comes last. */
const recent = new Map<string, Account>();
/** A workflow may bring a key of its own with every item; the longest unused ones are forgotten. */
const MOST_ACCOUNTS = 1_000;
/** All that anybody still has: as long as a client works with an account, there is no second one. */
const known = new Map<string, WeakRef<Account>>();
const forgotten = new FinalizationRegistry((id: string) => {
	if (known.get(id)?.deref() === undefined) known.delete(id);
});
/** Characters of a hash that tell two credentials apart. */
const ID_LENGTH = 32;

/** The account of a credential. The key itself is not kept, only a hash. */
export function accountFor(baseUrl: string, apiKey: string, clock: Clock): Account {
	const hash = createHash('sha256').update(`${baseUrl}\n${apiKey}`).digest('hex');
	const id = hash.slice(0, ID_LENGTH);
	const account = recent.get(id) ?? known.get(id)?.deref() ?? created(id, clock);
	recent.delete(id);
	recent.set(id, account);
	for (const oldest of recent.keys()) {
		if (recent.size <= MOST_ACCOUNTS) break;
		recent.delete(oldest);
	}
	return account;
}

function created(id: string, clock: Clock): Account {
	const account = new Account(clock, id);
	known.set(id, new WeakRef(account));
	forgotten.register(account, id);
	return account;
}
