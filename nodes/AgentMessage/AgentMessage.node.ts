import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { searchAgents, searchApps } from '../shared/editor/appSearch';
import { nameParameters } from '../shared/parameters/displayNames';
import { properties, subtitle } from './description';
import { agentMessage } from './execute';

/** Inference.sh Agent Message: every input item is one turn of a conversation with an agent. */
export class AgentMessage implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Inference.sh Agent Message',
		name: 'agentMessage',
		icon: {
			light: 'file:agentMessage.svg',
			dark: 'file:agentMessage.dark.svg',
		},
		group: ['transform'],
		version: [1, 2],
		defaultVersion: 2,
		subtitle,
		description:
			'Talk to an AI agent on inference.sh: send a message and get the answer, approve what it wants to do',
		defaults: { name: 'Agent Message' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: true,
		builderHint: {
			searchHint:
				'Sends messages to an agent that runs on inference.sh, with its own tools, memory and approvals; complete by itself, it takes no model, memory or tools from n8n. To run a model or another app once, use Inference.sh Run App.',
		},
		credentials: [{ name: 'inferenceShApi', required: true }],
		properties,
	};

	methods = { listSearch: { searchAgents, searchApps } };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		nameParameters(this, properties);
		return await agentMessage(this);
	}
}
