import type { PendingCall } from '../client/agents/chat';
import type { ChatView } from '../client/agents/chatView';
import { agentOfChat, isWaiting, type WaitingChat } from '../client/agents/waitingChats';
import type { InferenceClient } from '../client/client';
import { NotFoundError, ProtocolError } from '../client/errors';
import type { CancelSignal } from '../client/util/cancelSignal';
import { outcomeOf } from '../client/util/outcome';
import type { CallIds, ChatSource, ListedChat, SeenChat } from './watchChats';

/** A chat that waits for somebody. */
export interface Waiting {
	readonly view: ChatView;
	/** `namespace/name`, if the service tells it. */
	readonly agent: string | undefined;
}

/** The chats of an account, as the service shows them. */
export class AccountChats implements ChatSource<Waiting> {
	private agentId: Promise<string | undefined> | undefined;
	private readonly agents = new Map<string, string | undefined>();
	/** Chats of which the list does not tell whose they are. */
	private readonly unnamed = new Set<string>();

	/** @param agent whose chats are watched, as `namespace/name`; undefined for those of all agents */
	constructor(
		private readonly client: InferenceClient,
		private readonly agent: string | undefined,
		private readonly signal: CancelSignal,
	) {}

	async waiting(
		cursor: string | undefined,
	): Promise<{ readonly chats: readonly ListedChat[]; readonly next: string | undefined }> {
		const { items, nextCursor } = await this.client.agents.waiting(cursor);
		const chats: ListedChat[] = [];
		for (const chat of items) {
			const isWatched = await this.isWatched(chat);
			if (isWatched === false) continue;
			if (isWatched === undefined) this.unnamed.add(chat.id);
			this.agents.set(chat.id, chat.agent ?? this.agent);
			chats.push({ ...chat, calls: chat.calls.map(idsOf) });
		}
		return { chats, next: nextCursor };
	}

	async look({ id }: ListedChat): Promise<SeenChat<Waiting> | undefined> {
		const read = await outcomeOf(this.client.agents.chat(id, this.signal));
		if (!read.ok) {
			if (read.error instanceof NotFoundError) return undefined;
			throw read.error;
		}
		const view = read.value;
		if (!isWaiting(view.status)) return undefined;
		const told = agentOfChat(view.wire);
		if (this.unnamed.has(id)) {
			const isWatched = await this.isWatched(told);
			if (isWatched === undefined) throw whose(id);
			if (!isWatched) return undefined;
		}
		const agent = this.agents.get(id) ?? told.agent;
		return { calls: view.pending.map(idsOf), view: { view, agent } };
	}

	/** Undefined if it is not told whose a chat is. */
	private async isWatched({
		agent,
		agentId,
	}: Pick<WaitingChat, 'agent' | 'agentId'>): Promise<boolean | undefined> {
		if (this.agent === undefined) return true;
		if (agent !== undefined) return agent === this.agent;
		if (agentId === undefined) return undefined;
		this.agentId ??= this.client.agents.idOf(this.agent);
		return (await this.agentId) === agentId;
	}
}

function whose(id: string): ProtocolError {
	return new ProtocolError(
		`Chat ${id} waits for somebody, but inference.sh does not tell which agent it is with, so that the filter "Agent" cannot be applied`,
		{
			about: { kind: 'chat', id },
			hint: 'Remove the filter, and look at the calls in "pending" to tell the agents apart.',
		},
	);
}

/** A call may be shown with its interrupt or before there is one. */
function idsOf({ id, interruptId }: PendingCall): CallIds {
	return interruptId === undefined ? [id] : [id, interruptId];
}
