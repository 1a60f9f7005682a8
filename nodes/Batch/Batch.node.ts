import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { searchApps } from '../shared/appSearch';
import { properties } from './description';
import { runBatch } from './execute';

/** Inference.sh Batch: thousands of items through a sliding window. */
export class Batch implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Inference.sh Batch',
		name: 'batch',
		icon: {
			light: 'file:../../credentials/inferencesh.svg',
			dark: 'file:../../credentials/inferencesh.dark.svg',
		},
		group: ['transform'],
		version: 1,
		subtitle: '={{ $parameter["app"]["value"] ?? $parameter["app"] }}',
		description:
			'Run an AI app on inference.sh for thousands of items, with failures apart and a summary',
		defaults: { name: 'Inference.sh Batch' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main, NodeConnectionTypes.Main, NodeConnectionTypes.Main],
		outputNames: ['Succeeded', 'Failed', 'Summary'],
		usableAsTool: true,
		credentials: [{ name: 'inferenceShApi', required: true }],
		properties,
	};

	methods = { listSearch: { searchApps } };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await runBatch(this);
	}
}
