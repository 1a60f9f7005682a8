import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { appMethods } from '../shared/editor/pickers';
import { properties } from './description';
import { streamTask } from './execute';

/** Inference.sh Stream Task: what happens to a task while it runs. */
export class StreamTask implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Inference.sh Stream Task',
		name: 'streamTask',
		icon: {
			light: 'file:../../credentials/inferencesh.svg',
			dark: 'file:../../credentials/inferencesh.dark.svg',
		},
		group: ['transform'],
		version: 1,
		subtitle:
			'={{ $parameter["source"] === "existing" ? "existing task" : $parameter["app"]["value"] ?? $parameter["app"] }}',
		description:
			'Follow a task on inference.sh while it runs: get its progress, logs and text, and stream them to the caller',
		defaults: { name: 'Inference.sh Stream Task' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main, NodeConnectionTypes.Main],
		outputNames: ['Result', 'Updates'],
		usableAsTool: true,
		credentials: [{ name: 'inferenceShApi', required: true }],
		properties,
	};

	methods = appMethods;

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await streamTask(this);
	}
}
