/** The sandbox's agents and chats: what they serve, and how they can be made to misbehave. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { until } from '../../until.mts';
import { caller, type Json } from '../caller.mts';
import { startSandbox, type Sandbox } from '../index.mts';

let sandbox: Sandbox;

beforeAll(async () => {
	sandbox = await startSandbox({
		heartbeatMs: 20,
		agents: [
			{
				namespace: 'mine',
				name: 'parrot',
				title: 'Parrot',
				description: 'Made by a test',
				take(turn) {
					turn.say(`${turn.text}!`);
					turn.finish();
				},
			},
		],
	});
});
afterEach(() => sandbox.reset());
afterAll(() => sandbox.close());

const { call, json, dto } = caller(() => sandbox);
const NDJSON = { accept: 'application/x-ndjson' };

const send = (agent: string, text: string, more: Json = {}): Promise<Response> =>
	call('POST', '/agents/run', {
		agent: agent.includes('/') ? agent : `sandbox/${agent}`,
		input: { text },
		...more,
	});

const define = (config: Json, text: string, more: Json = {}): Promise<Response> =>
	call('POST', '/agents/run', {
		agent_config: { core_app: { ref: 'sandbox/llm' }, ...config },
		input: { text },
		...more,
	});

async function chatOf(sent: Promise<Response>): Promise<string> {
	return String(((await dto(sent))['user_message'] as Json)['chat_id']);
}

const stateOf = (chatId: string) => sandbox.chats().find(({ id }) => id === chatId)?.state;

/** Sends it and waits until the run has the state. Returns the chat's id. */
async function reach(state: string, sent: Promise<Response>): Promise<string> {
	const chatId = await chatOf(sent);
	await until(() => stateOf(chatId) === state);
	return chatId;
}

const chat = (id: string): Promise<Json> => dto(call('GET', `/chats/${id}`));
const pendingOf = async (id: string): Promise<Json[]> =>
	((await chat(id))['pending_interrupts'] as Json[] | null) ?? [];

/** Messages, oldest first. */
async function messages(id: string): Promise<Json[]> {
	const page = await dto(call('GET', `/chats/${id}/messages?limit=100`));
	return (page['items'] as Json[]).reverse();
}

const saidIn = (id: string): string[] =>
	(sandbox.chats().find((one) => one.id === id)?.messages ?? []).map(
		({ role, text }) => `${role}: ${text}`,
	);

const answerOf = (id: string): string => saidIn(id).at(-1)?.replace('assistant: ', '') ?? '';

const toolsOf = async (id: string): Promise<Json[]> =>
	(await messages(id)).flatMap((one) => (one['tool_invocations'] as Json[] | null) ?? []);

async function problemOf(response: Promise<Response>): Promise<[number, string]> {
	const { status, detail } = await json(response);
	return [Number(status), String(detail)];
}

/** Lines of a stream, heartbeats left out, up to one that will do or the end. */
async function lines(
	response: Promise<Response>,
	enough: (line: Json) => boolean = () => false,
): Promise<Json[]> {
	const found: Json[] = [];
	const decoder = new TextDecoder();
	let rest = '';
	const reader = (await response).body?.getReader();
	for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) {
		rest += decoder.decode(next.value as Uint8Array, { stream: true });
		const whole = rest.split('\n');
		rest = whole.pop() ?? '';
		for (const text of whole) {
			const line = JSON.parse(text) as Json;
			if (line['type'] === 'heartbeat') continue;
			found.push(line);
			if (enough(line)) {
				await reader?.cancel();
				return found;
			}
		}
	}
	return found;
}

const follow = (id: string, headers: Json = NDJSON): Promise<Response> =>
	call('GET', `/chats/${id}/stream`, undefined, headers);

/** Watches an empty chat with the agent, then says something. */
async function watched(text: string, body: Json): Promise<Response> {
	const id = String((await dto(call('POST', '/chats', body)))['id']);
	const stream = await follow(id);
	await call('POST', '/agents/run', { ...body, chat_id: id, input: { text } });
	return stream;
}

