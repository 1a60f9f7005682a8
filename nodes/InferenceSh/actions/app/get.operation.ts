import { oneItem, type Operation } from '../../operation';
import { simplifyProperty } from '../../properties';
import { shown } from '../../view';
import { anyAppProperty, appRoute, readApp, wholeAppView } from './appView';

export const getApp: Operation = {
	kind: 'request',
	name: 'Get',
	value: 'get',
	action: 'Get app',
	description: 'Read what an app is, which functions it has and what they take',
	properties: [anyAppProperty, simplifyProperty],
	async execute({ reach }, item) {
		const app = await reach.get(appRoute(readApp(item)));
		return oneItem(shown(wholeAppView, app, item.get('simplify', true).isOn()));
	},
};
