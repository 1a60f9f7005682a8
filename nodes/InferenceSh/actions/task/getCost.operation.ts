import { isTerminal } from '../../../client/tasks/taskStatus';
import { oneItem, type Operation } from '../../operation';
import { named } from '../../view';
import { taskIdProperty, taskStatusOf } from './taskView';

export const getTaskCost: Operation = {
	kind: 'request',
	name: 'Get Cost',
	value: 'getCost',
	action: 'Get cost of task',
	description: 'Read what a task has really cost, in US dollars',
	properties: [taskIdProperty],
	async execute({ client, hints, reach }, item) {
		const id = item.get('taskId').text();
		// A record may come up to ten seconds late; for what has not ended there is none to wait for.
		const status = await taskStatusOf(id, reach);
		const record = isTerminal(status)
			? await client.tasks.cost(id, reach.signal)
			: ({ kind: 'none' } as const);
		reach.signal.throwIfAborted();
		if (record.kind === 'refused') throw record.error;
		if (record.kind === 'none') {
			const why = isTerminal(status) ? 'the service has no record of it' : 'it has not ended';
			hints.say(`What task ${id} cost is not known: ${why} (status ${status}).`);
		}
		const cost = record.kind === 'known' ? record.cost : undefined;
		return oneItem({
			id,
			...named({
				usd: cost?.usd,
				charged_usd: cost?.chargedUsd,
				discount_usd: cost?.discountUsd,
				refunded_usd: cost?.refundedUsd,
			}),
		});
	},
};
