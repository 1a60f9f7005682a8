/** Plays a round: runs its executions in the engine and writes down what came of them. */
import { setTimeout as pause } from 'node:timers/promises';
import type { IDataObject, INodeExecutionData, INodeParameters } from 'n8n-workflow';
import { USER_AGENT } from '../../../nodes/client/util/version.ts';
import { NODE_NAME, runNode, type EngineRun } from '../../engine/engine.mts';
import { appRef, QUICK } from '../../engine/support.mts';
import type { RecordedRequest, SandboxRunView, SandboxTaskView } from '../../sandbox/index.mts';
import type { Execution, MessageItem, Round, Stop, TaskItem, Workflow } from './plan.mts';
import type { Processes } from './processes.mts';
import { AGENTS, APPS, startService, type Service } from './service.mts';

type Data = Readonly<Record<string, unknown>>;

/** A submission, in the words of the service. */
export interface Wish {
	readonly kind: 'task' | 'message';
	/** All that the service shows of it: two with the same key are equal. */
	readonly key: string;
	/** For messages: the conversation that it belongs to, if it belongs to one. */
	readonly conversation?: string;
}

/** How an item came out of the node. */
export type ItemEnd =
	| { readonly kind: 'done'; readonly index: number; readonly json: IDataObject }
	| {
			readonly kind: 'failed';
			readonly index: number;
			readonly message: string;
			readonly code: string;
			readonly id?: string;
	  };

/** What an execution came to. */
export interface Played {
	readonly execution: Execution;
	/** The host that it has asked for, by which its requests are known. */
	readonly host: string;
	readonly wishes: readonly Wish[];
	readonly run: EngineRun;
	readonly ends: readonly ItemEnd[];
	/** Updates of Stream Task. */
	readonly updates: readonly INodeExecutionData[];
	readonly summary: IDataObject | undefined;
	/** All that was said about failures and hints. */
	readonly said: string;
	readonly startedAt: number;
	readonly tookMs: number;
}

/** A task or message that exists at the service. */
export interface Bought {
	readonly kind: Wish['kind'];
	/** Of the task, or of the user's message. */
	readonly id: string;
	/** The chat of a message. */
	readonly chatId?: string;
	readonly key: string;
	/** The host that its request has asked for; undefined if it was somebody else's. */
	readonly host: string | undefined;
	readonly createdAt: number;
	readonly running: boolean;
	readonly status: string;
	readonly view: SandboxTaskView | SandboxRunView | undefined;
}

export interface Story {
	readonly round: Round;
	readonly played: readonly Played[];
	/** When all executions had ended. */
	readonly bought: readonly Bought[];
	/** Texts of assistants' messages, by message, with the user's message that each one answers. */
	readonly answers: ReadonlyMap<string, { readonly text: string; readonly to: string }>;
	readonly requests: readonly RecordedRequest[];
	readonly violations: readonly string[];
}

/** Hosts by which one service can be asked for. */
const HOSTS = ['127.0.0.1', 'localhost'] as const;

function keyOf(...parts: readonly unknown[]): string {
	return JSON.stringify(parts, (_name, value: unknown) =>
		typeof value === 'object' && value !== null && !Array.isArray(value)
			? Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
			: value,
	);
}

function orNothing(value: unknown): unknown {
	const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
	return value === '' || value === null || isEmpty ? undefined : value;
}

/** What the requests of a round are made of. */
class Words {
	private readonly service: Service;
	private readonly name: string;

	constructor(service: Service, name: string) {
		this.service = service;
		this.name = name;
	}

