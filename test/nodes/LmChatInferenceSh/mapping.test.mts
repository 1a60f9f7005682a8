/** Messages become an input and outputs become answers, whatever is in them. */
import type { Message, MessageContent } from '@n8n/ai-node-sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { llmContractOf, type LlmContract } from '../../../nodes/client/apps/llmContract.ts';
import { appFromWire } from '../../../nodes/client/apps/appInfo.ts';
import { taskFromWire } from '../../../nodes/client/tasks/task.ts';
import { readConversation } from '../../../nodes/LmChatInferenceSh/conversation.ts';
import { llmAnswer } from '../../../nodes/LmChatInferenceSh/llmAnswer.ts';
import { llmInput, type ToolDefinition } from '../../../nodes/LmChatInferenceSh/llmInput.ts';
import { chatModels, refusalOf } from '../../sandbox/apps/chatModels.mts';

type Wire = Record<string, unknown>;

const contractOf = (name: string): LlmContract => {
	const app = chatModels.find((one) => one.name === name);
	const { input, output } = app?.functions['run'] ?? {};
	const contract = llmContractOf(
		appFromWire({
			version: { functions: { run: { input_schema: input, output_schema: output } } },
		}),
		undefined,
	);
	if (!contract) throw new Error(`${name} is no language model`);
	return contract;
};
const ABLE = contractOf('chat');
const PLAIN = contractOf('chat-plain');

function inputOf(
	messages: readonly Message[],
	{
		contract = ABLE as LlmContract | undefined,
		tools = [] as readonly ToolDefinition[],
		options = {},
	} = {},
): Wire {
	const request = { app: 'a/b', conversation: readConversation(messages), tools, options };
	return llmInput(request, contract, (file) => (file.kind === 'url' ? file.url : 'inf://file'));
}

const text = (said: string): MessageContent => ({ type: 'text', text: said });
const user = (...content: MessageContent[]): Message => ({ role: 'user', content });
const called = (id: string, name = 'add', input = '{}'): MessageContent => {
	return { type: 'tool-call', toolCallId: id, toolName: name, input };
};
const result = (toolCallId: string, value: unknown): Message => {
	return { role: 'tool', content: [{ type: 'tool-result', toolCallId, result: value }] };
};

interface Step {
	readonly question: string;
	readonly calls: ReadonlyArray<{
		readonly name: string;
		readonly input: string;
		readonly result: string;
	}>;
	/** In which order the results come. */
	readonly shuffle: number;
	readonly answer: string | undefined;
}

const word = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
const steps = fc.array(
	fc.record<Step>({
		question: word,
		calls: fc.array(fc.record({ name: word, input: fc.json(), result: word }), { maxLength: 4 }),
		shuffle: fc.nat(23),
		answer: fc.option(word, { nil: undefined }),
	}),
	{ minLength: 1, maxLength: 4 },
);

/** The messages of a conversation in which every call has its result. */
function conversation(all: readonly Step[]): Message[] {
	let calls = 0;
	return all.flatMap((step) => {
		const made = step.calls.map((call) => ({ ...call, id: `c${++calls}` }));
		const results = made.map(({ id, result: value }) => result(id, value));
		const turned = [...results.slice(step.shuffle % 4), ...results.slice(0, step.shuffle % 4)];
		return [
			user(text(step.question)),
			...(made.length === 0
				? []
				: [
						{
							role: 'assistant' as const,
							content: made.map(({ id, name, input }) => called(id, name, input)),
						},
						...turned,
					]),
			...(step.answer === undefined
				? []
				: [{ role: 'assistant' as const, content: [text(step.answer)] }]),
		];
	});
}

/** All that was said in an input, in order. */
function turnsOf(input: Wire): Wire[] {
	const { context = [], text: last, role = 'user', tool_call_id } = input;
	return [
		...(context as Wire[]),
		{ text: last, role, ...(tool_call_id !== undefined && { tool_call_id }) },
	];
}

