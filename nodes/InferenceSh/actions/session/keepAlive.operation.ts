import { asJsonObject } from '../../../client/util/json';
import { oneItem, type Operation } from '../../operation';
import { sessionIdProperty, sessionRoute, sessionView } from './sessionView';

export const keepSessionAlive: Operation = {
	kind: 'request',
	name: 'Keep Alive',
	value: 'keepAlive',
	action: 'Keep session alive',
	description: 'Let the idle time of a session begin anew',
	properties: [sessionIdProperty],
	async execute({ reach }, item) {
		const id = item.get('sessionId').text();
		const route = sessionRoute(id, 'keepalive');
		const answer = await reach.change({ path: route, body: {} });
		return oneItem(sessionView.short({ id, status: 'active', ...asJsonObject(answer) }));
	},
};
