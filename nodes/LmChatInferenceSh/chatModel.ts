import type {
	ChatModel,
	ChatModelConfig,
	GenerateResult,
	Message,
	StreamChunk,
	Tool,
} from '@n8n/ai-node-sdk';
import type { ISupplyDataFunctions } from 'n8n-workflow';
import { llmContractOf, type LlmContract } from '../client/apps/llmContract';
import type { InferenceClient } from '../client/client';
import { InferenceError, StoppedError, TimeoutError, ValidationError } from '../client/errors';
import type { TaskObserver } from '../client/tasks/followTask';
import type { RunRequest } from '../client/tasks/runRequest';
import type { CancelSignal } from '../client/util/cancelSignal';
import { Deadline } from '../client/util/deadline';
import { outcomeOf } from '../client/util/outcome';
import { toNodeError } from '../shared/output/failures';
import { nodeOf } from '../shared/parameters/nodeOf';
import { log } from '../shared/run/announce';
import { RunHints } from '../shared/run/hints';
import { AnswerFeed } from './answerFeed';
import { readConversation } from './conversation';
import { llmAnswer, partsBesideText, type LlmAnswer } from './llmAnswer';
import { llmInput, type LlmRequest, type ToolDefinition } from './llmInput';
import { uploadFiles } from './messageFiles';
import type { ModelSettings } from './modelSettings';

/** A question waits so long for the schema, and can go on without it. */
const SCHEMA_MS = 10_000;

/** What a chat model works with, as long as the node that uses it runs. */
export interface ChatModelSetup {
	readonly context: ISupplyDataFunctions;
	readonly client: InferenceClient;
	/** Aborts when the execution is stopped, and when the node that uses the model has ended. */
	readonly signal: CancelSignal;
	readonly settings: ModelSettings;
	/** The JSON schema of what a tool takes. */
	schemaOf(tool: Extract<Tool, { readonly type: 'function' }>): unknown;
}

/**
 * What a call may be given. n8n's adapter hands on the options of LangChain, whose signal has another
 * name than that of the interface.
 */
type Config = ChatModelConfig & { readonly signal?: AbortSignal };

/**
 * An app of inference.sh as a chat model of n8n. Each answer is a task, run by the same code as those
 * of Run App: started at most once, followed to its end, cancelled if nobody wants it any more.
 */
export class InferenceChatModel implements ChatModel<Config> {
	readonly provider = 'inference.sh';
	readonly modelId: string;

	constructor(
		private readonly setup: ChatModelSetup,
		private readonly tools: readonly ToolDefinition[] = [],
	) {
		this.modelId = setup.settings.name;
	}

	/**
	 * Answers a conversation.
	 *
	 * @throws NodeApiError or NodeOperationError
	 */
	async generate(messages: Message[], config?: Config): Promise<GenerateResult> {
		using call = this.begin(config);
		const answer = await this.answer(messages, config, {}, call.signal);
		const { taskId, text, calls, finishReason, usage } = answer;
		return {
			id: taskId,
			finishReason,
			...(usage && { usage }),
			message: {
				role: 'assistant',
				id: taskId,
				content: [
					...partsBesideText(answer),
					...(text === '' ? [] : [{ type: 'text' as const, text }]),
					...calls.map(({ id: toolCallId, name: toolName, arguments: input }) => {
						return { type: 'tool-call' as const, toolCallId, toolName, input };
					}),
				],
			},
			providerMetadata: { taskId },
		};
	}

	/**
	 * Answers a conversation, piece by piece. Whoever stops reading cancels the task. Calls of tools
	 * come whole, at the end: n8n's adapter would mix up pieces of calls that are made in parallel.
	 *
	 * @throws NodeApiError or NodeOperationError; a chunk that says so would become an empty answer
	 */
	async *stream(messages: Message[], config?: Config): AsyncGenerator<StreamChunk> {
		using call = this.begin(config);
		const feed = new AnswerFeed();
		const answering = outcomeOf(this.answer(messages, config, feed, call.signal));
		void answering.then((outcome) => {
			if (outcome.ok) feed.complete(outcome.value.text);
			feed.end();
		});
		try {
			for (let delta = await feed.next(); delta !== undefined; delta = await feed.next()) {
				yield { type: 'text-delta', delta };
			}
			const outcome = await answering;
			if (!outcome.ok) throw outcome.error;
			yield* chunksBesideText(outcome.value);
		} finally {
			call.abort(new StoppedError('was stopped because nobody reads its answer any more'));
			await answering;
		}
	}

	/** The same model, which may call these tools, too. */
	withTools(tools: Tool[]): InferenceChatModel {
		const { setup } = this;
		const defined = tools.map((tool): ToolDefinition => {
			const { name } = tool;
			if (tool.type === 'function') {
				return { name, description: tool.description, parameters: setup.schemaOf(tool) };
			}
			throw this.toError(
				new ValidationError(`${this.modelId} cannot use the tool ${JSON.stringify(name)}`, {
					hint: 'It is a tool that only the models of another provider have. Take it off, or choose a model of that provider.',
				}),
			);
		});
		return new InferenceChatModel(setup, [...this.tools, ...defined]);
	}

