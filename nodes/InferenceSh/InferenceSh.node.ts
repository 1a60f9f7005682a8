import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { searchAgents, searchApps } from '../shared/editor/appSearch';
import { getFlowFields } from '../shared/editor/inputFields';
import { searchFiles, searchFlows } from '../shared/editor/workspacePickers';
import { nameParameters } from '../shared/parameters/displayNames';
import { properties, subtitle } from './description';
import { inferenceSh } from './execute';

/** Inference.sh: what is in a workspace around running, each operation in a file of its own. */
export class InferenceSh implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Inference.sh',
		name: 'inferenceSh',
		icon: { light: 'file:inferenceSh.svg', dark: 'file:inferenceSh.dark.svg' },
		group: ['transform'],
		version: 1,
		subtitle,
		description: 'Work with what is on inference.sh: tasks, files, flows, chats, costs and more',
		defaults: { name: 'Inference' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: true,
		builderHint: {
			searchHint:
				'Lists, reads, cancels and deletes what is on inference.sh: tasks, files, flows and their runs, chats, sessions, costs and limits; also runs flows. To run an app, use Inference.sh Run App; to talk to an agent, Inference.sh Agent Message.',
		},
		credentials: [{ name: 'inferenceShApi', required: true }],
		properties,
	};

	methods = {
		listSearch: { searchAgents, searchApps, searchFiles, searchFlows },
		resourceMapping: { getFlowFields },
	};

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		nameParameters(this, properties);
		return await inferenceSh(this);
	}
}
