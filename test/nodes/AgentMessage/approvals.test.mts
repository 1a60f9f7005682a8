import { readFileSync } from 'node:fs';
import type { IDataObject } from 'n8n-workflow';
import { beforeEach, describe, expect, it } from 'vitest';
import { adHoc, agentMessage, saying, sent, talkOf, type AgentOptions } from './support.mts';
import { NODE_NAME, type EngineRun } from '../../engine/engine.mts';
import { jsonOf, useSandbox } from '../../engine/support.mts';

const sandbox = useSandbox();

/** The first thing that the agent of a run's first item waits for. */
function pendingOf(run: EngineRun): { chatId: string; callId: string; all: IDataObject[] } {
	const [item] = jsonOf(run);
	const all = item?.['pending'] as IDataObject[];
	return { chatId: String(item?.['chat_id']), callId: String(all[0]?.['id']), all };
}

async function respond(
	to: { chatId: string; callId: string },
	decision: IDataObject,
	more: AgentOptions = {},
): Promise<EngineRun> {
	const { chatId, callId } = to;
	return await agentMessage(sandbox(), {
		...more,
		parameters: { operation: 'respond', chatId, callId, ...decision } as never,
	});
}

describe.each(['shown', 'gone', 'hidden'] as const)('with runs %s', (agentRuns) => {
	beforeEach(() => sandbox().configure({ agentRuns }));

	describe('a tool that needs an approval', () => {
		it('comes out in a form that If and Wait nodes can use', async () => {
			const run = await agentMessage(sandbox(), { agent: 'sandbox/support' });
			expect(jsonOf(run)).toMatchObject([
				{
					status: 'input_required',
					text: 'I would refund that.\n\nWaits for approval of: refund (order: A-17, amount: 25)',
					pending: [
						{
							id: expect.any(String) as string,
							kind: 'approval',
							tool: 'refund',
							arguments: { order: 'A-17', amount: 25 },
							interrupt_id: expect.any(String) as string,
							reason: 'tool_approval',
						},
					],
				},
			]);
		});

		it.each([
			['approved', { decision: 'approve' }, 'Done.', 'completed'],
			['rejected', { decision: 'reject', reason: 'too much' }, 'Not done: too much.', 'cancelled'],
			['rejected without a reason', { decision: 'reject' }, 'Not done: no reason.', 'cancelled'],
		])('is %s', async (_what, decision, text, status) => {
			const pending = pendingOf(await agentMessage(sandbox(), { agent: 'sandbox/support' }));
			const run = await respond(pending, decision);
			expect(jsonOf(run)).toMatchObject([
				{
					chat_id: pending.chatId,
					status: 'completed',
					text,
					tool_invocations: [{ id: pending.callId, tool: 'refund', status }],
					pending: [],
				},
			]);
			expect(sent(sandbox())).toBe(1);
		});

		it('can be read by expressions, which refuse a field called arguments', async () => {
			const first = await agentMessage(sandbox(), { agent: 'sandbox/support' });
			const run = await agentMessage(sandbox(), {
				items: jsonOf(first),
				message: '={{ $json.pending[0].args.order }} {{ $json.tool_invocations[0].args.amount }}',
			});
			expect(jsonOf(run)).toMatchObject([{ text: 'You said "A-17 25".' }]);
		});

		it('of several waits for each', async () => {
			const first = pendingOf(await agentMessage(sandbox(), { agent: 'sandbox/careful-support' }));
			expect(first.all).toHaveLength(2);
			const second = await respond(first, { decision: 'approve' });
			expect(jsonOf(second)).toMatchObject([
				{ status: 'input_required', pending: [{ id: first.all[1]?.['id'], tool: 'close_ticket' }] },
			]);
			const last = await respond(pendingOf(second), { decision: 'reject', reason: 'later' });
			expect(jsonOf(last)).toMatchObject([{ status: 'completed', text: 'Done. Not done: later.' }]);
		});

		it.each([
			['approve', 'Done.', 'sandbox/support'],
			['reject', 'Not done: no reason.', 'sandbox/support'],
			['approve', 'Done. Done.', 'sandbox/careful-support'],
		])('is decided by the node itself: %s', async (onInterrupt, text, agent) => {
			const run = await agentMessage(sandbox(), { agent, options: { onInterrupt } });
			expect(jsonOf(run)).toMatchObject([{ status: 'completed', text, pending: [] }]);
		});

		it('fails the item if that is wanted', async () => {
			const run = await agentMessage(sandbox(), {
				agent: 'sandbox/support',
				options: { onInterrupt: 'error' },
				onError: 'continueRegularOutput',
			});
			const [chat] = sandbox().chats();
			expect(jsonOf(run)).toEqual([
				{
					error: expect.stringMatching(
						`^Chat ${chat?.id}: the agent waits for approval of refund \\(\\w+\\)$`,
					) as string,
					details: {
						code: 'input_required',
						id: chat?.id,
						status: 'input_required',
						item_index: 0,
						hint: 'Answer with the operation "Respond to Call", or change "Chat: When the Agent Waits" in the options.',
					},
				},
			]);
		});

		it('asked for over and over ends in an error', async () => {
			const run = await agentMessage(sandbox(), {
				agent: 'sandbox/insatiable',
				options: { onInterrupt: 'approve' },
				onError: 'continueRegularOutput',
			});
			expect(jsonOf(run)).toMatchObject([
				{ error: expect.stringContaining('after 25 automatic decisions') as string },
			]);
			expect(sandbox().count('POST', /\/invoke$/)).toBe(25);
		});

		it('holds up a message that is sent meanwhile, which comes after it', async () => {
			const pending = pendingOf(await agentMessage(sandbox(), { agent: 'sandbox/support' }));
			const { chatId } = pending;
			const held = await agentMessage(sandbox(), {
				agent: 'sandbox/support',
				items: saying('hurry'),
				chatId,
			});
			expect(jsonOf(held)).toMatchObject([
				{
					status: 'input_required',
					text: 'Waits for approval of: refund (order: A-17, amount: 25)',
					pending: pending.all,
				},
			]);
			// Without runs nothing tells the answers of two turns at once apart.
			if (agentRuns === 'hidden') return;
			const run = await respond(pending, { decision: 'approve' });
			expect(jsonOf(run)).toMatchObject([{ status: 'completed', text: 'Done.' }]);
			const [chat] = sandbox().chats();
			expect(talkOf(chat)).toContain('user: hurry');
		});
	});

	describe('a tool of the client', () => {
		it.each([
			['text', '21 °C', '21 °C'],
			['an object', { celsius: 21 }, '{"celsius":21}'],
		])('is answered with %s', async (_what, answer, heard) => {
			const first = await agentMessage(sandbox(), { agent: 'sandbox/client-tool' });
			expect(jsonOf(first)).toMatchObject([
				{
					status: 'input_required',
					pending: [{ kind: 'client_tool', tool: 'read_thermometer', reason: 'client_tool' }],
				},
			]);
			const parameters = { decision: 'answer', answer: '={{ $json.answer }}' };
			const run = await respond(pendingOf(first), parameters, { items: [{ answer }] });
			expect(jsonOf(run)).toMatchObject([{ status: 'completed', text: `You answered: ${heard}` }]);
		});

		it('cannot be approved by the node itself, but rejected', async () => {
			const agent = 'sandbox/client-tool';
			const approved = await agentMessage(sandbox(), {
				agent,
				options: { onInterrupt: 'approve' },
			});
			expect(jsonOf(approved)).toMatchObject([{ status: 'input_required' }]);
			const rejected = await agentMessage(sandbox(), { agent, options: { onInterrupt: 'reject' } });
			expect(jsonOf(rejected)).toMatchObject([
				{ status: 'completed', text: expect.stringContaining('not_available') as string },
			]);
		});

		it('is rejected by hand', async () => {
			const first = await agentMessage(sandbox(), { agent: 'sandbox/client-tool' });
			const run = await respond(pendingOf(first), { decision: 'reject', reason: 'broken' });
			expect(jsonOf(run)).toMatchObject([
				{ status: 'completed', text: expect.stringContaining('"message":"broken"') as string },
			]);
		});
	});

	describe('missing credentials', () => {
		it('come out as such', async () => {
			const run = await agentMessage(sandbox(), { agent: 'sandbox/mail' });
			expect(jsonOf(run)).toMatchObject([
				{ status: 'auth_required', pending: [{ kind: 'auth', reason: 'auth' }] },
			]);
			const second = await respond(
				pendingOf(run),
				{ decision: 'approve' },
				{
					onError: 'continueRegularOutput',
				},
			);
			expect(jsonOf(second)).toMatchObject([
				{ error: expect.stringContaining('waits for an account to be connected') as string },
			]);
		});

		it.each(['approve', 'reject'])('are not for the node to %s', async (onInterrupt) => {
			const run = await agentMessage(sandbox(), {
				agent: 'sandbox/mail',
				options: { onInterrupt },
			});
			expect(jsonOf(run)).toMatchObject([{ status: 'auth_required' }]);
		});
	});
});

