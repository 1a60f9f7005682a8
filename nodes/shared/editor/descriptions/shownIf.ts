import type { IDisplayOptions, INodeProperties } from 'n8n-workflow';

/** The same properties, shown only if others have certain values, too. */
export function shownIf(
	show: NonNullable<IDisplayOptions['show']>,
	properties: readonly INodeProperties[],
): INodeProperties[] {
	return properties.map((property) => ({
		...property,
		// n8n shows a property at the first rule whose value is an expression, whatever comes after it.
		displayOptions: { show: { ...show, ...property.displayOptions?.show, ...show } },
	}));
}
