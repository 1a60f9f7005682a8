import type { INodeProperties } from 'n8n-workflow';

/** The same properties, shown only if others have certain values, too. */
export function shownIf(
	show: Record<string, string[]>,
	properties: readonly INodeProperties[],
): INodeProperties[] {
	return properties.map((property) => ({
		...property,
		displayOptions: { show: { ...property.displayOptions?.show, ...show } },
	}));
}
