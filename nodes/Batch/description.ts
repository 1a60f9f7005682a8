import type { INodeProperties } from 'n8n-workflow';
import { appProperty } from '../shared/editor/descriptions/app';
import { inputProperties } from '../shared/editor/descriptions/input';
import { limitProperties } from '../shared/editor/descriptions/limits';
import { taskOptionsProperty } from '../shared/editor/descriptions/options';
import { outputProperties } from '../shared/editor/descriptions/outputOptions';
import { shownIf, sinceVersion2 } from '../shared/editor/descriptions/shownIf';
import { waitProperties } from '../shared/editor/descriptions/wait';

const sourceProperties: INodeProperties[] = [
	{
		displayName: 'Items From',
		name: 'itemsFrom',
		type: 'options',
		noDataExpression: true,
		options: [
			{
				name: 'Incoming Items',
				value: 'input',
				description: 'Each incoming item is a task',
			},
			{
				name: 'A List',
				value: 'list',
				description: 'Each element of a list inside the incoming item is a task',
			},
		],
		default: 'input',
		description: 'Where the items of the batch come from',
	},
	{
		displayName: 'List',
		name: 'list',
		type: 'string',
		default: '',
		placeholder: 'e.g. {{ $json.rows }}',
		displayOptions: { show: { itemsFrom: ['list'] } },
		description: 'An expression that gives a list. Each element is the input of one task.',
	},
];

/** Elements of a list are inputs themselves; only files may still be added to them. */
const inputOfItems: INodeProperties[] = inputProperties.flatMap((property) => {
	const ofItems = shownIf({ itemsFrom: ['input'] }, [property]);
	if (property.name !== 'binaryFiles') return ofItems;
	const version = property.displayOptions?.show?.['@version'];
	const show = { ...(version && { '@version': version }), itemsFrom: ['list'] };
	return [...ofItems, { ...property, displayOptions: { show } }];
});

const orderProperty: INodeProperties = {
	displayName: 'Order',
	name: 'order',
	type: 'options',
	noDataExpression: true,
	options: [
		{ name: 'Input Order', value: 'input', description: 'In the order of the incoming items' },
		{
			name: 'Completion Order',
			value: 'completion',
			description: 'In the order in which the tasks finish',
		},
	],
	default: 'input',
	description: 'The order of the results',
};

const batchOptions: INodeProperties[] = [
	{
		displayName: 'Budget (USD)',
		name: 'budget',
		type: 'number',
		typeOptions: { minValue: 0, numberPrecision: 4 },
		default: 0,
		description:
			'Start no more items once the real costs of the finished ones and the estimates of the running ones reach this. 0 for no limit. Results that are reused do not count.',
	},
	{
		displayName: 'Progress Every (Items)',
		name: 'progressEvery',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 0,
		description:
			'Report progress each time this many items are done, and every 10 seconds in any case. The editor shows nothing before the end: look into the console of the browser (F12), or the log of n8n. If the workflow streams its response, its caller gets the reports, too.',
	},
	{
		displayName: 'Stop After Failures',
		name: 'stopAfterFailures',
		type: 'number',
		typeOptions: { minValue: 0 },
		default: 0,
		description:
			'Start no more items after this many failures of the service in a row. 0 for never. Failed tasks do not count. A refused API key always stops the batch.',
	},
];

/** The parameters of Batch, in the order of its panel. */
export const properties: INodeProperties[] = [
	appProperty,
	...sourceProperties,
	...inputOfItems,
	orderProperty,
	...waitProperties(),
	...sinceVersion2(outputProperties),
	...limitProperties,
	taskOptionsProperty(batchOptions),
];
