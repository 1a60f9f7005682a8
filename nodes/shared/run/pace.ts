import type { RetryStatistics } from '../../client/api/retry';
import { hasStarted, queuedMs } from '../../client/tasks/queueTime';
import type { Task } from '../../client/tasks/task';
import type { AdaptiveWindow } from './adaptiveWindow';
import type { NodeRun } from './nodeRun';

/** How the service takes one item, told to the window as soon as it shows. */
export class Pace {
	private readonly turn;
	private readonly refusedBefore: number;
	private isTold = false;

	/** That of an item that begins; undefined if the run's width is fixed. */
	static of({ width, accounts }: Pick<NodeRun, 'width' | 'accounts'>): Pace | undefined {
		return typeof width === 'number' ? undefined : new Pace(width, accounts.statistics);
	}

	/** @param statistics counts the refusals of all items of the run */
	private constructor(
		private readonly window: AdaptiveWindow,
		private readonly statistics: Readonly<RetryStatistics>,
	) {
		this.turn = window.begin();
		this.refusedBefore = statistics.rateLimited;
	}

	/** The item's task, as it is now. */
	see(task: Task): void {
		if (!this.isTold && hasStarted(task)) this.tell(task);
	}

	/**
	 * The item is over.
	 *
	 * @param task its task, if one has completed
	 */
	end(task: Task | undefined): void {
		if (this.statistics.rateLimited > this.refusedBefore) this.window.refused(this.turn);
		if (!task) return;
		if (!this.isTold) this.tell(task);
		const length = Date.parse(task.updatedAt ?? '') - Date.parse(task.createdAt ?? '');
		const waited = queuedMs(task) ?? 0;
		if (Number.isFinite(length)) this.window.ran(Math.max(0, length - waited));
	}

	/** What has been done without its task, such as a turn of a chat, has not waited. */
	endWithoutTask(): void {
		this.end(undefined);
		this.window.started(this.turn, 0);
	}

	private tell(task: Task): void {
		const waited = queuedMs(task);
		if (waited === undefined && !task.terminal) return;
		this.isTold = true;
		this.window.started(this.turn, waited ?? 0);
	}
}
