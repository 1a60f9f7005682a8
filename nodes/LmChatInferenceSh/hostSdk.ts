import type { ChatModel, Tool } from '@n8n/ai-node-sdk';
import { NodeOperationError, type ISupplyDataFunctions, type SupplyData } from 'n8n-workflow';
import { hostModule } from '../client/transport/hostModule';
import { isJsonObject, listOf, textOf } from '../client/util/json';
import { nodeOf } from '../shared/parameters/nodeOf';

/** What is used of n8n's SDK for models. */
export interface HostSdk {
	supplyModel(context: ISupplyDataFunctions, model: ChatModel): SupplyData;
	getParametersJsonSchema(tool: Extract<Tool, { readonly type: 'function' }>): unknown;
}

function isSdk(found: unknown): found is HostSdk {
	return (
		isJsonObject(found) &&
		typeof found['supplyModel'] === 'function' &&
		typeof found['getParametersJsonSchema'] === 'function'
	);
}

/**
 * The SDK of this n8n, looked for when a model is used: an n8n without it could load no node at all
 * of a package that asks for it earlier.
 *
 * @throws NodeOperationError before n8n 2.16, which has none
 */
export function requireHostSdk(context: ISupplyDataFunctions, itemIndex: number): HostSdk {
	const found = hostModule('@n8n/ai-node-sdk');
	if (isSdk(found)) return found;
	throw new NodeOperationError(nodeOf(context), 'The chat model needs n8n 2.16 or newer', {
		itemIndex,
		functionality: 'configuration-node',
		description:
			'Update n8n. Until then, Run App runs the same model, and Agent Message talks to agents of inference.sh.',
	});
}

const tokens = (value: unknown) => (typeof value === 'number' ? value : 0);

/** The usage of a run of a model, under either of the names that LangChain has for it. */
function usageOf(result: unknown) {
	const output = isJsonObject(result) ? result['llmOutput'] : undefined;
	const usage = isJsonObject(output) ? output['tokenUsage'] : undefined;
	const said = isJsonObject(usage) ? usage : {};
	const promptTokens = tokens(said['promptTokens'] ?? said['input_tokens']);
	const completionTokens = tokens(said['completionTokens'] ?? said['output_tokens']);
	return { promptTokens, completionTokens, totalTokens: promptTokens + completionTokens };
}

/** How many characters a token has, on average. */
const TOKEN_LENGTH = 4;

/**
 * How long a text is for a model, as LangChain itself estimates it where it cannot do better.
 *
 * @param content a text, or the parts of a message
 */
async function estimateTokens(content: unknown): Promise<number> {
	const parts = typeof content === 'string' ? [{ text: content }] : listOf(content);
	const texts = parts.map((part) => (isJsonObject(part) ? textOf(part['text']) : undefined) ?? '');
	return Math.ceil(texts.join('').length / TOKEN_LENGTH);
}

/**
 * Mends what n8n's adapter makes of a chat model. If n8n has changed there, nothing happens.
 *
 * - It shows the true usage of streamed answers, too. The adapter looks for it under the names that
 *   answers in one piece have, finds nothing for streamed ones, and estimates.
 * - It tells how long a text is without asking anybody. LangChain would fetch a table from another host
 *   (`tiktoken.pages.dev`), for each text and for minutes where that cannot be reached.
 *
 * @param model what the SDK has made of a chat model
 */
export function mendAdapter(model: unknown): void {
	if (!isJsonObject(model)) return;
	for (const handler of listOf(model['callbacks'])) {
		const options = isJsonObject(handler) ? handler['options'] : undefined;
		if (!isJsonObject(options) || typeof options['tokensUsageParser'] !== 'function') continue;
		Object.assign(options, { tokensUsageParser: usageOf });
	}
	const { bindTools, getNumTokens } = model;
	if (typeof getNumTokens === 'function') Object.assign(model, { getNumTokens: estimateTokens });
	if (typeof bindTools !== 'function') return;
	Object.assign(model, {
		bindTools: (...given: unknown[]) => {
			const bound: unknown = Reflect.apply(bindTools, model, given);
			mendAdapter(bound);
			return bound;
		},
	});
}
