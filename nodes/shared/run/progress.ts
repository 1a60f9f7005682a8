import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { systemClock, type Clock } from '../../client/util/clock';
import { outcomeOf } from '../../client/util/outcome';
import { announce } from './announce';
import { LiveStream } from './liveStream';

/** A run whose items take long still shows that it is alive this often. */
const INTERVAL_MS = 10_000;

/** Counts the items of a run. */
export class ItemCount {
	succeeded = 0;
	failed = 0;
	notStarted = 0;

	constructor(
		readonly total: number,
		protected readonly startedAt: number,
	) {}

	get done(): number {
		return this.succeeded + this.failed + this.notStarted;
	}

	/** Items done per second since the start. */
	rate(now: number): number {
		const seconds = Math.max(1, now - this.startedAt) / 1000;
		return (this.succeeded + this.failed) / seconds;
	}
}

/** Tells how far a run is: in n8n's log and the console of the browser, every ten seconds. */
export class ProgressReports {
	/** Items done at the last report. */
	private reported: number | undefined;

	constructor(
		private readonly context: IExecuteFunctions,
		private readonly count: ItemCount,
		private readonly clock: Clock = systemClock,
		/** Where to tell it as well. */
		private readonly live?: LiveStream,
	) {}

	/** Does `job`, with reports at intervals meanwhile. */
	async during<T>(job: () => Promise<T>): Promise<T> {
		const over = new AbortController();
		const reports = this.run(over.signal);
		try {
			return await job();
		} finally {
			over.abort();
			await reports;
		}
	}

	/** The last report, unless it would repeat the one before. */
	async end(): Promise<void> {
		if (this.reported !== this.count.done) this.report();
		await this.live?.flush();
	}

	report(): void {
		const { count } = this;
		this.reported = count.done;
		const rate = count.rate(this.clock.now());
		const left = rate === 0 ? undefined : Math.round((count.total - count.done) / rate);
		const facts: IDataObject = {
			done: count.done,
			total: count.total,
			succeeded: count.succeeded,
			failed: count.failed,
			not_started: count.notStarted,
			per_second: Math.round(rate * 100) / 100,
			seconds_left: left ?? null,
		};
		const estimate = left === undefined ? '' : `, about ${left} s left`;
		const line = `${count.done} of ${count.total} items done, ${count.failed} failed, ${rate.toFixed(1)} per second${estimate}`;
		void outcomeOf(this.tell(line, facts));
	}

	/** May fail, for example if the log cannot be written: that does not concern the run. */
	private async tell(line: string, facts: IDataObject): Promise<void> {
		announce(this.context, line);
		this.live?.send('item', 0, { progress: facts });
	}

	private async run(signal: AbortSignal): Promise<void> {
		for (;;) {
			const waited = await outcomeOf(this.clock.delay(INTERVAL_MS, signal));
			if (!waited.ok) return;
			this.report();
		}
	}
}
