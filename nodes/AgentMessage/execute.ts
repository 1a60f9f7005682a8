import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { answerChat } from '../shared/items/chatAnswer';
import { eachItem } from '../shared/items/eachItem';
import { runItemNode } from '../shared/items/itemNode';
import { LiveStream } from '../shared/run/liveStream';
import { nodeOf } from '../shared/parameters/nodeOf';
import { ItemParameters } from '../shared/parameters/itemParameters';
import { RunParameters } from '../shared/parameters/runParameters';
import { Conversations } from './conversations';
import { respond } from './respond';
import { send } from './send';
import { chatItem } from '../shared/output/chatItems';
import { readChatId, type MessageRun } from './messageRun';

/**
 * Takes one step in a conversation for each input item and returns one item for each, in order.
 *
 * @throws NodeApiError or NodeOperationError of the first item that fails, unless the node is set
 * to continue
 */
export async function agentMessage(context: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	return await runItemNode(context, {}, async (run) => {
		const live = LiveStream.to(context);
		const conversations = new Conversations(context);
		const words = { tellsWaiting: nodeOf(context).typeVersion >= 2 };
		const operation = new RunParameters(context)
			.get('operation', 'send')
			.oneOf(['send', 'respond', 'getChat', 'stop']);
		const operate = OPERATIONS[operation];
		const work = eachItem(run, async (own, index) => {
			return await operate({ ...own, conversations, live, words }, index);
		});
		const items = await work.finally(async () => await live?.flush());
		const streaming = operation === 'getChat' ? undefined : live;
		if (operation !== 'stop') await answerChat(run, items, 'agent', streaming);
		return [items];
	});
}

const OPERATIONS = { send, respond, getChat, stop };

async function getChat(run: MessageRun, index: number): Promise<INodeExecutionData> {
	const { client, scope, context, words } = run;
	const chatId = readChatId(new ItemParameters(context, index));
	return chatItem(await client.agents.chat(chatId, scope.signal), index, words);
}

async function stop(run: MessageRun, index: number): Promise<INodeExecutionData> {
	const { client, scope, context } = run;
	const chatId = readChatId(new ItemParameters(context, index));
	const stopped = await client.agents.stop(chatId, scope.signal);
	const json = { chat_id: chatId, status: stopped ? 'stopped' : 'not_running' };
	return { json, pairedItem: { item: index } };
}
