import { fateInWords, mayRunOn } from '../../../client/api/cancelRemote';
import { adviceOn, ServerError } from '../../../client/errors';
import { isTerminal } from '../../../client/tasks/taskStatus';
import { oneItem, type Operation } from '../../operation';
import { taskIdProperty, taskStatusOf } from './taskView';

export const cancelTask: Operation = {
	kind: 'request',
	name: 'Cancel',
	value: 'cancel',
	action: 'Cancel task',
	description: 'Cancel a task that waits or runs. One that has ended stays as it is.',
	properties: [taskIdProperty],
	async execute({ client, reach }, item) {
		const id = item.get('taskId').text();
		const status = await taskStatusOf(id, reach);
		if (isTerminal(status)) return oneItem({ id, status, cancelled: false });
		const outcome = await client.tasks.cancel(id);
		if (outcome.kind === 'failed') {
			throw new ServerError(`Task ${id} ${fateInWords(outcome)}`, {
				about: { kind: 'task', id },
				hint: adviceOn(outcome.error),
				mayRun: mayRunOn(outcome),
				mayHaveBeenAccepted: true,
			});
		}
		if (outcome.kind === 'over') {
			return oneItem({ id, status: await taskStatusOf(id, reach), cancelled: false });
		}
		const now = outcome.kind === 'cancelled' ? 'cancelled' : 'cancelling';
		return oneItem({ id, status: now, cancelled: true });
	},
};
