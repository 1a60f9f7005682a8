/** The sandbox's chat completions in OpenAI's dialect, as the service's page on them has them. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../until.mts';
import { caller, type Json } from '../caller.mts';
import { startSandbox, type Sandbox } from '../index.mts';

let sandbox: Sandbox;

beforeAll(async () => {
	sandbox = await startSandbox();
});
afterEach(() => sandbox.reset());
afterAll(() => sandbox.close());

const { call, json } = caller(() => sandbox);

const QUICKLY = 'think 1 ms every 1 ms';
const ALL = '/models/openai/chat/completions';
const says = (text: string, more: Json = {}): Json => ({
	model: 'sandbox/chat',
	messages: [{ role: 'user', content: `${text}, ${QUICKLY}` }],
	...more,
});
const add = { type: 'function', function: { name: 'add', parameters: { type: 'object' } } };
const PARALLEL = 'call add {"x":1} call add {"x":22}';

/** The data lines of a stream. */
async function streamed(body: Json): Promise<string[]> {
	const response = await call('POST', ALL, { ...body, stream: true });
	expect(response.headers.get('content-type')).toBe('text/event-stream');
	const text = await response.text();
	return text.split('\n\n').flatMap((frame) => /^data: (.*)$/.exec(frame)?.[1] ?? []);
}

const choicesOf = (line: string): Json[] => (JSON.parse(line) as { choices: Json[] }).choices;
const deltasOf = (lines: readonly string[]): Json[] =>
	lines
		.slice(0, -1)
		.flatMap(choicesOf)
		.map((choice) => choice['delta'] as Json);

describe('an answer', () => {
	it('in one piece tells the version that ran, its end and what it has used', async () => {
		const answer = await json(call('POST', ALL, says('3 words')));
		expect(answer).toMatchObject({
			object: 'chat.completion',
			choices: [
				{
					message: { role: 'assistant', content: `You said "3 words, ${QUICKLY}".Grüße aus` },
					finish_reason: 'stop',
				},
			],
			usage: { completion_tokens: 3 },
		});
		expect(answer['model']).toMatch(/^sandbox\/chat@\w{8}$/);
		expect(sandbox.tasks()).toMatchObject([{ app: 'sandbox/chat', status: 'completed' }]);
	});

	it('comes in pieces, then its end, then its usage if that was asked for, then DONE', async () => {
		const lines = await streamed(
			says('3 words', { stream_options: { include_usage: true }, reasoning_effort: 'xhigh' }),
		);
		expect(lines.at(-1)).toBe('[DONE]');
		const deltas = deltasOf(lines);
		expect(deltas[0]).toMatchObject({ role: 'assistant' });
		const joined = (name: string) => deltas.map((delta) => delta[name] ?? '').join('');
		expect(joined('reasoning')).toBe('First look at what was asked.');
		expect(joined('content')).toBe(`You said "3 words, ${QUICKLY}".Grüße aus`);
		const [end = '', usage = ''] = lines.slice(-3);
		expect(choicesOf(end)).toMatchObject([{ delta: {}, finish_reason: 'stop' }]);
		expect(JSON.parse(usage)).toMatchObject({ choices: [], usage: { completion_tokens: 5 } });
		expect(sandbox.tasks()).toMatchObject([{ input: { reasoning_effort: 'high' } }]);
	});

	it('calls tools in pieces that are told apart by their index', async () => {
		const lines = await streamed(says(PARALLEL, { tools: [add] }));
		const calls = deltasOf(lines).flatMap((delta) => (delta['tool_calls'] ?? []) as Json[]);
		const written = (index: number) =>
			calls
				.filter((one) => one['index'] === index)
				.map((one) => (one['function'] as Json)['arguments'] ?? '')
				.join('');
		expect([written(0), written(1)]).toEqual(['{"x":1}', '{"x":22}']);
		expect(choicesOf(lines.at(-2) ?? '')).toMatchObject([{ finish_reason: 'tool_calls' }]);
	});

	it('is to the whole conversation, in the words of the contract', async () => {
		const calls = [{ id: 'call_1', type: 'function', function: { name: 'add', arguments: '{}' } }];
		const image = { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } };
		const answer = await call('POST', ALL, {
			model: 'sandbox/chat',
			messages: [
				{ role: 'system', content: 'Be kind.' },
				{ role: 'developer', content: 'Be brief.' },
				{ role: 'user', content: [{ type: 'text', text: `Look, ${QUICKLY}` }, image] },
				{ role: 'assistant', content: null, reasoning: 'Hm.', tool_calls: calls },
				{ role: 'tool', content: 'two', tool_call_id: 'call_1' },
			],
			tools: [add],
			max_tokens: 7,
			max_completion_tokens: 9,
			user: 'somebody',
		});
		expect(await answer.json()).toMatchObject({
			choices: [{ message: { content: expect.stringContaining('two') as string } }],
		});
		expect(sandbox.tasks().map(({ input }) => input)).toEqual([
			{
				system_prompt: 'Be kind.\n\nBe brief.',
				context: [
					{
						role: 'user',
						text: `Look, ${QUICKLY}`,
						images: ['https://example.com/cat.png'],
					},
					{ role: 'assistant', text: '', reasoning: 'Hm.', tool_calls: calls },
				],
				role: 'tool',
				text: 'two',
				tool_call_id: 'call_1',
				tools: [add],
				max_tokens: 9,
			},
		]);
	});

	it('is of the app in the path, whatever the body says', async () => {
		const path = '/apps/sandbox/chat-plain/openai/chat/completions';
		const answer = await json(call('POST', path, says('Hello')));
		expect(answer['model']).toMatch(/^sandbox\/chat-plain@/);
	});

	it('goes on if nobody listens any more', async () => {
		const controller = new AbortController();
		const response = fetch(sandbox.url + ALL, {
			method: 'POST',
			signal: controller.signal,
			headers: {
				authorization: `Bearer ${sandbox.apiKey}`,
				'content-type': 'application/json',
			},
			body: JSON.stringify(says('1 words', { stream: true })),
		});
		await response;
		controller.abort();
		await until(() => sandbox.tasks()[0]?.status === 'completed');
	});
});

describe('an error has the form that clients of OpenAI know', () => {
	const FAILS = says('fail with "overloaded"');
	it.each<[what: string, body: Json, status: number, code: string]>([
		['no model', says('Hello', { model: undefined }), 400, 'missing_required_parameter'],
		['two answers', says('Hello', { n: 2 }), 400, 'unsupported_parameter'],
		['probabilities', says('Hello', { logprobs: true }), 400, 'unsupported_parameter'],
		['no question', says('Hello', { messages: [] }), 400, 'invalid_parameter'],
		['an unknown model', says('Hello', { model: 'sandbox/none' }), 404, 'model_not_found'],
		['an app that is no model', says('Hello', { model: 'sandbox/echo' }), 404, 'model_not_found'],
		['a forced call', says('Hello', { tools: [add], tool_choice: 'required' }), 500, 'model_error'],
		['a failure', FAILS, 500, 'model_error'],
	])('%s', async (_what, body, status, code) => {
		const response = await call('POST', ALL, body);
		expect(response.status).toBe(status);
		expect(await response.json()).toMatchObject({ error: { code } });
	});

	it('a failure once the answer has begun is a line of it', async () => {
		const lines = await streamed(FAILS);
		expect(lines.at(-1)).toBe('[DONE]');
		expect(JSON.parse(lines.at(-2) ?? '')).toMatchObject({
			error: { message: 'overloaded', code: 'model_error', type: 'server_error' },
		});
	});
});
