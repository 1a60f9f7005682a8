/** What agents are made of, and what their code sees of the turn it takes. */
import type { JobFiles, Refusal } from '../types.mts';

export type Json = Readonly<Record<string, unknown>>;

/** How a call that waits for somebody was decided. */
export interface AgentDecision {
	readonly kind: 'approve' | 'reject' | 'answer';
	readonly reason?: string;
	readonly result?: string;
}

/** A tool as an agent calls it. */
export interface AgentCall {
	readonly name: string;
	readonly arguments?: Json;
	/** Default `app`. */
	readonly type?: 'app' | 'client' | 'internal' | 'mcp';
	/** How a client's tool says that it waits; default `in_progress`. */
	readonly waitsAs?: 'in_progress' | 'awaiting_input';
	/** Shown to somebody who answers with an action. */
	readonly widget?: Json;
}

/** What an agent can wait for without calling a tool. */
export type Gate = 'auth' | 'confirmation' | 'hook_gate';

/** What an agent sees of the turn it takes, and what it can do. */
export interface AgentTurn {
	readonly text: string;
	/** Everything that came along: FileRefs, and URIs from `images` and `files`. */
	readonly attachments: readonly Json[];
	/** Values given when the chat was created. */
	readonly context: Json;
	/** The config of an agent that exists for this chat only. */
	readonly config: Json;
	/** What was said before, oldest first. */
	readonly history: ReadonlyArray<{ readonly role: string; readonly text: string }>;
	readonly files: JobFiles;
	/** Runs later, unless the turn ends first. */
	after(ms: number, then: () => void): void;
	/** Adds to the message under way; all at once, or as a token delta first. */
	say(piece: string, how?: 'whole' | 'delta'): void;
	/** Adds to the reasoning of the message under way. */
	think(piece: string): void;
	/** Adds a file to the message under way. */
	show(type: 'image' | 'file', uri: string): void;
	/** Ends the message under way; the next word begins another one. */
	next(): void;
	/** Adds a message that is no answer. */
	note(role: 'injection' | 'compaction' | 'system', text: string): void;
	/** Calls a tool of the service. */
	call(call: AgentCall, result: string): void;
	/** Calls tools that wait for somebody; goes on when all are decided. */
	ask(calls: readonly AgentCall[], decided: (decisions: readonly AgentDecision[]) => void): void;
	/** Waits for something that is no call of a tool; `about` describes it. */
	wait(gate: Gate, about: Json, decided: (decision: AgentDecision) => void): void;
	/** Ends the run; with `output` as by the tool `finish`. */
	finish(output?: unknown): void;
	fail(error: string, how?: 'run' | 'message' | 'rejected' | 'canceled'): void;
}

/** A value that a chat may or must bring along. */
export interface ContextField {
	readonly name: string;
	readonly required?: boolean;
}

/** A saved agent: what it says of itself and how it takes its turns. */
export interface SandboxAgent {
	readonly namespace: string;
	readonly name: string;
	/** Whether lists leave it out; its reference works all the same. */
	readonly unlisted?: boolean;
	readonly title: string;
	readonly description: string;
	readonly context?: readonly ContextField[];
	readonly outputSchema?: Json;
	/** Earlier versions, newest first. */
	readonly older?: ReadonlyArray<Pick<SandboxAgent, 'take'>>;
	/** The answer to every message. */
	readonly refuse?: Refusal;
	take(turn: AgentTurn): void;
}
