import type { INodeExecutionData } from 'n8n-workflow';
import type { MessageRequest } from '../client/agents/messageRequest';
import type { SendOptions } from '../client/agents/sendMessage';
import type { TurnOptions, TurnRun } from '../client/agents/turnRun';
import { InferenceError } from '../client/errors';
import { outcomeOf } from '../client/util/outcome';
import { enterQueue, runItemTurn, type MessageRun } from './messageRun';
import type { Talk } from './conversations';
import { readMessage, type ItemMessage } from './messageParameters';

/**
 * Sends an item's message and waits for the answer. Messages to one chat, or of one conversation,
 * are sent one after another, in the order of the items.
 *
 * @throws NodeOperationError for a parameter; what `sendMessage` throws
 */
export async function send(run: MessageRun, index: number): Promise<INodeExecutionData> {
	const { context, client, conversations } = run;
	const { conversation, request, attach } = readMessage(context, client, index);
	// Whoever comes first has to be the first to wait: until `enterQueue` nothing may be awaited.
	if (conversation.kind !== 'key') {
		const chatId = conversation.kind === 'chat' ? conversation.chatId : undefined;
		return await sendInTurn(run, index, { request: { ...request, chatId }, attach });
	}
	const talk = { key: conversation.key, agent: request.agent, account: client.accountId };
	const leave = await enterQueue(run, index, `key:${conversations.nameOf(talk)}`);
	try {
		const chatId = conversations.recall(talk);
		return await sendInTurn(run, index, { request: { ...request, chatId }, attach, talk });
	} finally {
		leave();
	}
}

/** A message whose chat is known. */
interface Addressed extends Pick<ItemMessage, 'attach'> {
	readonly request: MessageRequest;
	/** The conversation whose chat is remembered. */
	readonly talk?: Talk;
}

/** Sends a message after those that are sent to the same chat already. */
async function sendInTurn(
	run: MessageRun,
	index: number,
	message: Addressed,
): Promise<INodeExecutionData> {
	const { chatId } = message.request;
	const leave = chatId === undefined ? undefined : await enterQueue(run, index, `chat:${chatId}`);
	try {
		return await runItemTurn(run, index, async (options) => await sendTo(run, message, options));
	} finally {
		leave?.();
	}
}

async function sendTo(
	{ client, conversations, hints }: MessageRun,
	{ request, attach, talk }: Addressed,
	options: TurnOptions,
): Promise<TurnRun> {
	let accepted = options.progress.state === 'answering';
	const whole: SendOptions = {
		...options,
		...(attach && { attach }),
		onProgress: (progress) => {
			options.onProgress(progress);
			accepted ||= progress.state === 'answering';
			if (talk !== undefined && progress.state === 'answering') {
				conversations.remember(talk, progress.turn.chatId);
			}
		},
	};
	const sent = await outcomeOf(client.agents.send(request, whole));
	if (sent.ok) return sent.value;
	const { error } = sent;
	// Whatever is out of reach after the message has been accepted, it must not be sent again.
	const isLost =
		!accepted &&
		error instanceof InferenceError &&
		error.outOfReach &&
		error.about?.kind === 'chat';
	if (!isLost || talk === undefined || request.chatId === undefined) throw error;
	conversations.forget(talk);
	hints.say(
		`Chat ${request.chatId} is gone, or this API key cannot see it any more; its conversation goes on in a new one.`,
	);
	return await client.agents.send({ ...request, chatId: undefined }, whole);
}
