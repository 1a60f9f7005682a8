/**
 * When something was created, in relation to a moment of ours; `close` if asking the service for
 * its time a few times more is going to tell.
 */
export type Placed = 'before' | 'after' | 'close' | 'unclear';

/** A request of ours, by our clock (ms), that bounds a time which the service has told in its answer. */
export interface Exchange {
	readonly sentAt: number;
	readonly receivedAt: number;
}

/** The service's clock minus ours lies between these, ms. */
interface Bounds {
	readonly lowest: number;
	readonly highest: number;
	/** When this was learned, by our clock. */
	readonly at: number;
}

/** `Date` tells whole seconds. */
const DATE_STEP_MS = 1_000;
/** What clocks drift against each other, and how long bounds are believed. */
const DRIFT = 2e-4;
const LIFETIME_MS = 10 * 60_000;
/** Answers of one service may come from machines whose clocks differ by so much. */
const MACHINES_DIFFER_MS = 250;
/** By so much the clock that stamps creations may be behind the one of the `Date` header. */
const STAMPS_LATE_MS = 10_000;
/** Bounds that are closer than this are good enough. */
const PRECISE_MS = 150;
/** Bounds of the `Date` clock that are further apart than this tell nothing of a close moment. */
const COARSE_MS = 500;
/**
 * By so much machines of one service may differ unseen. What was created by no more than this too
 * early counts as created after: nobody could tell it from an equal submission at the same moment.
 */
const SAME_MOMENT_MS = 50;
/** Creations that are remembered unread. */
const LATEST = 16;

/** What one answer tells. */
function boundsOf(at: number, stepMs: number, { sentAt, receivedAt }: Exchange): Bounds {
	return { lowest: at - receivedAt, highest: at + stepMs - sentAt, at: receivedAt };
}

/** What two answers tell together; if they contradict each other, either may be right. */
function combined(old: Bounds | undefined, fresh: Bounds): Bounds {
	if (!old || fresh.at - old.at > LIFETIME_MS) return fresh;
	const drift = DRIFT * (fresh.at - old.at);
	const lowest = Math.max(old.lowest - drift, fresh.lowest);
	const highest = Math.min(old.highest + drift, fresh.highest);
	if (lowest <= highest) return { lowest, highest, at: fresh.at };
	return {
		lowest: Math.min(old.lowest, fresh.lowest),
		highest: Math.max(old.highest, fresh.highest),
		at: fresh.at,
	};
}

const ZONE = /(?:Z|[+-]\d\d(?::?\d\d)?)$/i;
/** Time zones differ from UTC by at most so much. */
const ZONES_MS = 15 * 3_600_000;

/** What databases round times down to, ms. */
const STEPS_MS = [86_400_000, 60_000, DATE_STEP_MS];

interface Stamp {
	readonly at: number;
	/** It may have been so much later: the time seems to be rounded down. */
	readonly stepMs: number;
	/** Without a zone it may be any zone's time. */
	readonly zoned: boolean;
}

/** Reads a creation time; a time without a zone is read as UTC, wherever this n8n is. */
function stampOf(text: string | undefined): Stamp | undefined {
	const given = text?.trim() ?? '';
	const zoned = ZONE.test(given);
	const at = Date.parse(zoned ? given : `${given.replace(' ', 'T')}Z`);
	// Go writes times that are not set as the year 1.
	if (!(at > 0)) return undefined;
	return { at, zoned, stepMs: STEPS_MS.find((step) => at % step === 0) ?? 1 };
}

/** Times with a zone and those without are kept apart. */
function kindOf({ zoned }: Stamp): 0 | 1 {
	return zoned ? 0 : 1;
}

/** When something was created, ms, as the service shows it; undefined if it does not. */
export function createdMs(text: string | undefined): number | undefined {
	return stampOf(text)?.at;
}

/**
 * What is known of a service's clock, so that it can be told whether something was created before
 * or after a moment of ours although the clocks differ.
 *
 * Two things tell it: creation times of what was created here, which are exact and of the very
 * clock that matters, and the `Date` header of answers, which tells whole seconds and perhaps
 * another machine's clock. All times of ours are milliseconds of one monotonic clock.
 */
