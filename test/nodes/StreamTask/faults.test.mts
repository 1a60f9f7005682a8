/** What goes wrong with streams does not show in the updates. */
import { describe, expect, it } from 'vitest';
import type { StreamFaultOptions } from '../../sandbox/index.mts';
import { clock, jsonOf, meanwhile, passing, useSandbox } from '../../engine/support.mts';
import { aMoment, until } from '../../until.mts';
import {
	comparable,
	drive,
	FINAL_OUTPUT,
	fromTheStart,
	linesOf,
	liveText,
	STEPS,
	streams,
	streamTask,
	updatesOf,
	type Step,
	type UpdateJson,
} from './support.mts';

const sandbox = useSandbox();
const STREAM = 'GET /tasks/:id/stream';

const EXPECTED = [
	{ seq: 1, status: 'received', changed: ['status'] },
	{ seq: 2, status: 'running', changed: ['status'] },
	{ seq: 3, status: 'preparing', changed: ['status', 'logs'], logs: ['loading'] },
	{ seq: 4, status: 'running', changed: ['status'] },
	{ seq: 5, status: 'running', changed: ['logs'], logs: ['grüße 🎈 1/2'] },
	{ seq: 6, status: 'running', changed: ['logs'], logs: ['half', '2/2'] },
	{ seq: 7, status: 'running', changed: ['output'], output: { preview: '👩‍💻' } },
	{ seq: 8, status: 'uploading', changed: ['status'] },
	{ seq: 9, status: 'completed', changed: ['status', 'output'], output: FINAL_OUTPUT },
];

/** A poll may come so late that a line without an end has been told as it is. */
const WHOLE_LINES: readonly Step[] = [
	...STEPS.slice(0, 2),
	...['grüße 🎈 1/2', '2/2'].map((line) => ({
		push: { logs: `${line}\n` },
		seen: ({ logs }: UpdateJson) => logs?.includes(line) ?? false,
	})),
	...STEPS.slice(4),
];
const OF_WHOLE_LINES = EXPECTED.map((update) =>
	update.seq === 6 ? { ...update, logs: ['2/2'] } : update,
);

describe('The updates are the same', () => {
	it('as those of a stream without faults', async () => {
		const run = await drive(sandbox());
		expect(comparable(updatesOf(run))).toEqual(EXPECTED);
		expect(jsonOf(run)).toMatchObject([{ status: 'completed', output: FINAL_OUTPUT }]);
		expect(sandbox().count('GET', /\/stream$/)).toBe(1);
	});

	const FAULTS: ReadonlyArray<readonly [what: string, fault: StreamFaultOptions]> = [
		['ends early without a word', { closeAfter: 0 }],
		['ends early after a snapshot', { closeAfter: 1 }],
		['ends early in the middle', { closeAfter: 4 }],
		['is reset', { resetAfter: 2 }],
		['has broken lines', { garbageAfter: 3 }],
		['arrives byte by byte, characters in pieces', { byteByByte: true }],
		['has CRLF line ends', { crlf: true }],
		['is SSE although NDJSON was asked for', { format: 'sse' }],
		[
			'is SSE, byte by byte, with broken frames',
			{ format: 'sse', byteByByte: true, garbageAfter: 2 },
		],
		['repeats every line', { duplicate: true }],
		['ends with a status but no output', { omitTerminalOutput: true }],
		['never tells the end', { omitTerminal: true }],
		['has no newline at its end', { noFinalNewline: true }],
		['repeats, breaks and closes', { duplicate: true, garbageAfter: 2, closeAfter: 5 }],
	];
	it.each(FAULTS)('if a stream %s', async (_what, fault) => {
		sandbox().fault({ on: STREAM, kind: 'stream', ...fault });
		const run = await drive(sandbox());
		expect(comparable(updatesOf(run))).toEqual(EXPECTED);
		expect(jsonOf(run)).toMatchObject([{ status: 'completed', output: FINAL_OUTPUT }]);
	});

	it.each([
		['every stream ends after a snapshot', { closeAfter: 1 }],
		['every stream is reset', { resetAfter: 1 }],
	])('if %s and polling takes over', async (_what, fault) => {
		sandbox().fault({ on: STREAM, kind: 'stream', times: Infinity, ...fault });
		const run = await passing(drive(sandbox(), {}, WHOLE_LINES));
		expect(comparable(updatesOf(run))).toEqual(OF_WHOLE_LINES);
	});

	it('if streams are refused for a while', async () => {
		sandbox().fault({ on: STREAM, kind: 'status', status: 502, body: '<html>', times: 2 });
		sandbox().fault({ on: 'GET /tasks/:id', kind: 'status', status: 503 });
		const run = await drive(sandbox());
		expect(comparable(updatesOf(run))).toEqual(EXPECTED);
	});

	it.each([
		['partial updates have zero values in their other fields', { partials: 'zeroed' }],
		['logs are one text', { logsAs: 'text' }],
		[
			'events are named as the documentation shows them',
			{ streamFormat: 'sse', sseEvents: 'named' },
		],
		['the stream stays open after the end', { streamClosesAfterTerminal: false }],
		['answers are in the first envelope', { envelope: 'v1' }],
	] as const)('if %s', async (_what, settings) => {
		sandbox().configure(settings);
		const run = await drive(sandbox());
		expect(comparable(updatesOf(run))).toEqual(EXPECTED);
	});

	it('if the task is polled', async () => {
		const options = { follow: 'poll', pollInterval: 0.1 };
		const run = await passing(drive(sandbox(), { options }, WHOLE_LINES));
		expect(comparable(updatesOf(run))).toEqual(OF_WHOLE_LINES);
		expect(sandbox().count('GET', /\/stream$/)).toBe(0);
	});
});

