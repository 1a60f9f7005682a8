import type { Account } from '../api/account';
import type { SubmitOptions } from '../once/createOnce';
import type { CancelSignal } from '../util/cancelSignal';
import type { PendingCall } from './chat';
import { chatRoute } from './readChat';
import {
	findCall,
	readChatView,
	turnOf,
	unknownChat,
	type ChatView,
	type ResponseRequest,
} from './chatView';
import { stopRoute, talk, type Talk, type TurnProgress } from './turnTime';
import { converse, type TurnOptions, type TurnRun } from './takeTurn';
import { Deadline } from '../util/deadline';
import { InferenceError, NotFoundError, TimeoutError, ValidationError } from '../errors';
import { KeyedQueue, type Release } from '../util/keyedQueue';
import {
	findSent,
	sendOnce,
	type SentMessage,
	type Attachment,
	type MessageRequest,
} from './sendMessage';
import { outcomeOf } from '../util/outcome';
import { retrying } from '../api/retry';
import { decide, type Decision } from './decisions';
import type { TurnRef } from './turn';
import { createChat } from './createChat';
import type { ClientContext } from '../api/context';
import { listSummaries, type AppSummary, type Page } from '../apps/summaries';
import type { PendingWork } from '../util/pendingWork';

/** How a message is sent and its answer heard. */
export interface SendOptions extends TurnOptions {
	/** Makes the message's files ready, within the item's time. */
	attach?(signal: CancelSignal): Promise<readonly Attachment[]>;
}

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

	/**
	 * Sends a message, at most once, and follows the agent's turn until it is over or waits for
	 * somebody. Of a turn that an earlier try has begun, only the second half is done.
	 *
	 * @throws TaskFailedError and TaskCancelledError of the agent; InputRequiredError if that is
	 * wanted; TimeoutError and StoppedError, after the chat has been stopped or left as asked;
	 * NotFoundError that tells whether the chat or the agent is unknown; what sending and following
	 * throw
	 */
	async send(request: MessageRequest, options: SendOptions): Promise<TurnRun> {
		const { progress } = options;
		const job = async (inner: Talk) => {
			if (progress.state === 'talking') return await this.goOn(progress, options, inner);
			let attempts = progress.state === 'none' ? 0 : progress.attempts;
			const tell = (sent: Omit<SentMessage, 'since'>): SubmitOptions<TurnRef> => ({
				failedAttempts: 0,
				onAttempt: (since) => {
					attempts += 1;
					inner.note({ state: 'sending', sent: { ...sent, since }, attempts });
				},
				onNothingStarted: () => inner.note({ state: 'none' }),
				onCreated: (turn) => inner.note({ state: 'talking', turn, attempts }),
			});
			if (progress.state === 'sending') {
				const { sent } = progress;
				const earlier = await findSent(sent, tell(sent), inner.context);
				if (earlier) {
					const { value, notices } = earlier;
					return await this.hear(value, { attempts, adopted: true, notices }, options, inner);
				}
			}
			const more = (await options.attach?.(inner.context.signal)) ?? [];
			const attachments = [...request.attachments, ...more];
			const chat = await this.openChat(request, inner.context);
			const whole = { ...request, attachments, chatId: chat.chatId };
			const { ownChat } = chat;
			const sending = sendOnce(whole, ownChat, tell({ request: whole, ownChat }), inner.context);
			const sent = await outcomeOf(sending);
			if (!sent.ok) throw await this.explain(sent.error, request, inner.context.signal);
			chat.worked?.();
			const { value, adopted, notices } = sent.value;
			return await this.hear(value, { attempts, adopted, notices }, options, inner);
		};
		return await this.work.track(talk(options, this.context, job));
	}

	/**
	 * Decides about a call that an agent waits for, and follows the agent's turn to where it ends or
	 * waits again.
	 *
	 * @throws ValidationError if the call is unknown, has been answered, or wants something else;
	 * otherwise as `send`
	 */
	async respond(request: ResponseRequest, options: TurnOptions): Promise<TurnRun> {
		const { progress } = options;
		const job = async (inner: Talk) => {
			if (progress.state === 'talking') return await this.goOn(progress, options, inner);
			const view = await readChatView(request.chatId, inner.context);
			const call = findCall(view, request, progress.state === 'deciding');
			const ref = turnOf(view, call);
			const attempts = 1;
			if (call) {
				inner.note({ state: 'deciding', attempts, turn: ref });
				await this.decide(ref, call, request.decision, inner);
			}
			inner.note({ state: 'talking', turn: ref, attempts });
			return await this.hear(ref, { attempts, adopted: false, notices: [] }, options, inner);
		};
		return await this.work.track(talk(options, this.context, job));
	}

	/**
	 * Reads a chat with its messages.
	 *
	 * @throws NotFoundError or PermissionError that names the chat; TimeoutError
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
	 * @throws NotFoundError or PermissionError that names the chat; TimeoutError
	 */
	async stop(chatId: string, signal: CancelSignal): Promise<boolean> {
		return await this.inTime(chatId, signal, async (context) => {
			const call = {
				method: 'POST',
				path: stopRoute(chatId),
				body: {},
				signal: context.signal,
				about: { kind: 'chat', id: chatId },
			} as const;
			const stopped = await outcomeOf(retrying(async () => await context.api.send(call), context));
			if (stopped.ok) return true;
			if (stopped.error instanceof ValidationError) return false;
			throw unknownChat(chatId, stopped.error);
		});
	}

	/** The chat that a message goes to; a new one with a saved agent is created first. */
	private async openChat(
		{ agent, chatId, context: values }: MessageRequest,
		context: ClientContext,
	): Promise<{
		readonly chatId: string | undefined;
		readonly ownChat: boolean;
		/** Called if the message could be sent without a chat. */
		readonly worked?: () => void;
	}> {
		if (chatId !== undefined || agent.kind === 'adHoc') return { chatId, ownChat: false };
		const chat = await createChat(agent.ref, values, context);
		if (chat.kind === 'created') return { chatId: chat.chatId, ownChat: true };
		const { remember } = chat.kind === 'refused' ? chat : {};
		return { chatId, ownChat: false, ...(remember && { worked: remember }) };
	}

	/** Bounds what starts nothing and leaves nothing behind. */
	private async inTime<T>(
		chatId: string,
		signal: CancelSignal,
		work: (context: ClientContext) => Promise<T>,
	): Promise<T> {
		const { timeoutMs } = this.context.settings;
		const tooLate = () =>
			new TimeoutError(`Chat ${chatId} could not be reached within ${(timeoutMs ?? 0) / 1000} s`, {
				...{ about: { kind: 'chat', id: chatId }, hint: 'Raise Timeout, or try again later.' },
			});
		const deadline = new Deadline(signal, timeoutMs, tooLate);
		try {
			return await this.work.track(work({ ...this.context, signal: deadline.signal }));
		} finally {
			deadline[Symbol.dispose]();
		}
	}

	private async goOn(
		progress: Extract<TurnProgress, { state: 'talking' }>,
		options: TurnOptions,
		inner: Talk,
	): Promise<TurnRun> {
		const { turn, attempts } = progress;
		return await this.hear(turn, { attempts, adopted: false, notices: [] }, options, inner);
	}

	private async hear(
		ref: TurnRef,
		how: Pick<TurnRun, 'attempts' | 'adopted' | 'notices'>,
		options: TurnOptions,
		inner: Talk,
	): Promise<TurnRun> {
		return await converse(ref, how, options, inner, async (turn, call, decision) => {
			await this.decide(turn, call, decision, inner);
		});
	}

	private async decide(
		{ chatId }: TurnRef,
		call: PendingCall,
		decision: Decision,
		{ context }: Talk,
	): Promise<void> {
		const waits = async () => {
			const { pending } = await readChatView(chatId, context);
			return pending.some(({ id }) => id === call.id);
		};
		await decide(chatId, call, decision, waits, context);
	}

	/** Says which of the two is unknown: the chat or the agent. */
	private async explain(
		error: unknown,
		{ chatId, agent }: MessageRequest,
		signal: CancelSignal,
	): Promise<unknown> {
		if (!(error instanceof InferenceError) || !error.outOfReach) return error;
		if (chatId !== undefined) {
			const about = { kind: 'chat', id: chatId } as const;
			const call = { method: 'GET', path: chatRoute(chatId), signal, about } as const;
			const looked = await outcomeOf(this.context.api.send(call));
			if (!looked.ok) return unknownChat(chatId, looked.error);
		}
		if (!(error instanceof NotFoundError) || agent.kind === 'adHoc') return error;
		return error.reworded(
			`There is no agent ${agent.ref}, or this API key cannot see it: ${error.message}`,
		);
	}
}
