import type { INodeProperties } from 'n8n-workflow';
import { locatorProperty } from './locator';

/** Options about the start of a task: what it is, where and when it runs, what it may cost. */
export const startOptions: INodeProperties[] = [
	locatorProperty(
		{
			displayName: 'Function',
			name: 'function',
			description:
				'Which function of the app to run, if it has several. Overrides the one in the reference.',
		},
		'searchFunctions',
		{ displayName: 'By Name', name: 'name', placeholder: 'e.g. run' },
	),
	{
		displayName: 'Infrastructure',
		name: 'infra',
		type: 'options',
		options: [
			{ name: 'Cloud', value: 'cloud', description: 'On machines of inference.sh' },
			{ name: 'Private', value: 'private', description: 'On workers of your own' },
			{
				name: 'Private First',
				value: 'private_first',
				description: 'On workers of your own, else in the cloud',
			},
		],
		default: 'cloud',
		description: 'Where the task runs',
	},
	{
		displayName: 'Max Cost (USD)',
		name: 'maxCost',
		type: 'number',
		typeOptions: { minValue: 0, numberPrecision: 4 },
		default: 0,
		description:
			'Ask for the estimated cost of all items first, and start nothing if it is higher than this. 0 for no limit. The parameters of all items are read before the first task starts.',
	},
	{
		displayName: 'Reuse Earlier Results',
		name: 'reuse',
		type: 'options',
		options: [
			{ name: 'Off', value: 'off', description: 'Every item is run' },
			{
				name: 'Completed',
				value: 'completed',
				description: 'An item whose task has been run before gets the result of that one',
			},
			{
				name: 'Completed or Running',
				value: 'completedOrRunning',
				description: 'Tasks that still run are waited for, too',
			},
		],
		default: 'off',
		description:
			'Whether to look for earlier tasks of this account that are exactly what an item asks for, and to use their results instead of paying again: after a crash, in a repeated execution, or tomorrow. Each earlier task serves one item.',
	},
	{
		displayName: 'Reuse Within (Hours)',
		name: 'reuseWithin',
		type: 'number',
		typeOptions: { minValue: 0.01, numberPrecision: 2 },
		default: 24,
		description: 'How old a task may be that is used again',
	},
	{
		displayName: 'Run At',
		name: 'runAt',
		type: 'dateTime',
		default: '',
		description: 'When to start the task',
	},
	locatorProperty(
		{
			displayName: 'Session',
			name: 'session',
			description:
				'The session to continue, or "new" to start one. The tasks of a session run on the same worker, which keeps its state.',
		},
		'searchSessions',
		{ displayName: 'By ID', name: 'id', placeholder: 'e.g. sess_abc123' },
	),
	{
		displayName: 'Session Idle (Seconds)',
		name: 'sessionTimeout',
		type: 'number',
		typeOptions: { minValue: 1, maxValue: 3600 },
		default: 60,
		description: 'How long a new session stays without a task before it ends',
	},
	{
		displayName: 'Setup',
		name: 'setup',
		type: 'json',
		default: '{}',
		description:
			'Setup parameters of the app as JSON. With other ones the app has to be loaded again, which takes time.',
	},
	locatorProperty(
		{
			displayName: 'Version',
			name: 'version',
			description:
				'Version of the app, instead of the current one. Overrides the one in the reference.',
		},
		'searchVersions',
		{ displayName: 'By ID', name: 'id', placeholder: 'e.g. 53bk0yzk' },
	),
	{
		displayName: 'Webhook URL',
		name: 'webhook',
		type: 'string',
		default: '',
		placeholder: 'e.g. https://example.com/done',
		description: 'URL that the service calls when the task has ended',
	},
	{
		displayName: 'Workers',
		name: 'workers',
		type: 'string',
		default: '',
		description: 'IDs of private workers, separated by commas',
	},
];