describe('an agent that waits', () => {
	const waiting = async (agent: string, more: AgentOptions = {}) =>
		await agentMessage(sandbox(), { agent, items: saying('one', 'two'), ...more });
	const hintsOf = (run: EngineRun) => run.hints(NODE_NAME).map(({ message }) => message);

	it.each([
		[
			'sandbox/client-tool',
			'Waits for the result of: read_thermometer',
			'The agent waits for the result of: read_thermometer. Decide with the operation "Respond to Call"; chat_id and pending in the output say where.',
		],
		[
			'sandbox/support',
			'Waits for approval of: refund (order: A-17, amount: 25)',
			'The agent waits for approval of: refund. Decide with the operation "Respond to Call"; chat_id and pending in the output say where.',
		],
		[
			'sandbox/mail',
			'Waits for an account to be connected on inference.sh',
			'Connect it there, then send the message again.',
		],
	])('says so in words, in its text and once above the output: %s', async (agent, text, hint) => {
		const run = await waiting(agent);
		const said = expect.stringContaining(text) as string;
		expect(jsonOf(run)).toMatchObject([{ text: said }, { text: said }]);
		expect(hintsOf(run)).toEqual([expect.stringContaining(hint)]);
		const chatId = String(jsonOf(run)[0]?.['chat_id']);
		const look = await agentMessage(sandbox(), { parameters: { operation: 'getChat', chatId } });
		expect(jsonOf(look)).toMatchObject([{ text: said }]);
	});

	it('has its output in an order that shows first what is useful', async () => {
		const [item = {}] = jsonOf(await waiting('sandbox/support'));
		expect(Object.keys(item)).toEqual([
			'text',
			'status',
			'pending',
			'files',
			'tool_invocations',
			'chat_id',
			'message_id',
			'run',
		]);
	});

	it.each([
		['send', ['output']],
		['getChat', ['output']],
	])('looks as the editor shows it before the first run: %s', async (operation, optional) => {
		const first = await waiting('sandbox/support');
		const chatId = String(jsonOf(first)[0]?.['chat_id']);
		const run =
			operation === 'send'
				? first
				: await agentMessage(sandbox(), { parameters: { operation, chatId } });
		const folder = '../../../nodes/AgentMessage/__schema__/v2.0.0';
		const sample = new URL(`${folder}/${operation}.json`, import.meta.url);
		const { properties } = JSON.parse(readFileSync(sample, 'utf8')) as { properties: IDataObject };
		const keys = Object.keys(jsonOf(run)[0] ?? {}).filter((key) => !optional.includes(key));
		expect(Object.keys(properties)).toEqual(keys);
	});

	it('says in a node of release 0.1.0 what it said there', async () => {
		const run = await waiting('sandbox/support', { nodeFields: { typeVersion: 1 } });
		expect(jsonOf(run)).toMatchObject([
			{ text: 'I would refund that. ' },
			{ text: 'I would refund that. ' },
		]);
	});
});

