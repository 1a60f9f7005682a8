import { isSegment } from '../api/api';
import type { ClientContext } from '../api/context';
import { claims } from '../once/claims';
import {
	createOnce,
	findCreated,
	type Created,
	type Creation,
	type SubmitOptions,
} from '../once/createOnce';
import { lostSubmissions } from '../once/lostSubmissions';
import { searchRecent, type Candidate, type SearchResult } from '../once/searchRecent';
import type { CancelSignal } from '../util/cancelSignal';
import { listIn } from '../api/paging';
import { isJsonObject, textOf, type JsonObject } from '../util/json';
import { messageFromWire } from './chat';
import { MessageFingerprint, shownMessage } from './messageFingerprint';
import { messageBody, type MessageRequest } from './messageRequest';
import { messagesRoute } from './readChat';
import type { TurnRef } from './turn';

/** Reads the answer to a sent message; a queued one has no message of the assistant yet. */
function turnFromWire(value: unknown): TurnRef | undefined {
	if (!isJsonObject(value)) return undefined;
	const user = messageFromWire(value['user_message']);
	const assistant = messageFromWire(value['assistant_message']);
	const chatId = assistant?.chatId ?? user?.chatId ?? textOf(value['chat_id']);
	if (chatId === undefined || !isSegment(chatId) || (!user && !assistant)) return undefined;
	return {
		chatId,
		userMessageId: user?.id,
		assistantMessageId: assistant?.id,
		runId: assistant?.runId,
		sentAt: user?.createdAt,
		answered: [],
	};
}

/** A message that may have been sent. */
export interface SentMessage {
	readonly request: MessageRequest;
	/** Whether its chat was created for this message alone. */
	readonly ownChat: boolean;
	/** When its first attempt began, by the monotonic clock (ms). */
	readonly since: number;
}

/**
 * Sends a message at most once; `POST /agents/run` has no idempotency key (API notes 1.6).
 *
 * @param ownChat whether its chat was created for this message alone, so that nobody else's
 * message can be in it
 * @throws what `createOnce` throws
 */
export function submitMessage(
	request: MessageRequest,
	ownChat: boolean,
	options: SubmitOptions<TurnRef>,
	context: ClientContext,
): Promise<Created<TurnRef>> {
	return createOnce(new MessageCreation(request, ownChat, context), options, context);
}

/**
 * Looks for the message of an earlier try, by what was sent then.
 *
 * @throws what `findCreated` throws
 */
export function findSent(
	{ request, ownChat, since }: SentMessage,
	options: SubmitOptions<TurnRef>,
	context: ClientContext,
): Promise<Created<TurnRef> | undefined> {
	return findCreated(new MessageCreation(request, ownChat, context), since, options, context);
}

class MessageCreation implements Creation<TurnRef> {
	readonly path = '/agents/run';
	readonly fingerprint: MessageFingerprint;

	constructor(
		private readonly request: MessageRequest,
		private readonly ownChat: boolean,
		private readonly context: ClientContext,
	) {
		this.fingerprint = new MessageFingerprint(request);
	}

	get words(): Creation<TurnRef>['words'] {
		const isNew = this.request.chatId === undefined;
		return {
			done: 'the message was sent',
			place: isNew ? 'the list of chats' : `chat ${this.request.chatId}`,
			thing: isNew ? 'chat' : 'message',
			hint: 'Look at the chats on inference.sh before sending it again, so that it is not answered and paid twice.',
			nothing: 'The message was not sent.',
		};
	}

	body(): JsonObject {
		return messageBody(this.request);
	}

	decode(value: unknown): TurnRef | undefined {
		const turn = turnFromWire(value);
		return turn && { ...turn, opensChat: this.opensChat };
	}

	private get opensChat(): boolean {
		return this.ownChat || this.request.chatId === undefined;
	}

	idOf({ userMessageId, assistantMessageId, chatId }: TurnRef): string {
		return userMessageId ?? assistantMessageId ?? chatId;
	}

	createdAt({ sentAt }: TurnRef): string | undefined {
		return sentAt;
	}

	async lookUp(since: number, signal: CancelSignal): Promise<SearchResult<TurnRef>> {
		const { chatId } = this.request;
		return chatId === undefined
			? await this.inNewChats(since, signal)
			: await this.inChat(chatId, this.ownChat ? undefined : since, signal);
	}

	private async inChat(
		chatId: string,
		since: number | undefined,
		signal: CancelSignal,
	): Promise<SearchResult<TurnRef>> {
		return await searchRecent<TurnRef>({
			context: this.context,
			signal,
			since,
			page: (limit, cursor) => ({
				method: 'GET',
				path: messagesRoute(chatId, cursor, limit),
				about: { kind: 'chat', id: chatId },
			}),
			recognise: async (row) => this.recognise(row, chatId),
			claim: (turn) => claims.take(this.idOf(turn)),
		});
	}

	private recognise(row: JsonObject, chatId: string): Candidate<TurnRef> | undefined {
		const shown = shownMessage({ chat_id: chatId, ...row });
		const id = textOf(row['id']);
		if (!shown || id === undefined || claims.has(id)) return undefined;
		const sameness = this.fingerprint.compare(shown);
		if (sameness === 'different') return undefined;
		const lost = lostSubmissions(this.context.account);
		const isClear = sameness === 'equal' && !lost.mayBeOthers(this.fingerprint, shown);
		const { opensChat } = this;
		return {
			sameness: isClear ? 'equal' : 'unclear',
			value: { chatId, userMessageId: id, opensChat, answered: [] },
		};
	}

	/**
	 * Whether there is a new chat that may be this message's. It is never taken: a chat goes on, and
	 * an equal one may be somebody else's.
	 */
	private async inNewChats(since: number, signal: CancelSignal): Promise<SearchResult<TurnRef>> {
		const { api } = this.context;
		const sort = [{ field: 'created_at', dir: 'desc' }];
		return await searchRecent<TurnRef>({
			context: this.context,
			signal,
			since,
			page: (limit, cursor) => ({
				method: 'POST',
				path: '/chats/list',
				body: { limit, sort, cursor },
			}),
			recognise: async (chat) => {
				const chatId = textOf(chat['id']);
				if (chatId === undefined || claims.has(chatId) || !this.mayBeIn(chat)) return undefined;
				const call = { method: 'GET', path: messagesRoute(chatId, undefined), signal } as const;
				const { value } = await api.send(call);
				const rows = listIn(value) ?? [];
				const candidate = { sameness: 'unclear', value: { chatId, answered: [] } } as const;
				// A chat that has no message yet may get this one.
				if (rows.length === 0) return candidate;
				return rows.some((row) => this.mayBe(row, chat)) ? candidate : undefined;
			},
			claim: () => false,
		});
	}

	/** Whether a new chat's agent and context may be those of this message. */
	private mayBeIn(chat: JsonObject): boolean {
		const { text, attachments } = this.request;
		const files = attachments.map(({ uri }) => uri);
		return this.fingerprint.compare({ ...chat, chat_id: chat['id'], text, files }) !== 'different';
	}

	private mayBe(row: JsonObject, chat: JsonObject): boolean {
		const shown = shownMessage(row, chat);
		const id = textOf(row['id']) ?? '';
		return (
			shown !== undefined && !claims.has(id) && this.fingerprint.compare(shown) !== 'different'
		);
	}
}
