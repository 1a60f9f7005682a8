/** Who watches a chat, and what they are told of it. */
import type { Json } from '../agents/agentTypes.mts';
import { isTerminalMessage, type Chat, type ChatMessage, type Run } from './chatState.mts';
import type { ChatWire } from './chatWire.mts';
import type { StreamMessage } from '../http/streams.mts';
import type { SandboxSettings } from '../types.mts';

type Watcher = (message: StreamMessage, about?: ChatMessage) => void;

/** Fields of a message that every partial of it has. */
const IDENTITY = ['id', 'chat_id', 'order', 'role', 'agent_run_id'];

/** What Go writes where a struct's field was never set. */
function zeroed(whole: Json): Json {
	const zero: Record<string, unknown> = {};
	for (const [key, value] of Object.entries(whole)) {
		zero[key] = typeof value === 'string' ? '' : typeof value === 'number' ? 0 : null;
	}
	return zero;
}

export class ChatFeed {
	private readonly watchers = new Map<string, Set<Watcher>>();
	private readonly settings: SandboxSettings;
	private readonly wire: ChatWire;

	constructor(settings: SandboxSettings, wire: ChatWire) {
		this.settings = settings;
		this.wire = wire;
	}

	/** Whether answers grow by tokens, so that their messages need not be told again. */
	get hasDeltas(): boolean {
		return this.settings.agentDeltas;
	}

	/** Calls `watcher` for each update until the returned function is called. */
	watch(chat: Chat, watcher: Watcher): () => void {
		const watchers = this.watchers.get(chat.id) ?? new Set();
		this.watchers.set(chat.id, watchers);
		watchers.add(watcher);
		return () => watchers.delete(watcher);
	}

	/** Tells of a message: all of it, or the fields that have changed. */
	message(chat: Chat, message: ChatMessage, fields?: readonly string[]): void {
		message.updatedAt = Math.max(message.updatedAt + 1, Date.now());
		const whole = this.wire.message(chat, message);
		const partial = fields ? this.partial(whole, fields) : { data: whole };
		// The end of an answer, as it is when what it says is withheld.
		const bare = isTerminalMessage(message) ? this.partial(whole, ['status']) : undefined;
		const event = { event: 'chat_messages' } as const;
		const told = { ...event, ...partial, ...(bare ? { bare: { ...event, ...bare } } : {}) };
		this.tell(chat, told, message);
	}

	/** Tells of how a message grows by tokens. */
	delta(chat: Chat, message: ChatMessage, delta: Json): void {
		if (!this.hasDeltas) return;
		message.seq += 1;
		const data = { delta, seq: message.seq, resource_id: message.id };
		this.tell(chat, { event: 'delta', data }, message);
	}

	run(chat: Chat, run: Run, terminal = false): void {
		run.updatedAt = Math.max(run.updatedAt + 1, Date.now());
		if (this.settings.agentRuns === 'hidden') return;
		const data = this.wire.run(chat, run);
		const { output: _output, error: _error, ...bare } = data;
		const event = { event: 'agent_runs', terminal } as const;
		this.tell(chat, { ...event, data, bare: { ...event, data: bare } });
	}

	chat(chat: Chat, terminal = false): void {
		chat.updatedAt = Math.max(chat.updatedAt + 1, Date.now());
		const data = this.wire.chat(chat);
		const { output: _output, active_run: _run, ...bare } = data;
		const event = { event: 'chats', terminal } as const;
		this.tell(chat, { ...event, data, bare: { ...event, data: bare } });
	}

	clear(): void {
		this.watchers.clear();
	}

	private partial(whole: Json, changed: readonly string[]): Pick<StreamMessage, 'data' | 'fields'> {
		const harsh = this.settings.partials === 'zeroed';
		const fields = harsh ? changed : [...IDENTITY, ...changed];
		const kept = Object.entries(whole).filter(([key]) => key === 'id' || fields.includes(key));
		return { data: { ...(harsh ? zeroed(whole) : {}), ...Object.fromEntries(kept) }, fields };
	}

	private tell(chat: Chat, message: StreamMessage, about?: ChatMessage): void {
		for (const watcher of this.watchers.get(chat.id) ?? []) watcher(message, about);
	}
}
