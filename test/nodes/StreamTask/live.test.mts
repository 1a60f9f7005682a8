/** What the caller of a streaming execution gets while tasks run. */
import type { IExecuteFunctions } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import {
	clock,
	FROM_ITEM,
	jsonOf,
	meanwhile,
	objectIn,
	useSandbox,
} from '../../engine/support.mts';
import { nextTurn, until } from '../../until.mts';
import {
	chunksOf,
	drive,
	EXISTING,
	fromTheStart,
	liveText,
	startManual,
	startTask,
	streams,
	streamTask,
	updatesOf,
	type LiveChunk,
} from './support.mts';

const sandbox = useSandbox();
const LIVE = { streaming: true, mode: 'webhook' } as const;

/** Replaces the way to the caller; everything else stays n8n's. */
function sendThrough(send: (...chunk: unknown[]) => unknown): (context: IExecuteFunctions) => void {
	return (context) => void Object.assign(context, { sendChunk: send });
}

/** The chunks of one item, in order. */
function ofItem(chunks: readonly LiveChunk[], item: number): LiveChunk[] {
	return chunks.filter((chunk) => chunk.item === item);
}

describe('Text', () => {
	it('comes token by token while the task is running', async () => {
		const { id, started, live } = await startManual(sandbox(), LIVE);
		let sent = '';
		for (const response of ['Grüße', ' aus', ' dem', ' Sand']) {
			sandbox().pushTask(id, { delta: { response } });
			sent += response;
			await until(() => live() === sent);
		}
		expect(sandbox().running()).toHaveLength(1);
		sandbox().finishTask(id, { output: { response: 'Grüße aus dem Sandkasten' } });
		const run = await started;
		expect(chunksOf(run).map(({ type, content }) => content ?? type)).toEqual([
			'begin',
			'Grüße',
			' aus',
			' dem',
			' Sand',
			'kasten',
			'end',
		]);
	});

	it('is spread over the time that the task takes', async () => {
		// Updates are held back, tokens are not.
		const options = { minInterval: 3_600 };
		const { id, started, live } = await startManual(sandbox(), { ...LIVE, options });
		const words = ['It ', 'takes ', 'its ', 'time.'];
		for (const [index, response] of words.entries()) {
			await clock.pass(60_000);
			sandbox().pushTask(id, { delta: { response } });
			await until(() => live() === words.slice(0, index + 1).join(''));
		}
		sandbox().finishTask(id, { output: { response: words.join('') } });
		const run = await started;
		const times = chunksOf(run)
			.filter(({ type }) => type === 'item')
			.map(({ at }) => at);
		expect(times).toHaveLength(4);
		for (const [index, at] of times.slice(1).entries()) {
			expect(at - (times[index] ?? 0)).toBeGreaterThanOrEqual(60_000);
		}
		expect(updatesOf(run)).toHaveLength(2);
	});

	it('is the log of an app that does not answer in words', async () => {
		const { id, started, live } = await startManual(sandbox(), LIVE);
		let logged = '';
		for (const logs of ['loading model\n', 'step 1/2\n', 'step 2/2\n']) {
			sandbox().pushTask(id, { logs });
			logged += logs;
			await until(() => live() === logged);
		}
		sandbox().finishTask(id, { output: { video: 'https://files.example/x.mp4' } });
		expect(chunksOf(await started).map(({ type, content }) => content ?? type)).toEqual([
			'begin',
			'loading model\n',
			'step 1/2\n',
			'step 2/2\n',
			'end',
		]);
	});

	it('comes at the end if there were no tokens', async () => {
		const run = await streamTask(sandbox(), {
			...LIVE,
			app: 'sandbox/llm',
			items: [{ text: 'hi', tokens: 6, delayMs: 10 }],
			options: { follow: 'poll', pollInterval: 0.1 },
		});
		expect(liveText(run)).toBe(objectIn(jsonOf(run)[0], 'output')['response']);
	});

	it('whose first tokens were missed comes at the end, once', async () => {
		sandbox().fault({ on: 'GET /tasks/:id/stream', kind: 'delay', ms: 60, when: 'before' });
		sandbox().hold();
		const running = streamTask(sandbox(), {
			...LIVE,
			app: 'sandbox/llm',
			items: [{ text: 'hi', tokens: 20, delayMs: 10 }],
		});
		const run = await meanwhile(running, async () => {
			await until(() => streams(sandbox()) >= 1);
			sandbox().advance(60);
			sandbox().release();
		});
		const { response } = objectIn(jsonOf(run)[0], 'output');
		expect(chunksOf(run).flatMap(({ content }) => content ?? [])).toEqual([response]);
	});

	it('has no logs among its tokens', async () => {
		const { id, started, live } = await startManual(sandbox(), LIVE);
		sandbox().pushTask(id, { delta: { response: 'a' } });
		sandbox().pushTask(id, { logs: 'a line\n' });
		sandbox().pushTask(id, { delta: { response: 'b' } });
		await until(() => live() === 'ab');
		sandbox().finishTask(id, { output: { response: 'ab' } });
		expect(liveText(await started)).toBe('ab');
	});

	it('is not sent again if the service goes back', async () => {
		const STREAM = 'GET /tasks/:id/stream';
		sandbox().fault({ on: STREAM, kind: 'stream', closeAfter: 2 });
		sandbox().fault({ on: STREAM, kind: 'delay', ms: 1, when: 'before', skip: 1 });
		const { id, started, live } = await startManual(sandbox(), LIVE);
		sandbox().hold();
		sandbox().pushTask(id, { delta: { response: 'one two' } });
		await until(() => streams(sandbox()) >= 2);
		// The next stream begins with an older view, and what follows on it comes again.
		sandbox().pushTask(id, { output: { response: 'one' } });
		sandbox().advance(1);
		await nextTurn();
		for (const response of [' t', 'wo', ' three']) sandbox().pushTask(id, { delta: { response } });
		await until(() => live() === 'one two three');
		const beforeTheEnd = sandbox().running().length;
		sandbox().finishTask(id, { output: { response: 'one two three four' } });
		const run = await started;
		expect(beforeTheEnd).toBe(1);
		expect(chunksOf(run).flatMap(({ content }) => content ?? [])).toEqual([
			'one two',
			' three',
			' four',
		]);
		expect(updatesOf(run).flatMap(({ text }) => text ?? [])).toEqual([
			'one two',
			'one two three',
			'one two three four',
		]);
	});

	it('that turns out to be another one is not repeated', async () => {
		const { id, started, live } = await startManual(sandbox(), LIVE);
		sandbox().pushTask(id, { delta: { response: 'Helo' } });
		await until(() => live() === 'Helo');
		sandbox().finishTask(id, { output: { response: 'Hello' } });
		const run = await started;
		expect(liveText(run)).toBe('Helo');
		expect(jsonOf(run)[0]?.['output']).toEqual({ response: 'Hello' });
	});
});

