import { describe, expect, it } from 'vitest';
import {
	messageFromWire,
	pendingCalls,
	runFromWire,
	type ChatMessage,
} from '../../../nodes/client/agents/chat.ts';

function message(wire: object): ChatMessage {
	const decoded = messageFromWire({ id: 'm1', ...wire });
	if (!decoded) throw new Error('this is a message');
	return decoded;
}

describe('a message', () => {
	it('has its text in blocks, of which only those of text count', () => {
		const content = [
			{ type: 'reasoning', text: 'hm' },
			{ type: 'text', text: 'Hello ' },
			{ type: 'tool', tool_calls: [] },
			{ type: 'text', text: 'you' },
			{ type: 'text', text: null },
			null,
		];
		expect(message({ content })).toMatchObject({ text: 'Hello you', error: undefined });
	});

	it('may have a text instead of blocks', () => {
		expect(message({ content: 'Hello' }).text).toBe('Hello');
	});

	it.each([{ content: null }, { content: [] }, {}, { content: 7 }])('may be empty: %j', (wire) => {
		expect(message({ ...wire, tool_invocations: null })).toMatchObject({
			text: '',
			files: [],
			tools: [],
			role: '',
		});
	});

	it('names its images and files, whatever their form', () => {
		const content = [
			{ type: 'image', image: 'https://x.test/a.png' },
			{ type: 'file', file: { uri: 'https://x.test/b.pdf' } },
			{ type: 'file', file: { url: 'https://x.test/c.pdf' } },
			{ type: 'file', file: '' },
		];
		expect(message({ content }).files).toEqual([
			{ type: 'image', uri: 'https://x.test/a.png' },
			{ type: 'file', uri: 'https://x.test/b.pdf' },
			{ type: 'file', uri: 'https://x.test/c.pdf' },
		]);
	});

	it.each([
		['text', 'too long'],
		['an object', { message: 'too long' }],
	])('tells its error given as %s', (_what, error) => {
		expect(message({ status: 'failed', content: [{ type: 'text', error }] }).error).toBe(
			'too long',
		);
	});

	it.each([
		['pending', false],
		['queued', false],
		['ready', true],
		['READY', true],
		['failed', true],
		['cancelled', true],
		['canceled', true],
		['something new', false],
	])('that is %s has ended: %s', (status, terminal) => {
		expect(message({ status }).terminal).toBe(terminal);
	});

	it('without an order takes its place by its time', () => {
		const [early, late] = ['2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z'].map(
			(created_at) => message({ created_at }).order,
		);
		expect(early).toBeLessThan(late ?? 0);
		expect(message({ order: 3 }).order).toBe(3);
		expect(message({}).order).toBe(0);
	});

	it.each([undefined, null, 'x', [], {}, { id: 7 }, { id: '' }])('is not %j', (wire) => {
		expect(messageFromWire(wire)).toBeUndefined();
	});
});

describe('a tool call', () => {
	const call = (wire: object) => message({ tool_invocations: [{ id: 't1', ...wire }] }).tools[0];

	it.each([
		['an object', { city: 'Oslo' }, { city: 'Oslo' }],
		['JSON text', '{"city":"Oslo"}', { city: 'Oslo' }],
		['text that is no JSON', '{"city', '{"city'],
		['nothing', undefined, {}],
		['null', null, {}],
	])('has arguments given as %s', (_what, given, expected) => {
		expect(call({ function: { name: 'weather', arguments: given } })).toMatchObject({
			name: 'weather',
			arguments: expected,
		});
	});

	it.each([
		['app', 'pending', undefined, true],
		['app', 'in_progress', undefined, true],
		['app', 'awaiting_approval', 'approval', true],
		['client', 'awaiting_approval', 'approval', true],
		['client', 'in_progress', 'client_tool', true],
		['client', 'awaiting_input', 'client_tool', true],
		['internal', 'awaiting_input', 'widget', true],
		['app', 'completed', undefined, false],
		['app', 'failed', undefined, false],
		['client', 'cancelled', undefined, false],
	])('of type %s that is %s waits for %s and is open: %s', (type, status, waitsFor, open) => {
		expect(call({ type, status })).toMatchObject({ waitsFor, open });
	});

	it('without a function has its display name; without an id that of the model', () => {
		const tools = message({
			tool_invocations: [{ tool_invocation_id: 'call_1', display_name: 'Weather' }, {}, null],
		}).tools;
		expect(tools).toMatchObject([{ id: 'call_1', name: 'Weather' }]);
	});

	it('has its result, or the data that stands for it', () => {
		expect(call({ result: 'sunny' })?.result).toBe('sunny');
		expect(call({ data: { sky: 'blue' } })?.result).toEqual({ sky: 'blue' });
		expect(call({ result: null })?.result).toBeUndefined();
	});
});

