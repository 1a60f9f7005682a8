import type { INodeProperties } from 'n8n-workflow';

/** Options about a task's output, whoever has started it. */
export const outputOptions: INodeProperties[] = [
	{
		displayName: 'Download Files',
		name: 'downloadFiles',
		type: 'boolean',
		default: false,
		description:
			'Whether to add the files of the output to the item as binary data. Their URLs stay in the output.',
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
];
