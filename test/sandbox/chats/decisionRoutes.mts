/** The routes by which somebody decides about what an agent waits for. */
import type { AgentDecision } from '../agents/agentTypes.mts';
import { data, notFound, problem, type Answer } from '../http/answers.mts';
import type { Chat, Interrupt } from './chatState.mts';
import type { ChatWire } from './chatWire.mts';
import type { Chats } from './chats.mts';
import type { Call, Route } from '../http/routes.mts';
import { asRecord } from '../util/values.mts';

/** What decides an interrupt: a word, or the result of work that was done elsewhere. */
function wants({ reason }: Interrupt): 'word' | 'result' {
	return reason === 'client_tool' || reason === 'widget' ? 'result' : 'word';
}

/** The routes of tool calls and interrupts. */
export function decisionRoutes(chats: Chats, wire: ChatWire): Route[] {
	function decided(chat: Chat, interrupt: Interrupt, decision: AgentDecision): Answer {
		return chats.decide(chat, interrupt, decision)
			? data(wire.interrupt(chat, interrupt))
			: problem(409, 'conflict', `interrupt is ${interrupt.status}`);
	}

	function decideTool(kind: AgentDecision['kind']): Route['handle'] {
		return ({ params, body }: Call) => {
			const found = chats.tool(params['id'] ?? '');
			if (!found) return notFound('tool invocation');
			const { chat, tool } = found;
			const interrupt = chat.interrupts.find((one) => one.tool === tool);
			if (interrupt?.status !== 'pending') {
				return problem(409, 'conflict', `tool invocation is ${tool.status}`);
			}
			const { reason, result } = asRecord(body);
			if ((wants(interrupt) === 'result') !== (kind === 'answer')) {
				return problem(400, 'invalid_request', `tool invocation is ${tool.status}`);
			}
			if (kind === 'answer' && typeof result !== 'string') {
				return problem(422, 'validation_failed', 'result must be a string');
			}
			decided(chat, interrupt, {
				kind,
				...(typeof reason === 'string' ? { reason } : {}),
				...(typeof result === 'string' ? { result } : {}),
			});
			return data(null);
		};
	}

	return [
		{ method: 'POST', url: '/tools/:id', handle: decideTool('answer') },
		{ method: 'POST', url: '/tools/:id/invoke', handle: decideTool('approve') },
		{ method: 'POST', url: '/tools/:id/reject', handle: decideTool('reject') },
		{
			method: 'POST',
			url: '/chats/:id/tools/:tool/always-allow',
			handle: ({ params }) => {
				const found = chats.tool(params['tool'] ?? '');
				if (!found || found.chat.id !== params['id']) return notFound('tool invocation');
				const { chat, tool } = found;
				if (tool.status !== 'awaiting_approval') {
					return problem(409, 'conflict', `tool invocation is ${tool.status}`);
				}
				chats.allow(chat, tool.call.name);
				return data(null);
			},
		},
		{
			method: 'GET',
			url: '/agent-runs/:id/interrupts',
			handle: ({ params }) => {
				const found = chats.run(params['id'] ?? '');
				if (!found) return notFound('agent run');
				const { chat, run } = found;
				const own = chat.interrupts.filter(({ runId }) => runId === run.id);
				return data(own.map((interrupt) => wire.interrupt(chat, interrupt)));
			},
		},
		{
			method: 'POST',
			url: '/interrupts/:id/resolve',
			handle: ({ params, body }) => {
				const found = chats.interrupt(params['id'] ?? '');
				if (!found) return notFound('interrupt');
				const { chat, interrupt } = found;
				const { decision } = asRecord(body);
				if (decision !== 'allow' && decision !== 'deny') {
					return problem(422, 'validation_failed', 'decision must be allow or deny');
				}
				if (wants(interrupt) === 'result' && interrupt.status === 'pending') {
					return problem(400, 'invalid_request', `the ${interrupt.reason} needs a result`);
				}
				const kind = decision === 'allow' ? 'approve' : 'reject';
				return decided(chat, interrupt, { kind });
			},
		},
	];
}
