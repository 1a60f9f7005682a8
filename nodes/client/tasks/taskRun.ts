import type { ServiceNotice } from '../api/envelope';
import type { CancelSignal } from '../util/cancelSignal';
import type { TaskObserver, Via } from './followTask';
import type { RunRequest } from './runRequest';
import type { SentRequest } from './submitTask';
import type { Task } from './task';
import type { EarlierTask } from './taskIndex';

/**
 * What is known of an item's task from an earlier try in the same execution. It is what keeps
 * n8n's Retry On Fail from buying a task twice.
 */
export type TaskProgress =
	| { readonly state: 'none' }
	/** A request that may have created a task is on its way or lost. */
	| { readonly state: 'submitting'; readonly sent: SentRequest; readonly attempts: number }
	| {
			readonly state: 'running';
			readonly task: Task;
			readonly attempts: number;
			/** This run has cancelled it; it may complete all the same. */
			readonly cancelled?: boolean;
			/** Somebody else has started it, so it is not ours to cancel. */
			readonly earlier?: boolean;
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
	/** Told of each new status of its task. */
	readonly onStatus?: ((task: Task) => void) | undefined;
	/** Completes the request before it is submitted, within the item's time. */
	prepare?(request: RunRequest, signal: CancelSignal): Promise<RunRequest>;
	/** Takes a task that was bought before and serves the item as well; asked until there is none. */
	takeEarlier?(): EarlierTask | undefined;
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
	readonly via: Via | 'reuse';
	/** Bought before, by whomever. */
	readonly reused: boolean;
	/** Found in the task list after its submission got no answer. */
	readonly adopted: boolean;
	/** Its stream failed so often that polling took over. */
	readonly fellBack: boolean;
	readonly notices: readonly ServiceNotice[];
}
