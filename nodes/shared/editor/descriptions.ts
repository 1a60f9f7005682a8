import type { INodeProperties, INodePropertyMode, INodePropertyOptions } from 'n8n-workflow';

/** Which app to run. */
export const appProperty: INodeProperties = {
	displayName: 'App',
	name: 'app',
	type: 'resourceLocator',
	default: { mode: 'list', value: '' },
	required: true,
	description: 'The app to run',
	modes: [
		{
			displayName: 'From List',
			name: 'list',
			type: 'list',
			placeholder: 'Search your apps and the store…',
			typeOptions: { searchListMethod: 'searchApps', searchable: true },
		},
		{
			displayName: 'By Reference',
			name: 'ref',
			type: 'string',
			placeholder: 'e.g. infsh/image-resize',
			hint: 'namespace/name, with @version and :function if you need them',
		},
	],
};

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

/** Where an item's input comes from. */
export const inputProperties: INodeProperties[] = [
	{
		displayName: 'Input',
		name: 'inputMode',
		type: 'options',
		noDataExpression: true,
		options: [
			{
				name: 'Fields',
				value: 'fields',
				description: 'Fill in a form with the inputs of the app',
			},
			{
				name: 'JSON',
				value: 'json',
				description: 'Write the input as JSON, with expressions where you need them',
			},
			{
				name: 'Incoming Item',
				value: 'item',
				description: 'Use the JSON of each incoming item as it is',
			},
		],
		default: 'fields',
		description: 'Where the input of the app comes from',
	},
	{
		displayName: 'Input Fields',
		name: 'fields',
		type: 'resourceMapper',
		noDataExpression: true,
		default: { mappingMode: 'defineBelow', value: null },
		typeOptions: {
			loadOptionsDependsOn: ['app.value', 'options.version.value', 'options.function.value'],
			resourceMapper: {
				resourceMapperMethod: 'getInputFields',
				mode: 'map',
				valuesLabel: 'Input Fields',
				fieldWords: { singular: 'field', plural: 'fields' },
				addAllFields: true,
				supportAutoMap: false,
			},
		},
		displayOptions: { show: { inputMode: ['fields'] } },
		description: 'The inputs and setup parameters of the app. What is left empty is not sent.',
	},
	{
		displayName: 'Input (JSON)',
		name: 'jsonInput',
		type: 'json',
		typeOptions: { rows: 6 },
		default: '{}',
		displayOptions: { show: { inputMode: ['json'] } },
		description: 'A JSON object that matches the input schema of the app',
	},
	{
		displayName: 'Files From Binary Data',
		name: 'binaryFiles',
		type: 'fixedCollection',
		typeOptions: { multipleValues: true },
		placeholder: 'Add File',
		default: {},
		description: 'Files of the incoming item to upload, and where their URLs go in the input',
		options: [
			{
				displayName: 'File',
				name: 'values',
				values: [
					{
						displayName: 'Input Field',
						name: 'field',
						type: 'string',
						default: '',
						placeholder: 'e.g. image',
						description:
							'Name of the field that gets the URL. Dots lead further inside: images.0, person.photo.',
					},
					{
						displayName: 'Binary Property',
						name: 'binaryProperty',
						type: 'string',
						default: 'data',
						description: 'Name of the binary property of the incoming item that holds the file',
					},
				],
			},
		],
	},
];

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

const remoteTaskFate: INodePropertyOptions[] = [
	{ name: 'Cancel the Task', value: 'cancel', description: 'It is not charged any further' },
	{ name: 'Keep It Running', value: 'keep', description: 'Its ID is in the error' },
];