describe('a message', () => {
	it('is answered with both messages at once, and by the run later', async () => {
		const sent = await dto(send('assistant', 'hello'));
		expect(sent).toMatchObject({
			user_message: { role: 'user', status: 'ready', content: [{ type: 'text', text: 'hello' }] },
			assistant_message: { role: 'assistant', status: 'pending', content: null, order: 2 },
		});
		const assistant = sent['assistant_message'] as Json;
		const id = String(assistant['chat_id']);
		await until(() => stateOf(id) === 'completed');
		expect(await messages(id)).toMatchObject([
			{ role: 'user', agent_run_id: assistant['agent_run_id'] },
			{
				id: assistant['id'],
				task_id: assistant['task_id'],
				status: 'ready',
				tool_invocations: null,
				content: [{ type: 'text', text: 'You said "hello".' }],
			},
		]);
		const { chat_messages: none, ...shown } = await chat(id);
		expect(none).toBeNull();
		expect(shown).toMatchObject({
			id,
			name: 'hello',
			status: 'idle',
			pending_interrupts: null,
			agent: { namespace: 'sandbox', name: 'assistant' },
			active_run: { state: 'completed', chat_id: id, output: null },
		});
		expect(await dto(call('GET', `/chats/${id}/status`))).toMatchObject({ id, status: 'idle' });
		expect(sandbox.agentRuns()).toMatchObject([
			{ chatId: id, agent: 'sandbox/assistant', state: 'completed' },
		]);
	});

	it('goes on in its chat, also by the route for text alone', async () => {
		const id = await reach('completed', send('assistant', 'one'));
		await reach('completed', send('assistant', 'two', { chat_id: id }));
		const third = await dto(call('POST', `/chats/${id}/messages`, { message: 'three' }));
		expect(third).toMatchObject({ role: 'user', chat_id: id });
		await until(() => sandbox.agentRuns().at(-1)?.state === 'completed');
		expect(answerOf(id)).toBe('You said "three". Before that: "one", "two".');
		expect((await call('POST', `/chats/${id}/messages`, { message: ' ' })).status).toBe(422);
	});

	it('to a busy chat is queued and answered after the turn', async () => {
		sandbox.hold();
		const id = await chatOf(send('assistant', 'first'));
		const queued = await dto(send('assistant', 'second', { chat_id: id, stream: true }));
		expect(queued).toMatchObject({
			user_message: { status: 'queued', chat_id: id },
			assistant_message: null,
		});
		const third = await dto(send('assistant', 'third', { chat_id: id }));
		const thirdId = String((third['user_message'] as Json)['id']);
		expect((await call('POST', `/chats/messages/${thirdId}/cancel`)).status).toBe(200);
		expect((await call('POST', `/chats/messages/${thirdId}/cancel`)).status).toBe(409);
		expect((await call('POST', '/chats/messages/nothing/cancel')).status).toBe(404);
		sandbox.release();
		await until(() => sandbox.agentRuns().length >= 2 && stateOf(id) === 'completed');
		expect(saidIn(id)).toEqual([
			'user: first',
			'assistant: You said "first".',
			'user: second',
			'user: third',
			'assistant: You said "second". Before that: "first".',
		]);
	});

	it('is refused when it is empty or for nobody in particular', async () => {
		const both = { agent: 'sandbox/assistant', agent_config: { core_app: { ref: 'x' } } };
		const which = [422, 'exactly one of agent and agent_config is required'];
		expect(await problemOf(call('POST', '/agents/run', { ...both, input: {} }))).toEqual(which);
		expect(await problemOf(call('POST', '/agents/run', { input: { text: 'x' } }))).toEqual(which);
		expect(await problemOf(call('POST', '/agents/run', 'text'))).toEqual([
			...[400, 'the request body must be a JSON object'],
		]);
		expect(await problemOf(send('assistant', ' '))).toEqual([422, 'input.text is required']);
		expect(await problemOf(send('asistant', 'x'))).toEqual([
			404,
			expect.stringContaining("agent 'sandbox/asistant' not found; did you mean sandbox/assistant"),
		]);
		expect((await send('locked', 'x')).status).toBe(412);
		expect(sandbox.chats()).toEqual([]);
	});

	it('to the chat of another team is refused as the test wants it', async () => {
		const other = sandbox.foreignChat(403);
		for (const id of [other, sandbox.foreignChat(), 'nothing']) {
			const status = id === other ? 403 : 404;
			expect((await send('assistant', 'x', { chat_id: id })).status).toBe(status);
			expect((await call('GET', `/chats/${id}`)).status).toBe(status);
			expect((await follow(id)).status).toBe(status);
		}
	});

	it('counts for the rate limit, and its chat is named in warnings and envelopes', async () => {
		const messages = [{ level: 'warning', code: 'limit', message: 'slow down' }] as const;
		sandbox.configure({ rateLimit: { max: 1 }, messages });
		expect(await json(send('assistant', 'x'))).toMatchObject({ messages });
		expect((await send('assistant', 'x')).status).toBe(429);
	});
});

