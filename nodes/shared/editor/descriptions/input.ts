import type { INodeProperties } from 'n8n-workflow';
import { inVersion1, shownIf, sinceVersion2 } from './shownIf';

/** What a form is made of. */
interface FormSource {
	/** What it has, as a description begins. */
	readonly of: string;
	/** What fills it. */
	readonly method: string;
	readonly dependsOn: readonly string[];
}

const APP_FORM: FormSource = {
	of: 'The inputs and setup parameters of the app',
	method: 'getInputFields',
	dependsOn: ['app.value', 'options.version.value', 'options.function.value'],
};
const FLOW_FORM: FormSource = {
	of: 'The inputs of the flow',
	method: 'getFlowFields',
	dependsOn: ['flow.value'],
};

/**
 * The form.
 *
 * @param mode of n8n's resource mapper: `add` marks what is required and blocks the run without it
 */
function formProperty(mode: 'add' | 'map', { of, method, dependsOn } = APP_FORM): INodeProperties {
	return {
		displayName: 'Input Fields',
		name: 'fields',
		type: 'resourceMapper',
		noDataExpression: true,
		default: { mappingMode: 'defineBelow', value: null },
		typeOptions: {
			loadOptionsDependsOn: [...dependsOn],
			resourceMapper: {
				resourceMapperMethod: method,
				mode,
				valuesLabel: 'Input Fields',
				fieldWords: { singular: 'field', plural: 'fields' },
				addAllFields: true,
				supportAutoMap: false,
			},
		},
		displayOptions: { show: { inputMode: ['fields'] } },
		description: `${of}. What is left empty is not sent. A file field takes the name of a binary field of the incoming item, a URL, or an expression that gives a file.`,
	};
}

const filesProperty: INodeProperties = {
	displayName: 'Files From Binary Data',
	name: 'binaryFiles',
	type: 'fixedCollection',
	typeOptions: { multipleValues: true },
	placeholder: 'Add File',
	default: {},
	description: 'Files of the incoming item to upload, and where their URLs go in the input',
	options: [
		{
			displayName: 'File',
			name: 'values',
			values: [
				{
					displayName: 'Input Field',
					name: 'field',
					type: 'string',
					default: '',
					placeholder: 'e.g. image',
					description:
						'Name of the field that gets the URL. Dots lead further inside: images.0, person.photo.',
				},
				{
					displayName: 'Input Data Field Name',
					name: 'binaryProperty',
					type: 'string',
					default: 'data',
					description:
						'Name of the binary field of the incoming item that holds the file, or an expression that gives a file',
				},
			],
		},
	],
};

function modeProperty(of: 'app' | 'flow', displayName: string): INodeProperties {
	return {
		displayName,
		name: 'inputMode',
		type: 'options',
		noDataExpression: true,
		options: [
			{
				name: 'Form',
				value: 'fields',
				description: `Fill in a form with the inputs of the ${of}`,
			},
			{
				name: 'JSON',
				value: 'json',
				description: 'Write the input as JSON, with expressions where you need them',
			},
			{
				name: 'Incoming Item',
				value: 'item',
				description: 'Use the JSON of each incoming item as it is',
			},
		],
		default: 'fields',
		description: `Where the input of the ${of} comes from`,
	};
}

function jsonProperty(of: 'app' | 'flow'): INodeProperties {
	return {
		displayName: 'Input (JSON)',
		name: 'jsonInput',
		type: 'json',
		typeOptions: { rows: 6 },
		default: '{}',
		displayOptions: { show: { inputMode: ['json'] } },
		description: `A JSON object with the inputs of the ${of}, by their names`,
	};
}

/** Where an item's input comes from. */
export const inputProperties: INodeProperties[] = [
	modeProperty('app', 'App Input'),
	...inVersion1([formProperty('map')]),
	...sinceVersion2([formProperty('add')]),
	jsonProperty('app'),
	...inVersion1([filesProperty]),
	...sinceVersion2(shownIf({ inputMode: ['json', 'item'] }, [filesProperty])),
];

/** The same for a flow. */
export const flowInputProperties: INodeProperties[] = [
	modeProperty('flow', 'Flow Input'),
	formProperty('add', FLOW_FORM),
	jsonProperty('flow'),
	...shownIf({ inputMode: ['json', 'item'] }, [filesProperty]),
];