describe('JSON', () => {
	it('is each update, when it is made', async () => {
		const run = await drive(sandbox(), { ...LIVE });
		const chunks = chunksOf(run);
		expect(chunks[0]?.type).toBe('begin');
		expect(chunks.at(-1)?.type).toBe('end');
		expect(chunks.slice(1, -1).map(({ content }) => JSON.parse(content ?? '') as unknown)).toEqual(
			updatesOf(run),
		);
	});

	it('is held back like the updates', async () => {
		const run = await streamTask(sandbox(), {
			...LIVE,
			app: 'sandbox/video',
			items: [{ prompt: 'x', steps: 10, stepMs: 5 }],
			options: { streamAs: 'json', minInterval: 3_600 },
		});
		expect(chunksOf(run).filter(({ type }) => type === 'item')).toHaveLength(2);
	});
});

describe('Several items', () => {
	it.each(['text', 'json'])('are never mixed (%s)', async (streamAs) => {
		const items = ['a', 'b', 'c', 'd', 'e', 'f'].map((text, index) => ({
			app: index % 3 === 2 ? 'sandbox/video' : 'sandbox/llm',
			input:
				index % 3 === 2
					? { prompt: text, steps: 4, stepMs: 7 }
					: { text, tokens: 12, delayMs: 4 + index },
		}));
		const options = { ...LIVE, ...FROM_ITEM, items, options: { streamAs } };
		const run = await fromTheStart(sandbox(), {
			...options,
			parameters: { ...FROM_ITEM.parameters, concurrency: 6 },
		});
		const chunks = chunksOf(run);
		for (const [index, json] of jsonOf(run).entries()) {
			const own = ofItem(chunks, index);
			expect(own.map(({ type }) => type)).toEqual([
				'begin',
				...Array<string>(own.length - 2).fill('item'),
				'end',
			]);
			if (streamAs === 'json') {
				for (const { content } of own.slice(1, -1)) expect(content).toContain(String(json['id']));
				continue;
			}
			const { response } = objectIn(json, 'output');
			expect(liveText(run, index)).toBe(
				response ?? 'loading model\nstep 1/4\nstep 2/4\nstep 3/4\nstep 4/4\n',
			);
		}
		// They run at the same time, and so come their chunks.
		expect(chunks.findIndex(({ type, item }) => type === 'begin' && item === 1)).toBeLessThan(
			chunks.findIndex(({ type, item }) => type === 'end' && item === 0),
		);
	});

	it('end each, also those that fail', async () => {
		const run = await streamTask(sandbox(), {
			...LIVE,
			...FROM_ITEM,
			items: [
				{ app: 'sandbox/fail', input: {} },
				{ app: 'sandbox/paid', input: {} },
				{ app: '', input: {} },
				{ app: 'sandbox/llm', input: { text: 'x', tokens: 2 } },
			],
			onError: 'continueRegularOutput',
		});
		for (const item of [0, 1, 2]) {
			expect(ofItem(chunksOf(run), item).map(({ type }) => type)).toEqual(['begin', 'end']);
		}
		expect(liveText(run, 3)).toContain('You said');
	});
});

