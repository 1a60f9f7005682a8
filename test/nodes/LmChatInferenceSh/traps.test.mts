/** What n8n's adapter does to a chat model: each of its traps, with the real one. */
import type { AIMessageChunk } from '@langchain/core/messages';
import type { IDataObject } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import type { EngineRun } from '../../engine/engine.mts';
import { meanwhile, useSandbox } from '../../engine/support.mts';
import { until } from '../../until.mts';
import { answerOf, ASKS, askModel, MODEL, type AdaptedModel } from './asking.mts';
import { ESTIMATE, messages, QUICKLY, tool } from './support.mts';

const sandbox = useSandbox();
const { AIMessage, HumanMessage, SystemMessage, ToolMessage } = messages;

const ask = (text: string) => [new HumanMessage(`${text}, ${QUICKLY}`)];
const PARALLEL = 'call add {"x":1} call mul {"x":22}';
const CALLS = [
	{ id: 'call_1', name: 'add', args: { x: 1 } },
	{ id: 'call_2', name: 'mul', args: { x: 22 } },
];
const TOOLS = [tool('add'), tool('mul')];
const inputs = () =>
	sandbox()
		.tasks()
		.map(({ input }) => input as IDataObject);

/** All chunks of a streamed answer put together, as LangChain does it. */
async function streamed(
	model: Pick<AdaptedModel, 'stream'>,
	text: string,
): Promise<AIMessageChunk> {
	let whole: AIMessageChunk | undefined;
	for await (const chunk of await model.stream(ask(text))) {
		whole = whole ? whole.concat(chunk) : chunk;
	}
	if (!whole) throw new Error('Nothing came');
	return whole;
}

function withTools(
	model: AdaptedModel,
	given?: Parameters<NonNullable<AdaptedModel['bindTools']>>[1],
) {
	if (!model.bindTools) throw new Error('The model takes no tools');
	return model.bindTools(TOOLS, given);
}

/** What the execution view shows of the model. */
function shownUsage(run: EngineRun): IDataObject {
	const [item] = run.runData[MODEL]?.at(-1)?.data?.['ai_languageModel']?.[0] ?? [];
	return item?.json ?? {};
}

describe('1. calls of tools that are made in parallel', () => {
	it('come whole and apart from each other when streamed', async () => {
		const run = await askModel(sandbox(), async (model) => {
			const { tool_calls, invalid_tool_calls } = await streamed(
				withTools(model) as never,
				PARALLEL,
			);
			return { tool_calls, invalid_tool_calls } as IDataObject;
		});
		expect(answerOf(run)).toMatchObject({ tool_calls: CALLS, invalid_tool_calls: [] });
	});

	it('and in one piece', async () => {
		const run = await askModel(sandbox(), async (model) => {
			const { tool_calls } = await withTools(model).invoke(ask(PARALLEL));
			return { tool_calls } as IDataObject;
		});
		expect(answerOf(run)).toMatchObject({ tool_calls: CALLS });
	});

	it('are sent back one after the other, so that each keeps its result', async () => {
		const run = await askModel(sandbox(), async (model) => {
			const answer = await withTools(model).invoke([
				...ask(PARALLEL),
				new AIMessage({ content: '', tool_calls: CALLS }),
				new ToolMessage({ content: 'one', tool_call_id: 'call_1' }),
				new ToolMessage({ content: 'two', tool_call_id: 'call_2' }),
			]);
			return { text: answer.text };
		});
		expect(answerOf(run)).toEqual({ text: 'The tools say: one; two' });
		expect(inputs()).toMatchObject([
			{
				role: 'tool',
				text: 'two',
				tool_call_id: 'call_2',
				context: [
					{ role: 'user' },
					{ role: 'assistant', tool_calls: [{ id: 'call_1' }] },
					{ role: 'tool', text: 'one', tool_call_id: 'call_1' },
					{ role: 'assistant', tool_calls: [{ id: 'call_2' }] },
				],
			},
		]);
	});
});

it('2. the reasoning is there, streamed as well, and is sent back', async () => {
	const options = { reasoningEffort: 'high' };
	const run = await askModel(
		sandbox(),
		async (model) => {
			const whole = await model.invoke(ask('Think'));
			const live = await streamed(model, 'Think');
			await model.invoke([...ask('Think'), live, ...ask('Again')]);
			return { whole: whole.content, live: live.content } as IDataObject;
		},
		{ options },
	);
	const thought = { type: 'reasoning', reasoning: 'First look at what was asked.' };
	const { whole, live } = answerOf(run);
	expect(whole).toContainEqual(thought);
	expect(live).toContainEqual(thought);
	const last = inputs().at(-1);
	expect(last).toMatchObject({ reasoning_effort: 'high' });
	expect(last?.['context']).toMatchObject([
		{ role: 'user' },
		{
			role: 'assistant',
			reasoning: thought.reasoning,
			// However many pieces it has come in.
			text: `You said "Think, ${QUICKLY}".Grüße aus dem Sandkasten 🏖️ – 你好 👩‍💻 naïve café ✓`,
		},
	]);
});

