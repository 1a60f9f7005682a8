import {
	messageFromWire,
	pendingCalls,
	runFromWire,
	type AgentRun,
	type ChatMessage,
	type PendingCall,
} from './chat';
import { DeltaAccumulator } from '../follow/deltas';
import { isJsonObject, listOf, sameJson, textOf, type JsonObject } from '../util/json';
import type { StreamEvent } from '../follow/streamEvents';
import { mergeUpdate, type Update } from '../follow/update';
import { verdictOf, type TurnFacts, type Verdict } from './turnVerdict';

/** What a turn is known by: enough to follow it, also in a further try of the same execution. */
export interface TurnRef {
	readonly chatId: string;
	readonly userMessageId?: string | undefined;
	/** The first message of the answer; a queued message has none yet. */
	readonly assistantMessageId?: string | undefined;
	readonly runId?: string | undefined;
	/** When the message was created, as the service says. */
	readonly sentAt?: string | undefined;
	/** Whether its chat was created for it, so that nothing in it is of an earlier turn. */
	readonly opensChat?: boolean | undefined;
	/** Calls that have been answered: what still shows them as pending is old. */
	readonly answered: readonly string[];
}

/** Sees the answer grow. */
export interface TurnObserver {
	/** All of the text that a message of the answer has so far. */
	text?(messageId: string, text: string): void;
	/** A piece has been added to the text of a message; `text` is all of it. */
	more?(messageId: string, piece: string, text: string): void;
}

/**
 * All that is known of one turn of a chat, put together from streams and answers, and the decision
 * whether it is over (API notes 5.4). The first thing that is heard of an existing chat is how the
 * previous turn ended, so an idle chat alone says nothing: what counts is this turn's own run, else
 * its own messages.
 */
export class Turn implements TurnFacts {
	private readonly messages = new Map<string, ChatMessage>();
	private readonly runs = new Map<string, AgentRun>();
	/** What is being written, of other turns too. */
	private readonly live = new Map<string, LiveText>();
	private streams = 0;
	/** Runs that were at work while this turn's message still waited for its turn. */
	private readonly foreign = new Set<string>();
	private chat: JsonObject = {};
	private activeRunId: string | undefined;
	private knownRunId: string | undefined;
	/** Whether anything of this turn has been seen at work. */
	seenAtWork = false;
	/** Whether this turn's message has been seen in the queue. */
	private wasQueued = false;
	/** What the chat showed as its output while this turn was at work. */
	private outputBefore: { readonly output: unknown } | undefined;
	/** As long as nothing has come that may change it. */
	private knownVerdict: Verdict | undefined;

	constructor(
		readonly ref: TurnRef,
		private readonly observer: TurnObserver = {},
	) {
		this.knownRunId = ref.runId;
	}

	/** Takes in a line of the chat's stream. Returns whether it said anything of use. */
	take(event: Extract<StreamEvent, { readonly kind: 'update' | 'delta' }>): boolean {
		if (event.kind === 'delta') return this.takeDelta(event);
		const { update } = event;
		const table = event.event ?? tableOf(update.data, this.ref.chatId);
		if (table === 'chats') return this.takeChat(update);
		if (table === 'chat_messages') return this.takeMessage(update);
		return table === 'agent_runs' && this.takeRun(update.data, update);
	}

	/** A stream has opened; an earlier one may have been lost. */
	opened(): void {
		this.streams += 1;
		for (const { deltas } of this.live.values()) deltas.resume();
	}

	/** Takes in the whole chat as it is now. */
	readChat(wire: JsonObject): void {
		this.chat = {};
		this.knownVerdict = undefined;
		this.takeChat({ data: wire });
	}

