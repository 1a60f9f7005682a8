import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { searchApps } from '../shared/appSearch';
import { description } from './description';
import { runApp } from './execute';

/** Inference.sh Run App: every input item is one task. */
export class RunApp implements INodeType {
	description: INodeTypeDescription = {
		...description,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: true,
	};

	methods = { listSearch: { searchApps } };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return [await runApp(this)];
	}
}
