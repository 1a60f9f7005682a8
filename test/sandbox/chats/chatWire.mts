/** Chats on the wire: the chat, its messages and runs, and what these wait for. */
import type { Json } from '../agents/agentTypes.mts';
import { isOver, type Chat, type ChatMessage, type Interrupt, type Run } from './chatState.mts';
import { TEAM_ID } from '../files/files.mts';
import type { SandboxSettings } from '../types.mts';

const INTERRUPTS_LAST = 86_400_000;

/** The chat's status word. */
export function chatStatus(chat: Chat): string {
	const run = chat.runs.at(-1);
	if (!run) return 'idle';
	if (isOver(run)) return (run.output ?? undefined) === undefined ? 'idle' : 'completed';
	return run.state.endsWith('_required') ? 'awaiting_input' : 'busy';
}

export class ChatWire {
	private readonly settings: SandboxSettings;
	/** Formats a time on the service's clock. */
	readonly time: (epochMs: number) => string;

	constructor(settings: SandboxSettings, time: (epochMs: number) => string) {
		this.settings = settings;
		this.time = time;
	}

	/** ChatDTO, without messages as the service has it. */
	chat(chat: Chat): Json {
		const run = chat.runs.at(-1);
		const { agentRuns } = this.settings;
		const shown = agentRuns === 'shown' || (agentRuns === 'gone' && !isOver(run));
		const pending = chat.interrupts.filter(({ status }) => status === 'pending');
		const { entry, name } = chat;
		const [namespace, agentName] = entry ? entry.ref.split('/') : ['', name];
		return {
			...this.base(chat.id, chat.createdAt, chat.updatedAt),
			name: chat.title ?? chat.messages[0]?.text ?? '',
			description: '',
			status: chatStatus(chat),
			context: chat.context,
			children: null,
			...(entry ? { agent_id: entry.id, agent_version_id: entry.versionId } : {}),
			...(agentName === '' ? {} : { agent: { namespace, name: agentName } }),
			...(chat.output === undefined ? {} : { output: chat.output }),
			...(run && shown ? { active_run: this.run(chat, run) } : {}),
			chat_messages: null,
			pending_interrupts: this.list(pending.map((one) => this.interrupt(chat, one))),
			agent_data: {
				plan_steps: null,
				memory: null,
				always_allowed_tools: this.list([...chat.allowedTools]),
			},
		};
	}

	/** ChatMessageDTO. */
	message(chat: Chat, message: ChatMessage): Json {
		const { id, order, role, status, runId, taskId } = message;
		return {
			...this.base(id, message.createdAt, message.updatedAt),
			chat_id: chat.id,
			order,
			role,
			status,
			...(runId === undefined || this.settings.agentRuns === 'hidden'
				? {}
				: { agent_run_id: runId }),
			...(taskId === undefined ? {} : { task_id: taskId }),
			content: this.content(message),
			tool_invocations: this.list(message.tools.map((tool) => this.tool(message, tool))),
		};
	}

	/** AgentRunDTO. */
	run(chat: Chat, run: Run): Json {
		const { id, state, error, output, userMessageId } = run;
		const waits = chat.interrupts.find(({ runId, status }) => runId === id && status === 'pending');
		return {
			...this.base(id, run.startedAt, run.updatedAt),
			agent_id: chat.entry?.id ?? '',
			chat_id: chat.id,
			state,
			user_message_id: userMessageId,
			...(error === undefined ? {} : { error }),
			...(waits ? { interrupt_reason: waits.reason } : {}),
			...(waits?.tool ? { interrupt_tool_id: waits.tool.id } : {}),
			output: output ?? null,
		};
	}

	/** InterruptDTO. */
	interrupt(chat: Chat, interrupt: Interrupt): Json {
		const { id, runId, reason, tool, status, decision, createdAt, about } = interrupt;
		const meta = tool
			? {
					tool_invocation_id: tool.id,
					tool_name: tool.call.name,
					arguments: this.spelled(tool.call.arguments ?? {}, this.settings.argumentsAs),
				}
			: about;
		return {
			...this.base(id, createdAt, createdAt),
			run_id: runId,
			chat_id: chat.id,
			reason,
			source: 'agent',
			status,
			...(tool ? { resource_id: tool.id, resource_type: 'tool_invocation' } : {}),
			...(reason === 'hook_gate' ? { resource_id: id, resource_type: 'hook_event' } : {}),
			...(decision ? { resolution: decision.kind === 'reject' ? 'deny' : 'allow' } : {}),
			expires_at: this.time(createdAt + INTERRUPTS_LAST),
			meta: this.spelled(meta, this.settings.metaAs),
		};
	}

	/** ToolInvocationDTO. */
	tool({ id, createdAt, updatedAt }: ChatMessage, tool: ChatMessage['tools'][number]): Json {
		const { call, callId, status, result } = tool;
		return {
			...this.base(tool.id, createdAt, updatedAt),
			chat_message_id: id,
			tool_invocation_id: callId,
			type: call.type ?? 'app',
			status,
			function: {
				name: call.name,
				arguments: this.spelled(call.arguments ?? {}, this.settings.argumentsAs),
			},
			...(call.widget ? { widget: call.widget } : {}),
			...(result === undefined ? {} : { result }),
		};
	}

	private content({ thoughts, text, files, error }: ChatMessage): unknown {
		if (this.settings.contentAs === 'text') return text;
		return this.list([
			...(thoughts === '' ? [] : [{ type: 'reasoning', text: thoughts }]),
			...(text === '' ? [] : [{ type: 'text', text }]),
			...files,
			...(error === undefined ? [] : [{ type: 'text', error }]),
		]);
	}

	private base(id: string, createdAt: number, updatedAt: number): Json {
		return {
			id,
			created_at: this.time(createdAt),
			updated_at: this.time(updatedAt),
			user_id: 'user_sandbox',
			team_id: TEAM_ID,
			visibility: 'private',
		};
	}

	private spelled(value: Json, as: 'text' | 'object'): unknown {
		return as === 'text' ? JSON.stringify(value) : value;
	}

	private list(items: readonly unknown[]): unknown {
		return items.length === 0 && this.settings.emptyListsAs === 'null' ? null : items;
	}
}
