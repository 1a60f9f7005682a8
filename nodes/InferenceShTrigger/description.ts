import type { INodeProperties } from 'n8n-workflow';
import { appProperty } from '../shared/editor/descriptions/app';

const event: INodeProperties = {
	displayName: 'Event',
	name: 'event',
	type: 'options',
	noDataExpression: true,
	options: [
		{
			name: 'Approval Needed',
			value: 'approvalNeeded',
			action: 'On approval needed',
			description: 'An agent waits for an approval, an answer or an account to be connected',
		},
		{
			name: 'Task Finished',
			value: 'taskFinished',
			action: 'On task finished',
			description: 'A task has completed, failed or been cancelled, wherever it was started',
		},
	],
	default: 'taskFinished',
	description:
		'What starts the workflow. Everything that happens from its activation on does, once.',
};

const filters: INodeProperties = {
	displayName: 'Filters',
	name: 'filters',
	type: 'collection',
	placeholder: 'Add Filter',
	default: {},
};

/** The parameters of the trigger, in the order of its panel; n8n puts the poll times before them. */
export const properties: INodeProperties[] = [
	event,
	{
		...filters,
		options: [
			{
				...appProperty,
				required: false,
				description: 'The app whose tasks count. Without this filter those of all apps do.',
				modes: (appProperty.modes ?? []).map((mode) =>
					mode.name === 'ref' ? { ...mode, hint: 'namespace/name' } : mode,
				),
			},
			{
				displayName: 'Status',
				name: 'status',
				type: 'multiOptions',
				options: [
					{ name: 'Cancelled', value: 'cancelled' },
					{ name: 'Completed', value: 'completed' },
					{ name: 'Failed', value: 'failed' },
				],
				default: [],
				description: 'How a task has to have ended. Leave empty for every end.',
			},
		],
		displayOptions: { show: { event: ['taskFinished'] } },
	},
	{
		...filters,
		options: [
			{
				displayName: 'Agent',
				name: 'agent',
				type: 'resourceLocator',
				default: { mode: 'list', value: '' },
				description: 'The agent whose chats count. Without this filter those of all agents do.',
				modes: [
					{
						displayName: 'From List',
						name: 'list',
						type: 'list',
						placeholder: 'Search your agents…',
						typeOptions: { searchListMethod: 'searchAgents', searchable: true },
					},
					{
						displayName: 'By Reference',
						name: 'ref',
						type: 'string',
						placeholder: 'e.g. my-org/assistant',
						hint: 'namespace/name',
					},
				],
			},
		],
		displayOptions: { show: { event: ['approvalNeeded'] } },
	},
];
