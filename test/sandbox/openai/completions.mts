/**
 * OpenAI's chat completions over the language models of the catalogue: each completion is a task. Its
 * id is not told, and it goes on when the connection is closed; neither is documented otherwise.
 */
import type { Catalogue, Target } from '../apps/catalogue.mts';
import { isChatModel } from '../apps/chatModels.mts';
import { validate } from '../apps/schemas.mts';
import type { Answer } from '../http/answers.mts';
import type { Call, Route } from '../http/routes.mts';
import { StreamWriter } from '../http/streams.mts';
import { CANCELLED, COMPLETED, isTerminal } from '../tasks/status.mts';
import type { Task, Tasks } from '../tasks/tasks.mts';
import type { SandboxSettings } from '../types.mts';
import { newId, shortId } from '../util/ids.mts';
import { asArray, asRecord, text } from '../util/values.mts';
import {
	completionError,
	completionRequest,
	type CompletionRequest,
} from './completionRequest.mts';

interface CompletionContext {
	readonly settings: Pick<SandboxSettings, 'heartbeatMs'>;
	readonly catalogue: Catalogue;
	readonly tasks: Tasks;
}

type Json = Readonly<Record<string, unknown>>;

/** What not every app can be told to do; one that cannot fails rather than do something else. */
const DEMANDS = ['tool_choice', 'response_format'];

/** The routes of the dialect: with the model in the body, and with the app in the path. */
export function completionRoutes({ settings, catalogue, tasks }: CompletionContext): Route[] {
	function target(model: string): Target | undefined {
		const found = catalogue.target({ app: model });
		return 'kind' in found || !isChatModel(found.entry.app) ? undefined : found;
	}

	function complete({ body }: Call, namedByPath?: string): Answer | Promise<Answer> {
		const asked = completionRequest(body, namedByPath);
		if ('kind' in asked) return asked;
		const model = target(asked.model);
		if (!model) {
			return completionError(404, 'model_not_found', `no model ${asked.model}`, 'model');
		}
		const { entry } = model;
		const known = asRecord(model.function.input['properties']);
		const input = Object.fromEntries(Object.entries(asked.input).filter(([name]) => name in known));
		const demand = DEMANDS.find((name) => name in asked.input && !(name in input));
		if (demand !== undefined) {
			return completionError(500, 'model_error', `${entry.ref} does not support ${demand}`);
		}
		const invalid = validate(model.function.input, input);
		if (invalid) return completionError(400, 'invalid_parameter', invalid);
		const task = tasks.submit(model, { app: entry.ref, input }, undefined);
		const wire = new CompletionWire(`${entry.ref}@${shortId(entry.versionId)}`);
		return asked.isStreamed
			? streamed(task, wire, asked)
			: tasks.ended(task).then(() => failureOf(task) ?? wire.whole(task));
	}

	function streamed(task: Task, wire: CompletionWire, { withUsage }: CompletionRequest): Answer {
		return {
			kind: 'stream',
			open(response, fault) {
				let unwatch: (() => void) | undefined;
				const writer = new StreamWriter(response, {
					format: 'sse',
					sseEvents: 'unnamed',
					heartbeatMs: settings.heartbeatMs,
					farewell: 'data: [DONE]\n\n',
					fault,
					onClose: () => unwatch?.(),
				});
				writer.open();
				writer.startHeartbeats();
				const end = () => {
					const failure = failureOf(task);
					const last = failure ? [JSON.parse(failure.body as string)] : wire.last(task, withUsage);
					for (const data of last) writer.send({ data });
					writer.end();
				};
				if (isTerminal(task.status)) {
					end();
				} else {
					unwatch = tasks.watch(task, ({ event, data, terminal }) => {
						if (event === 'delta') {
							writer.send({ data: wire.chunk(asRecord(asRecord(data)['delta'])) });
						}
						if (terminal) end();
					});
				}
			},
		};
	}

	return [
		{
			method: 'POST',
			url: '/models/openai/chat/completions',
			submits: true,
			handle: (call) => complete(call),
		},
		{
			method: 'POST',
			url: '/apps/:id/:name/openai/chat/completions',
			submits: true,
			handle: (call) => complete(call, `${call.params['id']}/${call.params['name']}`),
		},
	];
}

/** Why there is no answer; undefined if there is one. */
function failureOf(task: Task): ReturnType<typeof completionError> | undefined {
	if (task.status === COMPLETED) return undefined;
	return task.status === CANCELLED
		? completionError(409, 'task_cancelled', 'the task was cancelled')
		: completionError(500, 'model_error', task.error ?? 'the model failed');
}

/** One completion in OpenAI's words. */
class CompletionWire {
	private readonly model: string;
	private readonly id = `chatcmpl-${newId()}`;
	private readonly created = Math.floor(Date.now() / 1000);
	private isFirst = true;

	/** @param model the version that runs */
	constructor(model: string) {
		this.model = model;
	}

	whole(task: Task): Answer {
		const { response, reasoning, tool_calls } = asRecord(task.output);
		const message = {
			role: 'assistant',
			content: response === '' ? null : response,
			...given({ reasoning, tool_calls }),
		};
		return {
			kind: 'raw',
			status: 200,
			body: JSON.stringify({
				...this.head('chat.completion'),
				choices: [{ index: 0, message, finish_reason: finishReason(task) }],
				usage: usageOf(task),
			}),
			contentType: 'application/json',
		};
	}

	/** A delta of the platform as a chunk. */
	chunk({ response, reasoning, tool_calls }: Json): Json {
		return this.chunkOf(given({ content: response, reasoning, tool_calls }), null);
	}

	last(task: Task, withUsage: boolean): readonly Json[] {
		const end = this.chunkOf({}, finishReason(task));
		if (!withUsage) return [end];
		return [end, { ...this.head('chat.completion.chunk'), choices: [], usage: usageOf(task) }];
	}

	private chunkOf(delta: Json, finish_reason: string | null): Json {
		const role = this.isFirst ? { role: 'assistant' } : {};
		this.isFirst = false;
		return {
			...this.head('chat.completion.chunk'),
			choices: [{ index: 0, delta: { ...role, ...delta }, finish_reason }],
		};
	}

	private head(object: string): Json {
		const { id, created, model } = this;
		return { id, object, created, model };
	}
}

const given = (fields: Json): Json =>
	Object.fromEntries(
		Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
	);

function finishReason({ output }: Task): string {
	const { tool_calls, usage } = asRecord(output);
	if (asArray(tool_calls).length > 0) return 'tool_calls';
	const reason = text(asRecord(usage)['stop_reason']);
	if (reason === 'length' || reason === 'max_tokens') return 'length';
	return reason === 'content_filter' ? reason : 'stop';
}

function usageOf({ output }: Task): Json {
	const { prompt_tokens, completion_tokens, total_tokens, reasoning_tokens } = asRecord(
		asRecord(output)['usage'],
	);
	return {
		prompt_tokens,
		completion_tokens,
		total_tokens,
		completion_tokens_details: { reasoning_tokens },
	};
}
