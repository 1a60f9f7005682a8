import type { ClientContext } from '../api/context';
import type { ServiceNotice } from '../api/envelope';
import { withinItsTime } from '../api/itemTime';
import { backoffDelay } from '../api/retryTiming';
import { NotFoundError } from '../errors';
import type { Created, SubmitOptions } from '../once/createOnce';
import { followTask, type FollowContext, type Followed } from './followTask';
import { giveUpTask } from './giveUpTask';
import type { RunRequest } from './runRequest';
import { findSubmitted, submit } from './submitTask';
import { outcomeOf } from '../util/outcome';
import type { Task } from './task';
import { cancelledElsewhere, taskFailed } from './taskFailure';
import type { TaskProgress, TaskRun, TaskRunOptions } from './taskRun';

type Running = Extract<TaskProgress, { readonly state: 'running' }>;

/**
 * Runs one app to its end: submit, follow, and again if a failed task may be repeated.
 *
 * @throws TimeoutError and StoppedError, after the remote task has been cancelled or left as
 * asked; TaskFailedError, TaskCancelledError; what submitting and following throw
 */
export function runTask(
	request: RunRequest,
	options: TaskRunOptions,
	context: ClientContext,
): Promise<TaskRun> {
	const { signal, full, observer, onStatus } = options;
	let { progress } = options;
	const note = (next: TaskProgress) => {
		progress = next;
		options.onProgress(next);
	};
	return withinItsTime(
		{ signal, verb: 'finish' },
		context,
		(inner) => {
			const following = { ...inner, full, observer, onStatus, accepted: true };
			return new TaskAttempts(request, options, following, note).run();
		},
		async (givenUp) => await giveUpTask(givenUp, progress, context, note),
	);
}

/** All that is tried for one item, until one of its tasks completes or it fails for good. */
class TaskAttempts {
	private readonly startedAt: number;
	/** Requests that an earlier try has made. */
	private readonly madeBefore: number;
	private made: number;
	private adopted = false;
	private notices: readonly ServiceNotice[] = [];

	constructor(
		private readonly request: RunRequest,
		private readonly options: TaskRunOptions,
		private readonly context: FollowContext,
		private readonly note: (progress: TaskProgress) => void,
	) {
		const { progress } = options;
		this.startedAt = context.clock.now();
		this.madeBefore = progress.state === 'none' ? 0 : progress.attempts;
		this.made = this.madeBefore;
	}

	async run(): Promise<TaskRun> {
		let { progress } = this.options;
		const mayReuse = this.options.takeEarlier !== undefined && progress.state === 'none';
		const earlier = mayReuse ? await this.earlierResult() : undefined;
		if (earlier) return earlier;
		for (;;) {
			const running = progress.state === 'running' ? progress : await this.begin(progress);
			const { task, cancelled = false } = running;
			// What this run has cancelled is no start of anything.
			if (this.options.wait === 'none' && !cancelled) {
				return this.result({ task, via: 'submit', fellBack: false });
			}
			const end = await followTask(task, this.context);
			if (end.task.status === 'completed') return this.result(end, running.earlier);
			this.note({ state: 'none' });
			const asExpected = running.earlier === true || (cancelled && end.task.status === 'cancelled');
			if (!asExpected) await this.beforeAnother(end.task);
			progress = { state: 'none' };
		}
	}

	/** The result of a task that was bought before; undefined if none completes. */
	private async earlierResult(): Promise<TaskRun | undefined> {
		const { takeEarlier, wait } = this.options;
		for (let found = takeEarlier?.(); found; found = takeEarlier?.()) {
			const { task, completed, isRead } = found;
			if (wait === 'none' || (isRead && !this.context.full)) return this.result(reused(task), true);
			if (!completed) this.note({ state: 'running', task, attempts: 0, earlier: true });
			const end = await outcomeOf(followTask(task, this.context));
			if (!end.ok && !(end.error instanceof NotFoundError)) throw end.error;
			this.note({ state: 'none' });
			if (!end.ok || end.value.task.status !== 'completed') continue;
			return this.result(completed ? reused(end.value.task) : end.value, true);
		}
		return undefined;
	}

	/** Finds the task that an earlier try may have started, by what was sent then; else starts one. */
	private async begin(from: Exclude<TaskProgress, Running>): Promise<Running> {
		const { request, options, context } = this;
		if (from.state === 'submitting') {
			const { sent } = from;
			const found = await findSubmitted(sent, this.reports(sent.request), context);
			if (found) return this.begun(found);
		}
		const whole = options.prepare ? await options.prepare(request, context.signal) : request;
		return this.begun(await submit(whole, this.reports(whole), context));
	}

	/** Notes what becomes of a submission. */
	private reports(request: RunRequest): SubmitOptions<Task> {
		return {
			failedAttempts: this.used,
			onAttempt: (since) => {
				this.made += 1;
				this.note({ state: 'submitting', sent: { request, since }, attempts: this.made });
			},
			onNothingStarted: () => this.note({ state: 'none' }),
			onCreated: (task) => this.note({ state: 'running', task, attempts: this.made }),
		};
	}

	private begun({ value: task, adopted, notices }: Created<Task>): Running {
		this.adopted ||= adopted;
		if (notices.length > 0) this.notices = [...this.notices, ...notices];
		return { state: 'running', task, attempts: this.made };
	}

	/**
	 * Waits before another task takes the place of one that has ended without a result.
	 *
	 * @throws the failure of that one, if none may
	 */
	private async beforeAnother(ended: Task): Promise<void> {
		if (ended.status === 'cancelled') throw cancelledElsewhere(ended);
		const { api, clock, settings, statistics, signal } = this.context;
		if (!settings.retryOn.has('taskFailed') || this.used > settings.maxRetries) {
			throw taskFailed(ended, api);
		}
		const backoff = { baseMs: settings.backoffBaseMs, capMs: settings.backoffCapMs };
		await clock.delay(backoffDelay(Math.max(1, this.used), backoff, clock), signal);
		statistics.retries += 1;
	}

	/** Requests of this try; they count against Max Retries. */
	private get used(): number {
		return this.made - this.madeBefore;
	}

	private result(
		{ task, via, fellBack }: Omit<Followed, 'via'> & Pick<TaskRun, 'via'>,
		reused = false,
	): TaskRun {
		const durationMs = Math.round(this.context.clock.now() - this.startedAt);
		const attempts = reused ? 0 : Math.max(1, this.made);
		const { adopted, notices } = this;
		return { task, attempts, durationMs, via, reused, adopted, fellBack, notices };
	}
}

function reused(task: Task) {
	return { task, via: 'reuse', fellBack: false } as const;
}
