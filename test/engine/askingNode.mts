/** A node that asks the model that it is given, as n8n's own do. */
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import type {
	IDataObject,
	IExecuteFunctions,
	INode,
	INodeExecutionData,
	INodeParameters,
	INodeType,
} from 'n8n-workflow';
import { PASSTHROUGH, runWorkflow, type EngineOptions, type EngineRun } from './engine.mts';

/** Asks a model; what it gives is the JSON of the node's output item. */
export type Asking<Model extends BaseChatModel> = (
	model: Model,
	context: IExecuteFunctions,
) => Promise<IDataObject>;

/** Names in the workflow. */
export const ASKS = 'Asks';
export const MODEL = 'Model';

export interface AskingOptions extends EngineOptions {
	/** The chat model's node. */
	readonly modelNode: INodeType;
	readonly parameters: INodeParameters;
}

function askingNode<Model extends BaseChatModel>(asking: Asking<Model>): INodeType {
	return {
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
			return [[{ json: await asking(model as Model, this) }]];
		},
	};
}

/** Runs a workflow with a node that asks a chat model. */
export async function runAsking<Model extends BaseChatModel>(
	asking: Asking<Model>,
	{ modelNode, parameters, ...rest }: AskingOptions,
): Promise<EngineRun> {
	const node = (name: string, type: string, more: Partial<INode> = {}): INode => {
		return { id: name, name, type, typeVersion: 1, position: [0, 0], parameters: {}, ...more };
	};
	const { version, credentials = [] } = modelNode.description;
	return await runWorkflow({
		...rest,
		nodes: [
			node('Start', PASSTHROUGH),
			node(ASKS, 'test.asks'),
			node(MODEL, 'test.model', {
				typeVersion: [version].flat().at(-1) ?? 1,
				parameters,
				credentials: Object.fromEntries(
					credentials.map(({ name }) => [name, { id: '1', name: 'Test' }]),
				),
			}),
		],
		connections: {
			Start: { main: [[{ node: ASKS, type: 'main', index: 0 }]] },
			[MODEL]: { ai_languageModel: [[{ node: ASKS, type: 'ai_languageModel', index: 0 }]] },
		},
		nodeTypes: { 'test.asks': askingNode(asking), 'test.model': modelNode },
	});
}

/** What the asking node has put out. */
export function answerOf(run: EngineRun): IDataObject {
	if (run.error) throw run.error;
	return run.output(ASKS)[0]?.json ?? {};
}
