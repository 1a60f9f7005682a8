import type { IExecuteFunctions } from 'n8n-workflow';
import { systemClock } from '../../client/util/clock';
import { log, MOST_IN_A_LINE } from './announce';

/** At most one line in this time, however many tasks start. */
const INTERVAL_MS = 100;

/**
 * Names every started task in n8n's log. n8n keeps nothing of a node that was running when its
 * process died: then this is where it says which tasks are at the service, and for which items.
 */
export class TaskJournal implements Disposable {
	private pending: string[] = [];
	private resting = false;

	constructor(private readonly context: IExecuteFunctions) {}

	/** Notes a task; it is in the log at once or a moment later. */
	started(itemIndex: number, taskId: string): void {
		this.pending.push(`${taskId} (item ${itemIndex})`);
		if (!this.resting) void this.writeNowAndThen();
	}

	/** Writes what has not been written yet. */
	private flush(): void {
		while (this.pending.length > 0) {
			log(this.context, `started ${this.pending.splice(0, MOST_IN_A_LINE).join(', ')}`);
		}
	}

	[Symbol.dispose](): void {
		this.flush();
	}

	private async writeNowAndThen(): Promise<void> {
		this.resting = true;
		while (this.pending.length > 0) {
			this.flush();
			await systemClock.delay(INTERVAL_MS);
		}
		this.resting = false;
	}
}