describe('a conversation', () => {
	it('is one that providers take, however many calls were made at once', () => {
		fc.assert(
			fc.property(steps, (all) => {
				expect(refusalOf(inputOf(conversation(all)))).toBeUndefined();
			}),
		);
	});

	it('loses nothing: who has said what, called what with what, and what came of it', () => {
		fc.assert(
			fc.property(steps, (all) => {
				const turns = turnsOf(inputOf(conversation(all)));
				const of = (role: string) => turns.filter((turn) => turn['role'] === role);
				expect(of('user').map((turn) => turn['text'])).toEqual(all.map(({ question }) => question));
				const calls = turns.flatMap((turn) => (turn['tool_calls'] ?? []) as Wire[]);
				expect(calls.map((call) => call['function'])).toEqual(
					all.flatMap((step) => step.calls.map(({ name, input }) => ({ name, arguments: input }))),
				);
				const results = new Map(of('tool').map((turn) => [turn['tool_call_id'], turn['text']]));
				expect(calls.map(({ id }) => results.get(id))).toEqual(
					all.flatMap((step) => step.calls.map((call) => call.result)),
				);
				const said = of('assistant').map((turn) => turn['text']);
				expect(said.filter((one) => one !== '')).toEqual(all.flatMap(({ answer }) => answer ?? []));
			}),
		);
	});

	it('has system messages in one place, and paragraphs of questions apart', () => {
		const input = inputOf([
			{ role: 'system', content: [text('Be brief.'), text('Be kind.')] },
			user(text('One'), text('Two')),
			{ role: 'system', content: [text('Be true.')] },
		]);
		expect(input).toEqual({
			system_prompt: 'Be brief.\nBe kind.\n\nBe true.',
			role: 'user',
			text: 'One\nTwo',
		});
	});

	it('ends with calls that have no results: they stay together, and nothing else is asked', () => {
		const calls = {
			role: 'assistant' as const,
			content: [text('Let me see'), called('a'), called('b')],
		};
		const input = inputOf([user(text('Hi')), calls]);
		expect(input).toMatchObject({
			text: '',
			role: 'assistant',
			context: [{ role: 'user' }, { text: 'Let me see', tool_calls: [{ id: 'a' }, { id: 'b' }] }],
		});
	});

	it.each([
		['text', 'four', 'four'],
		['an object', { sum: 4 }, '{"sum":4}'],
		['a number', 4, '4'],
		['parts', [text('four'), text('4')], 'four\n4'],
		['a list', [1, 2], '[1,2]'],
		['nothing', null, ''],
	])('has results of tools that are %s', (_what, value, shown) => {
		const input = inputOf([
			user(text('Hi')),
			{ role: 'assistant', content: [called('a')] },
			result('a', value),
		]);
		expect(input).toMatchObject({ text: shown, role: 'tool', tool_call_id: 'a' });
	});

	it('needs something to answer', () => {
		expect(() => inputOf([])).toThrow('no message to answer');
		expect(() => inputOf([{ role: 'system', content: [text('Be kind')] }])).toThrow('no message');
	});
});

describe('files', () => {
	const png = Buffer.from('89504e470d0a1a0a00', 'hex');
	const data = png.toString('base64');
	it.each<[string, object, Wire]>([
		['bytes', { data: new Uint8Array(png) }, { images: ['inf://file'] }],
		['base64', { data, mediaType: 'image/png' }, { images: ['inf://file'] }],
		['a data URL', { data: `data:image/png;base64,${data}` }, { images: ['inf://file'] }],
		['an address', { data: 'https://x.test/a.png' }, { images: ['https://x.test/a.png'] }],
		[
			'an address beside it',
			{
				data: undefined,
				providerMetadata: { url: 'https://x.test/a.pdf' },
				mediaType: 'application/pdf',
			},
			{ files: ['https://x.test/a.pdf'] },
		],
		['a document', { data: 'SGVsbG8=', mediaType: 'text/plain' }, { files: ['inf://file'] }],
	])('are given by %s', (_way, file, expected) => {
		const part = { type: 'file', ...file } as MessageContent;
		expect(inputOf([user(text('Look'), part)])).toEqual({
			text: 'Look',
			role: 'user',
			...expected,
		});
		const [earlier] = turnsOf(inputOf([user(text('Look'), part), user(text('Again'))]));
		expect(earlier).toEqual({ text: 'Look', role: 'user', ...expected });
	});

	it('with nothing in them are refused', () => {
		expect(() => inputOf([user({ type: 'file', data: '' })])).toThrow('a file with nothing in it');
	});
});

