import type { Account } from '../api/account';
import type { Timings } from '../settings';
import type { Clock } from '../util/clock';
import type { QuietStream } from '../util/quietWatch';
import type { StreamEvent } from './streamEvents';

/** What a pulse needs to know of the world. */
export interface PulseContext {
	readonly clock: Pick<Clock, 'now'>;
	readonly account: Pick<Account, 'streamsHeld'>;
	readonly timings: Pick<
		Timings,
		'silentCheckMs' | 'heldCheckMs' | 'missedBeatMs' | 'quietCheckMs' | 'pollCapMs'
	>;
}

/** What has been running for long is asked less often: after this part of the time it has taken. */
const PART_OF_AGE = 1 / 60;

/**
 * Tells by the silence of a stream when its subject has to be asked itself: a stream may be held back
 * on its way by something that buffers, or be alive and not mention what was over before it began.
 *
 * | what is known of the stream                             | it is quiet after                        |
 * | ------------------------------------------------------- | ---------------------------------------- |
 * | no heartbeat has come through alone                     | 4 s without a byte, 1.25 s where streams |
 * |                                                         | were held back before, or 1/60 of the    |
 * |                                                         | time that was waited, up to 10 s         |
 * | one has                                                 | 15 s without a byte                      |
 * | nothing was said of its subject, which was not asked    | 4 s since it began, heartbeats or not    |
 * | something was said of it, or it was asked               | 45 s since then, heartbeats or not       |
 *
 * What buffers lets no few bytes through alone, so a heartbeat that comes alone proves that nothing
 * does, and where streams speak, as a rule no question is asked. Each question counts like a byte.
 */
export class StreamPulse implements QuietStream {
	private lastByteAt: number;
	private lastWordAt: number;
	private lastLookAt: number;
	/** Whether a heartbeat has come alone since the stream was quiet. */
	private beats = false;
	/** Whether anything was said of the subject, or it was asked. */
	private told = false;
	private looking = false;

	/**
	 * @param since when following its subject began, by the clock
	 * @param onQuiet asks the subject; to call `looks` and `looked`
	 */
	constructor(
		private readonly context: PulseContext,
		private readonly since: number,
		readonly onQuiet: () => void,
	) {
		const now = context.clock.now();
		this.lastByteAt = now;
		this.lastWordAt = now;
		this.lastLookAt = now;
	}

	/** Bytes have come, and the events that they complete. */
	heard(events: readonly StreamEvent[]): void {
		const { clock, account } = this.context;
		const now = clock.now();
		this.lastByteAt = now;
		if (events.length === 1 && events[0]?.kind === 'heartbeat') {
			this.beats = true;
			account.streamsHeld = false;
		} else if (events.some(({ kind }) => kind === 'update' || kind === 'delta')) {
			this.lastWordAt = now;
			this.told = true;
		}
	}

	isQuiet(now: number): boolean {
		if (this.looking) return false;
		const { silentCheckMs, missedBeatMs, quietCheckMs } = this.context.timings;
		const silentFor = now - Math.max(this.lastByteAt, this.lastLookAt);
		if (silentFor >= (this.beats ? missedBeatMs : this.patienceMs(now))) return true;
		const wordlessFor = now - Math.max(this.lastWordAt, this.lastLookAt);
		return wordlessFor >= (this.told ? quietCheckMs : silentCheckMs);
	}

	private patienceMs(now: number): number {
		const { account, timings } = this.context;
		const { silentCheckMs, heldCheckMs, pollCapMs } = timings;
		const least = account.streamsHeld ? heldCheckMs : silentCheckMs;
		return Math.max(least, Math.min((now - this.since) * PART_OF_AGE, pollCapMs));
	}

	/** The subject is being asked. */
	looks(): void {
		this.looking = true;
		const { clock, timings } = this.context;
		const now = clock.now();
		if (now - this.lastByteAt >= timings.missedBeatMs) this.beats = false;
		this.lastLookAt = now;
		this.told = true;
	}

	/**
	 * The subject has answered, or has not.
	 *
	 * @param isNews whether the stream should have told that before
	 */
	looked(isNews: boolean): void {
		this.looking = false;
		const { clock, account, timings } = this.context;
		if (isNews && !this.beats && clock.now() - this.lastByteAt >= timings.heldCheckMs) {
			account.streamsHeld = true;
		}
	}
}
