import type { CancelSignal } from '../util/cancelSignal';
import type { SubmitOptions } from '../once/createOnce';
import type { Api } from '../api/api';
import { cancelTask } from '../api/cancelRemote';
import { Deadline } from '../util/deadline';
import type { ServiceNotice } from '../api/envelope';
import {
	AbandonedError,
	InferenceError,
	NotFoundError,
	PermissionError,
	StoppedError,
	TaskCancelledError,
	TaskFailedError,
	TimeoutError,
	type RemoteWork,
} from '../errors';
import { follow, type FollowContext, type TaskObserver, type Via } from './followTask';
import { outcomeOf } from '../util/outcome';
import { backoffDelay } from '../api/retryTiming';
import type { RunRequest } from './runRequest';
import { submit } from './submitTask';
import { unreadTask, type Task } from './task';
import type { Release } from '../util/keyedQueue';
import type { ClientContext } from '../api/context';

/**
 * What is known of an item's task from an earlier try in the same execution. It is what keeps
 * n8n's Retry On Fail from buying a task twice.
 */
export type TaskProgress =
	| { readonly state: 'none' }
	/** A request that may have created a task is on its way or lost. */
	| { readonly state: 'submitting'; readonly since: number; readonly attempts: number }
	| {
			readonly state: 'running';
			readonly task: Task;
			readonly attempts: number;
			/** This run has cancelled it; it may complete all the same. */
			readonly cancelled?: boolean;
	  };

/** How to run one item. */
export interface TaskRunOptions {
	/** What an earlier try has done. */
	readonly progress: TaskProgress;
	/** Told before and after everything that may cost money. */
	onProgress(progress: TaskProgress): void;
	/** `none` returns as soon as the task exists. */
	readonly wait: 'result' | 'none';
	/** Whether the result must be the full object of `GET /tasks/{id}`. */
	readonly full: boolean;
	readonly observer: TaskObserver;
	/** Completes the request before it is submitted, within the item's time. */
	prepare?(request: RunRequest, signal: CancelSignal): Promise<RunRequest>;
	/** Aborts with the node run. */
	readonly signal: CancelSignal;
}

/** A task that was started, or has completed, for an item. */
export interface TaskRun {
	readonly task: Task;
	/** Requests that tried to start it. */
	readonly attempts: number;
	/** From the item's start to its end, ms. */
	readonly durationMs: number;
	readonly via: Via;
	/** Found in the task list after its submission got no answer. */
	readonly adopted: boolean;
	/** Its stream failed so often that polling took over. */
	readonly fellBack: boolean;
	readonly notices: readonly ServiceNotice[];
}

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
	return bounded(options, context, (inner, note) => attempts(request, options, inner, note));
}

/** What following a task needs that running one needs, too. */
export type FollowTaskOptions = Pick<TaskRunOptions, 'full' | 'observer' | 'signal'>;

/**
 * Follows a task that is already there to its end. It is never started again.
 *
 * @throws NotFoundError and PermissionError that name the task; otherwise as `runTask`
 */
export function followTask(
	taskId: string,
	options: FollowTaskOptions,
	context: ClientContext,
): Promise<TaskRun> {
	const task = unreadTask(taskId);
	const progress: TaskProgress = { state: 'running', task, attempts: 0 };
	return bounded({ ...options, progress, onProgress: () => {} }, context, async (inner) => {
		const started = inner.clock.now();
		const end = await outcomeOf(follow(task, inner));
		if (!end.ok) throw cannotFollow(taskId, end.error);
		const failure = failureOf(end.value.task, inner.api);
		if (failure) throw failure;
		const durationMs = Math.round(inner.clock.now() - started);
		return { ...end.value, attempts: 0, durationMs, adopted: false, notices: [] };
	});
}

