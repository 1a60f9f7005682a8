/** Chats: their messages, the runs that answer them, what these wait for, and who watches. */
import type { AgentCall, AgentDecision, AgentTurn, SandboxAgent } from './agents.mts';
import { newId } from './ids.mts';
import type { StreamMessage } from './streams.mts';
import type { SandboxSettings } from './types.mts';
import { asArray, asRecord, text } from './values.mts';

type Json = Readonly<Record<string, unknown>>;

export interface ToolInvocation {
	readonly id: string;
	readonly callId: string;
	readonly call: AgentCall;
	status: string;
	result: string | undefined;
	decision: AgentDecision | undefined;
}

export interface ChatMessage {
	readonly id: string;
	readonly order: number;
	readonly role: 'user' | 'assistant';
	readonly createdAt: number;
	updatedAt: number;
	runId: string | undefined;
	status: 'pending' | 'queued' | 'ready' | 'failed' | 'cancelled';
	text: string;
	error: string | undefined;
	files: Json[];
	tools: ToolInvocation[];
	seq: number;
	/** What was sent, of a user's message. */
	readonly input: Json;
}

export interface Interrupt {
	readonly id: string;
	readonly runId: string;
	readonly reason: string;
	readonly tool: ToolInvocation | undefined;
	status: 'pending' | 'resolved' | 'cancelled';
	readonly then: () => void;
}

export interface Run {
	readonly id: string;
	readonly userMessageId: string;
	state: string;
	error: string | undefined;
	output: unknown;
	timers: Set<NodeJS.Timeout>;
	/** Called when everything that it waits for is decided. */
	resume: (() => void) | undefined;
}

export interface Chat {
	readonly id: string;
	readonly agent: Pick<SandboxAgent, 'take'> & Partial<SandboxAgent>;
	readonly config: Json;
	readonly context: Json;
	readonly createdAt: number;
	updatedAt: number;
	readonly messages: ChatMessage[];
	readonly interrupts: Interrupt[];
	output: unknown;
	run: Run | undefined;
	stoppedAt: number | undefined;
	readonly watchers: Set<(message: StreamMessage) => void>;
}

/** How DTOs are made; the wire's business. */
interface ChatWire {
	chat(chat: Chat): unknown;
	message(chat: Chat, message: ChatMessage): Json;
	run(chat: Chat, run: Run): unknown;
}

const TERMINAL = new Set(['completed', 'failed', 'canceled', 'rejected']);

export function isOver(run: Run | undefined): boolean {
	return run === undefined || TERMINAL.has(run.state);
}

export class Chats {
	private readonly byId = new Map<string, Chat>();
	private readonly settings: SandboxSettings;
	private readonly wire: ChatWire;

	constructor(settings: SandboxSettings, wire: ChatWire) {
		this.settings = settings;
		this.wire = wire;
	}

	all(): Iterable<Chat> {
		return this.byId.values();
	}

	get(id: string): Chat | undefined {
		return this.byId.get(id);
	}

	create(agent: Chat['agent'], config: Json, context: Json): Chat {
		const now = Date.now();
		const chat: Chat = {
			...{ id: newId(), agent, config, context, createdAt: now, updatedAt: now },
			...{ messages: [], interrupts: [], output: undefined, run: undefined },
			...{ stoppedAt: undefined, watchers: new Set() },
		};
		this.byId.set(chat.id, chat);
		return chat;
	}

	/** Adds a user's message; a busy chat queues it, and there is no answer yet. */
	send(chat: Chat, input: Json): { user: ChatMessage; assistant: ChatMessage | undefined } {
		const busy = !isOver(chat.run);
		const user = this.add(chat, 'user', busy ? 'queued' : 'ready', text(input['text']), input);
		this.publish(chat, user);
		return { user, assistant: busy ? undefined : this.begin(chat, user) };
	}

	watch(chat: Chat, watcher: (message: StreamMessage) => void): () => void {
		chat.watchers.add(watcher);
		return () => chat.watchers.delete(watcher);
	}

	/** Ends what is running; queued messages are cancelled. Returns whether anything was. */
	stop(chat: Chat): boolean {
		const { run } = chat;
		if (!run || isOver(run)) return false;
		chat.stoppedAt = Date.now();
		for (const message of chat.messages) {
			if (message.status === 'queued') this.change(chat, message, { status: 'cancelled' });
		}
		this.end(chat, run, 'canceled');
		return true;
	}

