/** Asking this package's chat model. */
import type { ChatModel } from '@n8n/ai-node-sdk';
import type { BaseChatModel } from '@langchain/core/language_models/chat_models';
import type { INodeParameters } from 'n8n-workflow';
import { LmChatInferenceSh } from '../../../nodes/LmChatInferenceSh/LmChatInferenceSh.node.ts';
import { runAsking, type Asking } from '../../engine/askingNode.mts';
import type { EngineOptions, EngineRun } from '../../engine/engine.mts';
import { appRef, credentialsOf } from '../../engine/support.mts';
import type { Sandbox } from '../../sandbox/index.mts';

export { answerOf, ASKS, MODEL } from '../../engine/askingNode.mts';

/** n8n's adapter, with the model in it. */
export type AdaptedModel = BaseChatModel & { readonly chatModel: ChatModel };

export interface AskOptions extends EngineOptions {
	model?: string;
	parameters?: INodeParameters;
	options?: INodeParameters;
}

/** Runs a workflow with a node that asks the chat model. */
export async function askModel(
	sandbox: Sandbox,
	asking: Asking<AdaptedModel>,
	{ model = 'sandbox/chat', options = {}, parameters, ...rest }: AskOptions = {},
): Promise<EngineRun> {
	return await runAsking(asking, {
		credentials: credentialsOf(sandbox),
		...rest,
		modelNode: new LmChatInferenceSh(),
		parameters: { model: appRef(model), ...parameters, options },
	});
}
