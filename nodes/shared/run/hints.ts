import type { IExecuteFunctions } from 'n8n-workflow';
import type { ServiceNotice } from '../../client/api/envelope';
import { withoutFullStop } from '../../client/api/problem';
import type { TaskRun } from '../../client/tasks/taskRun';

/** Different notices of the service that are shown; more would bury the output. */
const MOST_NOTICES = 5;

/** Gathers what the user should know about a run beyond its items. */
export class RunHints {
	private readonly notices = new Map<string, ServiceNotice>();
	private readonly extra = new Set<string>();
	private adopted = 0;
	private fellBack = 0;
	/** Why files of outputs are missing. */
	private readonly missing: string[] = [];

	add(run: Pick<TaskRun, 'notices' | 'adopted' | 'fellBack'>): void {
		for (const notice of run.notices) this.notices.set(notice.message, notice);
		if (run.adopted) this.adopted += 1;
		if (run.fellBack) this.fellBack += 1;
	}

	notDownloaded(reason: string): void {
		this.missing.push(withoutFullStop(reason));
	}

	say(message: string): void {
		this.extra.add(message);
	}

	/** Shows the hints above the output. */
	show(context: Pick<IExecuteFunctions, 'addExecutionHints'>): void {
		const say = (message: string, type: 'info' | 'warning') =>
			context.addExecutionHints({ message, type, location: 'outputPane' });
		for (const { message, level } of [...this.notices.values()].slice(0, MOST_NOTICES)) {
			say(`inference.sh: ${message}`, level);
		}
		if (this.adopted > 0) {
			say(
				`The answer to the submission of ${count(this.adopted, 'task')} was lost; ${this.adopted === 1 ? 'it was' : 'they were'} found in the task list and not started again.`,
				'info',
			);
		}
		if (this.fellBack > 0) {
			say(
				`The stream of ${count(this.fellBack, 'task')} kept failing, so the status was polled instead.`,
				'info',
			);
		}
		const [reason] = this.missing;
		if (reason !== undefined) {
			say(
				`${count(this.missing.length, 'file')} could not be downloaded: ${reason}. The URLs are in the output, all reasons in download_errors.`,
				'warning',
			);
		}
		for (const message of this.extra) say(message, 'info');
	}
}

function count(number: number, noun: string): string {
	return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
