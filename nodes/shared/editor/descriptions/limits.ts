import type { INodeProperties } from 'n8n-workflow';

/** Limits that every node has; an expression in them is evaluated for the first item only. */
export const limitProperties: INodeProperties[] = [
	{
		displayName: 'Concurrency',
		name: 'concurrency',
		type: 'number',
		typeOptions: { minValue: 1, maxValue: 1000 },
		default: 5,
		description:
			'How many items this node has in flight at once. As soon as one ends, the next one starts.',
	},
	{
		displayName: 'Timeout (Seconds)',
		name: 'timeout',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 600,
		description:
			'How long one item may take from its start, waiting for its turn not included. 0 for no limit.',
	},
	{
		displayName: 'Max Retries',
		name: 'maxRetries',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 3,
		description:
			'How often one item is tried again after a failure chosen in Retry On. Nothing is started twice unless Failed Task or Submit Again is chosen.',
	},
];