const commonOptions: INodeProperties[] = [
	{
		displayName: 'Backoff Base (Seconds)',
		name: 'backoffBase',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 1,
		description:
			'Longest wait before the first retry. It doubles with each retry; the real wait is a random part of it.',
	},
	{
		displayName: 'Backoff Cap (Seconds)',
		name: 'backoffCap',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 30,
		description: 'Upper limit of that wait',
	},
	{
		displayName: 'Follow',
		name: 'follow',
		type: 'options',
		options: [
			{
				name: 'Automatic',
				value: 'auto',
				description: 'Stream, and poll if the stream keeps failing',
			},
			{ name: 'Poll', value: 'poll', description: 'Ask for the status at intervals' },
			{ name: 'Stream', value: 'stream', description: 'Stream, and reconnect as often as needed' },
		],
		default: 'auto',
		description: 'How a running task is watched',
	},
	{
		displayName: 'Max Retry-After (Seconds)',
		name: 'maxRetryAfter',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 120,
		description:
			'If the service asks to wait longer than this, the item fails at once and says how long',
	},
	{
		displayName: 'On Stop',
		name: 'onStop',
		type: 'options',
		options: remoteTaskFate,
		default: 'cancel',
		description: 'What happens to running tasks when the execution is stopped',
	},
	{
		displayName: 'On Timeout',
		name: 'onTimeout',
		type: 'options',
		options: remoteTaskFate,
		default: 'cancel',
		description: 'What happens to the task when its time is over',
	},
	{
		displayName: 'Poll Interval (Seconds)',
		name: 'pollInterval',
		type: 'number',
		typeOptions: { minValue: 0.1, numberPrecision: 1 },
		default: 2,
		description: 'Shortest wait between two status requests; it grows to 10 seconds',
	},
	{
		displayName: 'Retry On',
		name: 'retryOn',
		type: 'multiOptions',
		options: [
			{
				name: 'Failed Task',
				value: 'taskFailed',
				description: 'The task ran and failed. Trying again starts and pays a new one.',
			},
			{ name: 'Network Error', value: 'network', description: 'No connection, or it was cut' },
			{ name: 'Rate Limit', value: 'rateLimit', description: 'HTTP 429' },
			{ name: 'Server Error', value: 'serverError', description: 'HTTP 500 to 599' },
		],
		default: ['rateLimit', 'network', 'serverError'],
		description: 'Which failures are worth another try',
	},
	{
		displayName: 'Total Timeout (Seconds)',
		name: 'totalTimeout',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 0,
		description: 'How long the whole node may take, all items together. 0 for no limit.',
	},
	{
		displayName: 'When Submission Is Unclear',
		name: 'onUnclearSubmit',
		type: 'options',
		options: [
			{
				name: 'Check',
				value: 'check',
				description: 'Look for the task and take it over; start it again only if it is not there',
			},
			{ name: 'Fail', value: 'fail', description: 'Report an error and start nothing' },
			{
				name: 'Submit Again',
				value: 'resubmit',
				description: 'Start it again without looking. It may be paid twice.',
			},
		],
		default: 'check',
		description: 'What to do when the answer to a submission was lost',
	},
];

const taskOptions: INodeProperties[] = [
	{
		displayName: 'Download Files',
		name: 'downloadFiles',
		type: 'boolean',
		default: false,
		description:
			'Whether to add the files of the output to the item as binary data. Their URLs stay in the output.',
	},
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
			'Ask for the estimated cost of all items first and start nothing if it is higher. 0 for no limit. Evaluates the parameters of all items up front.',
	},
	{
		displayName: 'Max File Size (MB)',
		name: 'maxFileSize',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 0,
		description: 'Larger files are not downloaded. 0 for no limit.',
	},
	{
		displayName: 'Output Full Task',
		name: 'fullTask',
		type: 'boolean',
		default: false,
		description:
			'Whether to output everything the service knows of the task instead of the short form',
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
			description: 'The session to go on with, or "new" to start one',
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

/** Options about a task's output, whoever has started it. */
const OUTPUT_OPTIONS: ReadonlySet<string> = new Set(['downloadFiles', 'maxFileSize', 'fullTask']);

/** The same properties, shown only if others have certain values, too. */
export function shownIf(
	show: Record<string, string[]>,
	properties: readonly INodeProperties[],
): INodeProperties[] {
	return properties.map((property) => ({
		...property,
		displayOptions: { show: { ...property.displayOptions?.show, ...show } },
	}));
}

/**
 * The Options of a node that runs tasks, with those of its own, in alphabetical order.
 *
 * @param starts when the node starts its tasks itself, if it does not always
 */
export function taskOptionsProperty(
	own: readonly INodeProperties[] = [],
	starts?: Record<string, string[]>,
): INodeProperties {
	const outputs = taskOptions.filter(({ name }) => OUTPUT_OPTIONS.has(name));
	const others = taskOptions.filter(({ name }) => !OUTPUT_OPTIONS.has(name));
	const starting = starts ? shownIf(starts, others) : others;
	return optionsProperty([...commonOptions, ...outputs, ...starting, ...own]);
}

/**
 * The Options of a node that runs something else than tasks, with those of its own.
 *
 * @param adapt changes an option that all nodes have
 */
export function commonOptionsProperty(
	own: readonly INodeProperties[],
	adapt: (option: INodeProperties) => INodeProperties,
): INodeProperties {
	return optionsProperty([...commonOptions.map(adapt), ...own]);
}

function optionsProperty(options: readonly INodeProperties[]): INodeProperties {
	return {
		displayName: 'Options',
		name: 'options',
		type: 'collection',
		placeholder: 'Add option',
		default: {},
		options: options.toSorted((left, right) => left.displayName.localeCompare(right.displayName)),
	};
}
