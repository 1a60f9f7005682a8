import { createHash } from 'crypto';
import pLimit from 'p-limit';
import type { Clock } from './clock';

/** Gives a slot back; calling it again does nothing. */
export type Release = () => void;

/** Task ids are remembered this long; a lookup never reaches further back. */
const CLAIM_LIFETIME_MS = 30 * 60_000;

/**
 * What all nodes and executions of this process share about one credential: the limit on items in
 * flight, the pause after a 429, and which tasks already belong to an item.
 */
export class Account {
	private pausedUntil = 0;
	/** Task id → when it was claimed, oldest first. */
	private readonly claims = new Map<string, number>();
	private readonly limiters = new Map<number, ReturnType<typeof pLimit>>();
	private readonly submissions = new Map<string, SubmissionQueue>();

	constructor(private readonly clock: Clock) {}

	/**
	 * Waits for one of `limit` slots.
	 *
	 * @param limit 0 for no limit
	 * @throws the abort reason of `signal`; the place in the queue is given up
	 */
	async slot(limit: number, signal: AbortSignal): Promise<Release> {
		signal.throwIfAborted();
		if (limit === 0) return () => {};
		const limiter = this.limiters.get(limit) ?? pLimit(limit);
		this.limiters.set(limit, limiter);
		return await new Promise<Release>((resolve, reject) => {
			let release: Release = () => {};
			const held = new Promise<void>((done) => {
				release = done;
			});
			const giveUp = () => {
				release();
				reject(signal.reason);
			};
			signal.addEventListener('abort', giveUp, { once: true });
			void limiter(async () => {
				signal.removeEventListener('abort', giveUp);
				resolve(release);
				await held;
			});
		});
	}

	/** Makes every request of this credential wait: the service limits the account, not the item. */
	pause(ms: number): void {
		this.pausedUntil = Math.max(this.pausedUntil, this.clock.now() + ms);
	}

	/**
	 * Waits until no pause is in force. Whoever waits comes back at a slightly different moment.
	 *
	 * @param spreadMs upper bound of that difference
	 */
	async ready(spreadMs: number, signal: AbortSignal): Promise<void> {
		let left = this.pausedUntil - this.clock.now();
		while (left > 0) {
			await this.clock.delay(left + this.clock.random() * spreadMs, signal);
			left = this.pausedUntil - this.clock.now();
		}
	}

	/**
	 * Marks a task as belonging to an item of this process.
	 *
	 * @returns false if it already did
	 */
	claim(taskId: string): boolean {
		const now = this.clock.now();
		for (const [id, since] of this.claims) {
			if (now - since < CLAIM_LIFETIME_MS) break;
			this.claims.delete(id);
		}
		if (this.claims.has(taskId)) return false;
		this.claims.set(taskId, now);
		return true;
	}

	/**
	 * Runs one submission of the given content. Equal submissions may run side by side, but not
	 * while one of them is being looked for: its task could not be told from theirs.
	 */
	async submitting<T>(content: string, job: () => Promise<T>): Promise<T> {
		return await this.queueOf(content, async (queue) => await queue.shared(job));
	}

	/** Looks for a lost submission while no equal one is under way. */
	async lookingUp<T>(content: string, job: () => Promise<T>): Promise<T> {
		return await this.queueOf(content, async (queue) => await queue.exclusive(job));
	}

	private async queueOf<T>(content: string, use: (queue: SubmissionQueue) => Promise<T>) {
		const queue = this.submissions.get(content) ?? new SubmissionQueue();
		this.submissions.set(content, queue);
		try {
			return await use(queue);
		} finally {
			if (queue.idle && this.submissions.get(content) === queue) this.submissions.delete(content);
		}
	}
}

/** Many shared holders or one exclusive holder; whoever wants it exclusively goes first. */
class SubmissionQueue {
	private users = 0;
	private sharing = 0;
	/** Pending while somebody has it exclusively or waits for that. */
	private lock: Promise<void> | undefined;
	/** Called when the last shared holder is done. */
	private drained: (() => void) | undefined;

	get idle(): boolean {
		return this.users === 0;
	}

	async shared<T>(job: () => Promise<T>): Promise<T> {
		this.users += 1;
		try {
			while (this.lock) await this.lock;
			this.sharing += 1;
			try {
				return await job();
			} finally {
				this.sharing -= 1;
				if (this.sharing === 0) this.drained?.();
			}
		} finally {
			this.users -= 1;
		}
	}

	async exclusive<T>(job: () => Promise<T>): Promise<T> {
		this.users += 1;
		while (this.lock) await this.lock;
		let unlock = () => {};
		this.lock = new Promise((resolve) => {
			unlock = resolve;
		});
		try {
			if (this.sharing > 0) {
				await new Promise<void>((resolve) => {
					this.drained = resolve;
				});
			}
			return await job();
		} finally {
			this.drained = undefined;
			this.lock = undefined;
			unlock();
			this.users -= 1;
		}
	}
}

const accounts = new Map<string, Account>();

/** The account of a credential. The key itself is not kept, only its hash. */
export function accountFor(baseUrl: string, apiKey: string, clock: Clock): Account {
	const id = createHash('sha256').update(`${baseUrl}\n${apiKey}`).digest('hex');
	const account = accounts.get(id) ?? new Account(clock);
	accounts.set(id, account);
	return account;
}
