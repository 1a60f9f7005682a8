import { TimeoutError } from '../client/errors';
import { systemClock } from '../client/util/clock';
import type { NodeRunSettings } from '../shared/parameters/runSettings';
import type { NodeRun } from '../shared/run/nodeRun';
import type { Budget } from './budget';
import { CircuitBreakers, type BreakerPlace } from './breaker';
import type { Tally } from './summary';

/** Of the total time, what is kept for cancelling the tasks that are still running at its end, ms. */
export function cancelReserve({ totalTimeoutMs }: NodeRunSettings): number {
	return totalTimeoutMs === undefined ? 0 : Math.min(5_000, totalTimeoutMs / 10);
}

/** Decides whether a batch starts a further item. Once its time is over, it never does again. */
export class StopRules {
	private readonly breakers: CircuitBreakers;
	/** When running items begin to be cancelled, ms since the epoch. */
	private readonly endsAt: number;
	private late = false;

	/**
	 * @param tally keeps the reason, for the summary
	 * @param startedAt ms since the epoch
	 * @param stopAfterFailures see `BatchSettings`
	 * @param budget undefined if there is no limit
	 */
	constructor(
		private readonly run: NodeRun,
		private readonly tally: Tally,
		startedAt: number,
		stopAfterFailures: number,
		private readonly budget: Budget | undefined,
	) {
		const { settings } = run;
		const { totalTimeoutMs = Infinity } = settings;
		this.endsAt = startedAt + totalTimeoutMs - cancelReserve(settings);
		this.breakers = new CircuitBreakers(stopAfterFailures);
	}

	/**
	 * Why no further item is started, continuing "Not started: …"; undefined if it may be.
	 *
	 * @param place under which account, if that is known already
	 */
	obstacle(place?: BreakerPlace): string | undefined {
		const { tally, breakers } = this;
		const open = place && breakers.reason(place);
		if (open !== undefined) tally.stoppedBy ??= 'circuit_breaker';
		return open ?? this.timeOver() ?? this.overBudget();
	}

	succeeded(place: BreakerPlace): void {
		this.breakers.succeeded(place);
	}

	/** @param place undefined if there is no account to run it under */
	failed(error: unknown, place: BreakerPlace | undefined): void {
		if (place) this.breakers.failed(place, error);
		if (error instanceof TimeoutError && this.run.scope.signal.aborted) this.endTime();
	}

	/** Why nothing more may be spent, if nothing may. */
	overBudget(): string | undefined {
		const reason = this.budget?.obstacle();
		if (reason !== undefined) this.tally.stoppedBy ??= 'budget';
		return reason;
	}

	private timeOver(): string | undefined {
		const leftMs = this.endsAt - systemClock.now();
		// What has less time than the fastest item took cannot finish.
		if (this.run.scope.signal.aborted || leftMs < this.tally.fastest) this.endTime();
		return this.late ? '"Limit: Total Timeout (Seconds)" leaves no time for it' : undefined;
	}

	private endTime(): void {
		this.late = true;
		this.tally.stoppedBy ??= 'total_timeout';
	}
}
