/** What the caller of a streaming execution gets while agents write. */
import { describe, expect, it } from 'vitest';
import { agentMessage, saying, type AgentOptions } from './support.mts';
import type { EngineRun } from '../../engine/engine.mts';
import { jsonOf, meanwhile, useSandbox } from '../../engine/support.mts';
import { nextTurn, until } from '../../until.mts';

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

/** Lets the agent say the next word when the one before has been heard. */
async function wordByWord(message: string): Promise<EngineRun> {
	sandbox().hold();
	let heard = '';
	const running = live({
		items: saying(message),
		onChunk: ({ type, content }) => void (heard += type === 'item' ? String(content) : ''),
	});
	let over = false;
	void running.finally(() => (over = true));
	return await meanwhile(running, async () => {
		await until(() => sandbox().count('GET', /\/stream$/) >= 1);
		while (!over) {
			sandbox().advance(1);
			await nextTurn();
			await until(() => over || heard === sandbox().chats()[0]?.messages.at(-1)?.text);
		}
	});
}

describe('the answer', () => {
	it('comes token by token', async () => {
		const run = await wordByWord('hello my friend');
		expect(chunksOf(run)).toEqual([
			'<begin>',
			'You ',
			'said ',
			'"hello ',
			'my ',
			'friend".',
			'<end>',
		]);
		expect(jsonOf(run)).toMatchObject([{ text: textOf(run) }]);
	});

	it('comes as its message grows where there are no tokens', async () => {
		sandbox().configure({ agentDeltas: false });
		const run = await wordByWord('hello my friend');
		expect(chunksOf(run)).toHaveLength(7);
		expect(textOf(run)).toBe('You said "hello my friend".');
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
		const run = await live({ items: saying('one', 'two') });
		expect(textOf(run, 0)).toBe('You said "one".');
		expect(textOf(run, 1)).toBe('You said "two".');
	});

	it('ends where the agent waits for somebody, and goes on after the response', async () => {
		const run = await live({ agent: 'sandbox/support' });
		expect(chunksOf(run).at(-1)).toBe('<end>');
		expect(textOf(run)).toBe(
			'I would refund that. \n\nWaits for approval of: refund (order: A-17, amount: 25)',
		);
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
		sandbox().hold();
		const run = await meanwhile(live({ items: saying('hello my friend') }), async () => {
			await until(() => sandbox().count('GET', /\/stream$/) >= 1);
			sandbox().release();
		});
		expect(textOf(run)).toBe('You said "hello my friend".');
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