describe('3. the signal of a call', () => {
	const LONG = 'Talk, think 60000 ms';
	it.each(['signal', 'abortSignal'])('cancels the task, as %s', async (name) => {
		const run = await askModel(sandbox(), async (model) => {
			const controller = new AbortController();
			const call = model.chatModel.generate(
				[{ role: 'user', content: [{ type: 'text', text: LONG }] }],
				{
					[name]: controller.signal,
				},
			);
			const failed = call.then(String, (error: Error) => error.message);
			await until(() => sandbox().running().length === 1);
			controller.abort();
			return { failed: await failed };
		});
		const [task] = sandbox().tasks();
		expect(task?.status).toBe('cancelled');
		expect(answerOf(run)['failed']).toBe(
			`Task ${task?.id} was stopped because the node that uses the model gave it up. The task was cancelled.`,
		);
	});

	it('that has aborted before buys nothing', async () => {
		const run = await askModel(sandbox(), async (model) => {
			const call = model.chatModel.generate(
				[{ role: 'user', content: [{ type: 'text', text: LONG }] }],
				{
					abortSignal: AbortSignal.abort(),
				},
			);
			return { failed: await call.then(String, (error: Error) => error.message) };
		});
		expect(answerOf(run)['failed']).toContain('gave it up');
		expect(sandbox().tasks()).toEqual([]);
	});

	it('as LangChain hands it on, streamed', async () => {
		const run = await askModel(sandbox(), async (model) => {
			const controller = new AbortController();
			const reading = (async () => {
				for await (const _ of await model.stream([new HumanMessage(LONG)], {
					signal: controller.signal,
				}))
					break;
			})().then(String, (error: Error) => error.name);
			await until(() => sandbox().running().length === 1);
			controller.abort();
			const failed = await reading;
			await until(() => sandbox().running().length === 0);
			return { failed };
		});
		expect(run.error).toBeUndefined();
		expect(sandbox().tasks()).toMatchObject([{ status: 'cancelled' }]);
	});
});

it('4. tools reach the model untouched, whatever else is bound', async () => {
	await askModel(sandbox(), async (model) => {
		await withTools(model, { tool_choice: 'any' }).invoke(ask('Hello'));
		return {};
	});
	expect(inputs()).toMatchObject([{ tools: TOOLS }]);
	expect(inputs()[0]?.['tools']).toEqual(TOOLS);
});

it('5. and 6. an error is thrown with its own words, after one task, streamed or not', async () => {
	const run = await askModel(sandbox(), async (model) => {
		const text = 'fail with "the model is overloaded"';
		const facts = (error: unknown) => {
			const { message, description, functionality } = error as Record<string, string>;
			return { message, description, functionality };
		};
		const whole = await model.invoke(ask(text)).catch(facts);
		const live = await streamed(model, text).catch(facts);
		return { whole, live } as IDataObject;
	});
	const [first, second, ...more] = sandbox().tasks();
	expect(more).toEqual([]);
	const said = (id: string | undefined) => ({
		message: `Task ${id} failed: the model is overloaded`,
		description: 'The reason comes from the app. Check its input and its logs.',
		functionality: 'configuration-node',
	});
	expect(answerOf(run)).toEqual({ whole: said(first?.id), live: said(second?.id) });
});

describe('7. the usage', () => {
	it.each([
		['in one piece', async (model: AdaptedModel) => await model.invoke(ask('Hello'))],
		['streamed', async (model: AdaptedModel) => await streamed(model, 'Hello')],
		[
			'streamed, with tools',
			async (model: AdaptedModel) => await streamed(withTools(model) as never, 'Hello'),
		],
	])('is that of the model where n8n shows it: %s', async (_way, answer) => {
		const run = await askModel(sandbox(), async (model) => {
			return { usage: (await answer(model)).usage_metadata } as IDataObject;
		});
		const { usage } = answerOf(run);
		expect(usage).toMatchObject({ output_tokens: 12, total_tokens: expect.any(Number) as number });
		const { input_tokens, output_tokens, total_tokens } = usage as IDataObject;
		expect(shownUsage(run)).toMatchObject({
			tokenUsage: {
				promptTokens: input_tokens,
				completionTokens: output_tokens,
				totalTokens: total_tokens,
			},
		});
		expect(JSON.stringify(shownUsage(run))).not.toContain(String(ESTIMATE));
	});
});

it('8. nothing but the base URL is asked', async () => {
	const asked: string[] = [];
	const run = await askModel(sandbox(), async (model) => {
		const { fetch } = globalThis;
		globalThis.fetch = async (to) => {
			asked.push(String(to));
			throw new Error('Nobody is there');
		};
		try {
			await model.invoke([new SystemMessage('Be brief'), ...ask('Hello')]);
			await streamed(model, 'Hello');
			// Chains that cut long texts into pieces ask the model how long they are.
			const text = 'So long a text';
			const parts = [{ type: 'text', text }];
			return {
				counted: [
					await model.getNumTokens(text),
					await (withTools(model) as typeof model).getNumTokens(parts),
				],
			};
		} finally {
			globalThis.fetch = fetch;
		}
	});
	expect(answerOf(run)).toEqual({ counted: [4, 4] });
	expect(asked).toEqual([]);
	expect(sandbox().violations()).toEqual([]);
	expect(sandbox().tasks()).toHaveLength(2);
});

it('a Stop cancels the task', async () => {
	const stopped = until(() => sandbox().running().length === 1);
	const run = await meanwhile(
		askModel(
			sandbox(),
			async (model) => {
				await model.invoke([new HumanMessage('Talk, think 60000 ms')]);
				return {};
			},
			{ cancelAfter: stopped },
		),
		async () => await stopped,
	);
	expect(run.status).toBe('canceled');
	await until(() => sandbox().running().length === 0);
	expect(sandbox().tasks()).toMatchObject([{ status: 'cancelled' }]);
	expect(run.output(ASKS)).toEqual([]);
});