	/** Takes a message out of the queue. Returns whether it was there. */
	cancelMessage(id: string): boolean | undefined {
		for (const chat of this.byId.values()) {
			const message = chat.messages.find((one) => one.id === id);
			if (!message) continue;
			if (message.status !== 'queued') return false;
			this.change(chat, message, { status: 'cancelled' });
			return true;
		}
		return undefined;
	}

	tool(id: string): { chat: Chat; tool: ToolInvocation } | undefined {
		for (const chat of this.byId.values()) {
			const tool = chat.messages.flatMap(({ tools }) => tools).find((one) => one.id === id);
			if (tool) return { chat, tool };
		}
		return undefined;
	}

	interrupt(id: string): { chat: Chat; interrupt: Interrupt } | undefined {
		for (const chat of this.byId.values()) {
			const interrupt = chat.interrupts.find((one) => one.id === id);
			if (interrupt) return { chat, interrupt };
		}
		return undefined;
	}

	/** Decides what an interrupt waits for. Returns whether it waited. */
	decide(chat: Chat, interrupt: Interrupt, decision: AgentDecision): boolean {
		if (interrupt.status !== 'pending') return false;
		interrupt.status = 'resolved';
		const { tool } = interrupt;
		if (tool) {
			tool.decision = decision;
			tool.status = decision.kind === 'reject' ? 'cancelled' : 'completed';
			tool.result = decision.result ?? (decision.kind === 'approve' ? 'ok' : undefined);
			const message = chat.messages.find(({ tools }) => tools.includes(tool));
			if (message) this.publish(chat, message, ['tool_invocations']);
		}
		interrupt.then();
		return true;
	}

	clear(): void {
		for (const { run } of this.byId.values())
			for (const timer of run?.timers ?? []) clearTimeout(timer);
		this.byId.clear();
	}

	private begin(chat: Chat, user: ChatMessage): ChatMessage {
		const run: Run = {
			...{ id: newId(), userMessageId: user.id, state: 'submitted' },
			...{ error: undefined, output: undefined, timers: new Set(), resume: undefined },
		};
		chat.run = run;
		chat.output = undefined;
		user.runId = run.id;
		if (user.status === 'queued') this.change(chat, user, { status: 'ready' });
		const assistant = this.add(chat, 'assistant', 'pending', '', {});
		assistant.runId = run.id;
		const begun = (): void => {
			run.state = 'working';
			this.publishRun(chat, run);
			this.publishChat(chat);
			this.publish(chat, assistant);
			chat.agent.take(this.turn(chat, run, user));
		};
		this.after(chat, run, this.settings.agentStartMs, begun);
		return assistant;
	}

	private turn(chat: Chat, run: Run, user: ChatMessage): AgentTurn {
		const mine = (): ChatMessage => {
			const last = chat.messages.findLast(
				({ runId, role }) => runId === run.id && role === 'assistant',
			);
			if (last?.status === 'pending') return last;
			const message = this.add(chat, 'assistant', 'pending', '', {});
			message.runId = run.id;
			return message;
		};
		const wait = (reason: string, tool: ToolInvocation | undefined, then: () => void): void => {
			const id = newId();
			chat.interrupts.push({ id, runId: run.id, reason, tool, status: 'pending', then });
		};
		return {
			text: user.text,
			attachments: asArray(user.input['attachments']).map(asRecord),
			context: chat.context,
			config: chat.config,
			history: chat.messages
				.filter(({ order, status }) => order < user.order && status === 'ready')
				.map(({ role, text: said }) => ({ role, text: said })),
			after: (ms, then) => this.after(chat, run, ms, then),
			say: (piece, how = 'whole') => {
				const message = mine();
				message.text += piece;
				message.seq += 1;
				if (how === 'delta' && this.settings.agentDeltas) {
					const delta = { delta: { response: piece }, seq: message.seq, resource_id: message.id };
					this.tell(chat, { event: 'delta', data: delta });
				} else this.publish(chat, message, ['content']);
			},
			show: (type, uri) => {
				mine().files.push({ type, [type]: uri });
			},
			next: () => {
				const message = mine();
				this.change(chat, message, { status: 'ready' });
			},
			call: (call, result) => {
				const message = mine();
				message.tools.push({
					...{ id: newId(), callId: newId(), call, result, decision: undefined },
					status: 'completed',
				});
				this.publish(chat, message, ['tool_invocations']);
			},
			ask: (calls, decided) => {
				const message = mine();
				const tools = calls.map((call): ToolInvocation => {
					const status = call.type === 'client' ? 'in_progress' : 'awaiting_approval';
					const blank = { result: undefined, decision: undefined };
					return { id: newId(), callId: newId(), call, status, ...blank };
				});
				message.tools.push(...tools);
				const done = (): void => {
					if (tools.some(({ decision }) => decision === undefined)) return;
					this.work(chat, run, () => decided(tools.flatMap(({ decision }) => decision ?? [])));
				};
				for (const tool of tools) {
					wait(tool.call.type === 'client' ? 'client_tool' : 'tool_approval', tool, done);
				}
				this.change(chat, message, { status: 'ready' });
				this.interruptRun(chat, run, 'input_required');
			},
			needAuth: (_provider, then) => {
				this.change(chat, mine(), { status: 'ready' });
				wait('auth', undefined, () => this.work(chat, run, then));
				this.interruptRun(chat, run, 'auth_required');
			},
			finish: (output) => {
				this.change(chat, mine(), { status: 'ready' });
				run.output = output ?? null;
				chat.output = output ?? null;
				this.end(chat, run, 'completed');
			},
			fail: (error, how = 'run') => {
				const message = mine();
				if (how === 'message') message.error = error;
				else run.error = error;
				this.change(chat, message, { status: 'failed' });
				this.end(chat, run, how === 'rejected' ? 'rejected' : 'failed');
			},
		};
	}

