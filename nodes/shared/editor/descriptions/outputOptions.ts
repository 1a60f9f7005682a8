import type { INodeProperties } from 'n8n-workflow';
import { DEFAULT_MAX_MB } from '../../parameters/outputForm';
import { inVersion1 } from './shownIf';

const maxFileSize: INodeProperties = {
	displayName: 'Max File Size (MB)',
	name: 'maxFileSize',
	type: 'number',
	typeOptions: { minValue: 0 },
	default: DEFAULT_MAX_MB,
	description: 'Larger files are not downloaded. 0 for no limit.',
};

const downloadFiles: INodeProperties = {
	displayName: 'Download Files',
	name: 'downloadFiles',
	type: 'boolean',
	default: false,
	description:
		'Whether to add the files of the output to the item as binary data. Their URLs stay in the output.',
};

/** Whether and how files of the output come along. */
export const downloadProperties: INodeProperties[] = [
	downloadFiles,
	{ ...maxFileSize, displayOptions: { show: { downloadFiles: [true] } } },
];

/** What the output items are made of. */
export const outputProperties: INodeProperties[] = [
	{
		displayName: 'Output',
		name: 'output',
		type: 'options',
		options: [
			{
				name: 'Task',
				value: 'task',
				description: 'The output of the app, with ID, status, times and more of the task',
			},
			{
				name: 'Only the Result',
				value: 'result',
				description: 'The output of the app itself is the item',
			},
			{
				name: 'Only the Text',
				value: 'text',
				description: 'The answer of an app that answers in words. This is what a chat shows.',
			},
		],
		default: 'task',
		description: 'What the items that come out are made of',
	},
	...downloadProperties,
];

/** Options about a task's output, whoever has started it. */
export const outputOptions: INodeProperties[] = [
	...inVersion1([downloadFiles, maxFileSize]),
	{
		displayName: 'Include Cost',
		name: 'includeCost',
		type: 'boolean',
		default: false,
		description:
			'Whether to add what each task really cost, in US dollars. The service knows it a moment after the result, so the node may end up to ten seconds later.',
	},
	{
		displayName: 'Output Full Task',
		name: 'fullTask',
		type: 'boolean',
		default: false,
		description:
			'Whether to output everything the service knows of the task instead of the short form',
	},
];
