import type { CancelSignal } from '../util/cancelSignal';
import { createHash } from 'crypto';
import { ServiceClock } from './serviceClock';
import type { Clock } from '../util/clock';
import { Slots } from '../util/slots';

/**
 * What all nodes and executions of this process share about one credential: the limit on items in
 * flight, the pause after a 429, and what is known of the service's clock.
 */
export class Account {
	private pausedUntil = 0;
	readonly serviceClock = new ServiceClock();
	/** Items in flight. */
	readonly slots = new Slots();

	/** @param id stands for the base URL and the key, without telling them */
	constructor(
		private readonly clock: Clock,
		readonly id = '',
	) {}

	/** Makes every request of this credential wait: the service limits the account, not the item. */
	pause(ms: number): void {
		this.pausedUntil = Math.max(this.pausedUntil, this.clock.now() + ms);
	}

	/** Whether a pause is in force. */
	get paused(): boolean {
		return this.pausedUntil > this.clock.now();
	}

	/**
	 * Waits until no pause is in force. Whoever waits comes back at a slightly different moment.
	 *
	 * @param spreadMs upper bound of that difference
	 */
	async ready(spreadMs: number, signal: CancelSignal): Promise<void> {
		let left = this.pausedUntil - this.clock.now();
		while (left > 0) {
			await this.clock.delay(left + this.clock.random() * spreadMs, signal);
			left = this.pausedUntil - this.clock.now();
		}
	}
}

/** The one that was used last comes last. */
const accounts = new Map<string, Account>();
/** A workflow may bring a key of its own with every item; the longest unused ones are forgotten. */
const MOST_ACCOUNTS = 1_000;
/** Characters of a hash that tell two credentials apart. */
const ID_LENGTH = 32;

/** The account of a credential. The key itself is not kept, only a hash. */
export function accountFor(baseUrl: string, apiKey: string, clock: Clock): Account {
	const hash = createHash('sha256').update(`${baseUrl}\n${apiKey}`).digest('hex');
	const id = hash.slice(0, ID_LENGTH);
	const account = accounts.get(id) ?? new Account(clock, id);
	accounts.delete(id);
	accounts.set(id, account);
	for (const oldest of accounts.keys()) {
		if (accounts.size <= MOST_ACCOUNTS) break;
		accounts.delete(oldest);
	}
	return account;
}
