import { path } from '../api/api';
import {
	cancelRemote,
	type Cancellable,
	type CancelContext,
	type CancelOutcome,
	type Fate,
} from '../api/cancelRemote';
import { isJsonObject } from '../util/json';
import { isTerminal, parseTaskStatus } from './taskStatus';

/** Cancels a task; see `cancelRemote`. */
export async function cancelTask(taskId: string, context: CancelContext): Promise<CancelOutcome> {
	const work: Cancellable = {
		about: { kind: 'task', id: taskId },
		route: path('tasks', taskId, 'cancel'),
		read: readAnswer,
		look: async (ask) =>
			fateOf(await ask({ method: 'GET', path: path('tasks', taskId, 'status') })),
	};
	return await cancelRemote(work, context);
}

/** Reads `{id, status, cancelled}`; formerly the answer was null (API notes 3.1). */
function readAnswer(answer: unknown): Fate | undefined {
	const fate = fateOf(answer);
	if (fate === 'cancelled' || fate === 'over') return fate;
	return isJsonObject(answer) && answer['cancelled'] === true ? 'cancelled' : undefined;
}

function fateOf(answer: unknown): Fate | undefined {
	const status = parseTaskStatus(isJsonObject(answer) ? answer['status'] : undefined);
	if (status === 'cancelled' || status === 'cancelling') return 'cancelled';
	if (status === 'unknown') return undefined;
	return isTerminal(status) ? 'over' : 'running';
}

/**
 * What became of a task that is not waited for any more, after the words `The task`.
 *
 * @param outcome undefined if it was not to be cancelled
 */
export function fateInWords(outcome: CancelOutcome | undefined): string {
	switch (outcome?.kind) {
		case undefined:
			return 'was left running';
		case 'cancelled':
			return 'was cancelled';
		case 'accepted':
			return 'is being cancelled: the service has agreed to';
		case 'over':
			return 'was already over';
		case 'failed':
			return `could not be cancelled (${outcome.reason}) and may still be running`;
	}
}
