import { flowRoute } from '../../../client/flows/flow';
import { oneItem, type Operation } from '../../operation';
import { simplifyProperty } from '../../properties';
import { shown } from '../../view';
import { flowProperty, flowView } from './flowView';

export const getFlow: Operation = {
	kind: 'request',
	name: 'Get',
	value: 'get',
	action: 'Get flow',
	description: 'Read what a flow is and what it takes',
	properties: [flowProperty, simplifyProperty],
	async execute({ reach }, item) {
		const flow = await reach.get(flowRoute(item.picked('flow').text()));
		return oneItem(shown(flowView, flow, item.get('simplify', true).isOn()));
	},
};
