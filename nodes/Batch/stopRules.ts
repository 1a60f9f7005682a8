import { TimeoutError } from '../client/errors';
import { systemClock } from '../client/util/clock';
import type { NodeRunSettings } from '../shared/parameters/runSettings';
import type { NodeRun } from '../shared/run/nodeRun';
import { CircuitBreaker } from './breaker';
import type { Tally } from './summary';

/** Of the total time, what is kept for cancelling the tasks that are still running at its end, ms. */
export function cancelReserve({ totalTimeoutMs }: NodeRunSettings): number {
	return totalTimeoutMs === undefined ? 0 : Math.min(5_000, totalTimeoutMs / 10);
}

/** Decides whether a batch starts a further item. Once it does not, it never does again. */
export class StopRules {
	private readonly breaker: CircuitBreaker;
	/** When running items begin to be cancelled, ms since the epoch. */
	private readonly endsAt: number;

	/**
	 * @param tally keeps the reason, for the summary
	 * @param startedAt ms since the epoch
	 * @param stopAfterFailures see `BatchSettings`
	 */
	constructor(
		private readonly run: NodeRun,
		private readonly tally: Tally,
		startedAt: number,
		stopAfterFailures: number,
	) {
		const { settings } = run;
		const { totalTimeoutMs = Infinity } = settings;
		this.endsAt = startedAt + totalTimeoutMs - cancelReserve(settings);
		this.breaker = new CircuitBreaker(stopAfterFailures);
	}

	mayStart(): boolean {
		const { tally, breaker } = this;
		const { signal } = this.run.scope;
		const leftMs = this.endsAt - systemClock.now();
		if (breaker.reason !== undefined) tally.stoppedBy ??= 'circuit_breaker';
		// What has less time than the fastest item took cannot finish.
		else if (signal.aborted || leftMs < tally.fastest) tally.stoppedBy ??= 'total_timeout';
		return tally.stoppedBy === undefined;
	}

	/** Why an item has not been started, continuing "Not started: …". */
	get reason(): string {
		const { breaker, tally } = this;
		return tally.stoppedBy === 'circuit_breaker' && breaker.reason !== undefined
			? breaker.reason
			: 'the Total Timeout leaves no time for it';
	}

	succeeded(): void {
		this.breaker.succeeded();
	}

	failed(error: unknown): void {
		this.breaker.failed(error);
		const timeIsOver = error instanceof TimeoutError && this.run.scope.signal.aborted;
		if (timeIsOver) this.tally.stoppedBy ??= 'total_timeout';
	}
}