	/** The item that goes into the node, which its parameters read. */
	taskItem(item: TaskItem): { json: IDataObject; wish: Wish; body: Data } {
		const { version, entry, text, setup, session, pace, failures } = item;
		const ref = item.instant ? APPS.instant : APPS.usual;
		const versions = this.service.versions.get(ref) ?? [];
		const at = version === undefined ? '' : `@${versions[version] ?? ''}`;
		const app = `${ref}${at}${entry === undefined ? '' : `:${entry}`}`;
		const input: IDataObject = {
			text: `${this.name}: ${['a red boat', 'a red boat.'][text] ?? ''}`,
			pace,
			failures,
		};
		const given = setup === undefined ? undefined : { model: ['big', 'small'][setup] };
		const sessionId = typeof session === 'number' ? this.service.sessions[session] : session;
		const wish: Wish = {
			kind: 'task',
			key: keyOf(ref, versions[version ?? 0], entry ?? 'run', input, given, sessionId),
		};
		const json = { app, input, setup: JSON.stringify(given ?? {}), session: sessionId ?? '' };
		const body = { app, input, setup: given, session: sessionId };
		return { json, wish, body };
	}

	keyOfTask({ app, request, version, function: entry }: SandboxTaskView): string {
		const short = version.slice(0, 8);
		const { input, setup, session } = request;
		return keyOf(app, short, entry, input, orNothing(setup), orNothing(session));
	}

	messageItem(item: MessageItem, adHoc: boolean): { json: IDataObject; wish: Wish; body: Data } {
		const { agent: asked, text, files, context: about, key, pace } = item;
		// The first message of a conversation decides what its chat is like.
		const agent = adHoc && key !== undefined ? (key === 'a' ? 0 : 1) : asked;
		const context = key === undefined ? about : undefined;
		const ref = AGENTS[agent] ?? AGENTS[0];
		const prompt = ['You are big', 'You are small'][agent] ?? '';
		const urls = files.map((file) => `https://pictures.example/${this.name}/${file}.png`);
		const ms = pace === 'endless' ? 900_000 : pace;
		const said = `${this.name}: Describe this${['', '!'][text] ?? ''} (${ms} ms)`;
		const given = context === undefined ? undefined : { user: ['Ada', 'Bob'][context] };
		const who = adHoc ? { prompt } : { ref };
		const wish: Wish = {
			kind: 'message',
			key: keyOf(who, said, urls, given),
			...(key !== undefined && { conversation: keyOf(key, adHoc ? 'ad hoc' : ref) }),
		};
		const json: IDataObject = {
			...{ agent: ref, prompt, message: said, key: key ?? '' },
			...{ context: JSON.stringify(given ?? {}), url: urls[0] ?? '', other: urls[1] ?? '' },
		};
		const attachments = urls.map((uri) => ({ uri }));
		const body = { agent: ref, input: { text: said, attachments }, context: given };
		return { json, wish, body };
	}

	keyOfMessage(
		chat: { readonly agent: string | undefined; readonly config: Data; readonly context: Data },
		input: Data,
	): string {
		const { agent, config, context } = chat;
		const who = agent === undefined ? { prompt: config['system_prompt'] } : { ref: agent };
		const attachments = (input['attachments'] ?? []) as readonly Data[];
		const urls = attachments.map(({ uri }) => uri);
		return keyOf(who, input['text'], urls, orNothing(context));
	}
}

function parametersOf(workflow: Workflow): INodeParameters {
	const { settings, node } = workflow;
	const { concurrency, timeout, maxRetries, retryOn, totalTimeout, follow } = settings;
	const { onUnclearSubmit, onStop, onTimeout } = settings;
	const options: INodeParameters = {
		...QUICK,
		...{ retryOn: [...retryOn], totalTimeout, onUnclearSubmit, onStop, onTimeout, follow },
	};
	const common = { concurrency, timeout, maxRetries };
	if (workflow.node === 'AgentMessage') {
		const files = Math.max(...workflow.items.map((item) => item.files.length));
		const sources = ['={{ $json.url }}', '={{ $json.other }}'].slice(0, files);
		const values = sources.map((url) => ({ source: 'url', url }));
		return {
			...common,
			...{ agentSource: workflow.agentSource, message: '={{ $json.message }}' },
			agent: appRef('={{ $json.agent }}'),
			coreApp: appRef('anthropic/claude-sonnet-5'),
			systemPrompt: '={{ $json.prompt }}',
			attachments: { values },
			options: {
				...options,
				context: '={{ $json.context }}',
			},
			conversation: '={{ $json.key ? "key" : "new" }}',
			conversationKey: '={{ $json.key }}',
		};
	}
	return {
		...common,
		...(node === 'StreamTask' ? { source: 'run' } : {}),
		...(node === 'RunApp' ? { wait: workflow.wait } : {}),
		...(node === 'Batch' ? { itemsFrom: 'input', order: workflow.order } : {}),
		app: appRef('={{ $json.app }}'),
		...{ inputMode: 'json', jsonInput: '={{ $json.input }}' },
		options: {
			...options,
			...(node === 'StreamTask' ? { minInterval: 0 } : {}),
			setup: '={{ $json.setup }}',
			session: { __rl: true, mode: 'id', value: '={{ $json.session }}' },
		},
	};
}

