/** A chat model keeps what the package promises of every task: see docs/reliability.md. */
import { getEventListeners } from 'node:events';
import type { IDataObject } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { LmChatInferenceSh } from '../../../nodes/LmChatInferenceSh/LmChatInferenceSh.node.ts';
import type { StreamFaultOptions } from '../../sandbox/index.mts';
import { png } from '../../sandbox/apps/media.mts';
import { appRef, clock, credentialsOf, meanwhile, useSandbox } from '../../engine/support.mts';
import { until } from '../../until.mts';
import { answerOf, askModel, MODEL, type AdaptedModel, type AskOptions } from './asking.mts';
import { messages, QUICKLY, tool } from './support.mts';

const sandbox = useSandbox();
const { AIMessage, HumanMessage, ToolMessage } = messages;

const WHOLE = `You said "Hello, ${QUICKLY}".Grüße aus dem Sandkasten 🏖️ – 你好 👩‍💻 naïve café ✓`;
const LONG = 'Talk, think 600000 ms';
const inputs = () =>
	sandbox()
		.tasks()
		.map(({ input }) => input as IDataObject);

async function textOf(
	model: AdaptedModel,
	live: boolean,
	said = `Hello, ${QUICKLY}`,
): Promise<string> {
	if (!live) return (await model.invoke([new HumanMessage(said)])).text;
	let text = '';
	for await (const chunk of await model.stream([new HumanMessage(said)])) text += chunk.text;
	return text;
}

/** What asking fails with. */
async function failure(asking: Promise<unknown>): Promise<IDataObject> {
	return await asking.then(
		() => ({}),
		(error: Error & { description?: string }) => ({
			message: error.message,
			description: error.description ?? '',
		}),
	);
}

