import {
	NodeConnectionTypes,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	type IPollFunctions,
} from 'n8n-workflow';
import { searchAgents, searchApps } from '../shared/editor/appSearch';
import { properties } from './description';
import { poll } from './poll';

/** Inference.sh Trigger: starts a workflow when a task has ended, or an agent waits for somebody. */
export class InferenceShTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Inference.sh Trigger',
		name: 'inferenceShTrigger',
		icon: {
			light: 'file:inferenceShTrigger.svg',
			dark: 'file:inferenceShTrigger.dark.svg',
		},
		group: ['trigger'],
		version: 1,
		subtitle:
			'={{ $parameter["event"] === "approvalNeeded" ? "approval needed" : "task finished" }}',
		// n8n lists the trigger and Inference.sh as one, under this text and the words of Inference.sh.
		description:
			'Work with tasks, files, flows, chats and costs on inference.sh, or start when a task has ended or an agent needs approval',
		eventTriggerDescription: '',
		activationMessage:
			'From now on n8n asks inference.sh at the poll times. What happens from this moment on starts your workflow, once.',
		defaults: { name: 'Inference Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		polling: true,
		builderHint: {
			searchHint:
				'Starts a workflow when tasks on inference.sh have ended, also those started elsewhere, or when an agent there waits for an approval. To wait for a task that the workflow itself starts, use Inference.sh Run App, which waits.',
		},
		credentials: [{ name: 'inferenceShApi', required: true }],
		properties,
	};

	methods = { listSearch: { searchAgents, searchApps } };

	async poll(this: IPollFunctions): Promise<INodeExecutionData[][] | null> {
		return await poll(this);
	}
}
