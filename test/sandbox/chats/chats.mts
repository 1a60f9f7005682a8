/** Chats: what is said in them, the runs that answer, and the decisions that these wait for. */
import type { AgentDecision, Json } from '../agents/agentTypes.mts';
import type { ChatFeed } from './chatFeed.mts';
import {
	addMessage,
	isOver,
	newChat,
	type Answerer,
	type Chat,
	type ChatMessage,
	type Interrupt,
	type Run,
	type ToolInvocation,
} from './chatState.mts';
import { ChatTurn, type TurnHost } from './chatTurn.mts';
import { newId } from '../util/ids.mts';
import type { Timetable } from '../timetable.mts';
import type { JobFiles, SandboxSettings } from '../types.mts';
import { text } from '../util/values.mts';

function cancelAppointments(run: Run): void {
	for (const appointment of run.appointments) appointment.cancel();
	run.appointments.clear();
}

interface Sent {
	readonly user: ChatMessage;
	/** Nothing while the message is queued. */
	readonly assistant: ChatMessage | undefined;
}

export class Chats implements TurnHost {
	readonly feed: ChatFeed;
	readonly files: JobFiles;
	private readonly byId = new Map<string, Chat>();
	private readonly settings: SandboxSettings;
	private readonly time: Timetable;

	constructor(time: Timetable, settings: SandboxSettings, feed: ChatFeed, files: JobFiles) {
		this.time = time;
		this.settings = settings;
		this.feed = feed;
		this.files = files;
	}

	all(): Iterable<Chat> {
		return this.byId.values();
	}

	get(id: string): Chat | undefined {
		return this.byId.get(id);
	}

	create(answerer: Answerer, context: Json): Chat {
		const chat = newChat(answerer, context);
		this.byId.set(chat.id, chat);
		return chat;
	}

	delete(chat: Chat): void {
		this.stop(chat);
		this.byId.delete(chat.id);
	}

	/** Adds a user's message; a busy chat queues it, and there is no answer yet. */
	send(chat: Chat, input: Json): Sent {
		const busy = !isOver(chat.runs.at(-1));
		const status = busy ? 'queued' : 'ready';
		const user = addMessage(chat, 'user', status, { text: text(input['text']), input });
		this.feed.message(chat, user);
		return { user, assistant: busy ? undefined : this.begin(chat, user) };
	}

	/** Ends what is running; queued messages are cancelled. Returns whether anything was. */
	stop(chat: Chat): boolean {
		const run = chat.runs.at(-1);
		if (!run || isOver(run)) return false;
		chat.stoppedAt = Date.now();
		for (const message of chat.messages) {
			if (message.status === 'queued') this.change(chat, message, 'cancelled');
		}
		this.end(chat, run, 'canceled');
		return true;
	}

	/** Takes a message out of the queue. Returns whether it was there; undefined if unknown. */
	cancelMessage(id: string): boolean | undefined {
		for (const chat of this.byId.values()) {
			const message = chat.messages.find((one) => one.id === id);
			if (!message) continue;
			if (message.status !== 'queued') return false;
			this.change(chat, message, 'cancelled');
			return true;
		}
		return undefined;
	}

	run(id: string): { chat: Chat; run: Run } | undefined {
		for (const chat of this.byId.values()) {
			const run = chat.runs.find((one) => one.id === id);
			if (run) return { chat, run };
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
		interrupt.decision = decision;
		const { tool } = interrupt;
		if (tool) {
			const { kind, result } = decision;
			tool.decision = decision;
			tool.result = result;
			// What is approved has to run first.
			tool.status = { approve: 'in_progress', reject: 'cancelled', answer: 'completed' }[kind];
			const message = chat.messages.find(({ tools }) => tools.includes(tool));
			if (message) this.feed.message(chat, message, ['tool_invocations']);
		}
		interrupt.then(decision);
		return true;
	}

	/** Approves every call that waits for it, and those of the future; of one tool, or of all. */
	allow(chat: Chat, toolName?: string): void {
		if (toolName === undefined) chat.allowsAll = true;
		else chat.allowedTools.add(toolName);
		for (const interrupt of chat.interrupts) {
			const { reason, tool } = interrupt;
			if (reason !== 'tool_approval') continue;
			if (toolName !== undefined && tool?.call.name !== toolName) continue;
			this.decide(chat, interrupt, { kind: 'approve' });
		}
	}

	clear(): void {
		for (const chat of this.byId.values()) {
			for (const run of chat.runs) cancelAppointments(run);
		}
		this.byId.clear();
		this.feed.clear();
	}

	/** Runs something later, unless the run has ended or the chat is gone by then. */
	after(chat: Chat, run: Run, ms: number, then: () => void): void {
		const appointment = this.time.after(ms, () => {
			run.appointments.delete(appointment);
			if (this.byId.get(chat.id) === chat && !isOver(run)) then();
		});
		run.appointments.add(appointment);
	}

	goOn(chat: Chat, run: Run, then: () => void): void {
		this.after(chat, run, this.settings.agentStartMs, () => {
			this.work(chat, run);
			then();
		});
	}

	end(chat: Chat, run: Run, state: string): void {
		if (isOver(run)) return;
		cancelAppointments(run);
		const touched = new Set<ChatMessage>();
		for (const interrupt of chat.interrupts) {
			if (interrupt.runId !== run.id || interrupt.status !== 'pending') continue;
			interrupt.status = 'cancelled';
			const { tool } = interrupt;
			if (!tool) continue;
			tool.status = 'cancelled';
			for (const message of chat.messages) if (message.tools.includes(tool)) touched.add(message);
		}
		run.state = state;
		for (const message of touched) this.feed.message(chat, message, ['tool_invocations']);
		for (const message of chat.messages) {
			if (message.runId !== run.id || message.status !== 'pending') continue;
			this.change(chat, message, state === 'canceled' ? 'cancelled' : 'ready');
		}
		this.feed.run(chat, run, true);
		this.feed.chat(chat, true);
		const waiting = chat.messages.find(({ status }) => status === 'queued');
		if (waiting) this.feed.message(chat, this.begin(chat, waiting));
	}

	private begin(chat: Chat, user: ChatMessage): ChatMessage {
		const now = Date.now();
		const run: Run = {
			id: newId(),
			userMessageId: user.id,
			startedAt: now,
			updatedAt: now,
			state: 'submitted',
			error: undefined,
			output: undefined,
			appointments: new Set(),
		};
		chat.runs.push(run);
		chat.output = undefined;
		user.runId = run.id;
		if (user.status === 'queued') this.change(chat, user, 'ready');
		const assistant = addMessage(chat, 'assistant', 'pending', { runId: run.id });
		this.after(chat, run, this.settings.agentStartMs, () => {
			this.work(chat, run);
			this.feed.message(chat, assistant);
			new ChatTurn(this, chat, run, user).take(chat.agent);
		});
		return assistant;
	}

	private work(chat: Chat, run: Run): void {
		run.state = 'working';
		this.feed.run(chat, run);
		this.feed.chat(chat);
	}

	private change(chat: Chat, message: ChatMessage, status: ChatMessage['status']): void {
		message.status = status;
		this.feed.message(chat, message, ['status', 'content', 'tool_invocations']);
	}
}
