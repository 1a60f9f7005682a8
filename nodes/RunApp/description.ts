import type { INodeProperties } from 'n8n-workflow';
import {
	appProperty,
	inputProperties,
	limitProperties,
	taskOptionsProperty,
} from '../shared/descriptions';

const waitProperty: INodeProperties = {
	displayName: 'Wait',
	name: 'wait',
	type: 'options',
	noDataExpression: true,
	options: [
		{
			name: 'For the Result',
			value: 'result',
			description: 'Output each task when it has completed',
		},
		{
			name: 'Do Not Wait',
			value: 'none',
			description: 'Output the ID of each task as soon as it has been started',
		},
	],
	default: 'result',
	description: 'What the node waits for',
};

/** The parameters of Run App, in the order of its panel. */
export const properties: INodeProperties[] = [
	appProperty,
	...inputProperties,
	waitProperty,
	...limitProperties,
	taskOptionsProperty(),
];