describe('what an app does not take', () => {
	const png: MessageContent = { type: 'file', data: 'iVBORw0KGgo=', mediaType: 'image/png' };
	it.each<[string, Message[], ToolDefinition[]]>([
		['tools', [user(text('Hi'))], [{ name: 'add', description: undefined, parameters: {} }]],
		['images', [user(text('Hi'), png)], []],
		[
			'results of tools',
			[user(text('Hi')), { role: 'assistant', content: [called('a')] }, result('a', 1)],
			[],
		],
		['files', [user({ type: 'file', data: 'SGk=', mediaType: 'text/plain' })], []],
	])('is an error: %s', (what, messages, tools) => {
		const contract = {
			...PLAIN,
			message: new Map(
				[...(PLAIN.message ?? [])].filter(([name]) => ['role', 'text'].includes(name)),
			),
		};
		const message =
			what === 'results of tools'
				? /a\/b takes no (tools|results of tools)/
				: `a/b takes no ${what}`;
		expect(() => inputOf(messages, { contract, tools })).toThrow(message);
		expect(() => inputOf(messages, { contract: undefined, tools })).not.toThrow();
	});

	it('is left out if it is only a setting', () => {
		const options = { temperature: 0, top_p: undefined, max_tokens: 5, seed: 3 };
		expect(inputOf([user(text('Hi'))], { contract: PLAIN, options })).toEqual({
			text: 'Hi',
			role: 'user',
		});
		expect(inputOf([user(text('Hi'))], { options })).toEqual({
			text: 'Hi',
			role: 'user',
			temperature: 0,
			max_tokens: 5,
		});
	});

	it('is never sent, and what it takes always is: any part of the contract', () => {
		const names = [...ABLE.input.keys()].filter((name) => name !== 'text');
		fc.assert(
			fc.property(fc.subarray(names), steps, (has, all) => {
				const fields = [...ABLE.input].filter(([name]) => name === 'text' || has.includes(name));
				const contract = { ...ABLE, input: new Map(fields) };
				const options = { temperature: 0.5, max_tokens: 7 };
				try {
					const input = inputOf(conversation(all), { contract, options });
					for (const name of Object.keys(input)) expect(['text', ...has]).toContain(name);
				} catch (error) {
					expect(String(error)).toMatch(/a\/b takes no/);
				}
			}),
		);
	});
});

it('tools go as they are', () => {
	const parameters = { type: 'object', properties: { a: { $ref: '#/$defs/A' } }, $defs: { A: {} } };
	const tools = [{ name: 'add', description: undefined, parameters }];
	expect(inputOf([user(text('Hi'))], { tools })['tools']).toEqual([
		{ type: 'function', function: { name: 'add', description: undefined, parameters } },
	]);
});

it('files are wanted as objects by older apps', () => {
	const input = new Map(ABLE.input).set('images', {
		type: 'list',
		items: { type: 'file', as: 'object' },
	});
	const picture: MessageContent = { type: 'file', data: 'https://x.test/a.png' };
	expect(inputOf([user(picture)], { contract: { ...ABLE, input } })).toMatchObject({
		images: [{ uri: 'https://x.test/a.png' }],
	});
});

