/** An agent's view of its turn, and what it does there. */
import type {
	AgentCall,
	AgentDecision,
	AgentTurn,
	Gate,
	Json,
	SandboxAgent,
} from '../agents/agentTypes.mts';
import type { ChatFeed } from './chatFeed.mts';
import {
	addMessage,
	type Chat,
	type ChatMessage,
	type Interrupt,
	type Run,
	type ToolInvocation,
} from './chatState.mts';
import { newId } from '../util/ids.mts';
import type { JobFiles } from '../types.mts';
import { asArray, asRecord, text } from '../util/values.mts';

/** What a turn can ask of the chats. */
export interface TurnHost {
	readonly feed: ChatFeed;
	readonly files: JobFiles;
	after(chat: Chat, run: Run, ms: number, then: () => void): void;
	/** Goes on after a decision, a moment later. */
	goOn(chat: Chat, run: Run, then: () => void): void;
	decide(chat: Chat, interrupt: Interrupt, decision: AgentDecision): boolean;
	end(chat: Chat, run: Run, state: string): void;
}

const ALL = ['status', 'content', 'tool_invocations', 'updated_at'];

function attachmentsOf(input: Json): readonly Json[] {
	const uris = (value: unknown, contentType?: string) =>
		asArray(value).map((uri) => ({
			uri: text(uri),
			...(contentType === undefined ? {} : { content_type: contentType }),
		}));
	return [
		...asArray(input['attachments']).map(asRecord),
		...uris(input['images'], 'image/*'),
		...uris(input['files']),
	];
}

export class ChatTurn implements AgentTurn {
	readonly text: string;
	readonly attachments: readonly Json[];
	readonly context: Json;
	readonly config: Json;
	readonly history: AgentTurn['history'];
	readonly files: JobFiles;
	private readonly host: TurnHost;
	private readonly chat: Chat;
	private readonly run: Run;

	constructor(host: TurnHost, chat: Chat, run: Run, user: ChatMessage) {
		this.host = host;
		this.chat = chat;
		this.run = run;
		this.text = user.text;
		this.attachments = attachmentsOf(user.input);
		this.context = chat.context;
		this.config = chat.config;
		this.files = host.files;
		this.history = chat.messages.filter(
			({ order, status }) => order > chat.forgottenUpTo && order < user.order && status === 'ready',
		);
	}

	/** Lets the agent work; a mistake in its code fails the run. */
	take(agent: Pick<SandboxAgent, 'take'>): void {
		try {
			agent.take(this);
		} catch (error) {
			this.fail(error instanceof Error ? error.message : String(error));
		}
	}

	after(ms: number, then: () => void): void {
		this.host.after(this.chat, this.run, ms, then);
	}

	say(piece: string, how: 'whole' | 'delta' = 'whole'): void {
		const message = this.mine();
		message.text += piece;
		this.grow(message, how === 'delta' ? { response: piece } : undefined);
	}

	think(piece: string): void {
		const message = this.mine();
		message.thoughts += piece;
		this.grow(message, { reasoning: piece });
	}

	show(type: 'image' | 'file', uri: string): void {
		this.mine().files.push({ type, [type]: uri });
	}

	next(): void {
		this.change(this.mine(), 'ready');
	}

	note(role: 'injection' | 'compaction' | 'system', said: string): void {
		const message = addMessage(this.chat, role, 'ready', { text: said, runId: this.run.id });
		this.host.feed.message(this.chat, message);
	}

	call(call: AgentCall, result: string): void {
		const message = this.mine();
		const [tool] = this.addTools(message, [call], () => 'in_progress');
		this.host.feed.message(this.chat, message, ['tool_invocations']);
		Object.assign(tool ?? {}, { status: 'completed', result });
		this.host.feed.message(this.chat, message, ['tool_invocations']);
	}

	ask(calls: readonly AgentCall[], decided: (decisions: readonly AgentDecision[]) => void): void {
		const { chat, run, host } = this;
		const message = this.mine();
		const tools = this.addTools(message, calls, ({ type, widget, waitsAs }) => {
			if (type === 'client') return waitsAs ?? 'in_progress';
			return widget ? 'awaiting_input' : 'awaiting_approval';
		});
		const done = (): void => {
			const decisions = tools.flatMap(({ decision }) => decision ?? []);
			if (decisions.length < tools.length) return;
			host.goOn(chat, run, () => {
				this.settle(message, tools);
				decided(decisions);
			});
		};
		const interrupts = tools.map((tool) => this.interrupt(reasonOf(tool.call), tool, {}, done));
		this.change(message, 'ready');
		this.pause('input_required');
		for (const interrupt of interrupts) {
			const { reason, tool } = interrupt;
			const allowed = chat.allowsAll || chat.allowedTools.has(tool?.call.name ?? '');
			if (allowed && reason === 'tool_approval') host.decide(chat, interrupt, { kind: 'approve' });
		}
	}