describe.each([
	['in one piece', false],
	['streamed', true],
])('an answer %s', (_way, live) => {
	it.each([
		['was lost', { kind: 'reset', when: 'after' }],
		['was a gateway’s', { kind: 'statusAfter', status: 502 }],
	] as const)('is bought once if the answer to its submission %s', async (_what, fault) => {
		sandbox().fault({ on: 'POST /apps/run', ...fault });
		const run = await askModel(sandbox(), async (model) => ({ text: await textOf(model, live) }));
		expect(answerOf(run)).toEqual({ text: WHOLE });
		expect(sandbox().tasks()).toHaveLength(1);
		expect(run.hints(MODEL)[0]?.message).toContain('found in the task list');
	});

	it.each<[string, StreamFaultOptions]>([
		['ends after three pieces', { closeAfter: 5 }],
		['is reset in the middle', { resetAfter: 6 }],
		['repeats every line', { duplicate: true }],
		['comes byte by byte', { byteByByte: true, crlf: true }],
		['is SSE with broken lines', { format: 'sse', garbageAfter: 4 }],
		['never tells the end', { omitTerminal: true }],
		['ends without the output', { omitTerminalOutput: true }],
	])('is whole if its stream %s', async (_what, fault) => {
		sandbox().fault({ on: 'GET /tasks/:id/stream', kind: 'stream', ...fault });
		const run = await askModel(sandbox(), async (model) => ({ text: await textOf(model, live) }));
		expect(answerOf(run)).toEqual({ text: WHOLE });
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it('has a time, after which its task is cancelled', async () => {
		const run = await meanwhile(
			askModel(sandbox(), async (model) => await failure(textOf(model, live, LONG)), {
				options: { timeout: 60 },
			}),
			async () => {
				await until(() => sandbox().count('GET', /\/stream$/) === 1);
				await clock.runOut(60_000);
			},
		);
		const [task] = sandbox().tasks();
		expect(answerOf(run)['message']).toContain(`Task ${task?.id} did not finish within 60 s`);
		expect(task?.status).toBe('cancelled');
	});

	it('waits for a place of its credential', async () => {
		const credentials = { ...credentialsOf(sandbox()), maxConcurrency: 1 };
		let most = 0;
		await askModel(
			sandbox(),
			async (model) => {
				const one = async () => {
					await textOf(model, live);
					most = Math.max(most, sandbox().running().length);
				};
				await Promise.all([one(), one(), one()]);
				return {};
			},
			{ credentials },
		);
		expect(most).toBe(0);
		const [first, second, third] = sandbox().tasks();
		expect(second?.createdAt).toBeGreaterThanOrEqual(first?.finishedAt ?? Infinity);
		expect(third?.createdAt).toBeGreaterThanOrEqual(second?.finishedAt ?? Infinity);
	});
});

it('a stream that is left early cancels its task', async () => {
	const run = await askModel(sandbox(), async (model) => {
		const said = 'Talk, 4000 words, every 20 ms';
		for await (const _ of await model.stream([new HumanMessage(said)])) break;
		return { left: true };
	});
	expect(answerOf(run)).toEqual({ left: true });
	await until(() => sandbox().running().length === 0);
	expect(sandbox().tasks()).toMatchObject([{ status: 'cancelled' }]);
});

it('what is under way when the node that uses the model ends is cancelled', async () => {
	const run = await askModel(sandbox(), async (model) => {
		void textOf(model, false, LONG).catch(() => {});
		await until(() => sandbox().running().length === 1);
		return {};
	});
	expect(run.status).toBe('success');
	expect(sandbox().tasks()).toMatchObject([{ status: 'cancelled' }]);
});

it('nothing listens to the execution’s cancel signal when the node that uses the model has ended', async () => {
	let signal: AbortSignal | undefined;
	const run = await askModel(sandbox(), async (model, context) => {
		signal = context.getExecutionCancelSignal();
		await textOf(model, false);
		for await (const _ of await model.stream([new HumanMessage(`200 words, ${QUICKLY}`)])) break;
		return {};
	});
	expect(answerOf(run)).toEqual({});
	await until(() => signal !== undefined && getEventListeners(signal, 'abort').length === 0);
});

it('text comes while it is made', async () => {
	const run = await askModel(sandbox(), async (model) => {
		const said = 'Talk, 30 words, every 10 ms';
		let pieces = 0;
		let running = 0;
		for await (const chunk of await model.stream([new HumanMessage(said)])) {
			if (chunk.text === '') continue;
			pieces += 1;
			running += sandbox().running().length;
		}
		return { pieces, running };
	});
	const { pieces, running } = answerOf(run);
	expect(pieces).toBeGreaterThan(5);
	expect(running).toBeGreaterThan(5);
});

describe('files of messages', () => {
	const picture = png(4, 4, [1, 2, 3]).toString('base64');
	const question = () =>
		new HumanMessage({
			content: [
				{ type: 'text', text: `What is it? call look {"x":1}, ${QUICKLY}` },
				{ type: 'image', mimeType: 'image/png', data: picture },
				{ type: 'image', mimeType: 'image/png', url: 'https://example.com/cat.png' },
			] as never,
		});

	it('are uploaded once, however many steps an agent makes, and given by their addresses', async () => {
		const call = { id: 'call_1', name: 'look', args: { x: 1 } };
		const run = await askModel(sandbox(), async (_, context) => {
			// n8n makes a new model for each step.
			const step = async (
				...further: ReadonlyArray<InstanceType<typeof ToolMessage | typeof AIMessage>>
			) => {
				const model = (await context.getInputConnectionData('ai_languageModel', 0)) as AdaptedModel;
				const bound = model.bindTools?.([tool('look')]) ?? model;
				return await bound.invoke([question(), ...further]);
			};
			await step();
			const answer = await step(
				new AIMessage({ content: '', tool_calls: [call] }),
				new ToolMessage({ content: 'a cat', tool_call_id: 'call_1' }),
			);
			return { text: answer.text };
		});
		const [file, ...more] = sandbox().files();
		expect(more).toEqual([]);
		expect(file).toMatchObject({ contentType: 'image/png' });
		expect(file?.filename).toMatch(/^[0-9a-f]{12}\.png$/);
		const images = [file?.uri, 'https://example.com/cat.png'];
		expect(inputs()).toMatchObject([{ images }, { context: [{ images }, {}] }]);
		const size = Buffer.from(picture, 'base64').length;
		expect(answerOf(run)['text']).toContain(`I see image/png of ${size} bytes`);
	});
});

describe('before anything is bought', () => {
	it.each([
		['tools', 'sandbox/chat-plain takes no tools', 'sandbox/chat-plain'],
		['an app that is no model', 'sandbox/echo is no language model', 'sandbox/echo'],
		['no such app', "app 'sandbox/nothing' not found", 'sandbox/nothing'],
	])('it is told what cannot be: %s', async (_what, message, model) => {
		const run = await askModel(
			sandbox(),
			async (given) => {
				const bound = given.bindTools?.([tool('add')]) ?? given;
				return await failure(bound.invoke([new HumanMessage('Hi')]));
			},
			{ model },
		);
		expect(answerOf(run)['message']).toContain(message);
		expect(answerOf(run)['description']).not.toBe('');
		expect(sandbox().tasks()).toEqual([]);
		expect(sandbox().files()).toEqual([]);
	});

	it('a schema that does not come is not waited for', async () => {
		sandbox().fault({ on: 'GET /apps/:ns/:name', kind: 'hang', when: 'before', times: 9 });
		const run = await meanwhile(
			askModel(sandbox(), async (model) => ({ text: await textOf(model, false) })),
			async () => {
				await until(() => sandbox().count('GET', /^\/apps\//) === 1);
				await clock.runOut(10_000);
			},
		);
		expect(answerOf(run)).toEqual({ text: WHOLE });
	});

	it('a schema that cannot be read leaves it to the service', async () => {
		sandbox().fault({ on: 'GET /apps/:ns/:name', kind: 'status', status: 403, times: 9 });
		const run = await askModel(sandbox(), async (model) => ({ text: await textOf(model, false) }));
		expect(answerOf(run)).toEqual({ text: WHOLE });
	});
});

describe('parameters', () => {
	it('are sent as the contract calls them, and only if they are set', async () => {
		const options = { temperature: 0.2, maxTokens: 3, topP: 0.9, reasoningEffort: 'low' };
		const asking = async (model: AdaptedModel) => ({ text: await textOf(model, false) });
		const cut = answerOf(await askModel(sandbox(), asking, { options }));
		await askModel(sandbox(), asking);
		await askModel(sandbox(), asking, { model: 'sandbox/chat-plain', options });
		const text = `Hello, ${QUICKLY}`;
		expect(inputs()).toEqual([
			{ role: 'user', text, temperature: 0.2, max_tokens: 3, top_p: 0.9, reasoning_effort: 'low' },
			{ role: 'user', text },
			{ role: 'user', text },
		]);
		expect(WHOLE.startsWith(String(cut['text']))).toBe(true);
	});

	it.each<[string, AskOptions, string]>([
		['an empty model', { model: '' }, 'Parameter "Model" is empty [item 0]'],
		['no reference', { model: 'a b' }, 'Parameter "Model" must be a reference like'],
		[
			'a number that is none',
			{ options: { temperature: 'hot' } },
			'Parameter "Temperature" must be a number from 0 to 2, but is "hot"',
		],
		[
			'an unknown effort',
			{ options: { reasoningEffort: 'extreme' } },
			'Parameter "Reasoning Effort" must be one of none, low, medium, high',
		],
		[
			'a negative time',
			{ options: { timeout: -1 } },
			'Parameter "Timeout (Seconds)" must be a number',
		],
	])('that cannot be used are named: %s', async (_what, options, message) => {
		const run = await askModel(sandbox(), async () => ({}), options);
		expect(run.error?.description).toContain(message);
		expect(run.error?.message).toBe(`Error in sub-node ${MODEL}`);
	});

	it('a credential that cannot be used is told', async () => {
		const credentials = { ...credentialsOf(sandbox()), apiKey: '' };
		const run = await askModel(sandbox(), async () => ({}), { credentials });
		expect(run.error?.description).toContain('The Inference.sh credential has no API key');
	});

	it('a reference may name a version and a function', async () => {
		const run = await askModel(sandbox(), async (model) => ({ text: await textOf(model, false) }), {
			model: 'sandbox/chat:run',
		});
		expect(answerOf(run)).toEqual({ text: WHOLE });
		expect(sandbox().tasks()).toMatchObject([
			{ request: { app: 'sandbox/chat', function: 'run' } },
		]);
	});

	it('an expression names the model', async () => {
		const run = await askModel(sandbox(), async (model) => ({ text: await textOf(model, false) }), {
			parameters: { model: appRef('={{ "sandbox/" + "chat" }}') },
		});
		expect(answerOf(run)).toEqual({ text: WHOLE });
	});
});

it('it is a sub-node and nothing else', () => {
	const { description } = new LmChatInferenceSh();
	expect(description).toMatchObject({ inputs: [], outputs: ['ai_languageModel'] });
	expect(description).not.toHaveProperty('usableAsTool');
});
