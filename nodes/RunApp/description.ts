import type { INodeProperties } from 'n8n-workflow';
import {
	appProperty,
	inputProperties,
	limitProperties,
	taskOptionsProperty,
} from '../shared/editor/descriptions';
import { waitProperties } from '../shared/editor/waitDescription';

/** The parameters of Run App, in the order of its panel. */
export const properties: INodeProperties[] = [
	appProperty,
	...inputProperties,
	...waitProperties([
		{
			name: 'Do Not Wait',
			value: 'none',
			description: 'Output the ID of each task as soon as it has been started',
		},
	]),
	...limitProperties,
	taskOptionsProperty(),
];
