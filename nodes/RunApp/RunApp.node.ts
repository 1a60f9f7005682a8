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
import { runApp } from './execute';
import { waitingApp } from './waiting';

/** Inference.sh Run App: every input item is one task. */
export class RunApp implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Inference.sh Run App',
		name: 'runApp',
		icon: {
			light: 'file:../../credentials/inferencesh.svg',
			dark: 'file:../../credentials/inferencesh.dark.svg',
		},
		group: ['transform'],
		version: 1,
		subtitle: '={{ $parameter["app"]["value"] ?? $parameter["app"] }}',
		description: 'Run an AI app on inference.sh for each item',
		defaults: { name: 'Inference.sh Run App' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: true,
		credentials: [{ name: 'inferenceShApi', required: true }],
		webhooks: callbackWebhooks,
		waitingNodeTooltip: WAITING_TOOLTIP,
		properties,
	};

	methods = appMethods;

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await runApp(this);
	}

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await answerCallback(this, waitingApp);
	}
}
