import type { INodeProperties, INodePropertyOptions } from 'n8n-workflow';

const remoteTaskFate: INodePropertyOptions[] = [
	{ name: 'Cancel the Task', value: 'cancel', description: 'It is not charged any further' },
	{ name: 'Keep It Running', value: 'keep', description: 'Its ID is in the error' },
];

/** Options of every node: retries, time limits, following, what happens to what still runs. */
export const runOptions: INodeProperties[] = [
	{
		displayName: 'Backoff Base (Seconds)',
		name: 'backoffBase',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 1,
		description:
			'Longest wait before the first retry. It doubles with each retry, and the wait is a random time up to it.',
	},
	{
		displayName: 'Backoff Cap (Seconds)',
		name: 'backoffCap',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 30,
		description: 'Upper limit of the wait before a retry',
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
		description: 'What happens to a task that has not finished within its time',
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
		description: 'Which kinds of failure to retry',
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
