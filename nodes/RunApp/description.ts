import type { INodeProperties } from 'n8n-workflow';
import { appProperty } from '../shared/editor/descriptions/app';
import { inputProperties } from '../shared/editor/descriptions/input';
import { limitProperties } from '../shared/editor/descriptions/limits';
import { taskOptionsProperty } from '../shared/editor/descriptions/options';
import { outputProperties } from '../shared/editor/descriptions/outputOptions';
import { shownIf, sinceVersion2 } from '../shared/editor/descriptions/shownIf';
import { toolDescription } from '../shared/editor/descriptions/tool';
import { waitProperties } from '../shared/editor/descriptions/wait';

/** The parameters of Run App, in the order of its panel. */
export const properties: INodeProperties[] = [
	toolDescription(
		'Runs an AI app on inference.sh and returns its result: text, data, or links to the files it has made.',
	),
	appProperty,
	...inputProperties,
	...waitProperties([
		{
			name: 'Do Not Wait',
			value: 'none',
			description: 'Output the ID of each task as soon as it has been started',
		},
	]),
	...sinceVersion2(shownIf({ wait: ['result', 'webhook'] }, outputProperties)),
	...limitProperties,
	taskOptionsProperty(),
];