	/** Takes in what is known of the chat itself. Returns whether it is new. */
	takeChat(update: Update): boolean {
		const { data } = update;
		if (textOf(data['id']) !== undefined && data['id'] !== this.ref.chatId) return false;
		const before = this.chat;
		this.chat = mergeUpdate(before, update);
		if (update.fields === undefined || update.fields.includes('active_run')) {
			const run = runFromWire(data['active_run']);
			this.activeRunId = run?.id;
			if (run) this.takeRun(run.wire, { data: run.wire });
		}
		this.readMessages(listOf(data['chat_messages']));
		this.conclude();
		if (!this.outputBefore && this.verdict().kind === 'running') {
			this.outputBefore = { output: this.chat['output'] ?? undefined };
		}
		return !sameJson(before, this.chat);
	}

	/** Takes in whole messages of the chat. */
	readMessages(wires: readonly unknown[]): void {
		const kept = wires
			.filter(isJsonObject)
			.map((data) => this.keep({ data }))
			.filter((one) => one !== undefined);
		if (kept.some(matters)) this.conclude();
		for (const { after } of kept) this.show(after);
	}

	/** Takes in a message of the chat. Returns whether it is new. */
	private takeMessage(update: Update): boolean {
		const kept = this.keep(update);
		if (!kept) return false;
		const { before, after } = kept;
		if (matters(kept)) this.conclude();
		this.show(after);
		return before === undefined || !sameJson(before.wire, after.wire);
	}

	/** Keeps what is known of a message now; undefined if that says nothing. */
	private keep(update: Update): KeptMessage | undefined {
		const id = textOf(update.data['id']);
		if (id === undefined) return undefined;
		const before = this.messages.get(id);
		const after = messageFromWire(mergeUpdate(before?.wire ?? {}, update));
		if (!after || (after.chatId ?? this.ref.chatId) !== this.ref.chatId) return undefined;
		// A message that has ended stays ended: an answer that says otherwise is older.
		if (before?.terminal === true && !after.terminal) return undefined;
		this.messages.set(id, after);
		if (after.terminal) this.live.delete(id);
		else if (after.role === 'assistant') this.liveText(id).deltas.reset(after.text);
		return { before, after };
	}

	/** Tells of a message if it is part of the answer. */
	private show(message: ChatMessage): void {
		if (message.role !== 'assistant' || !this.isOurs(message)) return;
		this.seenAtWork ||= message.terminal;
		this.tell(message);
	}

	private takeRun(wire: JsonObject, update: Update): boolean {
		const id = textOf(wire['id']);
		if (id === undefined) return false;
		const before = this.runs.get(id);
		const after = runFromWire(mergeUpdate(before?.wire ?? {}, update));
		if (!after || before?.kind === 'terminal') return false;
		this.runs.set(id, after);
		if (after.kind !== 'terminal') this.activeRunId = id;
		this.conclude();
		return !sameJson(before?.wire, after.wire);
	}

	private takeDelta(event: Extract<StreamEvent, { readonly kind: 'delta' }>): boolean {
		const { resourceId: id, delta, seq } = event;
		if (id === undefined) return false;
		const message = this.messages.get(id);
		if (message?.terminal === true) return false;
		// Whose it is may be told later.
		const live = this.liveText(id);
		const piece = live.deltas.push(delta, seq);
		const ours = message ? this.isOurs(message) : id === this.ref.assistantMessageId;
		if (!ours) return false;
		const { text } = live.deltas;
		if (piece === '' || text === undefined) return true;
		if (live.told) this.observer.more?.(id, piece, text);
		else this.observer.text?.(id, text);
		live.told = true;
		return true;
	}

	/** The text of a message that is being written. */
	private liveText(id: string): LiveText {
		const live = this.live.get(id) ?? {
			deltas: new DeltaAccumulator(this.streams > 1 ? 'late' : 'whole'),
			told: false,
		};
		this.live.set(id, live);
		return live;
	}

	/** Tells the text of a message that has changed. */
	private tell({ id, text, terminal }: ChatMessage): void {
		if (text === '') return;
		if (terminal) return this.observer.text?.(id, text);
		const live = this.liveText(id);
		live.told = true;
		this.observer.text?.(id, live.deltas.text ?? text);
	}

