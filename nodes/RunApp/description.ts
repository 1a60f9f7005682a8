import type { INodeProperties, INodeTypeDescription } from 'n8n-workflow';
import { CREDENTIAL_NAME } from '../shared/connection';
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

/** What the editor shows of Run App, apart from its connections. */
export const description: Omit<INodeTypeDescription, 'inputs' | 'outputs'> = {
	displayName: 'Inference.sh Run App',
	name: 'runApp',
	icon: {
		light: 'file:../../credentials/inferencesh.svg',
		dark: 'file:../../credentials/inferencesh.dark.svg',
	},
	group: ['transform'],
	version: 1,
	subtitle: '={{ $parameter["app"]["value"] ?? $parameter["app"] }}',
	description: 'Run an AI app on inference.sh for each item',
	defaults: { name: 'Inference.sh Run App' },
	credentials: [{ name: CREDENTIAL_NAME, required: true }],
	properties: [appProperty, ...inputProperties, waitProperty, ...limitProperties, taskOptionsProperty],
};
