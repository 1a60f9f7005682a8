/** A node that asks the model that it is given, as n8n's own do. */
import type { ChatModel } from '@n8n/ai-node-sdk';
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import type {
	IDataObject,
	IExecuteFunctions,
	INode,
	INodeExecutionData,
	INodeParameters,
	INodeType,
} from 'n8n-workflow';
import { LmChatInferenceSh } from '../../../nodes/LmChatInferenceSh/LmChatInferenceSh.node.ts';
import {
	PASSTHROUGH,
	runWorkflow,
	type EngineOptions,
	type EngineRun,
} from '../../engine/engine.mts';
import { appRef, credentialsOf } from '../../engine/support.mts';
import type { Sandbox } from '../../sandbox/index.mts';

/** n8n's adapter, with the model in it. */
export type AdaptedModel = BaseChatModel & { readonly chatModel: ChatModel };

/** Asks a model; what it gives is the JSON of the node's output item. */
export type Asking = (model: AdaptedModel, context: IExecuteFunctions) => Promise<IDataObject>;

/** Names in the workflow. */
export const ASKS = 'Asks';
export const MODEL = 'Model';

const askingNode = (asking: Asking): INodeType => ({
	description: {
		displayName: 'Asks',
		name: 'asks',
		group: ['transform'],
		version: 1,
		description: 'Asks a model',
		defaults: { name: ASKS },
		inputs: ['main', { type: 'ai_languageModel', maxConnections: 1 }],
		outputs: ['main'],
		properties: [],
	},
	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const model = await this.getInputConnectionData('ai_languageModel', 0);
		return [[{ json: await asking(model as AdaptedModel, this) }]];
	},
});

export interface AskOptions extends EngineOptions {
	model?: string;
	parameters?: INodeParameters;
	options?: INodeParameters;
	/** Stands for the node of the chat model. */
	modelNode?: INodeType;
}

/** Runs a workflow with a node that asks the chat model. */
export async function askModel(
	sandbox: Sandbox,
	asking: Asking,
	{ model = 'sandbox/chat', options = {}, parameters, modelNode, ...rest }: AskOptions = {},
): Promise<EngineRun> {
	const node = (name: string, type: string, more: Partial<INode> = {}): INode => {
		return { id: name, name, type, typeVersion: 1, position: [0, 0], parameters: {}, ...more };
	};
	return await runWorkflow({
		credentials: credentialsOf(sandbox),
		...rest,
		nodes: [
			node('Start', PASSTHROUGH),
			node(ASKS, 'test.asks'),
			node(MODEL, 'test.model', {
				parameters: { model: appRef(model), ...parameters, options },
				credentials: { inferenceShApi: { id: '1', name: 'Test' } },
			}),
		],
		connections: {
			Start: { main: [[{ node: ASKS, type: 'main', index: 0 }]] },
			[MODEL]: { ai_languageModel: [[{ node: ASKS, type: 'ai_languageModel', index: 0 }]] },
		},
		nodeTypes: {
			'test.asks': askingNode(asking),
			'test.model': modelNode ?? new LmChatInferenceSh(),
		},
	});
}

/** What the asking node has put out. */
export function answerOf(run: EngineRun): IDataObject {
	if (run.error) throw run.error;
	return run.output(ASKS)[0]?.json ?? {};
}