	wait(gate: Gate, about: Json, decided: (decision: AgentDecision) => void): void {
		const { chat, run, host } = this;
		this.change(this.mine(), 'ready');
		this.interrupt(gate, undefined, about, (decision) => {
			host.goOn(chat, run, () => decided(decision));
		});
		this.pause(gate === 'auth' ? 'auth_required' : 'input_required');
	}

	finish(output?: unknown): void {
		const last = this.last();
		// A turn whose last message has ended says nothing more.
		if (last?.status === 'pending') this.change(last, 'ready');
		this.run.output = output ?? null;
		this.chat.output = output ?? null;
		this.host.end(this.chat, this.run, 'completed');
	}

	fail(error: string, how: 'run' | 'message' | 'rejected' | 'canceled' = 'run'): void {
		const message = how === 'message' ? this.mine() : this.last();
		if (message && how === 'message') message.error = error;
		else if (error !== '') this.run.error = error;
		if (message?.status === 'pending') {
			this.change(message, how === 'canceled' ? 'cancelled' : 'failed');
		}
		this.host.end(this.chat, this.run, how === 'run' || how === 'message' ? 'failed' : how);
	}

	private last(): ChatMessage | undefined {
		return this.chat.messages.findLast(
			({ runId, role }) => runId === this.run.id && role === 'assistant',
		);
	}

	/** The message under way. */
	private mine(): ChatMessage {
		const last = this.last();
		if (last?.status === 'pending') return last;
		return addMessage(this.chat, 'assistant', 'pending', { runId: this.run.id });
	}

	private grow(message: ChatMessage, delta: Json | undefined): void {
		const { feed } = this.host;
		if (delta && feed.hasDeltas) feed.delta(this.chat, message, delta);
		else feed.message(this.chat, message, ['content']);
	}

	private change(message: ChatMessage, status: ChatMessage['status']): void {
		message.status = status;
		this.host.feed.message(this.chat, message, ALL);
	}

	private addTools(
		message: ChatMessage,
		calls: readonly AgentCall[],
		statusOf: (call: AgentCall) => string,
	): readonly ToolInvocation[] {
		return calls.map((call) => {
			const blank = { result: undefined, decision: undefined };
			const tool = { ...blank, id: newId(), callId: newId(), call, status: statusOf(call) };
			const index = message.tools.push(tool) - 1;
			for (const part of callDeltas(tool)) {
				this.host.feed.delta(this.chat, message, { tool_calls: [{ index, ...part }] });
			}
			return tool;
		});
	}

	private interrupt(
		reason: Interrupt['reason'],
		tool: ToolInvocation | undefined,
		about: Json,
		then: Interrupt['then'],
	): Interrupt {
		const interrupt: Interrupt = {
			id: newId(),
			runId: this.run.id,
			reason,
			tool,
			about,
			then,
			createdAt: Date.now(),
			status: 'pending',
			decision: undefined,
		};
		this.chat.interrupts.push(interrupt);
		return interrupt;
	}

	private pause(state: string): void {
		this.run.state = state;
		this.host.feed.run(this.chat, this.run);
		this.host.feed.chat(this.chat);
	}

	/** The approved tools have run. */
	private settle(message: ChatMessage, tools: readonly ToolInvocation[]): void {
		for (const tool of tools) {
			if (tool.decision?.kind === 'approve') {
				Object.assign(tool, { status: 'completed', result: 'ok' });
			}
		}
		this.host.feed.message(this.chat, message, ['tool_invocations']);
	}
}

function reasonOf({ type, widget }: AgentCall): Interrupt['reason'] {
	if (type === 'client') return 'client_tool';
	return widget ? 'widget' : 'tool_approval';
}

/** A call as the model writes it: its name, then its arguments piece by piece. */
function callDeltas({ callId, call }: ToolInvocation): readonly Json[] {
	const written = JSON.stringify(call.arguments ?? {});
	const half = Math.floor(written.length / 2);
	return [
		{
			id: callId,
			type: 'function',
			function: { name: call.name, arguments: written.slice(0, half) },
		},
		{ function: { arguments: written.slice(half) } },
	];
}
