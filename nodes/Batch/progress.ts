import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import type { Clock } from '../client/util/clock';
import { outcomeOf } from '../client/util/outcome';
import { LiveStream } from '../shared/run/liveStream';
import type { Tally } from './summary';

/** A batch whose items take long still shows that it is alive this often. */
const INTERVAL_MS = 10_000;

/**
 * Tells how far a batch is: a log line, and a chunk if the execution streams to its caller, every
 * so many items and every ten seconds.
 */
export class ProgressReports {
	/** Items done at the last report. */
	private reported: number | undefined;
	private readonly live: LiveStream | undefined;

	constructor(
		private readonly context: IExecuteFunctions,
		private readonly tally: Tally,
		private readonly clock: Clock,
		/** Items between two reports, 0 for time only. */
		private readonly every: number,
	) {
		this.live = LiveStream.to(context);
	}

	/** Called when an item is done. */
	itemDone(): void {
		if (this.every > 0 && this.tally.done % this.every === 0) this.report();
	}

	/** Reports at intervals until `signal` aborts; never rejects. */
	async run(signal: AbortSignal): Promise<void> {
		for (;;) {
			const waited = await outcomeOf(this.clock.delay(INTERVAL_MS, signal));
			if (!waited.ok) return;
			this.report();
		}
	}

	/** The last report, unless it would repeat the one before. */
	async end(): Promise<void> {
		if (this.reported !== this.tally.done) this.report();
		await this.live?.flush();
	}

	private report(): void {
		const { tally } = this;
		this.reported = tally.done;
		const rate = tally.rate(this.clock.now());
		const left = rate === 0 ? undefined : Math.round((tally.total - tally.done) / rate);
		const facts: IDataObject = {
			done: tally.done,
			total: tally.total,
			succeeded: tally.succeeded,
			failed: tally.failed,
			not_started: tally.notStarted,
			per_second: Math.round(rate * 100) / 100,
			seconds_left: left ?? null,
		};
		const estimate = left === undefined ? '' : `, about ${left} s left`;
		const line = `inference.sh Batch: ${tally.done} of ${tally.total} items done, ${tally.failed} failed, ${rate.toFixed(1)} per second${estimate}`;
		void outcomeOf(this.tell(line, facts));
	}

	/** May fail, for example if the log cannot be written: that does not concern the batch. */
	private async tell(line: string, facts: IDataObject): Promise<void> {
		this.context.logger.info(line);
		this.live?.send('item', 0, { progress: facts });
	}
}
