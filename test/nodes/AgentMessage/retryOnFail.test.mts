import type { IDataObject } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { agentMessage, saying, sent, type AgentOptions } from './support.mts';
import { clock, jsonOf, meanwhile, stopAfterFirstTry, useSandbox } from '../../engine/support.mts';
import { until } from '../../until.mts';

const sandbox = useSandbox();

/** Runs with Retry On Fail: the first item fails in each try, or in all but the last. */
async function retried(options: AgentOptions) {
	return await agentMessage(sandbox(), { retryOnFail: true, maxTries: 3, ...options });
}

const streams = () => sandbox().count('GET', /\/stream$/);

/** Lets a minute run out when so many streams have been opened. */
async function inTheMinute(opened: number): Promise<void> {
	await until(() => streams() >= opened);
	await clock.runOut(60_000);
}

const said = () =>
	sandbox()
		.chats()
		.flatMap(({ messages }) => messages.filter(({ role }) => role === 'user'))
		.map(({ text }) => text)
		.sort();

describe('Retry On Fail never sends a message twice', () => {
	it.each(['stopWorkflow', 'continueRegularOutput'] as const)(
		'although an item fails in every try (%s)',
		async (onError) => {
			const run = await retried({
				items: saying('', 'two', 'three (80 ms)', 'four (5 ms)'),
				parameters: { concurrency: 4 },
				onError,
			});
			expect(said().length).toBe(new Set(said()).size);
			if (onError === 'stopWorkflow') {
				expect(run.error?.message).toContain('"Message" is empty');
			} else {
				expect(jsonOf(run)).toMatchObject([
					{ error: expect.any(String) as string },
					{ text: 'You said "two".' },
					{ text: 'You said "three (80 ms)".' },
					{ text: 'You said "four (5 ms)".' },
				]);
				expect(said()).toEqual(['four (5 ms)', 'three (80 ms)', 'two']);
			}
		},
	);

	it('although the agent has failed', async () => {
		const run = await retried({ agent: 'sandbox/failing' });
		expect(run.error?.message).toContain('the model is overloaded');
		expect(sent(sandbox())).toBe(1);
	});

	it('although its turn was stopped at its timeout', async () => {
		const running = retried({ agent: 'sandbox/slow', parameters: { timeout: 60 } });
		const run = await meanwhile(running, async () => await inTheMinute(1));
		expect(run.error?.message).toContain('was stopped');
		// By this node itself, which has no reason to suspect anybody else.
		expect(run.error?.message).toContain('time');
		expect(run.error?.description).not.toContain('outside this workflow');
		expect(sent(sandbox())).toBe(1);
	});

	it('and goes on with a turn that was left running', async () => {
		sandbox().hold();
		const running = retried({
			items: saying('long'),
			parameters: { timeout: 60 },
			options: { onTimeout: 'keep' },
		});
		const run = await meanwhile(running, async () => {
			await inTheMinute(1);
			await until(() => streams() >= 2);
			sandbox().release();
		});
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)).toMatchObject([{ text: 'You said "long".' }]);
		expect(sent(sandbox())).toBe(1);
	});

	it('in a conversation, whose order is kept', async () => {
		const run = await retried({
			items: saying('', 'one', 'two', 'three'),
			conversationKey: '={{ $json.message === "" ? "none" : "retried" }}',
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run).slice(1)).toMatchObject([
			{ text: 'You said "one".' },
			{ text: 'You said "two". Before that: "one".' },
			{ text: 'You said "three". Before that: "one", "two".' },
		]);
	});

	it('but looks for one whose sending was lost', async () => {
		sandbox().fault({ on: 'POST /agents/run', kind: 'reset', when: 'after' });
		sandbox().fault({ on: 'POST /chats/list', kind: 'status', status: 403 });
		const run = await retried({});
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)).toMatchObject([{ text: 'You said "hello".' }]);
		expect(sent(sandbox())).toBe(1);
	});

	it('but sends one that was refused', async () => {
		sandbox().fault({ on: 'POST /agents/run', kind: 'status', status: 400, body: 'busy' });
		const run = await retried({});
		expect(jsonOf(run)).toMatchObject([{ text: 'You said "hello".' }]);
		expect(sent(sandbox())).toBe(2);
	});

	it.each([
		['of its own', undefined],
		['of a conversation', '={{ $json.key || "none" }}'],
	])(
		'and stops, after a Stop, a chat %s that an earlier try has begun',
		async (_what, conversationKey) => {
			const stateOf = (text: string) =>
				sandbox()
					.chats()
					.find(({ messages }) => messages[0]?.text === text)?.state;
			sandbox().hold();
			const running = retried({
				agent: '={{ $json.agent }}',
				items: [
					{ agent: 'sandbox/failing', message: 'fails' },
					{ agent: 'sandbox/slow', message: 'goes on', key: 'stopped between tries' },
				],
				...(conversationKey !== undefined && { conversationKey }),
				waitBetweenTries: 50,
				...stopAfterFirstTry(),
			});
			const run = await meanwhile(running, async () => {
				await until(() => streams() >= 2);
				sandbox().release();
			});
			expect(run.status).not.toBe('success');
			await until(() => stateOf('goes on') === 'canceled');
			expect(sent(sandbox())).toBe(2);
		},
	);
});

describe('Retry On Fail of a response', () => {
	it('goes on with what it has decided', async () => {
		const first = await agentMessage(sandbox(), {
			agent: 'sandbox/support',
			items: saying('my money'),
		});
		const [item] = jsonOf(first);
		const [pending] = item?.['pending'] as IDataObject[];
		sandbox().hold();
		const before = streams();
		const running = retried({
			parameters: {
				operation: 'respond',
				chatId: String(item?.['chat_id']),
				callId: String(pending?.['id']),
				timeout: 60,
			},
			options: { onTimeout: 'keep' },
		});
		const run = await meanwhile(running, async () => {
			await inTheMinute(before + 1);
			await until(() => streams() >= before + 2);
			sandbox().release();
		});
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)).toMatchObject([{ status: 'completed', text: 'Done.' }]);
		expect(sandbox().count('POST', /\/invoke$/)).toBe(1);
	});

	it('takes one that has arrived for its own', async () => {
		const first = await agentMessage(sandbox(), { agent: 'sandbox/support' });
		const [item] = jsonOf(first);
		const [pending] = item?.['pending'] as IDataObject[];
		sandbox().fault({ on: 'POST /tools/:id/invoke', kind: 'reset', when: 'after' });
		// Whether it still waits cannot be seen in the first try.
		sandbox().fault({ on: 'GET /chats/:id/messages', kind: 'status', status: 403, skip: 1 });
		const run = await retried({
			parameters: {
				operation: 'respond',
				chatId: String(item?.['chat_id']),
				callId: String(pending?.['id']),
			},
		});
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)).toMatchObject([{ status: 'completed', text: 'Done.' }]);
	});
});