describe('a run', () => {
	it.each([
		['submitted', 'active', undefined],
		['working', 'active', undefined],
		['input_required', 'interrupted', 'input_required'],
		['auth_required', 'interrupted', 'auth_required'],
		['completed', 'terminal', 'completed'],
		['failed', 'terminal', 'failed'],
		['canceled', 'terminal', 'canceled'],
		['cancelled', 'terminal', 'canceled'],
		['rejected', 'terminal', 'rejected'],
		['Completed', 'terminal', 'completed'],
		['something new', 'unknown', undefined],
	])('that is %s is %s', (state, kind, settled) => {
		expect(runFromWire({ id: 'r1', state })).toMatchObject({ kind, state: settled });
	});

	it('tells its error, output and message', () => {
		const wire = { id: 'r1', state: 'failed', error: 'no', output: { a: 1 }, user_message_id: 'm' };
		expect(runFromWire(wire)).toMatchObject({
			error: 'no',
			output: { a: 1 },
			userMessageId: 'm',
		});
	});

	it.each([undefined, null, {}, []])('is not %j', (wire) => {
		expect(runFromWire(wire)).toBeUndefined();
	});
});

describe('what is waited for', () => {
	const waiting = message({
		agent_run_id: 'r1',
		tool_invocations: [
			{
				id: 't1',
				tool_invocation_id: 'call_1',
				type: 'app',
				status: 'awaiting_approval',
				function: { name: 'refund', arguments: '{"eur":5}' },
			},
			{ id: 't2', type: 'app', status: 'completed', function: { name: 'look' } },
		],
	});
	const interrupt = (wire: object) => ({
		id: 'i1',
		run_id: 'r1',
		reason: 'tool_approval',
		status: 'pending',
		...wire,
	});

	it('is in the tool calls alone', () => {
		expect(pendingCalls([waiting], null)).toEqual([
			{
				id: 't1',
				kind: 'approval',
				tool: 'refund',
				arguments: { eur: 5 },
				interruptId: undefined,
				reason: undefined,
				isTool: true,
				runId: 'r1',
			},
		]);
	});

	it.each([
		['the id of the call', { resource_id: 't1', resource_type: 'tool_invocation' }],
		["the model's id of it", { meta: { tool_invocation_id: 'call_1' } }],
		['JSON text with the id', { meta: '{"tool_invocation_id":"t1"}' }],
	])('is one thing in both places, joined by %s', (_what, wire) => {
		expect(pendingCalls([waiting], [interrupt(wire)])).toEqual([
			{
				id: 't1',
				kind: 'approval',
				tool: 'refund',
				arguments: { eur: 5 },
				interruptId: 'i1',
				reason: 'tool_approval',
				isTool: true,
				runId: 'r1',
			},
		]);
	});

	it('is in the interrupts alone', () => {
		const meta = { tool_invocation_id: 't9', tool_name: 'refund', arguments: '{"eur":5}' };
		expect(pendingCalls([], [interrupt({ meta })])).toMatchObject([
			{ id: 't9', tool: 'refund', arguments: { eur: 5 }, interruptId: 'i1', isTool: true },
		]);
	});

	it.each([
		['tool_approval', 'approval'],
		['confirmation', 'approval'],
		['hook_gate', 'approval'],
		['client_tool', 'client_tool'],
		['widget', 'widget'],
		['auth', 'auth'],
		['something new', 'approval'],
	])('for %s is of kind %s', (reason, kind) => {
		expect(pendingCalls([], [interrupt({ reason })])).toMatchObject([{ id: 'i1', kind, reason }]);
	});

	it.each(['resolved', 'expired', 'cancelled'])('is no interrupt that is %s', (status) => {
		expect(pendingCalls([], [interrupt({ status }), null, 'x', {}])).toEqual([]);
	});

	it('is no interrupt whose call has been answered', () => {
		expect(pendingCalls([waiting], [interrupt({ resource_id: 't2' })])).toMatchObject([
			{ id: 't1' },
		]);
	});

	it('of a hook has no tool call', () => {
		const wire = interrupt({
			reason: 'hook_gate',
			resource_id: 'h1',
			resource_type: 'hook_event',
		});
		expect(pendingCalls([], [wire])).toMatchObject([{ id: 'i1', isTool: false }]);
	});
});
