import type { FinishReason, MessageContent, TokenUsage } from '@n8n/ai-node-sdk';
import { UnexpectedOutputError } from '../client/errors';
import { responseText } from '../client/follow/deltas';
import type { Task } from '../client/tasks/task';
import { isJsonObject, listOf, parseJson, textOf, type JsonObject } from '../client/util/json';
import type { ToolCall } from './conversation';

/** What a language model has answered. */
export interface LlmAnswer {
	readonly taskId: string;
	readonly text: string;
	readonly reasoning: string;
	readonly calls: readonly ToolCall[];
	/** Addresses of pictures that it has made. */
	readonly images: readonly string[];
	/** Undefined if the app does not tell. */
	readonly usage: TokenUsage | undefined;
	readonly finishReason: FinishReason;
}

/**
 * Reads the output of a language model's task (API notes 7.6).
 *
 * @throws UnexpectedOutputError if it is no answer, or if it calls a tool with what is not JSON: to
 * call it with something else would not be what the model has asked for
 */
export function llmAnswer({ id: taskId, output }: Task): LlmAnswer {
	const wrong = (problem: string, hint: string) => {
		const about = { kind: 'task', id: taskId } as const;
		return new UnexpectedOutputError(`Task ${taskId} has completed, but ${problem}`, {
			about,
			hint,
		});
	};
	const fields: JsonObject = isJsonObject(output) ? output : {};
	const text = responseText(output);
	const reasoning = textOf(fields['reasoning']) ?? '';
	const calls = listOf(fields['tool_calls']).filter(isJsonObject).map(callOf);
	const images = listOf(fields['images'])
		.map(addressOf)
		.filter((url) => url !== undefined);
	if (text === undefined && reasoning === '' && calls.length + images.length === 0) {
		throw wrong(
			'its output is not the answer of a language model',
			'Choose an app whose output has the field "response".',
		);
	}
	for (const { name, arguments: given } of calls) {
		if (name !== '' && isJsonObject(parseJson(given))) continue;
		throw wrong(
			`its call of the tool ${JSON.stringify(name)} cannot be understood: ${given.slice(0, 200)}`,
			'The model has written something that is not JSON, or its answer was cut off. If "Max Tokens" is set, raise it; else try again or choose another model.',
		);
	}
	return {
		taskId,
		text: text ?? '',
		reasoning,
		calls: withOwnIds(calls, taskId),
		images,
		usage: usageOf(fields),
		finishReason: calls.length > 0 ? 'tool-calls' : finishReasonOf(fields),
	};
}

function callOf(wire: JsonObject): ToolCall {
	const called = isJsonObject(wire['function']) ? wire['function'] : wire;
	const given = called['arguments'] ?? '';
	const written = typeof given === 'string' ? given.trim() : JSON.stringify(given);
	return {
		id: textOf(wire['id']) ?? '',
		name: textOf(called['name']) ?? '',
		arguments: written === '' ? '{}' : written,
	};
}

/** Their results are told apart by their ids, which some models leave out or give twice. */
function withOwnIds(calls: readonly ToolCall[], taskId: string): readonly ToolCall[] {
	const used = new Set<string>();
	return calls.map((call, index) => {
		const own = call.id !== '' && !used.has(call.id) ? call.id : `call_${taskId}_${index}`;
		used.add(own);
		return { ...call, id: own };
	});
}

const addressOf = (image: unknown) => textOf(isJsonObject(image) ? image['uri'] : image);

const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
	length: 'length',
	max_tokens: 'length',
	content_filter: 'content-filter',
	error: 'error',
};

function finishReasonOf(fields: JsonObject): FinishReason {
	const usage = isJsonObject(fields['usage']) ? fields['usage'] : {};
	return FINISH_REASONS[textOf(usage['stop_reason']) ?? ''] ?? 'stop';
}

const count = (value: unknown) => (typeof value === 'number' && value > 0 ? value : 0);

function usageOf(fields: JsonObject): TokenUsage | undefined {
	const usage = isJsonObject(fields['usage']) ? fields['usage'] : {};
	const meta = isJsonObject(fields['output_meta']) ? fields['output_meta'] : {};
	// Some apps say for the bill only what they have used.
	const promptTokens = count(usage['prompt_tokens']) || tokensIn(meta['inputs']);
	const completionTokens = count(usage['completion_tokens']) || tokensIn(meta['outputs']);
	if (promptTokens + completionTokens === 0) return undefined;
	const reasoning = count(usage['reasoning_tokens']);
	return {
		promptTokens,
		completionTokens,
		totalTokens: count(usage['total_tokens']) || promptTokens + completionTokens,
		...(reasoning > 0 && { outputTokenDetails: { reasoning } }),
	};
}

function tokensIn(parts: unknown): number {
	return listOf(parts)
		.filter(isJsonObject)
		.reduce((sum, part) => sum + count(part['tokens']), 0);
}

/** What an answer consists of besides its text, as n8n's parts of a message. */
export function partsBesideText({ reasoning, images }: LlmAnswer): readonly MessageContent[] {
	const pictures = images.map((url): MessageContent => {
		return { type: 'file', mediaType: 'image/*', data: '', providerMetadata: { url } };
	});
	return reasoning === '' ? pictures : [{ type: 'reasoning', text: reasoning }, ...pictures];
}
