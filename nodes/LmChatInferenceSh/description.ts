import type { INodeProperties } from 'n8n-workflow';

/** The parameters of the chat model, in the order of its panel. */
export const properties: INodeProperties[] = [
	{
		displayName: 'Model',
		name: 'model',
		type: 'resourceLocator',
		default: { mode: 'list', value: '' },
		required: true,
		description: 'The language model that answers',
		modes: [
			{
				displayName: 'From List',
				name: 'list',
				type: 'list',
				placeholder: 'Choose a model…',
				typeOptions: { searchListMethod: 'searchModels', searchable: true },
			},
			{
				displayName: 'By Reference',
				name: 'ref',
				type: 'string',
				placeholder: 'e.g. anthropic/claude-sonnet-5',
				hint: 'namespace/name, with @version and :function if you need them',
			},
		],
	},
	{
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		description:
			'What is not set here, or what the model does not have, is left to the model. An expression is evaluated for the first item only, as in every sub-node.',
		options: [
			{
				displayName: 'Max Retries',
				name: 'maxRetries',
				type: 'number',
				typeOptions: { minValue: 0 },
				default: 3,
				description:
					'How many times a request is tried again after a rate limit, a network error or a server error. No answer is paid for twice by that.',
			},
			{
				displayName: 'Max Tokens',
				name: 'maxTokens',
				type: 'number',
				typeOptions: { minValue: 1 },
				default: 4096,
				description: 'How long an answer may be, in tokens. A longer one is cut off.',
			},
			{
				displayName: 'Reasoning Effort',
				name: 'reasoningEffort',
				type: 'options',
				options: [
					{ name: 'High', value: 'high' },
					{ name: 'Low', value: 'low' },
					{ name: 'Medium', value: 'medium' },
					{ name: 'None', value: 'none' },
				],
				default: 'medium',
				description: 'How much the model thinks before it answers',
			},
			{
				displayName: 'Temperature',
				name: 'temperature',
				type: 'number',
				typeOptions: { minValue: 0, maxValue: 2, numberPrecision: 2 },
				default: 0.7,
				description:
					'How freely the model chooses its words: low for the same answer each time, high for different ones',
			},
			{
				displayName: 'Timeout (Seconds)',
				name: 'timeout',
				type: 'number',
				typeOptions: { minValue: 0 },
				default: 600,
				description:
					'How long one answer may take. After that its task is cancelled. 0 for no limit.',
			},
			{
				displayName: 'Top P',
				name: 'topP',
				type: 'number',
				typeOptions: { minValue: 0, maxValue: 1, numberPrecision: 2 },
				default: 1,
				description:
					'From how many words the model chooses: 0.5 for the likeliest half. Change either this or the temperature.',
			},
		],
	},
];
