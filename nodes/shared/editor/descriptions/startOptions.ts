import type { INodeProperties, INodePropertyMode } from 'n8n-workflow';

/** An option that is picked from a list of the service, or typed. */
function pickerOption(
	base: Pick<INodeProperties, 'displayName' | 'name' | 'description'>,
	searchListMethod: string,
	typed: Pick<INodePropertyMode, 'displayName' | 'name' | 'placeholder'>,
): INodeProperties {
	return {
		...base,
		type: 'resourceLocator',
		default: { mode: 'list', value: '' },
		modes: [
			{
				displayName: 'From List',
				name: 'list',
				type: 'list',
				typeOptions: { searchListMethod, searchable: true },
			},
			{ ...typed, type: 'string' },
		],
	};
}

/** Options about the start of a task: what it is, where and when it runs, what it may cost. */
export const startOptions: INodeProperties[] = [
	pickerOption(
		{
			displayName: 'Function',
			name: 'function',
			description: 'Entry point of an app that has several. Overrides the one in the reference.',
		},
		'searchFunctions',
		{ displayName: 'By Name', name: 'name', placeholder: 'e.g. run' },
	),
	{
		displayName: 'Infrastructure',
		name: 'infra',
		type: 'options',
		options: [
			{ name: 'Cloud', value: 'cloud' },
			{ name: 'Private', value: 'private' },
			{ name: 'Private First', value: 'private_first' },
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
			'Ask for the estimated cost of all items first, and start nothing if it is higher than this. 0 for no limit. The parameters of all items are evaluated before the first task starts.',
	},
	{
		displayName: 'Run At',
		name: 'runAt',
		type: 'dateTime',
		default: '',
		description: 'When to start the task',
	},
	pickerOption(
		{
			displayName: 'Session',
			name: 'session',
			description: 'The session to continue, or "new" to start one',
		},
		'searchSessions',
		{ displayName: 'By ID', name: 'id', placeholder: 'e.g. sess_abc123' },
	),
	{
		displayName: 'Session Timeout (Seconds)',
		name: 'sessionTimeout',
		type: 'number',
		typeOptions: { minValue: 1, maxValue: 3600 },
		default: 60,
		description: 'Idle time after which a new session ends',
	},
	{
		displayName: 'Setup',
		name: 'setup',
		type: 'json',
		default: '{}',
		description: 'Setup parameters of the app as JSON. Changing them causes a cold start.',
	},
	pickerOption(
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
