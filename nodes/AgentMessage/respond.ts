import type { INodeExecutionData } from 'n8n-workflow';
import type { Decision } from '../client/agents/decisions';
import { ItemParameters } from '../shared/parameters/itemParameters';
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
	const callId = item
		.get('callId', 'Call ID')
		.text('Take it from <code>pending</code> in the output of Send Message.');
	const decision = readDecision(item);
	const leave = await enterQueue(run, index, `chat:${chatId}`);
	try {
		return await runItemTurn(run, index, async (options) => {
			return await client.agents.respond({ chatId, callId, decision }, options);
		});
	} finally {
		leave();
	}
}

function readDecision(item: ItemParameters): Decision {
	const kind = item.get('decision', 'Decision').oneOf(['approve', 'reject', 'answer']);
	switch (kind) {
		case 'approve':
			return { kind };
		case 'reject':
			return { kind, reason: item.get('reason', 'Reason').optionalText() };
		case 'answer': {
			const answer = item.get('answer', 'Answer');
			const result = answer.plain();
			if (result === '' || result === null || result === undefined) throw answer.error('is empty');
			return { kind, result };
		}
	}
}