	/** Draws conclusions from what has just been learned. */
	private conclude(): void {
		this.knownVerdict = undefined;
		this.wasQueued ||= this.waiting;
		if (this.waiting && this.activeRunId !== undefined) this.foreign.add(this.activeRunId);
		this.knownRunId ??= this.findRunId();
		if (this.run !== undefined) this.seenAtWork = true;
		if (this.chatStatus === 'busy' && !this.waiting) this.seenAtWork = true;
	}

	/**
	 * Finds out which run is this turn's. The first row that fits decides:
	 *
	 * | what is known                                                      | its run        |
	 * | ------------------------------------------------------------------ | -------------- |
	 * | a run says that it answers this turn's message                     | that one       |
	 * | the first message of the answer names a run                        | that one       |
	 * | this turn's message is still queued                                | not known yet  |
	 * | this turn's message names a run                                    | that one       |
	 * | a later message of the assistant names a run                       | that one       |
	 * | the active run is at work, and the answer's first message is known | the active one |
	 * | nothing of all that                                                | not known yet  |
	 *
	 * The two rows before the last leave out runs that were at work while this turn's message was queued.
	 */
	private findRunId(): string | undefined {
		const { userMessageId, assistantMessageId } = this.ref;
		for (const run of this.runs.values()) {
			if (userMessageId !== undefined && run.userMessageId === userMessageId) return run.id;
		}
		const first = this.messages.get(assistantMessageId ?? '');
		if (first?.runId !== undefined) return first.runId;
		if (this.waiting) return undefined;
		if (this.user?.runId !== undefined) return this.user.runId;
		const later = [...this.messages.values()].find(
			(message) => message.runId !== undefined && this.isLater(message),
		);
		if (later) return later.runId;
		// Only one run is at work at a time; a run of the past that has ended says nothing.
		const active = this.activeRun;
		const fresh = active?.kind === 'active' && !this.foreign.has(active.id);
		return fresh && assistantMessageId !== undefined ? active.id : undefined;
	}

	/** The message that was sent. */
	get user(): ChatMessage | undefined {
		return this.messages.get(this.ref.userMessageId ?? '');
	}

	/** Whether this turn's message still waits for the end of another one. */
	get waiting(): boolean {
		return this.user?.status === 'queued';
	}

	/** Whether nothing shows that this turn has left the queue. */
	get unbegun(): boolean {
		if (this.user) return this.waiting;
		return this.ref.assistantMessageId === undefined && this.ref.runId === undefined;
	}

	/** The service's word for how the chat stands, in lower case. */
	get chatStatus(): string {
		return textOf(this.chat['status'])?.toLowerCase() ?? '';
	}

	/** Id of this turn's run, as far as it is known. */
	get runId(): string | undefined {
		return this.knownRunId;
	}

	/** This turn's run, if the service has shown it. */
	get run(): AgentRun | undefined {
		return this.runs.get(this.knownRunId ?? '');
	}

	/** The run that is at work in the chat, whose ever it is. */
	get activeRun(): AgentRun | undefined {
		return this.runs.get(this.activeRunId ?? '');
	}

	/** Whether anything that this turn waited for has been answered here. */
	get hasAnswered(): boolean {
		return this.ref.answered.length > 0;
	}

	/** Whether an assistant's message comes after this turn's own and from no other run. */
	private isLater(message: ChatMessage): boolean {
		if (message.role !== 'assistant' || this.foreign.has(message.runId ?? '')) return false;
		const first = this.messages.get(this.ref.assistantMessageId ?? '');
		if (first) return message.order >= first.order;
		const { user } = this;
		if (!user || this.waiting || message.order <= user.order) return false;
		return !this.wasQueued || this.isAfterQueue(message, user);
	}

	/**
	 * Whether a message belongs to this turn, which has been in the queue. Until it left that, the
	 * turn before was at work, whose last messages may arrive late. A run tells, if that of the turn
	 * before is known, too; else when it was created. What cannot be told is not taken.
	 */
	private isAfterQueue(message: ChatMessage, user: ChatMessage): boolean {
		if (message.runId !== undefined && this.foreign.size > 0) return true;
		const left = Date.parse(textOf(user.wire['updated_at']) ?? '');
		const isTold = left > Date.parse(user.createdAt ?? '');
		return isTold && Date.parse(message.createdAt ?? '') >= left;
	}

