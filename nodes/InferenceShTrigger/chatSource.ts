import type { PendingCall } from '../client/agents/chat';
import type { ChatView } from '../client/agents/chatView';
import type { WaitingChat } from '../client/agents/waitingChats';
import type { InferenceClient } from '../client/client';
import { NotFoundError } from '../client/errors';
import type { CancelSignal } from '../client/util/cancelSignal';
import { outcomeOf } from '../client/util/outcome';
import type { CallIds, ChatSource, ListedChat, SeenChat } from './watchChats';

/** A chat that waits for somebody. */
export interface Waiting {
	readonly view: ChatView;
	/** `namespace/name`, if the service tells it. */
	readonly agent: string | undefined;
}

interface Listed extends ListedChat {
	readonly agent: string | undefined;
}

/** The service's words for a chat or run that waits. */
const WAITS = ['awaiting_input', 'input_required', 'auth_required'];

/** The chats of an account, as the service shows them. */
export class AccountChats implements ChatSource<Waiting> {
	private agentId: Promise<string | undefined> | undefined;
	private readonly agents = new Map<string, string | undefined>();

	/** @param agent whose chats are watched, as `namespace/name`; undefined for those of all agents */
	constructor(
		private readonly client: InferenceClient,
		private readonly agent: string | undefined,
		private readonly signal: CancelSignal,
	) {}

	async waiting(
		cursor: string | undefined,
	): Promise<{ readonly chats: readonly Listed[]; readonly next: string | undefined }> {
		const { items, nextCursor } = await this.client.agents.waiting(cursor);
		const chats: Listed[] = [];
		for (const chat of items) {
			if (!(await this.isWatched(chat))) continue;
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
		if (!WAITS.includes(view.status.toLowerCase())) return undefined;
		return { calls: view.pending.map(idsOf), view: { view, agent: this.agents.get(id) } };
	}

	private async isWatched({ agent, agentId }: WaitingChat): Promise<boolean> {
		if (this.agent === undefined) return true;
		if (agent !== undefined) return agent === this.agent;
		if (agentId === undefined) return false;
		this.agentId ??= this.client.agents.idOf(this.agent);
		return (await this.agentId) === agentId;
	}
}

/** A call may be shown with its interrupt or before there is one. */
function idsOf({ id, interruptId }: PendingCall): CallIds {
	return interruptId === undefined ? [id] : [id, interruptId];
}