describe('an agent', () => {
	it('is found by every spelling of its ref, and by its id', async () => {
		const shown = await dto(call('GET', '/agents/sandbox/assistant'));
		const short = String(shown['version_id']).slice(0, 8);
		const id = String(shown['id']);
		expect(await dto(call('GET', `/agents/${id}`))).toEqual(shown);
		for (const agent of ['assistant@latest', `assistant@${short}`, 'agent/sandbox/assistant']) {
			expect(answerOf(await reach('completed', send(agent, 'x')))).toBe('You said "x".');
		}
		const byId = await reach('completed', send('', 'x', { agent: undefined, agent_id: id }));
		expect(answerOf(byId)).toBe('You said "x".');
		expect((await send('assistant@nothing', 'x')).status).toBe(404);
		expect((await call('GET', '/agents/sandbox/nobody')).status).toBe(404);
	});

	it('can be one of the test’s own', async () => {
		expect(sandbox.agents()).toContain('mine/parrot');
		expect(answerOf(await reach('completed', send('mine/parrot', 'hello')))).toBe('hello!');
	});

	it('is listed page by page, and searched', async () => {
		const seen: unknown[] = [];
		let cursor: unknown = '';
		do {
			const page = await dto(call('POST', '/agents/list', { limit: 9, cursor }));
			seen.push(...(page['items'] as Json[]).map(({ name }) => name));
			cursor = page['next_cursor'];
		} while (cursor !== '');
		expect(new Set(seen).size).toBe(sandbox.agents().length);
		const found = await dto(call('POST', '/agents/list', { search: { term: 'must know' } }));
		expect(found['items']).toMatchObject([
			{ name: 'clerk', title: 'Clerk', version: { context: [{ name: 'user' }, {}] } },
		]);
	});

	it('may need context, which is of the chat', async () => {
		expect(await problemOf(send('clerk', 'x'))).toEqual([
			...[422, 'context.user is required by agent sandbox/clerk'],
		]);
		const id = await reach('completed', send('clerk', 'x', { context: { user: 'Ann' } }));
		await reach('completed', send('clerk', 'x', { chat_id: id, context: { user: 'Bob' } }));
		expect(answerOf(id)).toBe('Next, Ann.');
	});

	it('may say several things and call tools in a turn', async () => {
		const id = await reach('completed', send('researcher', 'x (2 rounds)'));
		const all = await messages(id);
		expect(all.map(({ role, status }) => [role, status])).toEqual([
			['user', 'ready'],
			...Array.from({ length: 3 }, () => ['assistant', 'ready']),
		]);
		expect(new Set(all.map((one) => one['agent_run_id'])).size).toBe(1);
		const tool = { type: 'app', status: 'completed', result: 'found it' };
		expect(await toolsOf(id)).toMatchObject([tool, tool]);
	});

	it('may think, and its chat may have messages of nobody', async () => {
		const id = await reach('completed', send('thinker', 'x'));
		expect((await messages(id)).map(({ role, content }) => [role, content])).toEqual([
			['user', [{ type: 'text', text: 'x' }]],
			[
				'assistant',
				[
					{ type: 'reasoning', text: 'Hmm. They want an answer.' },
					{ type: 'text', text: 'I thought about "x".' },
				],
			],
			['injection', [{ type: 'text', text: 'It is late.' }]],
			['compaction', [{ type: 'text', text: 'They asked, I thought.' }]],
		]);
	});

	it('gets files in three ways and answers with files', async () => {
		const input = {
			text: 'see',
			attachments: [{ uri: 'https://x.test/a.pdf', filename: 'a.pdf', content_type: 'x/pdf' }],
			images: ['https://x.test/b.png'],
			files: ['https://x.test/c.txt'],
		};
		const id = await reach('completed', send('mirror', '', { input }));
		expect((await messages(id)).at(-1)?.['content']).toEqual([
			{ type: 'text', text: 'see' },
			{ type: 'file', file: 'https://x.test/a.pdf' },
			{ type: 'image', image: 'https://x.test/b.png' },
			{ type: 'file', file: 'https://x.test/c.txt' },
		]);
		const { text: _text, ...files } = input;
		expect((await send('mirror', '', { input: files })).status).toBe(200);
		const own = await reach('completed', send('photographer', 'x'));
		const [, photo] = (await messages(own)).at(-1)?.['content'] as Json[];
		expect(await (await fetch(String(photo?.['image']))).text()).toBe('a photo');
	});

	it.each([
		['failing', 'failed', { error: 'the model is overloaded' }, 'failed', null],
		['stumbling', 'failed', {}, 'failed', [{ type: 'text', error: 'the context is too long' }]],
		['strict', 'rejected', { error: 'not my business' }, 'failed', null],
		['quitter', 'canceled', {}, 'cancelled', [{ type: 'text', text: 'On second thought' }]],
		['crashing', 'failed', { error: 'a bug in the agent' }, 'failed', null],
		['silent', 'completed', {}, 'ready', null],
	])('%s ends %s', async (agent, state, run, status, content) => {
		const id = await reach(state, send(agent, 'x'));
		const shown = await chat(id);
		expect(shown).toMatchObject({ status: 'idle', active_run: { state, ...run } });
		expect('error' in (shown['active_run'] as Json)).toBe('error' in run);
		expect((await messages(id)).at(-1)).toMatchObject({ status, content });
	});

	it('is stopped, with all that waits, and only once', async () => {
		const id = await reach('working', send('slow', 'x'));
		await send('slow', 'later', { chat_id: id });
		expect((await call('POST', `/chats/${id}/stop`)).status).toBe(200);
		expect(await chat(id)).toMatchObject({ status: 'idle', active_run: { state: 'canceled' } });
		expect((await messages(id)).map(({ status }) => status)).toEqual([
			...['ready', 'cancelled', 'cancelled'],
		]);
		expect(sandbox.chats()[0]?.stoppedAt).toBeGreaterThan(0);
		expect((await call('POST', `/chats/${id}/stop`)).status).toBe(409);
	});
});