	private isOurs(message: ChatMessage): boolean {
		if (message.role !== 'assistant') return false;
		if (message.id === this.ref.assistantMessageId) return true;
		return message.runId !== undefined && this.knownRunId !== undefined
			? message.runId === this.knownRunId
			: this.isLater(message);
	}

	/** Messages of the answer, oldest first. */
	get answers(): readonly ChatMessage[] {
		return [...this.messages.values()]
			.filter((message) => this.isOurs(message))
			.sort((left, right) => left.order - right.order);
	}

	/** Messages of the chat that have been read, oldest first. */
	get all(): readonly ChatMessage[] {
		return [...this.messages.values()].sort((left, right) => left.order - right.order);
	}

	/** What this turn waits for; a turn that has not begun waits for what holds up the one before. */
	get pending(): readonly PendingCall[] {
		const runId = this.waiting ? this.activeRunId : this.knownRunId;
		const messages = this.waiting ? this.all : this.answers;
		const { answered } = this.ref;
		return pendingCalls(messages, this.chat['pending_interrupts']).filter(
			(call) =>
				!answered.includes(call.id) &&
				!answered.includes(call.interruptId ?? '') &&
				(call.runId === undefined || runId === undefined || call.runId === runId),
		);
	}

	/**
	 * Structured output, if the agent has finished with one. What the chat shows may be of an earlier
	 * turn: it does not count if the run shows its own, even if that is none, or if the chat has shown
	 * the same before this turn was over.
	 */
	get output(): unknown {
		const { run } = this;
		if (run && 'output' in run.wire) return run.output ?? undefined;
		const other = this.activeRunId !== undefined && this.activeRunId !== this.knownRunId;
		const output = this.chat['output'] ?? undefined;
		if (other || output === undefined) return undefined;
		const before = this.ref.opensChat === true ? undefined : this.outputBefore;
		return before && sameJson(before.output, output) ? undefined : output;
	}

	/** Why it failed, in the service's words. */
	get error(): string | undefined {
		const last = [...this.answers].reverse().find(({ error }) => error !== undefined);
		return this.run?.error ?? last?.error ?? this.user?.error;
	}

	/** Whether nothing of the answer can still change, apart from what somebody has to do first. */
	get quiet(): boolean {
		return this.answers.every(({ terminal }) => terminal);
	}

	/** Whether it is over; see `verdictOf`. */
	verdict(): Verdict {
		return (this.knownVerdict ??= verdictOf(this));
	}
}

/** The text of a message as far as it has been written. */
interface LiveText {
	readonly deltas: DeltaAccumulator;
	/** Whether the observer knows of it. */
	told: boolean;
}

/** A message as it was known, and as it is known now. */
interface KeptMessage {
	readonly before: ChatMessage | undefined;
	readonly after: ChatMessage;
}

/** What conclusions are drawn from; a text that grows changes none of it. */
const TELLING = ['status', 'role', 'order', 'agent_run_id', 'created_at', 'tool_invocations'];

/** Whether a message tells more of its turn than it did. */
function matters({ before, after }: KeptMessage): boolean {
	if (before?.role !== 'assistant') return true;
	return TELLING.some((name) => !sameJson(before.wire[name], after.wire[name]));
}

/** The calls of a turn that need no answer any more, with one more. */
export function answeredWith(ref: TurnRef, call: PendingCall): readonly string[] {
	const own = call.interruptId === undefined ? [call.id] : [call.id, call.interruptId];
	return [...ref.answered, ...own];
}

/** Which table a line without a name is from. */
function tableOf(data: JsonObject, chatId: string): string | undefined {
	if (data['id'] === chatId) return 'chats';
	if ('role' in data || 'content' in data) return 'chat_messages';
	return 'state' in data ? 'agent_runs' : undefined;
}