describe('A stream that says nothing but heartbeats', () => {
	it('is left when the task is over', async () => {
		sandbox().fault({ on: STREAM, kind: 'stream', onlyHeartbeats: true, heartbeatMs: 20 });
		const running = fromTheStart(sandbox(), {
			app: 'sandbox/video',
			items: [{ prompt: 'x', steps: 2 }],
		});
		const run = await meanwhile(running, async () => {
			await until(() => sandbox().tasks()[0]?.status === 'completed');
			await clock.pass(5_000);
		});
		const updates = updatesOf(run);
		expect(linesOf(updates)).toEqual(['loading model', 'step 1/2', 'step 2/2']);
		expect(updates.map(({ status }) => status)).toEqual(['received', 'completed']);
	});
});

describe('Text', () => {
	const ANSWER = { text: 'grüße', words: 40, delayMs: 1 };

	it.each([
		['without faults', {}],
		['if the stream repeats every line', { duplicate: true }],
		['if the stream arrives byte by byte', { byteByByte: true }],
		['if the stream has broken lines', { garbageAfter: 20 }],
		['if the stream is SSE', { format: 'sse' }],
		['if the stream ends early', { closeAfter: 25 }],
		['if the stream is reset', { resetAfter: 30 }],
		['if the stream never tells the end', { omitTerminal: true }],
	] as const)('is whole and never sent twice %s', async (_what, fault) => {
		for (const app of ['sandbox/writer', 'sandbox/llm']) {
			sandbox().fault({ on: STREAM, kind: 'stream', ...fault });
			const input = app === 'sandbox/llm' ? { ...ANSWER, tokens: 40 } : ANSWER;
			const run = await fromTheStart(sandbox(), { app, items: [input], streaming: true });
			const [result] = jsonOf(run);
			const { response } = result?.['output'] as { response: string };
			const texts = updatesOf(run).flatMap(({ text }) => (text === undefined ? [] : [text]));
			expect(texts.at(-1)).toBe(response);
			expect(texts.length).toBeGreaterThan(3);
			for (const [index, text] of texts.entries()) {
				expect(text.startsWith(texts[index - 1] ?? '')).toBe(true);
				expect(text).not.toBe(texts[index - 1]);
				expect(response.startsWith(text)).toBe(true);
			}
			// The writer logs before it writes.
			expect(liveText(run).replace(/^loading weights\n(prompt: 40 words\n)?/, '')).toBe(response);
		}
	});

	it('with a hole in it waits for the end', async () => {
		const started = streamTask(sandbox(), {
			app: 'sandbox/manual',
			items: [{}],
			streaming: true,
			options: { streamAs: 'text' },
		});
		sandbox().fault({ on: STREAM, kind: 'stream', closeAfter: 2 });
		// No second stream before what the first one is going to miss.
		sandbox().fault({ on: 'GET /tasks/:id', kind: 'delay', ms: 1, when: 'after' });
		sandbox().hold();
		await until(() => streams(sandbox()) >= 1);
		const id = sandbox().running()[0]?.id ?? '';
		sandbox().pushTask(id, { delta: { response: 'Hello' } });
		await until(() => sandbox().count('GET', /^\/tasks\/\w+$/) >= 1);
		sandbox().pushTask(id, { delta: { response: ' wor' } });
		sandbox().release();
		await until(() => streams(sandbox()) >= 2);
		for (let n = 0; n < 3; n += 1) {
			await aMoment();
			sandbox().pushTask(id, { delta: { response: '…' } });
		}
		sandbox().finishTask(id, { output: { response: 'Hello world…' } });
		const run = await started;
		const texts = updatesOf(run).flatMap(({ text }) => (text === undefined ? [] : [text]));
		expect(texts).toEqual(['Hello', 'Hello world…']);
		expect(liveText(run)).toBe('Hello world…');
	});
});