describe('an agent of the request', () => {
	it('has a memory and a prompt, and its name', async () => {
		const id = await reach(
			'completed',
			define({ system_prompt: 'Be kind.' }, 'one', { agent_name: 'helper' }),
		);
		await reach('completed', define({ system_prompt: 'Be kind.' }, 'two', { chat_id: id }));
		expect(answerOf(id)).toBe('[Be kind.] You said "two". Before that: "one".');
		expect(await chat(id)).toMatchObject({ agent: { name: 'helper' } });
		expect(sandbox.chats()[0]?.agent).toBeUndefined();
	});

	it('gives structured output if it has a schema and may finish, and does', async () => {
		const output_schema = {
			type: 'object',
			properties: { n: { type: 'integer' }, who: { enum: ['me', 'you'] }, all: { type: 'array' } },
		};
		const config = { output_schema, internal_tools: { finish: true } };
		const id = await reach('completed', define(config, '7 times'));
		const output = { n: 7, who: 'me', all: ['7 times'] };
		expect(await chat(id)).toMatchObject({ status: 'completed', output, active_run: { output } });
		const unfinished = await reach('completed', define(config, 'x (no finish)'));
		expect(await chat(unfinished)).toMatchObject({ status: 'idle', output: null });
		const unable = await reach('completed', define({ output_schema }, 'x'));
		expect(await chat(unable)).toMatchObject({ output: null });
		const saved = await reach('completed', send('extractor', 'Ann, 41'));
		expect(await chat(saved)).toMatchObject({ output: { name: 'Ann, 41', age: 41 } });
	});

	it('calls the tools it is given', async () => {
		const tools = [
			{ name: 'look', type: 'app', app: { ref: 'sandbox/echo' } },
			{ name: 'pay', type: 'http', require_approval: true, http: { url: 'https://x.test' } },
			{ name: 'beep', type: 'client', client: {} },
		];
		const used = await reach('completed', define({ tools }, 'look there'));
		expect(answerOf(used)).toBe('Used look.');
		const paying = await reach('input_required', define({ tools }, 'pay it'));
		expect(await pendingOf(paying)).toMatchObject([{ reason: 'tool_approval' }]);
		const beeping = await reach('input_required', define({ tools }, 'beep now'));
		expect(await pendingOf(beeping)).toMatchObject([{ reason: 'client_tool' }]);
	});

	it.each([
		[{ core_app: {} }, 'agent_config.core_app.ref is required'],
		[{ tools: {} }, 'agent_config.tools must be an array'],
		[{ tools: [{ type: 'app' }] }, 'agent_config.tools[0].name is required'],
		[{ tools: ['look'] }, 'agent_config.tools[0] must be an object'],
		[
			{
				tools: [
					{ name: 'a', type: 'app' },
					{ name: 'b', type: 'magic' },
				],
			},
			'agent_config.tools[1].type must be one of app, agent, hook, http, call, mcp, client, internal',
		],
		[{ output_schema: 'text' }, 'agent_config.output_schema must be an object'],
	])('is refused when its config is %j', async (config, detail) => {
		expect(await problemOf(define(config, 'x'))).toEqual([422, detail]);
	});
});