	/** One call: over with the run, or when the caller says so. */
	private begin(config: Config | undefined): Deadline {
		return new CallScope(this.setup.signal, [config?.signal, config?.abortSignal]);
	}

	private async answer(
		messages: readonly Message[],
		config: Config | undefined,
		observer: TaskObserver,
		signal: CancelSignal,
	): Promise<LlmAnswer> {
		const answer = await outcomeOf(this.run(messages, config, observer, signal));
		if (!answer.ok) throw this.toError(answer.error);
		return answer.value;
	}

	private async run(
		messages: readonly Message[],
		config: Config | undefined,
		observer: TaskObserver,
		signal: CancelSignal,
	): Promise<LlmAnswer> {
		const { context, client, settings } = this.setup;
		const { app, function: entry, options } = settings;
		const asked: LlmRequest = {
			app: this.modelId,
			conversation: readConversation(messages),
			tools: this.tools,
			options: { ...options, ...givenOptions(config) },
		};
		const contract = await this.contract(signal);
		// What the app does not take is found before anything is uploaded or bought.
		const request: RunRequest = {
			app,
			function: entry,
			input: llmInput(asked, contract, () => ''),
		};
		let started = '';
		const taskRun = await client.tasks.run(request, {
			wait: 'result',
			full: false,
			observer,
			signal,
			progress: { state: 'none' },
			prepare: async (_, inTime) => {
				const urlOf = await uploadFiles(context, client, asked.conversation, inTime);
				return { ...request, input: llmInput(asked, contract, urlOf) };
			},
			onProgress: (progress) => {
				if (progress.state !== 'running' || progress.task.id === started) return;
				started = progress.task.id;
				log(context, `started ${started}`);
			},
		});
		const hints = new RunHints();
		hints.add(taskRun);
		hints.show(context);
		return llmAnswer(taskRun.task);
	}

	/**
	 * What the app takes. If that cannot be read, or not soon, the service is left to judge.
	 *
	 * @throws InferenceError if there is no such app, or it is no language model; the abort reason
	 */
	private async contract(signal: CancelSignal): Promise<LlmContract | undefined> {
		const { client, settings } = this.setup;
		const { app: ref, function: entry } = settings;
		using deadline = new Deadline(signal, SCHEMA_MS, () => new TimeoutError('takes too long'));
		const app = await outcomeOf(client.apps.get(ref, deadline.signal));
		if (app.ok) {
			const contract = llmContractOf(app.value, entry);
			if (contract) return contract;
			throw new ValidationError(`${this.modelId} is no language model that can be talked to`, {
				hint: 'Nothing was started. Choose a model from the list of the parameter "Model". Other apps run in Run App, which can be a tool of the agent.',
			});
		}
		signal.throwIfAborted();
		if (app.error instanceof InferenceError && app.error.code === 'not_found') throw app.error;
		return undefined;
	}

	private toError(error: unknown): Error {
		const nodeError = toNodeError(nodeOf(this.setup.context), error);
		// n8n shows then that it is the sub-node, not the node that uses it.
		Object.assign(nodeError, { functionality: 'configuration-node' });
		return nodeError;
	}
}

/** What a caller asks for in this one call, under the names of the contract. */
function givenOptions(config: Config | undefined) {
	const given = {
		temperature: config?.temperature,
		max_tokens: config?.maxTokens,
		top_p: config?.topP,
	};
	return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function* chunksBesideText(answer: LlmAnswer): Generator<StreamChunk> {
	const { taskId, calls, finishReason, usage } = answer;
	for (const content of partsBesideText(answer)) yield { type: 'content', content, id: taskId };
	for (const { id, name, arguments: argumentsDelta } of calls) {
		yield { type: 'tool-call-delta', id, name, argumentsDelta };
	}
	const providerMetadata = { taskId };
	yield { type: 'finish', finishReason, ...(usage && { usage }), providerMetadata };
}

/** Ends with the run, and with the signals of the one who calls. */
class CallScope extends Deadline {
	private readonly signals: readonly AbortSignal[];

	constructor(ofRun: CancelSignal, signals: ReadonlyArray<AbortSignal | undefined>) {
		super(ofRun);
		this.signals = signals.filter((signal) => signal !== undefined);
		for (const signal of this.signals) {
			if (signal.aborted) this.leave();
			else signal.addEventListener('abort', this.leave);
		}
	}

	override [Symbol.dispose](): void {
		super[Symbol.dispose]();
		for (const signal of this.signals) signal.removeEventListener('abort', this.leave);
	}

	private readonly leave = (): void => {
		this.abort(new StoppedError('was stopped because the node that uses the model gave it up'));
	};
}
