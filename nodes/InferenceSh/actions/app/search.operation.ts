import { listOperation } from '../../listOperation';
import { appView } from './appView';

export const searchForApps = listOperation({
	name: 'Search',
	value: 'search',
	action: 'Search apps',
	description: 'Look for apps in the store, or among those of the workspace',
	rows: 'apps',
	properties: [
		{
			displayName: 'Where',
			name: 'where',
			type: 'options',
			options: [
				{ name: 'Store', value: 'store', description: 'Apps that everybody can run' },
				{ name: 'Workspace', value: 'workspace', description: 'Apps of your own' },
			],
			default: 'store',
			description: 'Which apps to look through',
		},
	],
	at: (item) => {
		const where = item.get('where', 'store').oneOf(['store', 'workspace']);
		return { method: 'POST', path: where === 'store' ? '/store/apps/list' : '/apps/list' };
	},
	searches: 'the names and descriptions of the apps',
	view: appView,
});
