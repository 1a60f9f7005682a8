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
