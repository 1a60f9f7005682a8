import type { INodeProperties } from 'n8n-workflow';

export const appProperty: INodeProperties = {
	displayName: 'App',
	name: 'app',
	type: 'resourceLocator',
	default: { mode: 'list', value: '' },
	required: true,
	description: 'The app to run',
	modes: [
		{
			displayName: 'From List',
			name: 'list',
			type: 'list',
			placeholder: 'Search your apps and the store…',
			typeOptions: { searchListMethod: 'searchApps', searchable: true },
		},
		{
			displayName: 'By Reference',
			name: 'ref',
			type: 'string',
			placeholder: 'e.g. infsh/image-resize',
			hint: 'namespace/name, with @version and :function if you need them',
		},
	],
};
