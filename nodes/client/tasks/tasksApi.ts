import { path } from '../api/api';
import { cancelTask, type CancelOutcome } from '../api/cancelRemote';
import type { ClientContext } from '../api/context';
import { readService } from '../api/readService';
import type { InferenceError } from '../errors';
import { asJsonObject } from '../util/json';
import type { PendingWork } from '../util/pendingWork';
import type { RunRequest } from './runRequest';
import { followExisting, type FollowOptions } from './followExisting';
import { runTask } from './runTask';
import { failureOf } from './taskFailure';
import type { TaskRun, TaskRunOptions } from './taskRun';
import { taskFromWire, type Task } from './task';
import { parseTaskStatus, type TaskStatus } from './taskStatus';

/** Tasks: one is one run of an app (API notes 2 to 4). */
export class TasksApi {
	/** @param work is told of everything under way */
	constructor(
		private readonly context: ClientContext,
		private readonly work: PendingWork,
	) {}

	/** Runs one app to its end; see `runTask`. */
	run(request: RunRequest, options: TaskRunOptions): Promise<TaskRun> {
		return this.work.track(runTask(request, options, this.context));
	}

	/** Follows a task that is already there to its end; see `followExisting`. */
	follow(taskId: string, options: FollowOptions): Promise<TaskRun> {
		return this.work.track(followExisting(taskId, options, this.context));
	}

	/** Cancels a task; never throws. */
	async cancel(taskId: string): Promise<CancelOutcome> {
		return await this.work.track(cancelTask(taskId, this.context));
	}

	/**
	 * Asks for a task's status alone; reading the whole task may be tens of kilobytes.
	 *
	 * @throws NotFoundError if there is no such task any more
	 */
	async status(taskId: string): Promise<TaskStatus> {
		const route = path('tasks', taskId, 'status');
		const call = { method: 'GET', path: route, about: { kind: 'task', id: taskId } } as const;
		const { status } = await this.work.track(readService(call, asJsonObject, this.context));
		return parseTaskStatus(status);
	}

	/**
	 * Reads a task as it is now.
	 *
	 * @returns with `failure`, why it has no result, if it has ended without one
	 * @throws NotFoundError if there is no such task any more
	 */
	async get(taskId: string): Promise<{ task: Task; failure: InferenceError | undefined }> {
		const route = path('tasks', taskId);
		const call = { method: 'GET', path: route, about: { kind: 'task', id: taskId } } as const;
		const task = await this.work.track(readService(call, taskFromWire, this.context));
		return { task, failure: failureOf(task, this.context.api) };
	}
}