function cannotFollow(taskId: string, error: unknown): unknown {
	const unknown = error instanceof NotFoundError;
	if (!unknown && !(error instanceof PermissionError)) return error;
	const why = unknown ? 'There is no such task, or this API key cannot see it' : error.message;
	const Kind = unknown ? NotFoundError : PermissionError;
	return new Kind(`Task ${taskId} cannot be followed. ${why}`, {
		...{ about: { kind: 'task', id: taskId }, httpStatus: error.httpStatus, cause: error },
		hint: 'Check the task ID, and that the API key belongs to the workspace that started the task.',
	});
}

/** Gives an item its turn and its time, and takes care of its task when that is over. */
async function bounded(
	options: Omit<TaskRunOptions, 'wait'>,
	context: ClientContext,
	job: (inner: FollowContext, note: (progress: TaskProgress) => void) => Promise<TaskRun>,
): Promise<TaskRun> {
	let current: TaskProgress = options.progress;
	const note = (progress: TaskProgress) => {
		current = progress;
		options.onProgress(progress);
	};
	const { account, maxConcurrency, settings } = context;
	const { timeoutMs } = settings;
	const scope = new Deadline(options.signal);
	const { signal } = scope;
	let release: Release | undefined;
	try {
		signal.throwIfAborted();
		if (maxConcurrency > 0) release = await account.slot(maxConcurrency, signal);
		// The item's time starts here, not while it waits for its turn.
		if (timeoutMs !== undefined) scope.start(timeoutMs, () => tooLong(timeoutMs));
		const { observer, full } = options;
		return await job({ ...context, signal, observer, full }, note);
	} catch (error) {
		return await end(error);
	} finally {
		scope[Symbol.dispose]();
		release?.();
	}

	async function end(error: unknown): Promise<never> {
		const reason: unknown = signal.reason;
		const gaveUp = error === reason && reason instanceof InferenceError;
		throw gaveUp ? await giveUp(reason, current, context, note) : error;
	}
}

function tooLong(timeoutMs: number): TimeoutError {
	return new TimeoutError(`did not finish within ${formatSeconds(timeoutMs)}`);
}

async function attempts(
	request: RunRequest,
	options: TaskRunOptions,
	context: FollowContext,
	note: (progress: TaskProgress) => void,
): Promise<TaskRun> {
	const { clock, settings } = context;
	const started = clock.now();
	let progress = options.progress;
	const madeBefore = progress.state === 'none' ? 0 : progress.attempts;
	let made = madeBefore;
	let adopted = false;
	let notices: readonly ServiceNotice[] = [];
	for (;;) {
		const begun = progress.state === 'running' ? progress.task : await begin(progress);
		const dead = progress.state === 'running' && progress.cancelled === true;
		if (options.wait === 'none' && !dead) return result(begun, 'submit', false);
		const followed = await follow(begun, context);
		const { task } = followed;
		if (task.status === 'completed') return result(task, followed.via, followed.fellBack);
		note({ state: 'none' });
		if (task.status === 'cancelled') {
			if (progress.state !== 'running' || !progress.cancelled) throw cancelledElsewhere(task);
			progress = { state: 'none' };
			continue;
		}
		const used = made - madeBefore;
		if (!settings.retryOn.has('taskFailed') || used > settings.maxRetries)
			throw failed(task, context.api);
		progress = { state: 'none' };
		const backoff = { baseMs: settings.backoffBaseMs, capMs: settings.backoffCapMs };
		await clock.delay(backoffDelay(Math.max(1, used), backoff, clock), context.signal);
		context.statistics.retries += 1;
	}

	async function begin(from: Exclude<TaskProgress, { state: 'running' }>): Promise<Task> {
		const submission: SubmitOptions<Task> = {
			failedAttempts: made - madeBefore,
			unclearSince: from.state === 'submitting' ? from.since : undefined,
			onAttempt: (since) => {
				made += 1;
				note({ state: 'submitting', since, attempts: made });
			},
			onNothingStarted: () => note({ state: 'none' }),
			onCreated: (task) => note({ state: 'running', task, attempts: made }),
		};
		const whole = options.prepare ? await options.prepare(request, context.signal) : request;
		const submitted = await submit(whole, submission, context);
		adopted ||= submitted.adopted;
		if (submitted.notices.length > 0) notices = [...notices, ...submitted.notices];
		return submitted.value;
	}

	function result(task: Task, via: Via, fellBack: boolean): TaskRun {
		const durationMs = Math.round(clock.now() - started);
		return { task, attempts: Math.max(1, made), durationMs, via, adopted, fellBack, notices };
	}
}

