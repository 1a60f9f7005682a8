import type { Account } from '../api/account';
import { path } from '../api/api';
import type { ClientContext } from '../api/context';
import { readService } from '../api/readService';
import { listSummaries, type AppSummary, type Page } from '../apps/summaries';
import { TimeoutError } from '../errors';
import type { CancelSignal } from '../util/cancelSignal';
import { Deadline } from '../util/deadline';
import { chatRoute } from './readChat';
import { asJsonObject, textOf } from '../util/json';
import { KeyedQueue, type Release } from '../util/keyedQueue';
import type { PendingWork } from '../util/pendingWork';
import { readChatView, type ChatView } from './chatView';
import type { MessageRequest } from './messageRequest';
import { respondToCall, type ResponseRequest } from './respondToCall';
import { sendMessage, type SendOptions } from './sendMessage';
import { stopChat } from './stopChat';
import type { TurnOptions, TurnRun } from './turnRun';
import { listWaiting, type WaitingChat } from './waitingChats';

/** Those who want the same conversation, for each account. */
const queues = new WeakMap<Account, KeyedQueue>();

/** Agents and their chats (API notes 5). */
export class AgentsApi {
	/** @param work is told of everything under way */
	constructor(
		private readonly context: ClientContext,
		private readonly work: PendingWork,
	) {}

	/**
	 * Agents of the key's own workspace (`POST /agents/list`), a page at a time.
	 *
	 * @param search term by which the service filters them
	 * @throws InferenceError if the list cannot be read
	 */
	async list(search: string | undefined, cursor?: string): Promise<Page<AppSummary>> {
		return await this.work.track(listSummaries('/agents/list', search, cursor, this.context));
	}

	/**
	 * The id of an agent; undefined if the service does not tell it.
	 *
	 * @param ref `namespace/name`
	 * @throws NotFoundError if there is no such agent, or the key cannot see it
	 */
	async idOf(ref: string): Promise<string | undefined> {
		const call = { method: 'GET', path: path('agents', ...ref.split('/')) } as const;
		const agent = await this.work.track(readService(call, asJsonObject, this.context));
		return textOf(agent['id']);
	}

	/** Chats whose agents wait for somebody, a page at a time; see `listWaiting`. */
	async waiting(cursor: string | undefined): Promise<Page<WaitingChat>> {
		return await this.work.track(listWaiting(cursor, this.context));
	}

	/**
	 * Waits until everybody in this process who came before to the same conversation is done.
	 *
	 * @param key the chat, or what stands for one that is still to be created
	 * @returns lets the next one through
	 * @throws the abort reason of `signal`
	 */
	async queue(key: string, signal: CancelSignal): Promise<Release> {
		const { account } = this.context;
		const queue = queues.get(account) ?? new KeyedQueue();
		queues.set(account, queue);
		return await queue.enter(key, signal);
	}

	/** Sends a message and follows the agent's turn; see `sendMessage`. */
	async send(request: MessageRequest, options: SendOptions): Promise<TurnRun> {
		// Whether its chat can be asked for is known before anything is sent to it.
		if (request.chatId !== undefined) chatRoute(request.chatId);
		return await this.work.track(sendMessage(request, options, this.context));
	}

	/** Decides about a call that an agent waits for; see `respondToCall`. */
	async respond(request: ResponseRequest, options: TurnOptions): Promise<TurnRun> {
		return await this.work.track(respondToCall(request, options, this.context));
	}

	/**
	 * Reads a chat with its messages.
	 *
	 * @throws TimeoutError; otherwise as `readChatView`
	 */
	async chat(chatId: string, signal: CancelSignal): Promise<ChatView> {
		return await this.inTime(chatId, signal, async (context) => {
			return await readChatView(chatId, context);
		});
	}

	/**
	 * Stops what an agent is doing in a chat.
	 *
	 * @returns whether there was anything to stop
	 * @throws TimeoutError; otherwise as `stopChat`
	 */
	async stop(chatId: string, signal: CancelSignal): Promise<boolean> {
		return await this.inTime(chatId, signal, async (context) => await stopChat(chatId, context));
	}

	/** Bounds what starts nothing and leaves nothing behind: it needs no place among the items. */
	private async inTime<T>(
		chatId: string,
		signal: CancelSignal,
		job: (context: ClientContext) => Promise<T>,
	): Promise<T> {
		const { timeoutMs } = this.context.settings;
		using deadline = new Deadline(signal, timeoutMs, () => {
			const limit = `${(timeoutMs ?? 0) / 1000} s`;
			return new TimeoutError(`Chat ${chatId} could not be reached within ${limit}`, {
				about: { kind: 'chat', id: chatId },
				hint: 'Raise "Timeout (Seconds)", or try again later.',
			});
		});
		return await this.work.track(job({ ...this.context, signal: deadline.signal }));
	}
}
