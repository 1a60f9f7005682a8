import { wantsFileObjects, type LlmContract } from '../client/apps/llmContract';
import { ValidationError } from '../client/errors';
import type { JsonObject } from '../client/util/json';
import type { Conversation, MessageFile, ToolCall, Turn } from './conversation';

/** A tool as the platform's language models know it; `parameters` is its JSON schema. */
export interface ToolDefinition {
	readonly name: string;
	readonly description: string | undefined;
	readonly parameters: unknown;
}

/** What is asked of a language model. */
export interface LlmRequest {
	/** The app, as errors call it. */
	readonly app: string;
	readonly conversation: Conversation;
	readonly tools: readonly ToolDefinition[];
	/** What was set, under the names of the contract. What the app does not have is left out. */
	readonly options: JsonObject;
}

/** What a field is for, as errors call it. */
const PURPOSES = {
	system_prompt: 'system message',
	context: 'earlier messages',
	role: 'results of tools',
	tools: 'tools',
	tool_calls: 'tools',
	tool_call_id: 'results of tools',
	images: 'images',
	files: 'files',
} as const;
type Field = keyof typeof PURPOSES;

/**
 * Makes the input of an app that speaks the platform's contract of language models (API notes 7.6).
 * It has nothing that was not set and nothing that the app does not take.
 *
 * @param contract what the app takes; undefined for all of the contract
 * @param urlOf the address of a file
 * @throws ValidationError if the app cannot take something without which it would answer another
 * question
 */
export function llmInput(
	request: LlmRequest,
	contract: LlmContract | undefined,
	urlOf: (file: MessageFile) => string,
): JsonObject {
	return new InputWriter(request, contract, urlOf).input();
}

class InputWriter {
	constructor(
		private readonly request: LlmRequest,
		private readonly contract: LlmContract | undefined,
		private readonly urlOf: (file: MessageFile) => string,
	) {}

	input(): JsonObject {
		const { request, contract } = this;
		const { conversation, tools, options } = request;
		const { systemPrompt, history, last } = conversation;
		const known = Object.entries(options).filter(
			([name, value]) => value !== undefined && (contract?.input.has(name) ?? true),
		);
		return {
			...this.own('input', 'system_prompt', systemPrompt),
			...this.own('input', 'context', nonEmpty(history.map((turn) => this.message(turn)))),
			...this.own('input', 'role', last.role, last.role !== 'user'),
			text: last.text,
			...this.parts('input', last),
			...this.own('input', 'tools', nonEmpty(tools.map(functionTool))),
			...Object.fromEntries(known),
		};
	}

	private message(turn: Turn): JsonObject {
		return {
			role: turn.role,
			text: turn.text,
			...this.parts('message', turn),
			...this.own('message', 'tool_calls', nonEmpty(turn.calls.map(calledTool))),
		};
	}

	/** What a turn has beside its text. */
	private parts(where: 'input' | 'message', turn: Turn): JsonObject {
		const { reasoning, files, callId } = turn;
		const has = this.contract?.[where]?.has('reasoning') ?? true;
		return {
			...(reasoning !== '' && has && { reasoning }),
			...this.files(
				where,
				'images',
				files.filter(({ isImage }) => isImage),
			),
			...this.files(
				where,
				'files',
				files.filter(({ isImage }) => !isImage),
			),
			...this.own(where, 'tool_call_id', callId),
		};
	}

	private files(
		where: 'input' | 'message',
		name: 'images' | 'files',
		files: readonly MessageFile[],
	): JsonObject {
		const asObjects = wantsFileObjects(this.contract?.[where]?.get(name));
		const urls = files.map((file) => (asObjects ? { uri: this.urlOf(file) } : this.urlOf(file)));
		return this.own(where, name, nonEmpty(urls));
	}

	/** @param needed whether the app has to take it, or it may be left out */
	private own(where: 'input' | 'message', name: Field, value: unknown, needed = true): JsonObject {
		if (value === undefined) return {};
		if (this.contract?.[where]?.has(name) ?? true) return { [name]: value };
		if (!needed) return {};
		throw new ValidationError(`${this.request.app} takes no ${PURPOSES[name]}`, {
			hint: 'Nothing was started. Choose a model that does: the list of the parameter "Model" says what each of them takes.',
		});
	}
}

const nonEmpty = <T>(list: readonly T[]) => (list.length === 0 ? undefined : list);

function functionTool({ name, description, parameters }: ToolDefinition): JsonObject {
	return { type: 'function', function: { name, description, parameters } };
}

function calledTool({ id, name, arguments: given }: ToolCall): JsonObject {
	return { id, type: 'function', function: { name, arguments: given } };
}
