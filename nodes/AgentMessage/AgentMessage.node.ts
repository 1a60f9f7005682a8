import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { searchAgents, searchApps } from '../shared/editor/appSearch';
import { properties } from './description';
import { agentMessage } from './execute';

/** Inference.sh Agent Message: every input item is one turn of a conversation with an agent. */
export class AgentMessage implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Inference.sh Agent Message',
		name: 'agentMessage',
		icon: {
			light: 'file:../../credentials/inferencesh.svg',
			dark: 'file:../../credentials/inferencesh.dark.svg',
		},
		group: ['transform'],
		version: 1,
		subtitle:
			'={{ $parameter["operation"] + ": " + (["agent", "coreApp", "chatId"].map((name) => $parameter[name]?.value ?? $parameter[name]).find(Boolean) ?? "") }}',
		description: 'Talk to an AI agent on inference.sh: conversations, tools, approvals',
		defaults: { name: 'Inference.sh Agent Message' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: true,
		credentials: [{ name: 'inferenceShApi', required: true }],
		properties,
	};

	methods = { listSearch: { searchAgents, searchApps } };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await agentMessage(this);
	}
}
