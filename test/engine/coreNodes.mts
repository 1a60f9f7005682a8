/**
 * What the examples use of n8n's own nodes, as little of it as they need: n8n's are not among the
 * project's dependencies. `npm run test:e2e` has the real ones.
 */
import type {
	IDataObject,
	IExecuteFunctions,
	INodeExecutionData,
	INodeProperties,
	INodeType,
	INodeTypeDescription,
} from 'n8n-workflow';

type Work = (context: IExecuteFunctions) => INodeExecutionData[][];

class CoreNode implements INodeType {
	readonly description: INodeTypeDescription;
	readonly execute: NonNullable<INodeType['execute']>;

	constructor(
		name: string,
		work: Work,
		properties: readonly INodeProperties[] = [],
		outputs: INodeTypeDescription['outputs'] = ['main'],
	) {
		this.description = {
			displayName: name,
			name,
			group: ['transform'],
			version: [1, 1.1, 1.2, 1.4, 1.5, 2.1, 2.2, 3.4],
			description: name,
			defaults: { name },
			inputs: ['main'],
			outputs,
			properties: [...properties],
		};
		this.execute = async function (this: IExecuteFunctions) {
			return work(this);
		};
	}
}

const property = (
	name: string,
	type: INodeProperties['type'],
	fallback: INodeProperties['default'],
) => {
	return { displayName: name, name, type, default: fallback } satisfies INodeProperties;
};

/** One item for each incoming one. */
function each(work: (context: IExecuteFunctions, index: number) => IDataObject): Work {
	return (context) => [
		context.getInputData().map(({ binary }, item) => ({
			json: work(context, item),
			...(binary && { binary }),
			pairedItem: { item },
		})),
	];
}

const handOn: Work = (context) => [
	context.getInputData().map((one, item) => ({ ...one, pairedItem: { item } })),
];

function setFields(context: IExecuteFunctions, index: number): IDataObject {
	if (context.getNodeParameter('mode', index) === 'raw') {
		const raw = context.getNodeParameter('jsonOutput', index);
		return (typeof raw === 'string' ? JSON.parse(raw) : raw) as IDataObject;
	}
	const fields = context.getNodeParameter('assignments.assignments', index, []) as IDataObject[];
	return Object.fromEntries(fields.map(({ name, value }) => [String(name), value]));
}

const splitOut: Work = (context) => [
	context.getInputData().flatMap(({ json }, item) => {
		const field = String(context.getNodeParameter('fieldToSplitOut', item));
		const options = context.getNodeParameter('options', item, {});
		const elements = json[field] as Array<IDataObject | string>;
		return elements.map((element) => {
			const name = String(options['destinationFieldName'] ?? field);
			const isWhole = typeof element === 'object' && element !== null;
			return { json: isWhole ? element : { [name]: element }, pairedItem: { item } };
		});
	}),
];

const decide: Work = (context) => {
	const outputs: [INodeExecutionData[], INodeExecutionData[]] = [[], []];
	for (const [item, one] of context.getInputData().entries()) {
		const isTrue = context.getNodeParameter('conditions', item, false, { extractValue: true });
		outputs[isTrue === true ? 0 : 1].push({ ...one, pairedItem: { item } });
	}
	return outputs;
};

const respond = each((context, index) => {
	const body = context.getNodeParameter('responseBody', index, '') as IDataObject | string;
	const { json } = context.getInputData()[index] ?? { json: {} };
	return typeof body === 'object' ? body : json;
});

/** What somebody fills in who is asked by a Wait node with a form. */
const fillIn = each(() => ({ Decision: 'approve', Reason: '' }));

/** Nodes of n8n by type. */
export const CORE_NODES: Readonly<Record<string, INodeType>> = {
	'n8n-nodes-base.manualTrigger': new CoreNode('manualTrigger', handOn),
	'n8n-nodes-base.scheduleTrigger': new CoreNode('scheduleTrigger', handOn),
	'n8n-nodes-base.webhook': new CoreNode('webhook', handOn),
	'@n8n/n8n-nodes-langchain.chatTrigger': new CoreNode('chatTrigger', handOn),
	'n8n-nodes-base.noOp': new CoreNode('noOp', handOn),
	'n8n-nodes-base.set': new CoreNode('set', each(setFields), [
		property('mode', 'string', 'manual'),
		property('jsonOutput', 'json', '{}'),
		property('assignments', 'assignmentCollection', {}),
	]),
	'n8n-nodes-base.splitOut': new CoreNode('splitOut', splitOut, [
		property('fieldToSplitOut', 'string', ''),
		{
			...property('options', 'collection', {}),
			options: [property('destinationFieldName', 'string', '')],
		},
	]),
	'n8n-nodes-base.if': new CoreNode(
		'if',
		decide,
		[property('conditions', 'filter', {})],
		['main', 'main'],
	),
	'n8n-nodes-base.respondToWebhook': new CoreNode('respondToWebhook', respond, [
		property('responseBody', 'json', ''),
	]),
	'n8n-nodes-base.wait': new CoreNode('wait', fillIn),
};
