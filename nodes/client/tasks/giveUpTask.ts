import { type CancelOutcome, fateInWords, mayRunOn } from '../api/cancelRemote';
import type { ClientContext } from '../api/context';
import type { GivenUp } from '../api/itemTime';
import type { InferenceError, RemoteWork } from '../errors';
import { cancelTask } from './cancelTask';
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
	const keep = givenUp.keep || progress.earlier === true;
	const outcome = keep ? undefined : await cancelTask(id, context);
	if (outcome && outcome.kind !== 'failed') note({ ...progress, cancelled: true });
	const hint = advice(id, outcome, givenUp);
	return givenUp.error(`Task ${id}`, `The task ${fateInWords(outcome)}.`, {
		about,
		mayRun: mayRunOn(outcome),
		hint,
	});
}

function advice(
	id: string,
	outcome: CancelOutcome | undefined,
	{ timedOut }: GivenUp,
): string | undefined {
	if (!outcome) return `Follow it by its id, ${id}, or cancel it on inference.sh.`;
	if (outcome.kind === 'failed') return `Cancel task ${id} on inference.sh.`;
	if (outcome.kind === 'over') return `Stream Task can fetch its result by its id, ${id}.`;
	return timedOut ? 'Raise "Timeout (Seconds)" if the app needs longer.' : undefined;
}
