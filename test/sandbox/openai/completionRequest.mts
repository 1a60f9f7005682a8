/**
 * What a request of OpenAI's chat completions asks of a language model, as the service's own adapter
 * translates it (API notes 7.6 and 10).
 */
import type { Answer } from '../http/answers.mts';
import { asArray, asRecord, isRecord, text } from '../util/values.mts';

type Json = Readonly<Record<string, unknown>>;

/** A request that the service takes. */
export interface CompletionRequest {
	/** App reference; nothing if the path names the app. */
	readonly model: string;
	/** Under the names of the platform's own contract. */
	readonly input: Json;
	readonly isStreamed: boolean;
	/** Whether a stream tells at its end what it has used. */
	readonly withUsage: boolean;
}

/** An error as OpenAI's clients know it, in no envelope. */
export function completionError(
	status: number,
	code: string | null,
	message: string,
	param: string | null = null,
): Extract<Answer, { kind: 'raw' }> {
	const type =
		status === 402 ? 'insufficient_quota' : status < 500 ? 'invalid_request_error' : 'server_error';
	return {
		kind: 'raw',
		status,
		body: JSON.stringify({ error: { message, type, param, code } }),
		contentType: 'application/json',
	};
}

const EFFORTS: Json = {
	none: 'none',
	minimal: 'low',
	low: 'low',
	medium: 'medium',
	high: 'high',
	xhigh: 'high',
};

const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== false;

/** What the service refuses to do. */
const UNSUPPORTED: Readonly<Record<string, (body: Json) => boolean>> = {
	n: ({ n }) => isSet(n) && n !== 1,
	logprobs: ({ logprobs }) => isSet(logprobs),
	top_logprobs: ({ top_logprobs }) => isSet(top_logprobs),
	logit_bias: ({ logit_bias }) => Object.keys(asRecord(logit_bias)).length > 0,
	audio: ({ audio }) => isSet(audio),
	modalities: ({ modalities }) => isSet(modalities) && JSON.stringify(modalities) !== '["text"]',
	prediction: ({ prediction }) => isSet(prediction),
	web_search_options: (body) => isSet(body['web_search_options']),
	moderation: ({ moderation }) => isSet(moderation),
	functions: ({ functions, tools }) => isSet(functions) && isSet(tools),
	'file.file_id': ({ messages }) =>
		partsIn(messages).some(({ file }) => 'file_id' in asRecord(file)),
};

function partsIn(messages: unknown): readonly Json[] {
	return asArray(messages)
		.flatMap((message) => asArray(asRecord(message)['content']))
		.filter(isRecord);
}

/** Reads the body of a request: what it asks, or the refusal. */
export function completionRequest(
	body: unknown,
	namedByPath: string | undefined,
): CompletionRequest | Extract<Answer, { kind: 'raw' }> {
	if (!isRecord(body)) {
		return completionError(400, 'invalid_parameter', 'the request body must be a JSON object');
	}
	const model = namedByPath ?? text(body['model']);
	if (model === '') {
		return completionError(400, 'missing_required_parameter', 'model is required', 'model');
	}
	for (const [name, isAsked] of Object.entries(UNSUPPORTED)) {
		if (!isAsked(body)) continue;
		return completionError(400, 'unsupported_parameter', `unsupported parameter: ${name}`, name);
	}
	const messages = asArray(body['messages']).filter(isRecord);
	const turns = messages.filter(({ role }) => role !== 'system' && role !== 'developer');
	const current = turns.at(-1);
	if (!current) {
		const said = 'messages must contain at least one non-system message';
		return completionError(400, 'invalid_parameter', said, 'messages');
	}
	const effort = body['reasoning_effort'] ?? undefined;
	if (effort !== undefined && EFFORTS[text(effort)] === undefined) {
		const said = `unknown reasoning_effort: ${text(effort)}`;
		return completionError(400, 'invalid_parameter', said, 'reasoning_effort');
	}
	const system = messages
		.filter((message) => !turns.includes(message))
		.map(({ content }) => contentOf(content).text)
		.filter((part) => part !== '');
	// Calls that nobody has answered yet are shown to the model as the last thing that was said.
	const isPrefill = asArray(current['tool_calls']).length > 0;
	return {
		model,
		isStreamed: body['stream'] === true,
		withUsage: asRecord(body['stream_options'])['include_usage'] === true,
		input: {
			...(system.length > 0 && { system_prompt: system.join('\n\n') }),
			context: (isPrefill ? turns : turns.slice(0, -1)).map(contextMessage),
			...(isPrefill ? { role: 'assistant', text: '' } : contextMessage(current)),
			...toolsOf(body),
			...settingsOf(body),
		},
	};
}

interface Content {
	readonly text: string;
	readonly images?: readonly unknown[];
	readonly files?: readonly unknown[];
}

function contentOf(content: unknown): Content {
	if (!Array.isArray(content)) return { text: text(content) };
	const parts = asArray(content).filter(isRecord);
	const images = parts
		.filter(({ type }) => type === 'image_url')
		.map((part) => asRecord(part['image_url'])['url']);
	const files = parts
		.filter(({ type }) => type === 'file')
		.map((part) => asRecord(part['file'])['file_data']);
	return {
		text: parts.flatMap((part) => (part['type'] === 'text' ? text(part['text']) : [])).join('\n'),
		...(images.length > 0 && { images }),
		...(files.length > 0 && { files }),
	};
}

function contextMessage(message: Json): Json {
	const { role, content, reasoning, tool_calls, tool_call_id } = message;
	return {
		role,
		...contentOf(content),
		...Object.fromEntries(
			Object.entries({ reasoning, tool_calls, tool_call_id }).filter(([, value]) => isSet(value)),
		),
	};
}

function toolsOf(body: Json): Json {
	const lifted = asArray(body['functions']).map((each) => ({ type: 'function', function: each }));
	const tools = [...asArray(body['tools']), ...lifted];
	const choice = body['tool_choice'] ?? body['function_call'] ?? 'auto';
	if (tools.length === 0 || choice === 'none') return {};
	return { tools, ...(choice !== 'auto' && { tool_choice: choice }) };
}

/** What was set. The rest is left to the app. */
function settingsOf(body: Json): Json {
	const { temperature, top_p, frequency_penalty, presence_penalty, seed, stop } = body;
	const format = asRecord(body['response_format']);
	const settings = {
		temperature,
		top_p,
		frequency_penalty,
		presence_penalty,
		seed,
		stop: typeof stop === 'string' ? [stop] : stop,
		max_tokens: body['max_completion_tokens'] ?? body['max_tokens'],
		reasoning_effort: EFFORTS[text(body['reasoning_effort'])],
		response_format: ['json_object', 'json_schema'].includes(text(format['type']))
			? format
			: undefined,
	};
	return Object.fromEntries(
		Object.entries(settings).filter(([, value]) => value !== undefined && value !== null),
	);
}
