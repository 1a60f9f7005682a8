/** What chats are made of. */
import type { AgentCall, AgentDecision, Gate, Json, SandboxAgent } from '../agents/agentTypes.mts';
import type { Appointment } from '../timetable.mts';
import type { AgentEntry } from '../agents/savedAgents.mts';
import { newId } from '../util/ids.mts';

export interface ToolInvocation {
	readonly id: string;
	/** The id that the model gave the call. */
	readonly callId: string;
	readonly call: AgentCall;
	status: string;
	result: string | undefined;
	decision: AgentDecision | undefined;
}

export interface ChatMessage {
	readonly id: string;
	readonly order: number;
	readonly role: 'user' | 'assistant' | 'injection' | 'compaction' | 'system';
	/** What was sent, of a user's message. */
	readonly input: Json;
	readonly createdAt: number;
	updatedAt: number;
	runId: string | undefined;
	/** Of the model's work, which only an answer has. */
	readonly taskId: string | undefined;
	status: 'pending' | 'queued' | 'ready' | 'failed' | 'cancelled';
	thoughts: string;
	text: string;
	error: string | undefined;
	readonly files: Json[];
	readonly tools: ToolInvocation[];
	/** Number of the last token delta. */
	seq: number;
}

export interface Interrupt {
	readonly id: string;
	readonly runId: string;
	readonly reason: 'tool_approval' | 'client_tool' | 'widget' | Gate;
	readonly tool: ToolInvocation | undefined;
	/** Of one without a tool. */
	readonly about: Json;
	readonly createdAt: number;
	status: 'pending' | 'resolved' | 'cancelled';
	decision: AgentDecision | undefined;
	readonly then: (decision: AgentDecision) => void;
}

/** An agent's work on one message. */
export interface Run {
	readonly id: string;
	readonly userMessageId: string;
	readonly startedAt: number;
	updatedAt: number;
	state: string;
	error: string | undefined;
	output: unknown;
	readonly appointments: Set<Appointment>;
}

/** Who answers in a chat. */
export interface Answerer {
	readonly agent: Pick<SandboxAgent, 'take'>;
	/** Nothing for an agent that exists for this chat only. */
	readonly entry: AgentEntry | undefined;
	readonly config: Json;
	readonly name: string;
}

export interface Chat extends Answerer {
	readonly id: string;
	readonly context: Json;
	readonly createdAt: number;
	updatedAt: number;
	title: string | undefined;
	readonly messages: ChatMessage[];
	readonly interrupts: Interrupt[];
	readonly runs: Run[];
	output: unknown;
	/** Whether calls need no approval. */
	allowsAll: boolean;
	readonly allowedTools: Set<string>;
	/** Messages up to this one are forgotten. */
	forgottenUpTo: number;
	/** Epoch milliseconds at which it was stopped by request. */
	stoppedAt: number | undefined;
}

const TERMINAL = new Set(['completed', 'failed', 'canceled', 'rejected']);

export function isOver(run: Run | undefined): boolean {
	return run === undefined || TERMINAL.has(run.state);
}

export function isTerminalMessage({ status }: ChatMessage): boolean {
	return status !== 'pending' && status !== 'queued';
}

/** A chat without messages. */
export function newChat(answerer: Answerer, context: Json): Chat {
	const now = Date.now();
	return {
		...answerer,
		id: newId(),
		context,
		createdAt: now,
		updatedAt: now,
		title: undefined,
		messages: [],
		interrupts: [],
		runs: [],
		output: undefined,
		allowsAll: false,
		allowedTools: new Set(),
		forgottenUpTo: 0,
		stoppedAt: undefined,
	};
}

/** Adds a message to a chat. */
export function addMessage(
	chat: Chat,
	role: ChatMessage['role'],
	status: ChatMessage['status'],
	more: Partial<Pick<ChatMessage, 'text' | 'input' | 'runId'>> = {},
): ChatMessage {
	const now = Date.now();
	const message: ChatMessage = {
		id: newId(),
		order: chat.messages.length + 1,
		role,
		status,
		input: {},
		createdAt: now,
		updatedAt: now,
		runId: undefined,
		taskId: role === 'assistant' ? newId() : undefined,
		thoughts: '',
		text: '',
		error: undefined,
		files: [],
		tools: [],
		seq: 0,
		...more,
	};
	chat.messages.push(message);
	return message;
}