function indexOf({ pairedItem }: INodeExecutionData): number {
	return typeof pairedItem === 'object' && !Array.isArray(pairedItem) ? pairedItem.item : NaN;
}

function endOf(item: INodeExecutionData, batchFailure: boolean): ItemEnd {
	const { json } = item;
	const index = indexOf(item);
	if (batchFailure) {
		const { message, code } = json['error'] as { message: string; code: string };
		const { id } = json;
		return { kind: 'failed', index, message, code, ...(typeof id === 'string' && { id }) };
	}
	if (typeof json['error'] !== 'string') return { kind: 'done', index, json };
	const { code, id } = (json['details'] ?? {}) as Data;
	return {
		kind: 'failed',
		...{ index, message: json['error'], code: String(code) },
		...(typeof id === 'string' && { id }),
	};
}

function endsOf(run: EngineRun, { node, onError }: Workflow): ItemEnd[] {
	const errorOutput = { RunApp: 1, AgentMessage: 1, StreamTask: 2, Batch: 3 }[node];
	const outputs = [
		...run.output(NODE_NAME, 0).map((item) => endOf(item, false)),
		...(node === 'Batch' ? run.output(NODE_NAME, 1).map((item) => endOf(item, true)) : []),
		...(onError === 'continueErrorOutput'
			? run.output(NODE_NAME, errorOutput).map((item) => endOf(item, false))
			: []),
	];
	return outputs.sort((left, right) => left.index - right.index);
}

function saidBy(run: EngineRun): string {
	const { error } = run;
	const hints = run.hints(NODE_NAME).map(({ message }) => message);
	return [error?.message, error?.description, ...hints].filter(Boolean).join('\n');
}

/** When the execution is to be stopped. */
function stopOf(stop: Stop | undefined, service: Service, over: AbortSignal) {
	if (!stop) return {};
	const { by, when } = stop;
	if (when.kind === 'time') {
		const then = pause(when.ms);
		return by === 'person' ? { cancelAfter: then } : { timeoutAfter: then };
	}
	const { sandbox } = service;
	const counted = () =>
		when.kind === 'submitted'
			? sandbox.count('POST', /^\/(apps|agents)\/run$/)
			: sandbox.tasks().length + sandbox.agentRuns().length;
	const before = counted();
	const reached = async () => {
		while (!over.aborted && counted() - before < when.count) await pause(2);
	};
	return { cancelAfter: reached() };
}

let rounds = 0;