export class ServiceClock {
	/** From `Date` headers. */
	private byDate: Bounds | undefined;
	/** From creation times, those with a zone and those without. */
	private readonly byStamps: [zoned: Bounds | undefined, bare: Bounds | undefined] = [
		undefined,
		undefined,
	];
	/**
	 * The finest steps of creation times, those with a zone and those without: where there are finer
	 * ones, a time that seems to be rounded down is one that happened to be whole.
	 */
	private readonly finestMs: [zoned: number, bare: number] = [Infinity, Infinity];
	/** The latest creations, read when they are needed: thousands of them are not. */
	private created: Array<readonly [stamp: string, exchange: Exchange]> = [];

	/** Takes in the `Date` header of an answer. */
	heard(date: string | undefined, exchange: Exchange): void {
		const at = Date.parse(date ?? '');
		if (Number.isNaN(at)) return;
		this.byDate = combined(this.byDate, boundsOf(at, DATE_STEP_MS, exchange));
	}

	/** Takes in when something was created by a request of ours. */
	createdHere(stamp: string | undefined, exchange: Exchange): void {
		if (stamp === undefined) return;
		if (this.created.length >= LATEST) this.created = this.created.slice(LATEST / 2);
		this.created.push([stamp, exchange]);
	}

	/**
	 * Whether something was created before or after a moment.
	 *
	 * @param created creation time, as the service shows it
	 * @param since the moment, by our clock
	 * @param shownAt when the creation time was shown, by our clock
	 * @param mayAsk whether `close` is an answer; otherwise what is known has to do
	 */
	place(created: string | undefined, since: number, shownAt: number, mayAsk = true): Placed {
		const stamp = this.read(created);
		if (!stamp) return 'unclear';
		this.readCreated();
		const bounds = this.byStamps[kindOf(stamp)];
		if (bounds && shownAt - bounds.at <= LIFETIME_MS) {
			return placed(stamp, since, bounds, MACHINES_DIFFER_MS);
		}
		const { byDate } = this;
		if (!byDate) return 'unclear';
		if (!stamp.zoned) {
			return placed(stamp, since, byDate, ZONES_MS) === 'before' ? 'before' : 'unclear';
		}
		// Created after it was shown: the two clocks are not the same.
		if (stamp.at - shownAt > byDate.highest + MACHINES_DIFFER_MS) return 'unclear';
		const where = stamp.at - since;
		const isClose = where + stamp.stepMs > byDate.lowest && where < byDate.highest;
		const width = byDate.highest - byDate.lowest;
		if (isClose && width > PRECISE_MS) {
			if (mayAsk) return 'close';
			if (width > COARSE_MS) return 'unclear';
		}
		return placed(stamp, since, byDate, STAMPS_LATE_MS);
	}

	/**
	 * How long to wait, ms, before the `Date` of a further answer tells most: until the middle of
	 * the time in which the service's clock goes on to its next second.
	 *
	 * @param now by our clock
	 */
	untilTelling(now: number): number {
		if (!this.byDate) return 0;
		const { lowest, highest } = this.byDate;
		const theirs = now + (lowest + highest) / 2;
		return DATE_STEP_MS - (((theirs % DATE_STEP_MS) + DATE_STEP_MS) % DATE_STEP_MS);
	}

	/** Reads a creation time, and learns from it how fine they are. */
	private read(created: string | undefined): Stamp | undefined {
		const stamp = stampOf(created);
		if (stamp) {
			const kind = kindOf(stamp);
			this.finestMs[kind] = Math.min(this.finestMs[kind], stamp.stepMs);
		}
		return stamp;
	}

	private readCreated(): void {
		const latest = this.created.map(([text, exchange]) => ({ stamp: this.read(text), exchange }));
		for (const { stamp, exchange } of latest) {
			if (!stamp) continue;
			const kind = kindOf(stamp);
			const bounds = boundsOf(stamp.at, this.finestMs[kind], exchange);
			this.byStamps[kind] = combined(this.byStamps[kind], bounds);
		}
		this.created = [];
	}
}

/**
 * @param stamp the creation by the service's clock
 * @param since the moment by ours
 * @param doubtMs what was created too early by no more than this may be of after
 */
function placed(
	{ at, stepMs }: Stamp,
	since: number,
	{ lowest, highest }: Bounds,
	doubtMs: number,
): Placed {
	const where = at - since;
	const width = highest - lowest;
	// Bounds that contradicted each other are far apart, and their middle means nothing.
	const likely =
		width <= PRECISE_MS ? lowest : Math.max(lowest + width / 2, highest - DATE_STEP_MS);
	if (where >= likely - SAME_MOMENT_MS) return 'after';
	return where + stepMs <= lowest - doubtMs ? 'before' : 'unclear';
}
