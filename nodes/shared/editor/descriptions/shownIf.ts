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

/** For nodes of version 1, which workflows saved with 0.1.0 have: a node keeps its version. */
export function inVersion1(properties: readonly INodeProperties[]): INodeProperties[] {
	return shownIf({ '@version': [1] }, properties);
}

/** For nodes of version 2 and later. */
export function sinceVersion2(properties: readonly INodeProperties[]): INodeProperties[] {
	return shownIf({ '@version': [{ _cnd: { gte: 2 } }] }, properties);
}
