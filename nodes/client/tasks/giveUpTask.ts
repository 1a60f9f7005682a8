import { cancelTask } from '../api/cancelRemote';
import type { ClientContext } from '../api/context';
import type { GivenUp } from '../api/itemTime';
import type { InferenceError, RemoteWork } from '../errors';
import type { TaskProgress } from './taskRun';

/**
 * Cancels the task of an item that is given up, if that is wanted.
 *
 * @param progress how far the item has come
 * @param note told that its task has been cancelled
 * @returns the error that says what became of it
 */
export async function giveUpTask(
	givenUp: GivenUp,
	progress: TaskProgress,
	context: ClientContext,
	note: (progress: TaskProgress) => void,
): Promise<InferenceError> {
	if (progress.state === 'none') {
		return givenUp.error('The item', 'Nothing was started for it.');
	}
	if (progress.state === 'submitting') {
		return givenUp.error(
			'The item',
			'Its task was being submitted, and it is not known whether it was started.',
			{
				mayRun: true,
				hint: 'Look at the task list on inference.sh before running this item again.',
			},
		);
	}
	const { id } = progress.task;
	const about: RemoteWork = { kind: 'task', id };
	const subject = `Task ${id}`;
	if (givenUp.keep) {
		const hint = `Follow it by its id, ${id}, or cancel it on inference.sh.`;
		return givenUp.error(subject, 'The task was left running.', { about, mayRun: true, hint });
	}
	const outcome = await cancelTask(id, context);
	if (outcome.kind === 'failed') {
		const fate = `The task could not be cancelled (${outcome.reason}) and may still be running.`;
		const hint = `Cancel task ${id} on inference.sh.`;
		return givenUp.error(subject, fate, { about, mayRun: true, hint });
	}
	note({ ...progress, cancelled: true });
	return givenUp.error(
		subject,
		outcome.kind === 'cancelled' ? 'The task was cancelled.' : 'The task was already over.',
		{ about, hint: givenUp.timedOut ? 'Raise Timeout if the app needs longer.' : undefined },
	);
}