describe('A task in the place of one that has failed', () => {
	it('begins anew', async () => {
		const run = await streamTask(sandbox(), {
			...LIVE,
			app: 'sandbox/flaky',
			items: [{ key: 'k', failures: 1 }],
			options: { retryOn: ['taskFailed'], streamAs: 'json' },
		});
		const types = chunksOf(run).map(({ type }) => type);
		expect(types.filter((type) => type === 'begin')).toHaveLength(2);
		expect(types.filter((type) => type === 'end')).toHaveLength(2);
		const [first, second] = sandbox().tasks();
		const updates = updatesOf(run);
		expect(updates.filter(({ id }) => id === first?.id).at(-1)?.status).toBe('failed');
		expect(updates.find(({ id }) => id === second?.id)).toMatchObject({ seq: 1 });
	});
});

describe('Nothing is sent', () => {
	const llm = { app: 'sandbox/llm', items: [{ text: 'x', tokens: 4 }] };

	it('if the execution has nobody to stream to', async () => {
		const run = await streamTask(sandbox(), llm);
		expect(run.chunks).toEqual([]);
		expect(run.status).toBe('success');
	});

	it('if the trigger has started it without a caller', async () => {
		const run = await streamTask(sandbox(), { ...llm, streaming: true, mode: 'trigger' });
		expect(chunksOf(run)).toEqual([]);
	});

	it('if that is wanted', async () => {
		const run = await streamTask(sandbox(), { ...llm, ...LIVE, options: { streamAs: 'off' } });
		expect(chunksOf(run)).toEqual([]);
		expect(updatesOf(run).at(-1)).toMatchObject({ status: 'completed' });
	});

	it('in an n8n that knows no streaming', async () => {
		const run = await streamTask(sandbox(), {
			...llm,
			...LIVE,
			adjustContext: (context) => void Object.assign(context, { isStreaming: undefined }),
		});
		expect(run.status).toBe('success');
		expect(chunksOf(run)).toEqual([]);
	});
});

