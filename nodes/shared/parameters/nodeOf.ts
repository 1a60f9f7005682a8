import type { IExecuteFunctions, INode } from 'n8n-workflow';

/** What parameters are read from: the context of a node that runs, or that supplies something. */
export type ParameterContext = Pick<IExecuteFunctions, 'getNode' | 'getNodeParameter'>;

const nodes = new WeakMap<object, INode>();

/** The node of a context. n8n copies it whenever it is asked for, which every item would pay for. */
export function nodeOf(context: Pick<IExecuteFunctions, 'getNode'>): INode {
	const known = nodes.get(context);
	if (known) return known;
	const node = context.getNode();
	nodes.set(context, node);
	return node;
}

/** The version of a node: workflows keep the one in which it was put into them. */
export function versionOf(context: Pick<IExecuteFunctions, 'getNode'>): number {
	return nodeOf(context).typeVersion;
}
