/** What the caller of a streaming execution gets while agents write. */
import { describe, expect, it } from 'vitest';
import { agentMessage, saying, type AgentOptions } from './support.mts';
import type { EngineRun } from '../../engine/engine.mts';
import { jsonOf } from '../../engine/support.mts';
import { useSandbox } from '../../useSandbox.mts';

const sandbox = useSandbox({ agentStartMs: 20 });
const LIVE = { streaming: true, mode: 'webhook' } as const;

/** Runs with a caller, who reads along. */
async function live(options: AgentOptions): Promise<EngineRun> {
	return await agentMessage(sandbox(), { ...LIVE, ...options });
}

const itemOf = (chunk: EngineRun['chunks'][number]) => chunk.metadata.itemIndex ?? 0;

/** Types and texts of an item's chunks, in order. */
function chunksOf(run: EngineRun, item = 0): string[] {
	return run.chunks
		.filter((chunk) => itemOf(chunk) === item)
		.map(({ type, content }) => (type === 'item' ? String(content) : `<${type}>`));
}

const textOf = (run: EngineRun, item = 0) =>
	chunksOf(run, item)
		.filter((chunk) => !chunk.startsWith('<'))
		.join('');

describe('the answer', () => {
	it('comes token by token', async () => {
		const run = await live({ items: saying('hello (200 ms)') });
		expect(chunksOf(run)).toEqual([
			'<begin>',
			'You ',
			'said ',
			'"hello ',
			'(200 ',
			'ms)".',
			'<end>',
		]);
		expect(jsonOf(run)).toMatchObject([{ text: textOf(run) }]);
	});

	it('comes as its message grows where there are no tokens', async () => {
		sandbox().configure({ agentDeltas: false });
		const run = await live({ items: saying('hello (200 ms)') });
		expect(chunksOf(run).length).toBeGreaterThan(4);
		expect(textOf(run)).toBe('You said "hello (200 ms)".');
	});

	it('comes at the end where the chat is polled', async () => {
		const run = await live({ options: { follow: 'poll' } });
		expect(chunksOf(run)).toEqual(['<begin>', 'You said "hello".', '<end>']);
	});

	it('of several messages has gaps between them', async () => {
		const run = await live({ agent: 'sandbox/researcher' });
		expect(textOf(run)).toBe('Let me look. \n\nFound: hello');
	});

	it('of each item is its own', async () => {
		const run = await live({ items: saying('one (100 ms)', 'two (100 ms)') });
		expect(textOf(run, 0)).toBe('You said "one (100 ms)".');
		expect(textOf(run, 1)).toBe('You said "two (100 ms)".');
	});

	it('ends where the agent waits for somebody, and goes on after the response', async () => {
		const run = await live({ agent: 'sandbox/support' });
		expect(chunksOf(run).at(-1)).toBe('<end>');
		expect(textOf(run)).toBe('I would refund that. ');
		const [item] = jsonOf(run);
		const [pending] = item?.['pending'] as Array<{ id: string }>;
		const next = await live({
			parameters: {
				operation: 'respond',
				chatId: String(item?.['chat_id']),
				callId: String(pending?.id),
			},
		});
		expect(textOf(next).trim()).toMatch(/Done\.$/);
	});

	it.each([
		['breaks', { kind: 'stream', resetAfter: 4 }],
		['ends early', { kind: 'stream', closeAfter: 5 }],
		['repeats itself', { kind: 'stream', duplicate: true }],
		['arrives byte by byte', { kind: 'stream', byteByByte: true }],
	] as const)('is whole and said once although its stream %s', async (_what, fault) => {
		sandbox().fault({ on: 'GET /chats/:id/stream', ...fault });
		const run = await live({ items: saying('hello my friend (250 ms)') });
		expect(textOf(run)).toBe('You said "hello my friend (250 ms)".');
	});

	it('is silent if that is wanted, and where nobody listens', async () => {
		expect((await live({ options: { streamAs: 'off' } })).chunks).toEqual([]);
		expect((await agentMessage(sandbox())).chunks).toEqual([]);
	});

	it('does not fail with a caller who has gone', async () => {
		const run = await live({
			adjustContext: (context) => {
				Object.assign(context, {
					sendChunk: async () => await Promise.reject(new Error('nobody is there')),
				});
			},
		});
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)).toMatchObject([{ text: 'You said "hello".' }]);
	});

	it('of a failing agent is ended', async () => {
		const run = await live({ agent: 'sandbox/failing', onError: 'continueRegularOutput' });
		expect(chunksOf(run)).toEqual(['<begin>', '<end>']);
	});
});
