import { path, type ApiCall } from '../api/api';
import { createOnce, type Created, type Creation, type SubmitOptions } from '../once/createOnce';
import type { CancelSignal } from '../util/cancelSignal';
import { messageFromWire, type ChatMessage } from './chat';
import { messagesRoute } from './readChat';
import { canonicalJson, isJsonObject, listOf, textOf, type JsonObject } from '../util/json';
import { PAGE_SIZE } from '../api/paging';
import { searchRecent, type SearchResult } from '../once/searchRecent';
import type { TurnRef } from './turn';
import type { ClientContext } from '../api/context';

/** Who answers: an agent of the workspace, or one that exists only for the chat. */
export type AgentChoice =
	| { readonly kind: 'saved'; readonly ref: string }
	/** `config` in the words of API notes 5.2. */
	| { readonly kind: 'adHoc'; readonly config: JsonObject };

/** A file that goes with a message (API notes 5.1). */
export interface Attachment {
	readonly uri: string;
	readonly filename?: string | undefined;
	readonly content_type?: string | undefined;
	readonly size?: number | undefined;
}

/** A message for an agent. */
export interface MessageRequest {
	readonly agent: AgentChoice;
	/** Undefined for a new chat. */
	readonly chatId: string | undefined;
	readonly text: string;
	readonly attachments: readonly Attachment[];
	/** Values for the agent's tools; the service reads them when the chat is created. */
	readonly context: JsonObject | undefined;
}

/** The wire form. The empty fields are what the official SDKs send. */
function messageBody(request: MessageRequest): JsonObject {
	const { agent, chatId, text, attachments, context } = request;
	return {
		chat_id: chatId ?? null,
		...(agent.kind === 'saved'
			? { agent: agent.ref }
			: { agent_config: agent.config, agent_name: agent.config['name'] }),
		context,
		input: {
			text,
			attachments: attachments.length === 0 ? undefined : attachments,
			role: 'user',
			context: [],
			system_prompt: '',
			context_size: 0,
		},
		stream: false,
	};
}

/** Reads the answer to a sent message; a queued one has no message of the assistant yet. */
function turnFromWire(value: unknown): TurnRef | undefined {
	if (!isJsonObject(value)) return undefined;
	const user = messageFromWire(value['user_message']);
	const assistant = messageFromWire(value['assistant_message']);
	const chatId = assistant?.chatId ?? user?.chatId ?? textOf(value['chat_id']);
	if (chatId === undefined || (!user && !assistant)) return undefined;
	return {
		chatId,
		userMessageId: user?.id,
		assistantMessageId: assistant?.id,
		runId: assistant?.runId,
		answered: [],
	};
}

/**
 * Sends a message at most once; `POST /agents/run` has no idempotency key (API notes 1.6).
 *
 * @throws what `createOnce` throws
 */
export function sendOnce(
	request: MessageRequest,
	options: SubmitOptions<TurnRef>,
	context: ClientContext,
): Promise<Created<TurnRef>> {
	return createOnce(new MessageCreation(request, context), options, context);
}

class MessageCreation implements Creation<TurnRef> {
	readonly path = '/agents/run';
	readonly decode = turnFromWire;
	/** Whether something was seen that may be what is looked for. */
	private doubt = false;

	constructor(
		private readonly request: MessageRequest,
		private readonly context: ClientContext,
	) {}

	get words(): Creation<TurnRef>['words'] {
		const place = this.request.chatId === undefined ? 'the list of chats' : 'the chat';
		return {
			done: 'the message was sent',
			place,
			unclear: `${place} does not tell for certain`,
			hint: 'Look at the chats on inference.sh before sending it again, so that it is not answered and paid twice.',
		};
	}

	get key(): string {
		const { agent, chatId, text, attachments } = this.request;
		return canonicalJson(['message', agent, chatId, text, attachments]);
	}

	body(): JsonObject {
		return messageBody(this.request);
	}

	idOf({ userMessageId, assistantMessageId, chatId }: TurnRef): string {
		return userMessageId ?? assistantMessageId ?? chatId;
	}

	async lookUp(
		since: number,
		claim: (id: string) => boolean,
		signal: CancelSignal,
	): Promise<SearchResult<TurnRef>> {
		const { chatId } = this.request;
		this.doubt = false;
		const result = await (chatId === undefined
			? this.inNewChats(since, claim, signal)
			: this.inChat(chatId, since, claim, signal));
		return result.kind === 'absent' && this.doubt ? { kind: 'inconclusive' } : result;
	}

	private async inChat(
		chatId: string,
		since: number,
		claim: (id: string) => boolean,
		signal: CancelSignal,
	): Promise<SearchResult<TurnRef>> {
		const page = (cursor: string | undefined): ApiCall => {
			return {
				method: 'GET',
				path: messagesRoute(chatId, cursor),
				signal,
				about: { kind: 'chat', id: chatId },
			};
		};
		return await searchRecent(this.context.api, page, since, async (entry) => {
			const message = messageFromWire(entry);
			if (!message || !this.isSame(message)) return undefined;
			if (message.createdAt === undefined) this.doubt = true;
			else if (claim(message.id)) return { chatId, userMessageId: message.id, answered: [] };
			return undefined;
		});
	}

	private async inNewChats(
		since: number,
		claim: (id: string) => boolean,
		signal: CancelSignal,
	): Promise<SearchResult<TurnRef>> {
		const { api } = this.context;
		const sort = [{ field: 'created_at', dir: 'desc' }];
		const page = (cursor: string | undefined): ApiCall => {
			return {
				method: 'POST',
				path: '/chats/list',
				body: { limit: PAGE_SIZE, sort, cursor },
				signal,
			};
		};
		return await searchRecent(api, page, since, async (chat) => {
			const id = textOf(chat['id']);
			if (id === undefined || !this.mayBeOf(chat['agent'])) return undefined;
			const call = { method: 'GET', path: messagesRoute(id, undefined), signal } as const;
			const { value } = await api.send(call);
			const messages = listOf(isJsonObject(value) ? value['items'] : value)
				.map(messageFromWire)
				.filter((message) => message !== undefined);
			const sent = messages.find((message) => this.isSame(message));
			// A chat that has no message yet may get this one.
			if (messages.length === 0) this.doubt = true;
			return sent && claim(sent.id)
				? { chatId: id, userMessageId: sent.id, answered: [] }
				: undefined;
		});
	}

	private isSame({ role, text }: ChatMessage): boolean {
		return role === 'user' && text.trim() === this.request.text.trim();
	}

	/** Whether a chat's agent, as far as it is told, may be the one that was asked. */
	private mayBeOf(agent: unknown): boolean {
		const asked = this.request.agent;
		if (!isJsonObject(agent) || asked.kind === 'adHoc') return true;
		const { namespace, name } = agent;
		const ref = asked.ref.replace(/@.*$/, '');
		return typeof name !== 'string' || [name, `${String(namespace)}/${name}`].includes(ref);
	}
}

/** The route that takes a message out of the queue of a busy chat. */
export function cancelMessageRoute(messageId: string): string {
	return path('chats', 'messages', messageId, 'cancel');
}
