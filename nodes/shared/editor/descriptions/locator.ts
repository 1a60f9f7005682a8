import type { INodeProperties } from 'n8n-workflow';

/** A picker from a list of the service, which also takes what is typed. */
export function locatorProperty(
	base: Pick<INodeProperties, 'displayName' | 'name' | 'description' | 'required'>,
	searchListMethod: string,
	typed: {
		readonly displayName: string;
		readonly name: string;
		readonly placeholder: string;
		readonly hint?: string;
	},
): INodeProperties {
	return {
		...base,
		type: 'resourceLocator',
		default: { mode: 'list', value: '' },
		modes: [
			{
				displayName: 'From List',
				name: 'list',
				type: 'list',
				typeOptions: { searchListMethod, searchable: true },
			},
			{ ...typed, type: 'string' },
		],
	};
}
