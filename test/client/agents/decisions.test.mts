/** What is decided about calls without looking at them. */
import { describe, expect, it } from 'vitest';
import { pendingCalls, type PendingCall } from '../../../nodes/client/agents/chat.ts';
import { automaticDecision } from '../../../nodes/client/agents/decisions.ts';

/** What a chat waits for that shows one interrupt. */
function waitingFor(interrupt: object): PendingCall {
	const [call] = pendingCalls([], [{ id: 'i1', run_id: 'r1', status: 'pending', ...interrupt }]);
	if (!call) throw new Error('It waits for nothing');
	return call;
}

const onTool = { resource_type: 'tool_invocation', resource_id: 'tool_1' };

describe('On Interrupt: Approve', () => {
	it.each([
		['a tool', { reason: 'tool_approval', ...onTool }],
		['a tool, without a reason', onTool],
		['a tool that it does not name', { reason: 'tool_approval' }],
	])('approves %s', (_what, interrupt) => {
		expect(automaticDecision(waitingFor(interrupt), 'approve')).toEqual({ kind: 'approve' });
	});

	it.each([
		['a limit', { reason: 'spend_limit_exceeded' }],
		['a limit that a tool has met', { reason: 'spend_limit_exceeded', ...onTool }],
		['a confirmation', { reason: 'confirmation' }],
		['a gate', { reason: 'hook_gate', resource_type: 'hook_event', resource_id: 'e1' }],
		['something without a reason', {}],
		['an account', { reason: 'auth', ...onTool }],
		['a form', { reason: 'widget', ...onTool }],
	])('returns %s', (_what, interrupt) => {
		expect(automaticDecision(waitingFor(interrupt), 'approve')).toBeUndefined();
	});
});

describe('On Interrupt: Reject', () => {
	it.each([
		['a tool', { reason: 'tool_approval', ...onTool }],
		['a limit', { reason: 'spend_limit_exceeded' }],
		['a confirmation', { reason: 'confirmation' }],
	])('rejects %s', (_what, interrupt) => {
		expect(automaticDecision(waitingFor(interrupt), 'reject')).toMatchObject({ kind: 'reject' });
	});
});
