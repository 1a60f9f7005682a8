import type { IDisplayOptions, INodeProperties } from 'n8n-workflow';

/** The same properties, shown only if others have certain values, too. */
export function shownIf(
	show: NonNullable<IDisplayOptions['show']>,
	properties: readonly INodeProperties[],
): INodeProperties[] {
	return properties.map((property) => ({
		...property,
		displayOptions: { show: { ...property.displayOptions?.show, ...show } },
	}));
}
