import { NodeHelpers, type INodeProperties } from 'n8n-workflow';
import { nodeOf } from './nodeOf';

type Context = Parameters<typeof nodeOf>[0];
type PropertiesByPath = ReadonlyMap<string, readonly INodeProperties[]>;

/** The parameters of a node by their paths: `timeout`, `options.session`, `attachments.url`. */
const indexes = new WeakMap<object, PropertiesByPath>();
/** Those of the node of a context. */
const known = new WeakMap<object, PropertiesByPath>();

/** The parameters inside of another one. */
function inside(property: INodeProperties): readonly INodeProperties[] {
	return (property.options ?? []).flatMap((option) => {
		if ('values' in option) return option.values;
		return 'displayName' in option && 'type' in option ? [option] : [];
	});
}

function indexOf(properties: readonly INodeProperties[]): PropertiesByPath {
	const index = new Map<string, INodeProperties[]>();
	const add = (path: string, property: INodeProperties) => {
		index.set(path, [...(index.get(path) ?? []), property]);
	};
	for (const property of properties) {
		add(property.name, property);
		for (const inner of inside(property)) add(`${property.name}.${inner.name}`, inner);
	}
	return index;
}

/**
 * Lets errors call the parameters of a node what its panel calls them.
 *
 * @param properties of the node's description
 */
export function nameParameters(context: Context, properties: readonly INodeProperties[]): void {
	const index = indexes.get(properties) ?? indexOf(properties);
	indexes.set(properties, index);
	known.set(context, index);
}

/**
 * What the panel of a node calls one of its parameters. Of several with the same name it is the one
 * that is shown.
 *
 * @param path `timeout`, `options.session`
 * @returns its key if the node has not been told about, or has no such parameter
 */
export function displayNameOf(context: Context, path: string): string {
	const otherwise = path.slice(path.lastIndexOf('.') + 1);
	const properties = known.get(context)?.get(path) ?? [];
	if (new Set(properties.map(({ displayName }) => displayName)).size <= 1) {
		return properties[0]?.displayName ?? otherwise;
	}
	const node = nodeOf(context);
	const shown = properties.find((property) =>
		NodeHelpers.displayParameter(node.parameters, property, node, null),
	);
	return shown?.displayName ?? otherwise;
}