describe('an agent that waits', () => {
	it('for an approval, shows the call in the message and as an interrupt', async () => {
		const id = await reach('input_required', send('support', 'x'));
		const [tool] = await toolsOf(id);
		expect(tool).toMatchObject({
			type: 'app',
			status: 'awaiting_approval',
			function: { name: 'refund', arguments: '{"order":"A-17","amount":25}' },
		});
		const shown = await chat(id);
		expect(shown).toMatchObject({
			status: 'awaiting_input',
			active_run: {
				state: 'input_required',
				interrupt_reason: 'tool_approval',
				interrupt_tool_id: tool?.['id'],
			},
		});
		const [interrupt] = await pendingOf(id);
		expect(interrupt).toMatchObject({
			reason: 'tool_approval',
			status: 'pending',
			chat_id: id,
			resource_id: tool?.['id'],
			resource_type: 'tool_invocation',
		});
		expect(JSON.parse(String(interrupt?.['meta']))).toMatchObject({ tool_name: 'refund' });
		const runId = String((shown['active_run'] as Json)['id']);
		const listed = await dto(call('GET', `/agent-runs/${runId}/interrupts`));
		expect(listed).toEqual([interrupt]);
		expect((await call('GET', '/agent-runs/nothing/interrupts')).status).toBe(404);
	});

	it.each([
		['invoke', {}, 'completed', 'Done.'],
		['reject', { reason: 'too much' }, 'cancelled', 'Not done: too much.'],
	])('goes on after %s, which is possible once', async (verb, body, status, said) => {
		const id = await reach('input_required', send('support', 'x'));
		const [tool] = await toolsOf(id);
		const route = `/tools/${String(tool?.['id'])}`;
		expect((await call('POST', route, { result: 'no client tool' })).status).toBe(400);
		expect((await call('POST', `${route}/${verb}`, body)).status).toBe(200);
		for (const again of ['', '/invoke', '/reject']) {
			expect((await call('POST', route + again, { result: 'x' })).status).toBe(409);
		}
		await until(() => stateOf(id) === 'completed');
		expect(answerOf(id)).toBe(said);
		expect(await toolsOf(id)).toMatchObject([{ status }]);
		expect(await pendingOf(id)).toEqual([]);
	});

	it.each([
		['allow', 'Done.'],
		['deny', 'Not done: no reason.'],
	])('goes on after %s of the interrupt, which is possible once', async (decision, said) => {
		const id = await reach('input_required', send('support', 'x'));
		const [interrupt] = await pendingOf(id);
		const route = `/interrupts/${String(interrupt?.['id'])}/resolve`;
		expect((await call('POST', route, { decision: 'maybe' })).status).toBe(422);
		expect(await dto(call('POST', route, { decision }))).toMatchObject({
			status: 'resolved',
			resolution: decision,
		});
		expect((await call('POST', route, { decision })).status).toBe(409);
		await until(() => stateOf(id) === 'completed');
		expect(answerOf(id)).toBe(said);
	});

	it('for two approvals, goes on when both are decided', async () => {
		const id = await reach('input_required', send('careful-support', 'x'));
		const [first, second] = await toolsOf(id);
		await call('POST', `/tools/${String(first?.['id'])}/invoke`);
		expect(await pendingOf(id)).toHaveLength(1);
		expect(stateOf(id)).toBe('input_required');
		await call('POST', `/tools/${String(second?.['id'])}/reject`, {});
		await until(() => stateOf(id) === 'completed');
		expect(answerOf(id)).toBe('Done. Not done: no reason.');
	});

	it('for approvals again and again needs no more of them when told so', async () => {
		const id = await reach('input_required', send('insatiable', 'x'));
		const [tool] = await toolsOf(id);
		await call('POST', `/chats/${id}/tools/${String(tool?.['id'])}/always-allow`, {});
		await until(() => (saidIn(id).length > 4 ? true : false));
		expect(await chat(id)).toMatchObject({ agent_data: { always_allowed_tools: ['refund'] } });
		const other = await reach('input_required', send('support', 'x'));
		await call('POST', `/chats/${other}/settings`, { allow_all_tools: true, name: 'Open' });
		await until(() => stateOf(other) === 'completed');
		expect(await chat(other)).toMatchObject({ name: 'Open' });
		await reach('completed', send('support', 'y', { chat_id: other }));
		expect(answerOf(other)).toBe('Done.');
	});

	it.each([
		['client-tool', 'client', 'in_progress', 'client_tool'],
		['client-tool-waiting', 'client', 'awaiting_input', 'client_tool'],
		['usher', 'internal', 'awaiting_input', 'widget'],
	])('for a result, as %s, goes on with it', async (agent, type, status, reason) => {
		const id = await reach('input_required', send(agent, 'x'));
		const [tool] = await toolsOf(id);
		expect(tool).toMatchObject({ type, status });
		expect('widget' in (tool ?? {})).toBe(reason === 'widget');
		expect(await pendingOf(id)).toMatchObject([{ reason }]);
		const route = `/tools/${String(tool?.['id'])}`;
		expect((await call('POST', `${route}/invoke`)).status).toBe(400);
		expect((await call('POST', route, { result: { an: 'object' } })).status).toBe(422);
		const interrupt = String((await pendingOf(id))[0]?.['id']);
		const resolve = `/interrupts/${interrupt}/resolve`;
		expect((await call('POST', resolve, { decision: 'allow' })).status).toBe(400);
		const result = '{"action":{"type":"pick"}}';
		expect((await call('POST', route, { result })).status).toBe(200);
		expect((await call('POST', route, { result })).status).toBe(409);
		await until(() => stateOf(id) === 'completed');
		expect(answerOf(id)).toBe(`You answered: ${result}`);
		expect(await toolsOf(id)).toMatchObject([{ status: 'completed', result }]);
	});

	it.each([
		['mail', 'auth_required', 'auth', 'Sent.'],
		['guarded', 'input_required', 'hook_gate', 'Done.'],
	])('without a call, as %s, goes on when it is allowed', async (agent, state, reason, said) => {
		const id = await reach(state, send(agent, 'x'));
		const [interrupt] = await pendingOf(id);
		expect(interrupt).toMatchObject({ reason });
		expect(await toolsOf(id)).toEqual([]);
		expect((await chat(id))['status']).toBe('awaiting_input');
		const route = `/interrupts/${String(interrupt?.['id'])}/resolve`;
		await call('POST', route, { decision: 'allow' });
		await until(() => stateOf(id) === 'completed');
		expect(answerOf(id)).toBe(said);
	});

	it('for an account that nobody connects fails', async () => {
		const id = await reach('auth_required', send('mail', 'x'));
		const [interrupt] = await pendingOf(id);
		await call('POST', `/interrupts/${String(interrupt?.['id'])}/resolve`, { decision: 'deny' });
		await until(() => stateOf(id) === 'failed');
		expect(sandbox.agentRuns()).toMatchObject([{ error: 'no account was connected' }]);
	});

	it('can be stopped, and then decides nobody any more', async () => {
		const id = await reach('input_required', send('support', 'x'));
		const [tool] = await toolsOf(id);
		await call('POST', `/chats/${id}/stop`);
		expect(stateOf(id)).toBe('canceled');
		expect(await toolsOf(id)).toMatchObject([{ status: 'cancelled' }]);
		expect((await call('POST', `/tools/${String(tool?.['id'])}/invoke`)).status).toBe(409);
		expect((await call('POST', '/tools/nothing/invoke')).status).toBe(404);
		expect((await call('POST', '/interrupts/nothing/resolve', {})).status).toBe(404);
	});
});

