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
import { runApp } from './execute';
import { waitingApp } from './waiting';

/** Inference.sh Run App: every input item is one task. */
export class RunApp implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Inference.sh Run App',
		name: 'runApp',
		icon: {
			light: 'file:runApp.svg',
			dark: 'file:runApp.dark.svg',
		},
		group: ['transform'],
		version: [1, 2],
		defaultVersion: 2,
		subtitle: '={{ $parameter["app"]["value"] ?? $parameter["app"] }}',
		description:
			'Run an AI app on inference.sh for each item: images, video, speech, language models and more',
		defaults: { name: 'Run App' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		usableAsTool: true,
		builderHint: {
			searchHint:
				'Runs any app of inference.sh (image, video, audio, speech, language models) once for each item and waits for the results. For hundreds of items or more use Inference.sh Batch, to show the answer while it is made Inference.sh Stream Task, for conversations Inference.sh Agent Message.',
		},
		credentials: [{ name: 'inferenceShApi', required: true }],
		webhooks: callbackWebhooks,
		waitingNodeTooltip: WAITING_TOOLTIP,
		properties,
	};

	methods = appMethods;

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		nameParameters(this, properties);
		return await runApp(this);
	}

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await answerCallback(this, waitingApp);
	}
}
