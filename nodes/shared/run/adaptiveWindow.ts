/** A turn of the window: whoever has begun before the last change for the worse says nothing new of it. */
export interface Turn {
	readonly round: number;
}

/** How wide the window was. */
export interface WindowFacts {
	readonly lowest: number;
	readonly highest: number;
	readonly last: number;
}

/** Places at first. */
const FIRST = 2;
/** What is left of the window at most after a wait in the service's queue, and at least, whatever has happened. */
const MOST_LEFT = 0.9;
const LEAST_LEFT = 0.5;
/** A start within this part of how long tasks run counts as one without a wait, but not within less than this, ms. */
const NO_WAIT_SHARE = 0.1;
const NO_WAIT_MS = 100;
/** After so many times the window of starts without a wait, it is searched for room again. */
const SEARCH_AGAIN = 3;
/** Weight of the latest task in the average length of tasks. */
const LATEST = 0.1;

/**
 * How many items a node has in flight, found out from how the service takes them: more as long as tasks
 * start at once, fewer when they wait in its queue or it refuses requests for their rate. Additive
 * increase and multiplicative decrease (Chiu and Jain, 1989), driven by the delay instead of losses as
 * in TCP Vegas (Brakmo and Peterson, 1995): several nodes, executions and workers come to equal shares
 * without knowing of each other. Until the first wait each start without one makes room for another, so
 * that the window doubles while there is room.
 */
export class AdaptiveWindow {
	private width: number;
	private round = 0;
	private searching = true;
	/** Starts without a wait since the last one with. */
	private calm = 0;
	private typicalMs = 0;
	private lowest: number;
	private highest: number;
	/** Called when there may be room for another item. */
	onGrow: () => void = () => {};

	/** @param most the upper bound */
	constructor(private readonly most: number) {
		this.width = Math.min(FIRST, most);
		this.lowest = this.width;
		this.highest = this.width;
	}

	/** Items that may be in flight now, at least 1. */
	get size(): number {
		return Math.max(1, Math.floor(this.width + 1e-9));
	}

	get facts(): WindowFacts {
		return { lowest: this.lowest, highest: this.highest, last: this.size };
	}

	/** An item begins. */
	begin(): Turn {
		return { round: this.round };
	}

	/**
	 * The task of an item has started.
	 *
	 * @param waitedMs how long it has waited in the service's queue, by the service's clock
	 */
	started({ round }: Turn, waitedMs: number): void {
		const noWaitMs = Math.max(NO_WAIT_MS, this.typicalMs * NO_WAIT_SHARE);
		if (waitedMs <= noWaitMs) {
			this.calm += 1;
			// The service takes more than it used to.
			this.searching ||= this.calm > SEARCH_AGAIN * this.width;
			this.resize(this.width + (this.searching ? 1 : 1 / this.width));
			return;
		}
		// By Little's law, the part of its time in which a task waits is too much of the window; half of
		// that goes, because others may give way, too.
		const idle = (waitedMs - noWaitMs) / (waitedMs + this.typicalMs);
		this.shrink(round, Math.min(MOST_LEFT, 1 - idle / 2));
	}

	/** How long a task has run, its wait aside, ms. */
	ran(ms: number): void {
		this.typicalMs = this.typicalMs === 0 ? ms : this.typicalMs + LATEST * (ms - this.typicalMs);
	}

	/** The service has refused a request of an item for the rate of requests. */
	refused({ round }: Turn): void {
		this.shrink(round, LEAST_LEFT);
	}

	private shrink(round: number, factor: number): void {
		this.searching = false;
		this.calm = 0;
		if (round < this.round) return;
		this.round += 1;
		this.resize(this.width * Math.max(LEAST_LEFT, factor));
	}

	private resize(width: number): void {
		this.width = Math.min(this.most, Math.max(1, width));
		this.lowest = Math.min(this.lowest, this.size);
		this.highest = Math.max(this.highest, this.size);
		this.onGrow();
	}
}
