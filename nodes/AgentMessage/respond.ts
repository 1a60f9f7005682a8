import type { INodeExecutionData } from 'n8n-workflow';
import type { Decision } from '../client/agents/decisions';
import { ItemParameters } from '../shared/parameters/itemParameters';
import { nodeOf } from '../shared/parameters/nodeOf';
import { isExpression } from '../shared/parameters/readParameter';
import { enterQueue, readChatId, runItemTurn, type MessageRun } from './messageRun';

/**
 * Decides about a call that an agent waits for, and follows how the turn goes on.
 *
 * @throws NodeOperationError for a parameter; what `respondToCall` throws
 */
export async function respond(run: MessageRun, index: number): Promise<INodeExecutionData> {
	const { context, client } = run;
	const item = new ItemParameters(context, index);
	const chatId = readChatId(item);
	const callId = readCallId(item);
	const decision = readDecision(item);
	if (callId === undefined) claimChat(run, chatId, item);
	const leave = await enterQueue(run, index, `chat:${chatId}`);
	try {
		return await runItemTurn(run, index, async (options) => {
			return await client.agents.respond({ chatId, callId, decision }, options);
		});
	} finally {
		leave();
	}
}

/**
 * The call that is meant; undefined if Call ID has been left empty. An expression that gives nothing
 * is no way to say so: it may have been meant to name a call.
 */
function readCallId(item: ItemParameters): string | undefined {
	const callId = item.get('callId');
	if (!isExpression(nodeOf(item.context).parameters['callId'])) return callId.optionalText();
	return callId.text(
		'Its expression gives nothing. Take <code>id</code> from <code>pending</code> in the output of "Send Message", or leave "Call ID" empty if only one call waits.',
	);
}

/** Which items have answered in which chats without naming a call, over all tries of a node run. */
const answeredChats = new WeakMap<object, Map<string, number>>();

/**
 * Sees to it that only one item of a run decides in a chat without naming a call: what waits there
 * after its decision is another call, which nobody has decided about.
 *
 * @throws NodeOperationError for any further item
 */
function claimChat({ memory }: MessageRun, chatId: string, item: ItemParameters): void {
	const chats = answeredChats.get(memory.identity) ?? new Map<string, number>();
	answeredChats.set(memory.identity, chats);
	const first = chats.get(chatId) ?? item.itemIndex;
	chats.set(chatId, first);
	if (first === item.itemIndex) return;
	throw item
		.get('callId')
		.error(
			`is empty, but item ${first} answers in chat ${chatId}, too`,
			'Say with "Call ID" which call each of them is for, for example <code>{{ $json.pending[0].id }}</code>.',
		);
}

function readDecision(item: ItemParameters): Decision {
	const kind = item.get('decision').oneOf(['approve', 'reject', 'answer']);
	switch (kind) {
		case 'approve':
			return { kind };
		case 'reject':
			return { kind, reason: item.get('reason').optionalText() };
		case 'answer': {
			const answer = item.get('answer');
			const result = answer.plain();
			if (result === '' || result === null || result === undefined) throw answer.error('is empty');
			return { kind, result };
		}
	}
}
