import type { ClientContext } from '../api/context';
import { withinItsTime } from '../api/itemTime';
import { InferenceError, NotFoundError } from '../errors';
import { acceptedFor } from '../once/claims';
import { outcomeOf } from '../util/outcome';
import { followTask } from './followTask';
import { giveUpTask } from './giveUpTask';
import { unreadTask } from './task';
import { failureOf } from './taskFailure';
import type { TaskRun, TaskRunOptions } from './taskRun';

/** What following a task needs that running one needs, too. */
export type FollowOptions = Pick<TaskRunOptions, 'full' | 'observer' | 'signal'>;

/**
 * Follows a task that is already there to its end, within an item's time. It is never started again.
 *
 * @throws NotFoundError and PermissionError that name the task; otherwise as `runTask`
 */
export function followExisting(
	taskId: string,
	{ full, observer, signal }: FollowOptions,
	context: ClientContext,
): Promise<TaskRun> {
	const task = unreadTask(taskId);
	return withinItsTime(
		{ signal, verb: 'finish' },
		context,
		async (inner) => {
			const started = inner.clock.now();
			const accepted = acceptedFor(inner.account).has(taskId);
			const end = await outcomeOf(followTask(task, { ...inner, full, observer, accepted }));
			if (!end.ok) throw cannotFollow(taskId, end.error);
			const failure = failureOf(end.value.task, inner.api);
			if (failure) throw failure;
			const durationMs = Math.round(inner.clock.now() - started);
			return { ...end.value, attempts: 0, durationMs, reused: false, adopted: false, notices: [] };
		},
		async (givenUp) => {
			const progress = { state: 'running', task, attempts: 0 } as const;
			return await giveUpTask(givenUp, progress, context, () => {});
		},
	);
}

function cannotFollow(taskId: string, error: unknown): unknown {
	if (!(error instanceof InferenceError) || !error.outOfReach) return error;
	const unknown = error instanceof NotFoundError;
	const why = unknown ? 'There is no such task, or this API key cannot see it' : error.message;
	return error.reworded(`Task ${taskId} cannot be followed. ${why}`, {
		about: { kind: 'task', id: taskId },
		hint: 'Check the task ID, and that the API key belongs to the workspace that started the task.',
	});
}
