import type { ChatModel } from '@n8n/ai-node-sdk';
import {
	NodeConnectionTypes,
	type INodeType,
	type INodeTypeDescription,
	type ISupplyDataFunctions,
	type SupplyData,
} from 'n8n-workflow';
import { nameParameters } from '../shared/parameters/displayNames';
import { properties } from './description';
import { mendAdapter, requireHostSdk } from './hostSdk';
import { searchModels } from './modelPicker';
import { openChatModel } from './openChatModel';

/** Inference.sh Chat Model: a language model of inference.sh for n8n's own AI nodes. */
export class LmChatInferenceSh implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Inference.sh Chat Model',
		name: 'lmChatInferenceSh',
		icon: {
			light: 'file:lmChatInferenceSh.svg',
			dark: 'file:lmChatInferenceSh.dark.svg',
		},
		group: ['transform'],
		version: 1,
		subtitle: '={{ $parameter["model"]["value"] ?? $parameter["model"] }}',
		description: 'Language models on inference.sh for AI agents and chains',
		defaults: { name: 'Chat Model' },
		inputs: [],
		outputs: [NodeConnectionTypes.AiLanguageModel],
		outputNames: ['Model'],
		builderHint: {
			searchHint:
				'Gives an AI Agent, a Basic LLM Chain or a classifier of n8n any language model of inference.sh. Use it wherever a chat model is asked for. To run a model without such a node use Inference.sh Run App.',
		},
		credentials: [{ name: 'inferenceShApi', required: true }],
		properties,
	};

	methods = { listSearch: { searchModels } };

	async supplyData(this: ISupplyDataFunctions, itemIndex: number): Promise<SupplyData> {
		nameParameters(this, properties);
		const sdk = requireHostSdk(this, itemIndex);
		const { model, close } = await openChatModel(this, itemIndex, sdk);
		const supplied = sdk.supplyModel(this, model satisfies ChatModel);
		mendAdapter(supplied.response);
		return { ...supplied, closeFunction: close };
	}
}
