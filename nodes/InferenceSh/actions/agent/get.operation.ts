import { path } from '../../../client/api/api';
import { appName, parseAppRef } from '../../../client/apps/appRef';
import { oneItem, type Operation } from '../../operation';
import { locatorProperty } from '../../../shared/editor/descriptions/locator';
import { simplifyProperty } from '../../properties';
import { shown } from '../../view';
import { agentView } from './agentView';

export const getAgent: Operation = {
	kind: 'request',
	name: 'Get',
	value: 'get',
	action: 'Get agent',
	description: 'Read what an agent is: its app, tools and description',
	properties: [
		locatorProperty(
			{
				displayName: 'Agent',
				name: 'agent',
				required: true,
				description: 'The agent that is meant',
			},
			'searchAgents',
			{ displayName: 'By Reference', name: 'ref', placeholder: 'e.g. my-org/assistant' },
		),
		simplifyProperty,
	],
	async execute({ reach }, item) {
		const picked = item.picked('agent');
		const ref = parseAppRef(picked.text());
		if (!ref) throw picked.mismatch('a reference like namespace/name');
		const agent = await reach.get(path('agents', ...appName(ref.app).split('/')));
		return oneItem(shown(agentView, agent, item.get('simplify', true).isOn()));
	},
};
