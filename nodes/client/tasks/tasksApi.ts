import { path } from '../api/api';
import type { CancelOutcome } from '../api/cancelRemote';
import type { ClientContext } from '../api/context';
import { readService } from '../api/readService';
import { untilShown } from '../api/refusals';
import type { InferenceError } from '../errors';
import { asJsonObject } from '../util/json';
import type { CancelSignal } from '../util/cancelSignal';
import type { PendingWork } from '../util/pendingWork';
import { cancelTask } from './cancelTask';
import { readEarlier, type EarlierWanted } from './earlierTasks';
import type { RunRequest } from './runRequest';
import { followExisting, type FollowOptions } from './followExisting';
import { runTask } from './runTask';
import { readCost, type CostRecord } from './taskCost';
import { failureOf } from './taskFailure';
import type { TaskIndex } from './taskIndex';
import { TaskList, type TaskListPage, type TaskListQuestion } from './taskList';
import type { TaskRun, TaskRunOptions } from './taskRun';
import { taskFromWire, type Task } from './task';
import { parseTaskStatus, type TaskStatus } from './taskStatus';

/**
 * Whether a refusal is believed: at once, or only when it has stood for a while, because the task has
 * been accepted.
 */
export type Patience = 'once' | 'patient';

/** Tasks: one is one run of an app (API notes 2 to 4). */
export class TasksApi {
	private readonly list: TaskList;

	/** @param work is told of everything under way */
	constructor(
		private readonly context: ClientContext,
		private readonly work: PendingWork,
	) {
		this.list = new TaskList(context);
	}

	/** Runs one app to its end; see `runTask`. */
	run(request: RunRequest, options: TaskRunOptions): Promise<TaskRun> {
		return this.work.track(runTask(request, options, this.context));
	}

	/** Follows a task that is already there to its end; see `followExisting`. */
	follow(taskId: string, options: FollowOptions): Promise<TaskRun> {
		return this.work.track(followExisting(taskId, options, this.context));
	}

	/** Reads what an app has run before; see `readEarlier`. */
	earlier(ref: string, wanted: EarlierWanted): Promise<TaskIndex> {
		return this.work.track(readEarlier(ref, wanted, this.context));
	}

	/** Reads a page of the account's tasks; see `TaskList.page`. */
	page(question: TaskListQuestion): Promise<TaskListPage> {
		return this.work.track(this.list.page(question));
	}

	/** Reads what a task has cost; see `readCost`. */
	cost(taskId: string, signal: CancelSignal): Promise<CostRecord> {
		return this.work.track(readCost(taskId, this.context, signal));
	}

	/** Cancels a task; never throws. */
	async cancel(taskId: string): Promise<CancelOutcome> {
		return await this.work.track(cancelTask(taskId, this.context));
	}

	/**
	 * Asks for a task's status alone; reading the whole task may be tens of kilobytes.
	 *
	 * @throws NotFoundError if the service does not know the task
	 */
	async status(taskId: string, patience: Patience = 'once'): Promise<TaskStatus> {
		const route = path('tasks', taskId, 'status');
		const { status } = await this.read(taskId, route, asJsonObject, patience);
		return parseTaskStatus(status);
	}

	/**
	 * Reads a task as it is now.
	 *
	 * @returns with `failure`, why it has no result, if it has ended without one
	 * @throws NotFoundError if the service does not know the task
	 */
	async get(
		taskId: string,
		patience: Patience = 'once',
	): Promise<{ task: Task; failure: InferenceError | undefined }> {
		const task = await this.read(taskId, path('tasks', taskId), taskFromWire, patience);
		return { task, failure: failureOf(task, this.context.api) };
	}

	/** Why a task has no result; undefined unless it has ended without one. */
	failureOf(task: Task): InferenceError | undefined {
		return failureOf(task, this.context.api);
	}

	private async read<T>(
		id: string,
		route: string,
		decode: (value: unknown) => T | undefined,
		patience: Patience,
	): Promise<T> {
		const { context } = this;
		const call = { method: 'GET', path: route, about: { kind: 'task', id } } as const;
		const read = async () => await readService(call, decode, context);
		return await this.work.track(patience === 'once' ? read() : untilShown(read, context));
	}
}