	/** Goes on after a decision, a moment later. */
	private work(chat: Chat, run: Run, then: () => void): void {
		this.after(chat, run, this.settings.agentStartMs, () => {
			run.state = 'working';
			this.publishRun(chat, run);
			this.publishChat(chat);
			then();
		});
	}

	private interruptRun(chat: Chat, run: Run, state: string): void {
		run.state = state;
		this.publishRun(chat, run);
		this.publishChat(chat);
	}

	private end(chat: Chat, run: Run, state: string): void {
		for (const timer of run.timers) clearTimeout(timer);
		run.state = state;
		for (const message of chat.messages) {
			if (message.runId !== run.id || message.status !== 'pending') continue;
			this.change(chat, message, { status: state === 'canceled' ? 'cancelled' : 'ready' });
		}
		for (const interrupt of chat.interrupts) {
			if (interrupt.runId !== run.id || interrupt.status !== 'pending') continue;
			interrupt.status = 'cancelled';
			if (interrupt.tool) interrupt.tool.status = 'cancelled';
		}
		this.publishRun(chat, run, true);
		this.publishChat(chat, true);
		const waiting = chat.messages.find(({ status }) => status === 'queued');
		if (waiting) this.publish(chat, this.begin(chat, waiting));
	}

	private after(chat: Chat, run: Run, ms: number, then: () => void): void {
		const timer = setTimeout(() => {
			run.timers.delete(timer);
			if (this.byId.get(chat.id) === chat && !isOver(run)) then();
		}, ms);
		run.timers.add(timer);
	}

	private add(
		chat: Chat,
		role: ChatMessage['role'],
		status: ChatMessage['status'],
		said: string,
		input: Json,
	): ChatMessage {
		const now = Date.now();
		const message: ChatMessage = {
			...{ id: newId(), order: chat.messages.length + 1, role, status, text: said, input },
			...{ createdAt: now, updatedAt: now, runId: undefined, error: undefined },
			...{ files: [], tools: [], seq: 0 },
		};
		chat.messages.push(message);
		return message;
	}

	private change(chat: Chat, message: ChatMessage, change: Partial<ChatMessage>): void {
		Object.assign(message, change);
		this.publish(chat, message, ['status', 'content', 'tool_invocations', 'agent_run_id']);
	}

	private publish(chat: Chat, message: ChatMessage, fields?: readonly string[]): void {
		message.updatedAt = Math.max(message.updatedAt + 1, Date.now());
		const whole = this.wire.message(chat, message);
		if (!fields) return this.tell(chat, { event: 'chat_messages', data: whole });
		const kept = ['id', 'chat_id', 'order', 'role', 'agent_run_id', ...fields];
		const data = Object.fromEntries(Object.entries(whole).filter(([key]) => kept.includes(key)));
		this.tell(chat, { event: 'chat_messages', data, fields: kept });
	}

	private publishRun(chat: Chat, run: Run, terminal = false): void {
		if (this.settings.agentRuns === 'hidden') return;
		this.tell(chat, { event: 'agent_runs', data: this.wire.run(chat, run), terminal });
	}

	private publishChat(chat: Chat, terminal = false): void {
		chat.updatedAt = Math.max(chat.updatedAt + 1, Date.now());
		this.tell(chat, { event: 'chats', data: this.wire.chat(chat), terminal });
	}

	private tell(chat: Chat, message: StreamMessage): void {
		for (const watcher of chat.watchers) watcher(message);
	}
}