describe('a response', () => {
	const failed = { onError: 'continueRegularOutput' } as const;

	it('to a call that has been answered fails', async () => {
		const pending = pendingOf(await agentMessage(sandbox(), { agent: 'sandbox/support' }));
		await respond(pending, { decision: 'approve' });
		const run = await respond(pending, { decision: 'reject' }, failed);
		expect(jsonOf(run)).toEqual([
			{
				error: `Call ${pending.callId} of chat ${pending.chatId} has been answered before (completed)`,
				details: {
					code: 'validation',
					id: pending.chatId,
					item_index: 0,
					hint: 'Waiting in this chat now: nothing.',
				},
			},
		]);
	});

	it('given twice at once counts once', async () => {
		const pending = pendingOf(await agentMessage(sandbox(), { agent: 'sandbox/support' }));
		const run = await agentMessage(sandbox(), {
			...failed,
			items: [{ decision: 'approve' }, { decision: 'reject' }],
			parameters: {
				operation: 'respond',
				chatId: pending.chatId,
				callId: pending.callId,
				decision: '={{ $json.decision }}',
			},
		});
		expect(jsonOf(run)).toMatchObject([
			{ status: 'completed', text: 'Done.' },
			{
				error: expect.stringContaining('has been answered before') as string,
				details: { item_index: 1 },
			},
		]);
	});

	it.each([
		['sandbox/client-tool', 'approve', 'waits for an answer, not for an approval'],
		['sandbox/support', 'answer', 'waits for an approval, not for an answer'],
	])('to %s that does not fit (%s) fails', async (agent, decision, why) => {
		const pending = pendingOf(await agentMessage(sandbox(), { agent }));
		const run = await respond(pending, { decision, answer: 'x' }, failed);
		expect(jsonOf(run)).toMatchObject([{ error: expect.stringContaining(why) as string }]);
	});

	it('to a call of another chat fails and tells what waits', async () => {
		const pending = pendingOf(await agentMessage(sandbox(), { agent: 'sandbox/support' }));
		const run = await respond({ ...pending, callId: 'nothing' }, { decision: 'approve' }, failed);
		expect(jsonOf(run)).toMatchObject([
			{
				error: `Call nothing of chat ${pending.chatId} is not in this chat`,
				details: { hint: `Waiting in this chat now: ${pending.callId} (refund).` },
			},
		]);
	});

	it('may name the interrupt instead of the call', async () => {
		const pending = pendingOf(await agentMessage(sandbox(), { agent: 'sandbox/support' }));
		const callId = String(pending.all[0]?.['interrupt_id']);
		const run = await respond({ ...pending, callId }, { decision: 'approve' });
		expect(jsonOf(run)).toMatchObject([{ status: 'completed', text: 'Done.' }]);
	});

	it.each([
		['the answer is lost', { kind: 'reset', when: 'after' }],
		['it does not arrive', { kind: 'reset', when: 'before' }],
		['the service fails afterwards', { kind: 'statusAfter', status: 502 }],
		['the service is busy', { kind: 'status', status: 503, headers: { 'retry-after': '0' } }],
	] as const)('counts once although %s', async (_what, fault) => {
		const pending = pendingOf(await agentMessage(sandbox(), { agent: 'sandbox/support' }));
		sandbox().fault({ on: 'POST /tools/:id/invoke', ...fault });
		const run = await respond(pending, { decision: 'approve' });
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)).toMatchObject([{ status: 'completed', text: 'Done.' }]);
	});

	it.each([
		['', 'call', 'Parameter "Chat ID" is empty [item 0]'],
		['chat', '', 'Parameter "Call ID" is empty [item 0]'],
	])('whose expressions give no ids (%j, %j) fails', async (chatId, callId, message) => {
		const ids = { chatId: `={{ "${chatId}" }}`, callId: `={{ "${callId}" }}` };
		const run = await respond(ids, { decision: 'approve' }, failed);
		expect(jsonOf(run)).toMatchObject([{ error: message }]);
	});

	describe('that names no call', () => {
		const inChat = ({ chatId }: { chatId: string }) => ({ chatId, callId: '' });

		it('is for the only one that waits', async () => {
			const pending = pendingOf(await agentMessage(sandbox(), { agent: 'sandbox/support' }));
			const run = await respond(inChat(pending), { decision: 'approve' });
			expect(jsonOf(run)).toMatchObject([{ status: 'completed', text: 'Done.' }]);
			const again = await respond(inChat(pending), { decision: 'approve' }, failed);
			expect(jsonOf(again)).toMatchObject([
				{
					error: `Nothing waits for a decision in chat ${pending.chatId}`,
					details: { code: 'validation', id: pending.chatId },
				},
			]);
			expect(sandbox().count('POST', /\/invoke$/)).toBe(1);
		});

		it('fails and tells what waits if there is more than one', async () => {
			const agent = 'sandbox/careful-support';
			const { all, ...pending } = pendingOf(await agentMessage(sandbox(), { agent }));
			const run = await respond(inChat(pending), { decision: 'approve' }, failed);
			const [refund, close] = all.map(({ id }) => String(id));
			expect(jsonOf(run)).toMatchObject([
				{
					error: `2 calls wait in chat ${pending.chatId}, so "Call ID" has to say which one is meant`,
					details: {
						hint: `Waiting in this chat now: ${refund} (refund), ${close} (close_ticket).`,
					},
				},
			]);
			expect(sandbox().count('POST', /\/invoke$/)).toBe(0);
		});

		it('fails for what cannot be decided', async () => {
			const pending = pendingOf(await agentMessage(sandbox(), { agent: 'sandbox/mail' }));
			const run = await respond(inChat(pending), { decision: 'approve' }, failed);
			expect(jsonOf(run)).toMatchObject([
				{ error: expect.stringContaining('an account to be connected') as string },
			]);
		});

		it('is not for what waits after another item has decided', async () => {
			const pending = pendingOf(await agentMessage(sandbox(), { agent: 'sandbox/insatiable' }));
			const run = await agentMessage(sandbox(), {
				...failed,
				retryOnFail: true,
				items: [{ message: 'a' }, { message: 'b' }],
				parameters: { operation: 'respond', ...inChat(pending), decision: 'approve' },
			});
			expect(jsonOf(run)).toMatchObject([
				{ status: 'input_required' },
				{
					error: `Parameter "Call ID" is empty, but item 0 answers in chat ${pending.chatId}, too [item 1]`,
				},
			]);
			expect(sandbox().count('POST', /\/invoke$/)).toBe(1);
		});

		it('is not for what waits when Retry On Fail tries again', async () => {
			const pending = pendingOf(await agentMessage(sandbox(), { agent: 'sandbox/insatiable' }));
			sandbox().fault({ on: 'POST /tools/:id/invoke', kind: 'reset', when: 'after' });
			// Whether it still waits cannot be seen in the first try.
			sandbox().fault({ on: 'GET /chats/:id/messages', kind: 'status', status: 403, skip: 1 });
			const run = await respond(inChat(pending), { decision: 'approve' }, { retryOnFail: true });
			expect(run.error).toBeUndefined();
			expect(jsonOf(run)).toMatchObject([{ status: 'input_required' }]);
			expect(jsonOf(run)[0]?.['pending']).not.toMatchObject([{ id: pending.callId }]);
			expect(sandbox().count('POST', /\/invoke$/)).toBe(1);
		});
	});

	it('without an answer fails', async () => {
		const pending = pendingOf(await agentMessage(sandbox(), { agent: 'sandbox/client-tool' }));
		const run = await respond(pending, { decision: 'answer', answer: '' }, failed);
		expect(jsonOf(run)).toMatchObject([{ error: 'Parameter "Answer" is empty [item 0]' }]);
	});
});

it('an agent defined in the node asks for the approvals of its own tools', async () => {
	const tools = [
		{
			name: 'refund',
			description: 'Pays money back',
			type: 'http',
			require_approval: true,
			http: { url: 'https://example.com/refund', method: 'POST' },
		},
	];
	const run = await agentMessage(sandbox(), {
		items: saying('please refund A-17'),
		parameters: adHoc({ agentConfig: JSON.stringify({ tools }) }),
	});
	expect(jsonOf(run)).toMatchObject([
		{ status: 'input_required', pending: [{ kind: 'approval', tool: 'refund' }] },
	]);
});