/** Cancels what is running, if that is wanted, and says what became of it. */
async function giveUp(
	reason: InferenceError,
	progress: TaskProgress,
	context: ClientContext,
	note: (progress: TaskProgress) => void,
): Promise<InferenceError> {
	const timedOut = reason instanceof TimeoutError;
	const { onTimeout, onStop } = context.settings;
	const keep = reason instanceof AbandonedError || (timedOut ? onTimeout : onStop) === 'keep';
	const about: RemoteWork | undefined =
		progress.state === 'running' ? { kind: 'task', id: progress.task.id } : undefined;
	const fate = await settleFate();
	const subject = about === undefined ? 'The item' : `Task ${about.id}`;
	const Kind = timedOut ? TimeoutError : StoppedError;
	return new Kind(`${subject} ${reason.message}. ${fate.said}`, { about, hint: fate.hint });

	async function settleFate(): Promise<{ said: string; hint: string | undefined }> {
		if (progress.state === 'none') {
			return { said: 'Nothing was started for it.', hint: undefined };
		}
		if (progress.state === 'submitting') {
			return {
				said: 'Its task was being submitted, and it is not known whether it was started.',
				hint: 'Look at the task list on inference.sh before running this item again.',
			};
		}
		if (keep) {
			return {
				said: 'The task was left running.',
				hint: `Follow it by its id, ${progress.task.id}, or cancel it on inference.sh.`,
			};
		}
		const outcome = await cancelTask(progress.task.id, context);
		if (outcome.kind === 'failed') {
			return {
				said: `The task could not be cancelled (${outcome.reason}) and may still be running.`,
				hint: `Cancel task ${progress.task.id} on inference.sh.`,
			};
		}
		note({ ...progress, cancelled: true });
		return {
			said: outcome.kind === 'cancelled' ? 'The task was cancelled.' : 'The task was already over.',
			hint: timedOut ? 'Raise Timeout if the app needs longer.' : undefined,
		};
	}
}

/** The error of an item whose turn never came because `reason` ended the whole run. */
export function notStarted(reason: unknown): InferenceError {
	const said = reason instanceof InferenceError ? reason.message : 'was not run';
	const Kind = reason instanceof TimeoutError ? TimeoutError : StoppedError;
	return new Kind(`The item ${said}. Nothing was started for it.`);
}

/** Why a task has no result; undefined unless it has ended without one. */
export function failureOf(task: Task, api: Pick<Api, 'clean'>): InferenceError | undefined {
	if (task.status === 'cancelled') return cancelledElsewhere(task);
	return task.status === 'failed' ? failed(task, api) : undefined;
}

function failed(task: Task, api: Pick<Api, 'clean'>): TaskFailedError {
	const reason = api.clean(task.error ?? 'the service gave no reason');
	return new TaskFailedError(`Task ${task.id} failed: ${reason}`, {
		about: { kind: 'task', id: task.id },
		hint: 'The reason comes from the app. Check its input and its logs.',
	});
}

function cancelledElsewhere(task: Task): TaskCancelledError {
	return new TaskCancelledError(`Task ${task.id} was cancelled on inference.sh`, {
		about: { kind: 'task', id: task.id },
		hint: 'Somebody or something outside this workflow cancelled it.',
	});
}

function formatSeconds(ms: number): string {
	return `${Math.round(ms / 100) / 10} s`;
}
