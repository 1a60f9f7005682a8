import type { INodeExecutionData } from 'n8n-workflow';
import type { Decision } from '../client/agents/decisions';
import { nodeOf, oneOf, readParameter } from '../shared/parameters/parameters';
import { parameterError } from '../shared/parameters/parameterError';
import { enterQueue, readChatId, takeTurn, type AgentRun } from './turnRun';
import { parameter, readText } from './messageParameters';

/**
 * Decides about a call that an agent waits for, and hears how the turn goes on.
 *
 * @throws NodeOperationError for a parameter; what `AgentsApi.respond` throws
 */
export async function respond(run: AgentRun, index: number): Promise<INodeExecutionData> {
	const { context, client } = run;
	const chatId = readChatId(context, index);
	const callId = readText(parameter(context, index, 'callId', 'Call ID'));
	if (callId === undefined) {
		const hint = 'Take it from <code>pending</code> in the output of Send Message.';
		throw parameterError(nodeOf(context), 'Call ID', 'is empty', index, hint);
	}
	const decision = readDecision(run, index);
	const leave = await enterQueue(run, index, `chat:${chatId}`);
	try {
		return await takeTurn(run, index, async (options) => {
			return await client.agents.respond({ chatId, callId, decision }, options);
		});
	} finally {
		leave();
	}
}

function readDecision({ context }: AgentRun, index: number): Decision {
	const field = parameter(context, index, 'decision', 'Decision');
	const kind = oneOf(field, ['approve', 'reject', 'answer']);
	if (kind === 'approve') return { kind };
	if (kind === 'reject')
		return { kind, reason: readText(parameter(context, index, 'reason', 'Reason')) };
	const result = readParameter(context, 'answer', 'Answer', index, '');
	if (result !== '' && result !== null && result !== undefined) return { kind, result };
	throw parameterError(nodeOf(context), 'Answer', 'is empty', index);
}
