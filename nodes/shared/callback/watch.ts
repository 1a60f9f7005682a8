import { monotonicNow } from '../../client/util/clock';
import { outcomeOf } from '../../client/util/outcome';
import type { WaitState } from './waitState';

/** Waits that are remembered; those forgotten only cost a few more requests. */
const MOST_WATCHES = 200;
/** For this long after it was resumed, an execution is taken to be running. */
const RESUMING_MS = 30_000;

const watches = new Map<string, Watch>();

/** What this process has learnt of the tasks that an execution waits for, and who looks at them. */
export class Watch {
	/** Ids of tasks that have ended. */
	readonly ended = new Set<string>();
	/** Ids of those that have failed or were cancelled. */
	readonly failed = new Set<string>();
	/** Ids that callbacks named and nobody has looked at yet. */
	readonly named = new Set<string>();
	/** Settles when nobody is looking any more. */
	private looking: Promise<unknown> | undefined;
	/** Whether somebody waits for that, to look next. */
	private queued = false;
	/** When the execution was resumed, by the monotonic clock. */
	private resumedAt = -Infinity;

	/** The watch on a wait. Task ids are unique, so the first one names the wait. */
	static on({ tasks }: WaitState<unknown>): Watch {
		const key = tasks[0]?.id ?? '';
		const watch = watches.get(key) ?? new Watch();
		// Again as the last one: those that nobody has asked for longest are forgotten first.
		watches.delete(key);
		watches.set(key, watch);
		const [oldest] = watches.keys();
		if (watches.size > MOST_WATCHES && oldest !== undefined) watches.delete(oldest);
		return watch;
	}

	/**
	 * Looks when nobody else does; of all who wait for that one does, for all of them.
	 *
	 * @param look what there is to resume the execution with; undefined as long as it waits
	 * @returns undefined also for those for whom somebody else has looked
	 * @throws what `look` throws
	 */
	async inTurn<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
		if (this.looking) {
			if (this.queued) return undefined;
			this.queued = true;
			await this.looking;
			this.queued = false;
		}
		if (monotonicNow() - this.resumedAt < RESUMING_MS) return undefined;
		const looking = outcomeOf(look());
		this.looking = looking;
		const outcome = await looking;
		this.looking = undefined;
		if (!outcome.ok) throw outcome.error;
		// At once: whoever looks next is about to go on.
		if (outcome.value !== undefined) this.resumedAt = monotonicNow();
		return outcome.value;
	}
}
