import type { INodeProperties } from 'n8n-workflow';
import { appProperty } from '../shared/editor/descriptions/app';
import { inputProperties } from '../shared/editor/descriptions/input';
import { limitProperties } from '../shared/editor/descriptions/limits';
import { taskOptionsProperty } from '../shared/editor/descriptions/options';
import { outputProperties } from '../shared/editor/descriptions/outputOptions';
import { shownIf, sinceVersion2 } from '../shared/editor/descriptions/shownIf';
import { toolDescription } from '../shared/editor/descriptions/tool';

const STARTS = { source: ['run'] };

const sourceProperty: INodeProperties = {
	displayName: 'Source',
	name: 'source',
	type: 'options',
	noDataExpression: true,
	options: [
		{
			name: 'Run an App',
			value: 'run',
			description: 'Start a task for each item and follow it',
		},
		{
			name: 'Existing Task',
			value: 'existing',
			description:
				'Follow a task that already exists. It keeps running after a stop or timeout, unless the options "Task: On Stop" and "Task: On Timeout" say otherwise.',
		},
	],
	default: 'run',
	description: 'Which tasks to follow',
};

const taskIdProperty: INodeProperties = {
	displayName: 'Task ID',
	name: 'taskId',
	type: 'string',
	default: '',
	required: true,
	placeholder: 'e.g. 2khet8d1p6z26krbtvn9d7rkth',
	displayOptions: { show: { source: ['existing'] } },
	description: 'ID of the task to follow, as Run App outputs it',
};

const streamOptions: INodeProperties[] = [
	{
		displayName: 'Max Updates',
		name: 'maxUpdates',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 1000,
		description: 'How many updates to keep for each item. The newest are kept. 0 for all.',
	},
	{
		displayName: 'Interval (Seconds)',
		name: 'minInterval',
		type: 'number',
		typeOptions: { minValue: 0, numberPrecision: 3 },
		default: 0.5,
		description:
			'How long after an update of a task the next one comes, at least. What changes in between is part of the next update.',
	},
	{
		displayName: 'Stream As',
		name: 'streamAs',
		type: 'options',
		options: [
			{ name: 'JSON', value: 'json', description: 'Each update as a JSON object' },
			{ name: 'Off', value: 'off', description: 'Send nothing' },
			{
				name: 'Text',
				value: 'text',
				description:
					'The answer of a language model, word by word. For other apps, their log, then what they answer in words.',
			},
		],
		default: 'text',
		description:
			'What to send to the caller while the task runs, if the workflow was started by a Webhook or Chat Trigger in streaming mode',
	},
];

/** The parameters of Stream Task, in the order of its panel. */
export const properties: INodeProperties[] = [
	toolDescription(
		'Runs an AI app on inference.sh, or waits for one that already runs, and returns its result: text, data, or links to the files it has made.',
	),
	sourceProperty,
	taskIdProperty,
	...shownIf(STARTS, [appProperty, ...inputProperties]),
	...sinceVersion2(outputProperties),
	...limitProperties,
	taskOptionsProperty(streamOptions, { '/source': STARTS.source }),
];
