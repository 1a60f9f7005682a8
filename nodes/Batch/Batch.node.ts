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
import { nameParameters } from '../shared/parameters/displayNames';
import { properties } from './description';
import { runBatch } from './execute';
import { waitingBatch } from './waiting';

/** Inference.sh Batch: thousands of items through a sliding window. */
export class Batch implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Inference.sh Batch',
		name: 'batch',
		icon: {
			light: 'file:batch.svg',
			dark: 'file:batch.dark.svg',
		},
		group: ['transform'],
		version: [1, 2],
		defaultVersion: 2,
		subtitle: '={{ $parameter["app"]["value"] ?? $parameter["app"] }}',
		description:
			'Run an AI app on inference.sh for hundreds or thousands of items, with separate outputs for results, failures and a summary',
		defaults: { name: 'Batch' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main, NodeConnectionTypes.Main, NodeConnectionTypes.Main],
		outputNames: ['Succeeded', 'Failed', 'Summary'],
		// No tool: an agent would get what comes out of Succeeded and nothing else. n8n's lint wants the
		// property all the same, and n8n's type has no value that means no.
		usableAsTool: undefined as never,
		builderHint: {
			searchHint:
				'Runs an app of inference.sh for many items, a set number at a time, without a loop around it. Outputs: 0 Succeeded, 1 Failed, 2 Summary (one item). For a few items use Inference.sh Run App. It cannot be a tool of an agent.',
		},
		credentials: [{ name: 'inferenceShApi', required: true }],
		webhooks: callbackWebhooks,
		waitingNodeTooltip: WAITING_TOOLTIP,
		properties,
	};

	methods = appMethods;

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		nameParameters(this, properties);
		return await runBatch(this);
	}

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await answerCallback(this, waitingBatch);
	}
}
