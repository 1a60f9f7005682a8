import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { eachItem } from '../shared/items/eachItem';
import { runItemNode } from '../shared/items/itemNode';
import { LiveStream } from '../shared/run/liveStream';
import { nodeOf, oneOf, readParameter } from '../shared/parameters/parameters';
import { Conversations } from './conversations';
import { respond } from './respond';
import { send } from './send';
import { chatItem } from './turnOutput';
import { readChatId, type AgentRun } from './turnRun';

/**
 * Takes one step in a conversation for each input item and returns one item for each, in order.
 *
 * @throws NodeApiError or NodeOperationError of the first item that fails, unless the node is set
 * to continue
 */
export async function agentMessage(context: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	return await runItemNode(context, {}, async (nodeRun) => {
		const live = LiveStream.to(context);
		const run = { ...nodeRun, conversations: new Conversations(context), live };
		const value = readParameter(context, 'operation', 'Operation', 0, 'send');
		const field = { node: nodeOf(context), displayName: 'Operation', value };
		const operate = OPERATIONS[oneOf(field, ['send', 'respond', 'getChat', 'stop'])];
		const items = eachItem(nodeRun, async (index) => await operate(run, index));
		return [await items.finally(async () => await live?.flush())];
	});
}

const OPERATIONS = { send, respond, getChat, stop };

async function getChat(run: AgentRun, index: number): Promise<INodeExecutionData> {
	const { client, scope, context } = run;
	return chatItem(await client.agents.chat(readChatId(context, index), scope.signal), index);
}

async function stop(run: AgentRun, index: number): Promise<INodeExecutionData> {
	const { client, scope, context } = run;
	const chatId = readChatId(context, index);
	const stopped = await client.agents.stop(chatId, scope.signal);
	const json = { chat_id: chatId, status: stopped ? 'stopped' : 'not_running' };
	return { json, pairedItem: { item: index } };
}
