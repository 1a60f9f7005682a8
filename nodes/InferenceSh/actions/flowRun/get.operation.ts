import { oneItem, type Operation } from '../../operation';
import { simplifyProperty } from '../../properties';
import { shown } from '../../view';
import { flowRunIdProperty, flowRunRoute, flowRunView } from './flowRunView';

export const getFlowRun: Operation = {
	kind: 'request',
	name: 'Get',
	value: 'get',
	action: 'Get flow run',
	description: 'Read the run of a flow as it is now, with the states of its nodes',
	properties: [flowRunIdProperty, simplifyProperty],
	async execute({ reach }, item) {
		const id = item.get('flowRunId').text();
		const run = await reach.get(flowRunRoute(id), { kind: 'flow run', id });
		return oneItem(shown(flowRunView, run, item.get('simplify', true).isOn()));
	},
};
