import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';
import { appMethods } from '../shared/editor/pickers';
import { callbackWebhooks, WAITING_TOOLTIP } from '../shared/editor/descriptions/wait';
import { answerCallback } from '../shared/callback/webhookCallback';
import { properties } from './description';
import { runBatch } from './execute';
import { waitingBatch } from './waiting';

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
			'Run an AI app on inference.sh for thousands of items, with separate outputs for results, failures and a summary',
		defaults: { name: 'Inference.sh Batch' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main, NodeConnectionTypes.Main, NodeConnectionTypes.Main],
		outputNames: ['Succeeded', 'Failed', 'Summary'],
		usableAsTool: true,
		credentials: [{ name: 'inferenceShApi', required: true }],
		webhooks: callbackWebhooks,
		waitingNodeTooltip: WAITING_TOOLTIP,
		properties,
	};

	methods = appMethods;

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await runBatch(this);
	}

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await answerCallback(this, waitingBatch);
	}
}
