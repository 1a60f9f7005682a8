import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { appMethods } from '../shared/editor/pickers';
import { nameParameters } from '../shared/parameters/displayNames';
import { properties } from './description';
import { streamTask } from './execute';

/** Inference.sh Stream Task: what happens to a task while it runs. */
export class StreamTask implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Inference.sh Stream Task',
		name: 'streamTask',
		icon: {
			light: 'file:streamTask.svg',
			dark: 'file:streamTask.dark.svg',
		},
		group: ['transform'],
		version: [1, 2],
		defaultVersion: 2,
		subtitle:
			'={{ $parameter["source"] === "existing" ? "existing task" : $parameter["app"]["value"] ?? $parameter["app"] }}',
		description:
			'Run an AI app on inference.sh and follow it while it works: get its progress, logs and text, and stream them to the caller',
		defaults: { name: 'Stream Task' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main, NodeConnectionTypes.Main],
		outputNames: ['Result', 'Updates'],
		usableAsTool: true,
		builderHint: {
			searchHint:
				'Runs an app of inference.sh, or follows a task that already runs, and shows what happens meanwhile. Outputs: 0 Result (one item per task), 1 Updates (many). Behind a Chat Trigger or Webhook with streaming response the text goes to the caller word by word. If only the result counts, use Inference.sh Run App.',
		},
		credentials: [{ name: 'inferenceShApi', required: true }],
		properties,
	};

	methods = appMethods;

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		nameParameters(this, properties);
		return await streamTask(this);
	}
}
