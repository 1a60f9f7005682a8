import type { INodeExecutionData } from 'n8n-workflow';
import type { SendOptions } from '../client/agents/agentsApi';
import type { TurnOptions, TurnRun } from '../client/agents/takeTurn';
import { NotFoundError } from '../client/errors';
import { outcomeOf } from '../client/util/outcome';
import { enterQueue, takeTurn, type AgentRun } from './turnRun';
import { Conversations } from './conversations';
import { readMessage, type ItemMessage } from './messageParameters';

/**
 * Sends an item's message and waits for the answer. Messages to one chat, or of one conversation,
 * are sent one after another, in the order of the items.
 *
 * @throws NodeOperationError for a parameter; what `AgentsApi.send` throws
 */
export async function send(run: AgentRun, index: number): Promise<INodeExecutionData> {
	const { context, client, conversations } = run;
	const message = readMessage(context, client, index);
	const { conversationKey, request } = message;
	const key =
		conversationKey === undefined ? undefined : Conversations.key(conversationKey, request.agent);
	// Whoever comes first has to be the first to wait: until here nothing may be awaited.
	const leaveKey =
		key === undefined
			? undefined
			: await enterQueue(run, index, `key:${conversations.nameOf(key)}`);
	try {
		const chatId = key === undefined ? request.chatId : conversations.recall(key);
		const leaveChat =
			chatId === undefined ? undefined : await enterQueue(run, index, `chat:${chatId}`);
		try {
			return await takeTurn(run, index, async (options) => {
				const whole = { ...message, request: { ...request, chatId } };
				return await sendTo(run, whole, key, options);
			});
		} finally {
			leaveChat?.();
		}
	} finally {
		leaveKey?.();
	}
}

async function sendTo(
	{ client, conversations, hints }: AgentRun,
	{ request, attach }: ItemMessage,
	key: string | undefined,
	options: TurnOptions,
): Promise<TurnRun> {
	let talked = options.progress.state === 'talking';
	const whole: SendOptions = {
		...options,
		...(attach && { attach }),
		onProgress: (progress) => {
			options.onProgress(progress);
			talked ||= progress.state === 'talking';
			if (key !== undefined && progress.state === 'talking') {
				conversations.remember(key, progress.turn.chatId);
			}
		},
	};
	const sent = await outcomeOf(client.agents.send(request, whole));
	if (sent.ok) return sent.value;
	const { error } = sent;
	// Whatever is gone after the message has been accepted, it must not be sent again.
	const chatIsGone =
		!talked && key !== undefined && error instanceof NotFoundError && error.about?.kind === 'chat';
	if (!chatIsGone || request.chatId === undefined) throw error;
	conversations.forget(key);
	hints.say(`Chat ${request.chatId} is gone; its conversation goes on in a new one.`);
	return await client.agents.send({ ...request, chatId: undefined }, whole);
}