/** Plays a round to its end. */
export async function play(round: Round, processes: Processes): Promise<Story> {
	rounds += 1;
	const name = `r${rounds}`;
	await using service = await startService(round);
	const { sandbox } = service;
	const words = new Words(service, name);
	const there = new Set(sandbox.tasks().map(({ id }) => id));

	const { executions, earlier } = round;
	if (earlier !== undefined) {
		for (const { body, wish } of itemsOf(executions[0]?.workflow, words)) {
			await service.ask(wish.kind === 'task' ? '/apps/run' : '/agents/run', body);
		}
		await pause(earlier);
	}
	for (const fault of round.faults) sandbox.fault(fault);

	const over = new AbortController();
	const playing = executions.map(async (execution): Promise<Played> => {
		const { workflow, process, later } = execution;
		if (later > 0) await pause(later);
		const items = itemsOf(workflow, words);
		const host = HOSTS[process] ?? HOSTS[0];
		const startedAt = Date.now();
		const run = await runNode({
			node: processes.of(execution)[workflow.node],
			parameters: parametersOf(workflow),
			credentials: {
				apiKey: sandbox.apiKey,
				baseUrl: sandbox.url.replace(HOSTS[0], host),
				maxConcurrency: workflow.maxConcurrency,
			},
			items: items.map(({ json }) => ({ json })),
			onError: workflow.onError,
			retryOnFail: workflow.retryOnFail,
			maxTries: workflow.maxTries,
			nodeFields: { id: name },
			...stopOf(execution.stop, service, over.signal),
		});
		return {
			...{ execution, host, run, startedAt, tookMs: Date.now() - startedAt },
			wishes: items.map(({ wish }) => wish),
			// Of a node that was stopped, n8n may hand on what went in.
			ends: run.status === 'success' ? endsOf(run, workflow) : [],
			updates: workflow.node === 'StreamTask' ? run.output(NODE_NAME, 1) : [],
			summary: workflow.node === 'Batch' ? run.output(NODE_NAME, 2)[0]?.json : undefined,
			said: saidBy(run),
		};
	});
	const played = await Promise.all(playing).finally(() => over.abort());
	return {
		...{ round, played },
		bought: boughtAt(service, words).filter(({ id }) => !there.has(id)),
		answers: answersOf(service),
		requests: [...sandbox.requests],
		violations: [...sandbox.violations()],
	};
}

function itemsOf(
	workflow: Workflow | undefined,
	words: Words,
): ReadonlyArray<{ json: IDataObject; wish: Wish; body: Data }> {
	if (!workflow) return [];
	return workflow.node === 'AgentMessage'
		? workflow.items.map((item) => words.messageItem(item, workflow.agentSource === 'adHoc'))
		: workflow.items.map((item) => words.taskItem(item));
}

const OVER = new Set(['completed', 'failed', 'cancelled', 'canceled', 'rejected']);
/** Asked to end, which it is going to do in its own time. */
const ENDING = new Set(['cancelling']);

function boughtAt({ sandbox }: Service, words: Words): Bought[] {
	const hosts = new Map<unknown, string>();
	for (const { body, headers } of sandbox.requests) {
		if (headers['user-agent'] !== USER_AGENT) continue;
		const host = (headers['host'] ?? '').replace(/:\d+$/, '');
		hosts.set(body, host);
		if (typeof body === 'object' && body !== null && 'input' in body) hosts.set(body.input, host);
	}
	const tasks = sandbox.tasks().map((view): Bought => {
		const { id, status, createdAt } = view;
		return {
			...{ kind: 'task', id, key: words.keyOfTask(view), status, createdAt, view },
			host: hosts.get(view.request),
			running: !OVER.has(status) && !ENDING.has(status),
		};
	});
	const runs = new Map(sandbox.agentRuns().map((run) => [run.id, run]));
	const messages = sandbox.chats().flatMap((chat) =>
		chat.messages
			.filter(({ role }) => role === 'user')
			.map(({ id, runId, status, input }): Bought => {
				const view = runs.get(runId ?? '');
				const state = view?.state ?? status;
				return {
					...{ kind: 'message', id, chatId: chat.id, status: state, view },
					key: words.keyOfMessage(chat, input),
					host: hosts.get(input),
					createdAt: view?.startedAt ?? 0,
					running: !OVER.has(state),
				};
			}),
	);
	return [...tasks, ...messages];
}

function answersOf({ sandbox }: Service): Story['answers'] {
	const runs = new Map(sandbox.agentRuns().map((run) => [run.id, run]));
	const answers = sandbox.chats().flatMap(({ messages }) =>
		messages
			.filter(({ role }) => role === 'assistant')
			.map(({ id, text, runId }) => {
				const to = runs.get(runId ?? '')?.userMessageId ?? '';
				return [id, { text, to }] as const;
			}),
	);
	return new Map(answers);
}