describe('A caller', () => {
	const llm = {
		...LIVE,
		app: 'sandbox/llm',
		items: [{ text: 'x', tokens: 8, delayMs: 5 }],
	};

	it.each([
		['has gone', async () => await Promise.reject(new Error('the caller has gone'))],
		[
			'makes sending throw',
			() => {
				throw new Error('no caller');
			},
		],
	])('that %s does not harm the run', async (_what, send) => {
		let calls = 0;
		const run = await fromTheStart(sandbox(), {
			...llm,
			adjustContext: sendThrough(() => {
				calls += 1;
				return send();
			}),
		});
		expect(run.status).toBe('success');
		expect(jsonOf(run)).toHaveLength(1);
		expect(calls).toBeGreaterThan(2);
	});

	it('that is slow gets everything in order, before the node ends', async () => {
		const got: Array<{ type: unknown; text: unknown }> = [];
		const run = await fromTheStart(sandbox(), {
			...llm,
			items: [{ text: 'x', tokens: 60, delayMs: 1 }],
			adjustContext: sendThrough(async (type, _item, text) => {
				// The first piece is taken only when the task is over.
				if (type === 'item') await until(() => sandbox().running().length === 0);
				got.push({ type, text });
			}),
		});
		expect(got.map(({ text }) => text ?? '').join('')).toBe(
			objectIn(jsonOf(run)[0], 'output')['response'],
		);
		expect(got[0]?.type).toBe('begin');
		expect(got.at(-1)?.type).toBe('end');
		// Pieces wait for each other in one chunk instead of one after another.
		expect(got.length).toBeLessThan(10);
	});

	it('that never takes a chunk does not hold up a Stop', async () => {
		// No time passes: the node ends without waiting for the caller.
		const run = await streamTask(sandbox(), {
			...LIVE,
			app: 'sandbox/manual',
			items: [{}],
			adjustContext: sendThrough(async () => await new Promise(() => {})),
			cancelAfter: until(() => streams(sandbox()) >= 1),
		});
		expect(run.status).toBe('canceled');
	});

	it('that never takes a chunk holds the node up for seconds only', async () => {
		const running = streamTask(sandbox(), {
			...llm,
			adjustContext: sendThrough(async () => await new Promise(() => {})),
		});
		const run = await meanwhile(running, async () => {
			await until(() => clock.waits.includes(5_000));
			await clock.pass(5_000);
		});
		expect(run.status).toBe('success');
	});
});

describe('An existing task', () => {
	it('is streamed on from what there is of it', async () => {
		const input = { text: 'x', words: 30, delayMs: 10 };
		sandbox().hold();
		const task = await startTask(sandbox(), 'sandbox/writer', input);
		await until(() => sandbox().running()[0]?.status === 'running');
		sandbox().advance(150);
		let live = '';
		const running = streamTask(sandbox(), {
			...LIVE,
			parameters: EXISTING,
			items: [{ task }],
			onChunk: ({ content = '' }) => void (live += content),
		});
		let over = false;
		void running.finally(() => (over = true));
		const run = await meanwhile(running, async () => {
			await until(() => streams(sandbox()) >= 1);
			while (!over) {
				const before = live;
				sandbox().advance(10);
				await until(() => over || live !== before || sandbox().running().length === 0);
				await nextTurn();
			}
		});
		const { response } = objectIn(jsonOf(run)[0], 'output');
		const pieces = chunksOf(run).flatMap(({ content }) => content ?? []);
		expect(pieces.join('')).toBe(`loading weights\nprompt: 30 words\n${String(response)}`);
		expect(pieces.length).toBeGreaterThan(8);
	});
});