describe('chats', () => {
	it('are made empty, listed, renamed and deleted', async () => {
		const made = await dto(call('POST', '/chats', { agent: 'sandbox/assistant' }));
		const id = String(made['id']);
		expect(made).toMatchObject({ status: 'idle', name: '' });
		expect((await call('POST', '/chats', { agent: 'sandbox/nobody' })).status).toBe(404);
		await call('PATCH', `/chats/${id}`, { name: 'Mine' });
		const list = await dto(call('POST', '/chats/list', { search: { term: 'mine' } }));
		expect(list['items']).toMatchObject([{ id, name: 'Mine' }]);
		await reach('working', send('slow', 'x', { chat_id: id }));
		expect((await call('DELETE', `/chats/${id}`)).status).toBe(204);
		expect((await call('GET', `/chats/${id}`)).status).toBe(404);
	});

	it('forget what was said when told to', async () => {
		const id = await reach('completed', send('assistant', 'one'));
		await call('POST', `/chats/${id}/settings`, { forget_memory: true });
		await reach('completed', send('assistant', 'two', { chat_id: id }));
		expect(answerOf(id)).toBe('You said "two".');
	});

	it('have their messages in pages, from either end', async () => {
		const id = await reach('completed', send('researcher', 'x (6 rounds)'));
		const orders = async (): Promise<number[]> => {
			const seen: number[] = [];
			let cursor = '';
			do {
				const query = `limit=3&cursor=${encodeURIComponent(cursor)}`;
				const page = await dto(call('GET', `/chats/${id}/messages?${query}`));
				seen.push(...(page['items'] as Json[]).map(({ order }) => Number(order)));
				cursor = String(page['next_cursor']);
			} while (cursor !== '');
			return seen;
		};
		expect(await orders()).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
		sandbox.configure({ messagesOldestFirst: true });
		expect(await orders()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
	});

	it('show as much of their runs as they are told to', async () => {
		sandbox.configure({ agentRuns: 'gone' });
		const id = await reach('working', send('slow', 'x'));
		expect(await chat(id)).toHaveProperty('active_run.state', 'working');
		await call('POST', `/chats/${id}/stop`);
		expect(await chat(id)).not.toHaveProperty('active_run');
		sandbox.configure({ agentRuns: 'hidden' });
		await reach('working', send('slow', 'x', { chat_id: id }));
		expect(await chat(id)).not.toHaveProperty('active_run');
		expect((await messages(id)).at(-1)).not.toHaveProperty('agent_run_id');
	});

	it('spell the same things in another way when told to', async () => {
		sandbox.configure({
			argumentsAs: 'object',
			metaAs: 'object',
			contentAs: 'text',
			emptyListsAs: 'empty',
		});
		const id = await reach('input_required', send('support', 'x'));
		const amount = { order: 'A-17', amount: 25 };
		const last = (await messages(id)).at(-1);
		expect(last).toMatchObject({
			content: 'I would refund that. ',
			tool_invocations: [{ function: { arguments: amount } }],
		});
		expect((await messages(id))[0]).toMatchObject({ content: 'x', tool_invocations: [] });
		expect(await pendingOf(id)).toMatchObject([{ meta: { arguments: amount } }]);
		expect(await chat(id)).toMatchObject({ agent_data: { always_allowed_tools: [] } });
	});
});

describe('the stream of a chat', () => {
	it('tells what happens: runs, messages, deltas', async () => {
		const stream = watched('x', { agent: 'sandbox/support' });
		const events = await lines(stream, ({ data }) => (data as Json)['state'] === 'input_required');
		expect(events.slice(0, 2)).toMatchObject([
			{ event: 'chats', data: { status: 'idle' } },
			{ event: 'chat_messages', data: { role: 'user', status: 'ready' } },
		]);
		const answer = events.find(({ data }) => (data as Json)['role'] === 'assistant');
		expect(answer).toMatchObject({ event: 'chat_messages', data: { status: 'pending' } });
		const deltas = events.filter(({ event }) => event === 'delta').map(({ data }) => data as Json);
		const { id } = answer?.['data'] as Json;
		expect(new Set(deltas.map(({ resource_id }) => resource_id))).toEqual(new Set([id]));
		expect(deltas.map(({ seq }) => seq)).toEqual(deltas.map((_, n) => n + 1));
		const pieces = deltas.map(({ delta }) => delta as Json);
		expect(pieces.map(({ response }) => response ?? '').join('')).toBe('I would refund that. ');
		const calls = pieces.flatMap(({ tool_calls }) => (tool_calls as Json[] | undefined) ?? []);
		const written = calls.map((one) => (one['function'] as Json)['arguments']);
		expect(JSON.parse(written.join(''))).toEqual({ order: 'A-17', amount: 25 });
		expect(events.map(({ data }) => (data as Json)['state']).filter(Boolean)).toEqual([
			'working',
			'input_required',
		]);
	});

	it('grows its messages without deltas, with zero values in partials if wanted', async () => {
		sandbox.configure({ agentDeltas: false, partials: 'zeroed' });
		const ended = ({ data }: Json): boolean => (data as Json)['state'] === 'completed';
		const events = await lines(watched('x', { agent: 'sandbox/assistant' }), ended);
		expect(events.some(({ event }) => event === 'delta')).toBe(false);
		const partials = events.filter(({ fields }) => fields !== undefined);
		const texts = partials.flatMap(({ data }) => (data as Json)['content'] as Json[]);
		expect(texts.map(({ text }) => text)).toEqual([
			...['You ', 'You said ', 'You said "x".', 'You said "x".'],
		]);
		expect(partials[0]).toMatchObject({ data: { chat_id: '', order: 0, role: '' } });
	});

	it('shows the newest twenty messages first, or what is no longer true', async () => {
		const id = await reach('completed', send('researcher', 'x (24 rounds)'));
		const events = lines(follow(id), ({ data }) => (data as Json)['order'] === 26);
		expect(await events).toHaveLength(21);
		sandbox.configure({ staleSnapshot: { id, status: 'idle' } });
		expect(await lines(follow(id), () => true)).toEqual([
			{ event: 'chats', data: { id, status: 'idle' } },
		]);
	});

	it('stays open after the turn, or not', async () => {
		const id = await reach('completed', send('assistant', 'x'));
		const open = lines(
			Promise.resolve(await follow(id)),
			({ data }) => (data as Json)['order'] === 4,
		);
		await reach('completed', send('assistant', 'y', { chat_id: id }));
		expect(await open).toContainEqual(expect.objectContaining({ event: 'agent_runs' }));
		sandbox.configure({ chatStreamClosesAfterTurn: true });
		const closing = await lines(watched('z', { agent: 'sandbox/assistant' }));
		expect(closing.at(-1)).toMatchObject({ data: { active_run: { state: 'completed' } } });
	});

	it('is SSE with named events unless NDJSON is asked for', async () => {
		const id = await reach('working', send('slow', 'x'));
		sandbox.fault({ kind: 'stream', on: 'GET /chats/:id/stream', closeAfter: 2 });
		const response = await follow(id, {});
		expect(response.headers.get('content-type')).toBe('text/event-stream');
		const frames = (await response.text()).split('\n').filter((line) => line.startsWith('event'));
		expect(frames).toEqual(['event: chats', 'event: chat_messages']);
	});

	it('can be missing its end, or what it says', async () => {
		sandbox.configure({ chatStreamClosesAfterTurn: true });
		const on = 'GET /chats/:id/stream';
		sandbox.fault({ kind: 'stream', on, omitTerminal: true });
		const cut = await lines(watched('x', { agent: 'sandbox/assistant' }));
		expect(cut.at(-1)).toMatchObject({ event: 'chat_messages', data: { status: 'ready' } });
		sandbox.fault({ kind: 'stream', on, omitTerminalOutput: true });
		const bare = await lines(watched('x', { agent: 'sandbox/extractor' }));
		expect(bare.at(-1)).toMatchObject({ event: 'chats', data: { status: 'completed' } });
		expect(JSON.stringify(bare)).not.toContain('output');
		sandbox.fault({ kind: 'stream', on, omitTerminalOutput: true });
		const silent = await lines(watched('x', { agent: 'sandbox/assistant' }));
		expect(JSON.stringify(silent)).not.toContain('You said');
	});

	it('breaks in the same ways as that of a task', async () => {
		const id = await reach('working', send('slow', 'x'));
		const on = 'GET /chats/:id/stream';
		sandbox.fault({ kind: 'stream', on, resetAfter: 1 });
		await expect(lines(follow(id))).rejects.toThrow();
		sandbox.fault({ kind: 'stream', on, garbageAfter: 1, closeAfter: 1 });
		await expect((await follow(id)).text()).resolves.toContain('<html>');
		sandbox.fault({ kind: 'status', on, status: 503 });
		expect((await follow(id)).status).toBe(503);
	});
});

describe('an answer that is streamed at once', () => {
	it('is its first message again and again until it is ready', async () => {
		const seen = await lines(call('POST', '/agents/run', streamed('researcher'), NDJSON));
		expect(seen.every((line) => line['role'] === 'assistant')).toBe(true);
		expect(new Set(seen.map(({ id }) => id)).size).toBe(1);
		const statuses = seen.map(({ status }) => status);
		expect(statuses.slice(0, -1).every((status) => status === 'pending')).toBe(true);
		expect(statuses.at(-1)).toBe('ready');
		expect(seen.at(-1)).toMatchObject({ content: [{ text: 'Let me look. ' }] });
		await until(() => sandbox.agentRuns()[0]?.state === 'completed');
	});

	it('has heartbeats while nothing happens', async () => {
		const response = await call('POST', '/agents/run', streamed('slow'), NDJSON);
		const reader = response.body?.getReader();
		let text = '';
		while (!text.includes('heartbeat')) {
			text += Buffer.from((await reader?.read())?.value as Uint8Array).toString();
		}
		await reader?.cancel();
		expect(text).toContain('"status":"pending"');
	});
});

function streamed(agent: string): Json {
	return { agent: `sandbox/${agent}`, input: { text: 'x' }, stream: true };
}
