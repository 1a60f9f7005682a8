/** The routes of agents and chats, and what they show of them. */
import type { AgentDecision, SandboxAgent } from './agents.mts';
import { adHocAgent } from './agents.mts';
import { data, notFound, problem, type Answer } from './answers.mts';
import { Chats, isOver, type Chat, type ChatMessage, type Interrupt, type Run } from './chats.mts';
import { newId } from './ids.mts';
import { cursorList } from './lists.mts';
import type { Call, Route } from './routes.mts';
import { negotiate, StreamWriter } from './streams.mts';
import type { SandboxChatView, SandboxSettings } from './types.mts';
import { asArray, asRecord, isRecord, text } from './values.mts';

type Json = Readonly<Record<string, unknown>>;

/** What the sandbox has of agents and chats. */
export interface ChatService {
	readonly routes: Route[];
	views(): SandboxChatView[];
	/** A chat of another team. */
	foreign(status: 403 | 404): string;
	clear(): void;
}

function statusOf(chat: Chat): string {
	const { run } = chat;
	if (!run || isOver(run)) return 'idle';
	return run.state.endsWith('_required') ? 'awaiting_input' : 'busy';
}

/** The routes over agents and chats of their own. */
export function chatService(
	settings: SandboxSettings,
	agents: readonly SandboxAgent[],
	clock: (epochMs: number) => string,
): ChatService {
	const foreign = new Map<string, 403 | 404>();
	const ids = new Map(agents.map((agent) => [agent, newId()]));

	function agentDto(agent: SandboxAgent): Json {
		const { namespace, name, title, description } = agent;
		return {
			...{ id: ids.get(agent), namespace, name, title, version_id: 'v1' },
			...{ created_at: clock(0), version: { description, tools: null } },
		};
	}

	function runDto(chat: Chat, run: Run): Json {
		const { id, state, error, output, userMessageId } = run;
		return {
			...{ id, chat_id: chat.id, state, user_message_id: userMessageId },
			...(error === undefined ? {} : { error }),
			output: output ?? null,
		};
	}

	function interruptDto(chat: Chat, interrupt: Interrupt): Json {
		const { id, runId, reason, tool, status } = interrupt;
		const meta = tool && {
			...{ tool_invocation_id: tool.id, tool_name: tool.call.name },
			arguments: JSON.stringify(tool.call.arguments ?? {}),
		};
		return {
			...{ id, run_id: runId, chat_id: chat.id, reason, status, source: 'agent' },
			...(tool ? { resource_id: tool.id, resource_type: 'tool_invocation' } : {}),
			...(meta ? { meta: JSON.stringify(meta) } : {}),
		};
	}

	function chatDto(chat: Chat): Json {
		const { run, agent } = chat;
		const shown = settings.agentRuns === 'shown' || (settings.agentRuns === 'gone' && !isOver(run));
		const pending = chat.interrupts.filter(({ status }) => status === 'pending');
		return {
			...{ id: chat.id, name: chat.messages[0]?.text ?? '', status: statusOf(chat) },
			...{ created_at: clock(chat.createdAt), updated_at: clock(chat.updatedAt) },
			...(agent.name === undefined
				? {}
				: { agent: { namespace: agent.namespace, name: agent.name } }),
			...(chat.output === undefined ? {} : { output: chat.output }),
			...(run && shown ? { active_run: runDto(chat, run) } : {}),
			pending_interrupts:
				pending.length === 0 ? null : pending.map((one) => interruptDto(chat, one)),
			agent_data: { memory: null },
		};
	}

	function messageDto(chat: Chat, message: ChatMessage): Json {
		const { id, order, role, status, runId, error, files, tools } = message;
		const said = message.text === '' ? [] : [{ type: 'text', text: message.text }];
		const failed = error === undefined ? [] : [{ type: 'text', error }];
		const content = [...said, ...files, ...failed];
		return {
			...{ id, chat_id: chat.id, order, role, status },
			...(runId === undefined || settings.agentRuns === 'hidden' ? {} : { agent_run_id: runId }),
			...{ created_at: clock(message.createdAt), updated_at: clock(message.updatedAt) },
			content: content.length === 0 ? null : content,
			tool_invocations:
				tools.length === 0
					? null
					: tools.map((tool) => ({
							...{ id: tool.id, tool_invocation_id: tool.callId, chat_message_id: id },
							...{ type: tool.call.type ?? 'app', status: tool.status },
							function: {
								name: tool.call.name,
								arguments: JSON.stringify(tool.call.arguments ?? {}),
							},
							...(tool.result === undefined ? {} : { result: tool.result }),
						})),
		};
	}

	const chats = new Chats(settings, { chat: chatDto, message: messageDto, run: runDto });

	function agentOf(body: Json): Pick<Chat, 'agent' | 'config'> | Answer {
		const ref = text(body['agent']);
		const config = body['agent_config'];
		if ((ref === '') === (config === undefined || config === null)) {
			return problem(400, 'invalid_request', 'give either agent or agent_config');
		}
		if (ref === '') {
			if (text(asRecord(asRecord(config)['core_app'])['ref']) === '') {
				return problem(422, 'validation_failed', 'agent_config.core_app is required');
			}
			return { agent: adHocAgent, config: asRecord(config) };
		}
		const name = ref.replace(/@.*$/, '');
		const agent = agents.find((one) => `${one.namespace}/${one.name}` === name);
		if (agent) return { agent, config: {} };
		const suggestions = agents.slice(0, 3).map((one) => `${one.namespace}/${one.name}`);
		return problem(404, 'not_found', `agent ${ref} not found`, { suggestions });
	}

	function missing(id: string): Answer {
		return foreign.get(id) === 403
			? problem(403, 'forbidden', 'the chat belongs to another team')
			: notFound('chat');
	}

	function run({ body }: Call): Answer {
		if (!isRecord(body)) return problem(400, 'invalid_request', 'a JSON object is needed');
		const input = asRecord(body['input']);
		const asked = agentOf(body);
		if ('kind' in asked) return asked;
		const files = ['attachments', 'images', 'files'].flatMap((key) => asArray(input[key]));
		if (text(input['text']).trim() === '' && files.length === 0) {
			return problem(422, 'validation_failed', 'input.text is required');
		}
		const id = text(body['chat_id']);
		const chat =
			id === ''
				? chats.create(asked.agent, asked.config, asRecord(body['context']))
				: chats.get(id);
		if (!chat) return missing(id);
		const { user, assistant } = chats.send(chat, input);
		return {
			kind: 'data',
			status: 200,
			data: {
				user_message: messageDto(chat, user),
				assistant_message: assistant ? messageDto(chat, assistant) : null,
			},
			messages: settings.messages,
		};
	}

	function withChat(handle: (chat: Chat, call: Call) => Answer): Route['handle'] {
		return (call) => {
			const id = call.params['id'] ?? '';
			const chat = chats.get(id);
			return chat ? handle(chat, call) : missing(id);
		};
	}

	function stream(chat: Chat, call: Call): Answer {
		return {
			kind: 'stream',
			open(response, fault) {
				const writer = new StreamWriter(response, {
					format: negotiate(call.headers['accept'], settings.streamFormat),
					sseEvents: settings.sseEvents,
					heartbeatMs: settings.heartbeatMs,
					fault,
					onClose: () => unwatch(),
				});
				writer.open();
				if (settings.streamSnapshotFirst) {
					writer.send({ event: 'chats', data: settings.staleSnapshot ?? chatDto(chat) });
				}
				// It stays open after a turn: another one may follow.
				const unwatch = chats.watch(chat, (message) => writer.send(message));
				writer.startHeartbeats();
			},
		};
	}

	function messages(chat: Chat, { query }: Call): Answer {
		const parameters = new URLSearchParams(query);
		const limit = Number(parameters.get('limit') ?? 20);
		const sort = [{ field: 'order', dir: settings.messagesOldestFirst ? 'asc' : 'desc' }];
		const body = { limit, cursor: parameters.get('cursor') ?? '', sort };
		return cursorList(chat.messages, body, {
			row: (message) => ({ order: message.order }),
			id: (message) => message.id,
			dto: (message) => messageDto(chat, message),
		});
	}

	function decideTool(kind: AgentDecision['kind']): Route['handle'] {
		return ({ params, body }) => {
			const found = chats.tool(params['id'] ?? '');
			if (!found) return notFound('tool invocation');
			const { chat, tool } = found;
			const interrupt = chat.interrupts.find((one) => one.tool === tool);
			const { reason, result } = asRecord(body);
			if (kind === 'answer' && typeof result !== 'string') {
				return problem(422, 'validation_failed', 'result must be a string');
			}
			const decision: AgentDecision = {
				kind,
				...(typeof reason === 'string' ? { reason } : {}),
				...(typeof result === 'string' ? { result } : {}),
			};
			return interrupt && chats.decide(chat, interrupt, decision)
				? data(null)
				: problem(409, 'conflict', `tool invocation is ${tool.status}`);
		};
	}

	const routes: Route[] = [
		{ method: 'POST', url: '/agents/run', submits: true, handle: run },
		{
			method: 'POST',
			url: '/agents/list',
			handle: ({ body }) =>
				cursorList(agents, body, {
					row: (agent) => ({ ...agent, created_at: '' }),
					id: (agent) => ids.get(agent) ?? '',
					dto: agentDto,
					text: ({ namespace, name, title, description }) =>
						`${namespace}/${name} ${title} ${description}`,
				}),
		},
		{
			method: 'GET',
			url: '/agents/:id/:name',
			handle: ({ params }) => {
				const ref = `${params['id']}/${params['name']}`;
				const agent = agents.find((one) => `${one.namespace}/${one.name}` === ref);
				return agent ? data(agentDto(agent)) : notFound('agent');
			},
		},
		{
			method: 'POST',
			url: '/chats/list',
			handle: ({ body }) =>
				cursorList(chats.all(), body, {
					row: (chat) => ({ created_at: clock(chat.createdAt), status: statusOf(chat) }),
					id: (chat) => chat.id,
					dto: chatDto,
				}),
		},
		{ method: 'GET', url: '/chats/:id', handle: withChat((chat) => data(chatDto(chat))) },
		{
			method: 'GET',
			url: '/chats/:id/status',
			handle: withChat((chat) => {
				const { id, updatedAt } = chat;
				return data({ id, status: statusOf(chat), updated_at: clock(updatedAt) });
			}),
		},
		{ method: 'GET', url: '/chats/:id/messages', handle: withChat(messages) },
		{ method: 'GET', url: '/chats/:id/stream', handle: withChat(stream) },
		{
			method: 'POST',
			url: '/chats/:id/stop',
			handle: withChat((chat) =>
				chats.stop(chat) ? data(null) : problem(409, 'conflict', 'nothing is running'),
			),
		},
		{
			method: 'POST',
			url: '/chats/messages/:id/cancel',
			handle: ({ params }) => {
				const cancelled = chats.cancelMessage(params['id'] ?? '');
				if (cancelled === undefined) return notFound('message');
				return cancelled ? data(null) : problem(409, 'conflict', 'the message is not queued');
			},
		},
		{ method: 'POST', url: '/tools/:id', handle: decideTool('answer') },
		{ method: 'POST', url: '/tools/:id/invoke', handle: decideTool('approve') },
		{ method: 'POST', url: '/tools/:id/reject', handle: decideTool('reject') },
		{
			method: 'POST',
			url: '/interrupts/:id/resolve',
			handle: ({ params, body }) => {
				const found = chats.interrupt(params['id'] ?? '');
				if (!found) return notFound('interrupt');
				const kind = asRecord(body)['decision'] === 'allow' ? 'approve' : 'reject';
				return chats.decide(found.chat, found.interrupt, { kind })
					? data(interruptDto(found.chat, found.interrupt))
					: problem(409, 'conflict', `interrupt is ${found.interrupt.status}`);
			},
		},
	];

	return {
		routes,
		views: () =>
			[...chats.all()].map((chat) => ({
				id: chat.id,
				agent:
					chat.agent.name === undefined ? undefined : `${chat.agent.namespace}/${chat.agent.name}`,
				config: chat.config,
				context: chat.context,
				state: chat.run?.state,
				stoppedAt: chat.stoppedAt,
				messages: chat.messages.map(({ id, role, status, text: said, input }) => {
					return { id, role, status, text: said, input };
				}),
			})),
		foreign(status) {
			const id = newId();
			foreign.set(id, status);
			return id;
		},
		clear() {
			chats.clear();
			foreign.clear();
		},
	};
}
