import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';

const remoteTaskFate: INodePropertyOptions[] = [
	{ name: 'Cancel the Task', value: 'cancel', description: 'The service ends it' },
	{ name: 'Keep It Running', value: 'keep', description: 'Its ID is in the error' },
];

/** Options of every node: retries, time limits, following, what happens to what still runs. */
export const runOptions: INodeProperties[] = [
	{
		displayName: 'Adapt Concurrency',
		name: 'adaptConcurrency',
		type: 'boolean',
		default: false,
		description:
			'Whether to find out how many items the service takes at once, instead of always working on as many as "Concurrency" says: more as long as they start at once, fewer when they have to wait in its queue. Several nodes, executions and workers come to equal shares. "Concurrency" is the most then.',
	},
	{
		displayName: 'First Wait (Seconds)',
		name: 'backoffBase',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 1,
		description:
			'How long to wait before the first retry, at most. This doubles with each further retry; the wait itself is a random time up to it.',
	},
	{
		displayName: 'Longest Wait (Seconds)',
		name: 'backoffCap',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 30,
		description: 'How long to wait before any retry, at most',
	},
	{
		displayName: 'Follow By',
		name: 'follow',
		type: 'options',
		options: [
			{
				name: 'Automatic',
				value: 'auto',
				description: 'By the live stream; by status requests if the stream keeps failing',
			},
			{
				name: 'Status Requests',
				value: 'poll',
				description: 'Ask for the status again and again',
			},
			{
				name: 'Live Stream',
				value: 'stream',
				description: 'Listen to its updates, and connect again as often as needed',
			},
		],
		default: 'auto',
		description: 'How the node learns what a running task does',
	},
	{
		displayName: 'Accepted Wait (Seconds)',
		name: 'maxRetryAfter',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 120,
		description:
			'How long the service may ask to wait before a retry. If it asks for longer, the item fails at once, and the error says how long.',
	},
	{
		displayName: 'On Stop',
		name: 'onStop',
		type: 'options',
		options: remoteTaskFate,
		default: 'cancel',
		description:
			'What happens to running tasks when the execution is stopped. n8n then keeps no output of the node: its error says how to get what was done, without paying again.',
	},
	{
		displayName: 'On Timeout',
		name: 'onTimeout',
		type: 'options',
		options: remoteTaskFate,
		default: 'cancel',
		description: 'What happens to a task that has not finished within its time',
	},
	{
		displayName: 'Check Every (Seconds)',
		name: 'pollInterval',
		type: 'number',
		typeOptions: { minValue: 0.1, numberPrecision: 1 },
		default: 2,
		description:
			'How long to wait between two status requests, at the beginning. It grows to 10 seconds.',
	},
	{
		displayName: 'Which Failures',
		name: 'retryOn',
		type: 'multiOptions',
		options: [
			{
				name: 'Failed Task',
				value: 'taskFailed',
				description:
					'The task ran and failed. Trying again starts a new task, which is paid for as well.',
			},
			{ name: 'Network Error', value: 'network', description: 'No connection, or it was cut' },
			{
				name: 'Rate Limit',
				value: 'rateLimit',
				description: 'The service asks for fewer requests (HTTP 429)',
			},
			{
				name: 'Server Error',
				value: 'serverError',
				description: 'The service has a problem (HTTP 500 to 599)',
			},
		],
		default: ['rateLimit', 'network', 'serverError'],
		description: 'After which kinds of failure an item is tried again',
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
		displayName: 'Unclear Submission',
		name: 'onUnclearSubmit',
		type: 'options',
		options: [
			{
				name: 'Check',
				value: 'check',
				description: 'Look for the task and go on with it. Start it again only if it is not there.',
			},
			{ name: 'Fail', value: 'fail', description: 'Report an error and start nothing more' },
			{
				name: 'Submit Again',
				value: 'resubmit',
				description: 'Start it again without looking. You may pay for it twice.',
			},
		],
		default: 'check',
		description:
			'What to do when a task was submitted but the answer was lost, so that it may have been started or not',
	},
];