describe('an answer', () => {
	const answered = (output: unknown) => {
		const task = taskFromWire({ id: 't1', status: 10, output });
		if (!task) throw new Error('There is no task');
		return llmAnswer(task);
	};

	it('has its text, its thoughts and its calls', () => {
		const call = fc.record({
			id: fc.uuid(),
			name: word,
			arguments: fc.dictionary(word, fc.json()),
		});
		fc.assert(
			fc.property(word, word, fc.array(call, { maxLength: 3 }), (said, thought, calls) => {
				const tool_calls = calls.map(({ id, name, arguments: given }) => {
					return { id, type: 'function', function: { name, arguments: JSON.stringify(given) } };
				});
				expect(answered({ response: said, reasoning: thought, tool_calls })).toMatchObject({
					text: said,
					reasoning: thought,
					calls: calls.map(({ id, name, arguments: given }) => ({
						id,
						name,
						arguments: JSON.stringify(given),
					})),
				});
			}),
		);
	});

	it.each([
		[{ stop_reason: 'length' }, 'length'],
		[{ stop_reason: 'max_tokens' }, 'length'],
		[{ stop_reason: 'content_filter' }, 'content-filter'],
		[{ stop_reason: 'end_turn' }, 'stop'],
		[{ stop_reason: '' }, 'stop'],
		[null, 'stop'],
	])('has ended for a reason: %j', (usage, reason) => {
		expect(answered({ response: 'x', usage }).finishReason).toBe(reason);
	});

	it('that calls a tool has ended for that', () => {
		const tool_calls = [{ id: 'a', type: 'function', function: { name: 'f', arguments: '' } }];
		expect(answered({ response: '', tool_calls, usage: { stop_reason: 'stop' } })).toMatchObject({
			finishReason: 'tool-calls',
			calls: [{ id: 'a', name: 'f', arguments: '{}' }],
		});
	});

	it('tells its usage, or what was metered, or nothing', () => {
		const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 0, reasoning_tokens: 2 };
		expect(answered({ response: 'x', usage }).usage).toEqual({
			promptTokens: 3,
			completionTokens: 4,
			totalTokens: 7,
			outputTokenDetails: { reasoning: 2 },
		});
		const output_meta = {
			inputs: [{ type: 'text', tokens: 5 }],
			outputs: [{ type: 'text', tokens: 6 }],
		};
		expect(answered({ response: 'x', usage: null, output_meta }).usage).toMatchObject({
			totalTokens: 11,
		});
		expect(answered({ response: 'x' }).usage).toBeUndefined();
	});

	it('keeps calls apart that have no ids, or the same', () => {
		const call = (id?: string) => ({ id, function: { name: 'f', arguments: { x: 1 } } });
		const { calls } = answered({ tool_calls: [call(), call('a'), call('a'), call('')] });
		expect(new Set(calls.map(({ id }) => id)).size).toBe(4);
		expect(calls.map((one) => one.arguments)).toEqual(Array(4).fill('{"x":1}'));
	});

	it.each([
		['{"x":', 'cannot be understood: {"x":'],
		['[1]', 'cannot be understood: [1]'],
		['nonsense', 'cannot be understood'],
	])('with a call that cannot be understood is an error: %s', (given, message) => {
		const tool_calls = [{ id: 'a', function: { name: 'f', arguments: given } }];
		expect(() => answered({ response: 'x', tool_calls })).toThrow(message);
		expect(() => answered({ response: 'x', tool_calls })).toThrow('Task t1 has completed, but');
	});

	it.each([[{ image: 'https://x.test/a.png' }], [{}], [null], [[]], [{ response: 3 }]])(
		'that is none is an error: %j',
		(output) => {
			expect(() => answered(output)).toThrow('not the answer of a language model');
		},
	);

	it('may be pictures, or nothing at all', () => {
		expect(
			answered({ response: '', images: ['https://x.test/a.png', { uri: 'https://x.test/b.png' }] }),
		).toMatchObject({
			text: '',
			images: ['https://x.test/a.png', 'https://x.test/b.png'],
		});
		expect(answered('plain words')).toMatchObject({ text: 'plain words' });
	});
});
