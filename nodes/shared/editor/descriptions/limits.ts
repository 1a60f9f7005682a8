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
			'How many items this node works on at the same time. As soon as one has finished, the next one starts.',
	},
	{
		displayName: 'Timeout (Seconds)',
		name: 'timeout',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 600,
		description:
			'How long one item may take, counted from its start: waiting for its turn does not count. 0 for no limit.',
	},
	{
		displayName: 'Max Retries',
		name: 'maxRetries',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 3,
		description:
			'How many times one item is tried again after a failure of the kinds chosen in "Retry: Which Failures". Nothing is paid for twice unless you choose that in the options.',
	},
];
