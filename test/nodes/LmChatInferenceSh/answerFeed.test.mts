/** The text of an answer while it is made: whole, in order, and with work that grows with it only. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { taskFromWire } from '../../../nodes/client/tasks/task.ts';
import { AnswerFeed } from '../../../nodes/LmChatInferenceSh/answerFeed.ts';

async function read(feed: AnswerFeed): Promise<string[]> {
	const pieces: string[] = [];
	for (let next = await feed.next(); next !== undefined; next = await feed.next())
		pieces.push(next);
	return pieces;
}

/** What there is to be read at once. */
const ready = async (feed: AnswerFeed) =>
	await Promise.race([feed.next(), new Promise<string>((resolve) => setImmediate(resolve, ''))]);

const showing = (output: object) => {
	const task = taskFromWire({ id: 't1', status: 7, output });
	if (!task) throw new Error('There is no task');
	return task;
};

describe('an answer', () => {
	it('comes whole, whatever of its stream was lost, came twice or was read late', async () => {
		const pieces = fc.array(fc.string({ minLength: 1, maxLength: 5 }), {
			minLength: 1,
			maxLength: 20,
		});
		const fates = fc.array(fc.constantFrom('comes', 'lost', 'twice', 'shown', 'read'), {
			minLength: 20,
			maxLength: 20,
		});
		await fc.assert(
			fc.asyncProperty(pieces, fates, async (all, what) => {
				const feed = new AnswerFeed();
				feed.opened();
				const got: string[] = [];
				for (const [index, response] of all.entries()) {
					const fate = what[index];
					if (fate === 'lost') feed.opened();
					else feed.delta({ response }, index + 1);
					if (fate === 'twice') feed.delta({ response }, index + 1);
					const soFar = all.slice(0, index + 1).join('');
					if (fate === 'shown') feed.changed(showing({ response: soFar }), ['output']);
					if (fate === 'read' && index === 0) got.push((await feed.next()) ?? '');
				}
				feed.complete(all.join(''));
				feed.end();
				got.push(...(await read(feed)));
				expect(got.join('')).toBe(all.join(''));
			}),
		);
	});

	it('that starts late is shown from the next view of the service on', async () => {
		const feed = new AnswerFeed();
		feed.opened();
		feed.delta({ response: 'lo' }, 2);
		feed.changed(showing({ response: 'Hello' }), ['output']);
		expect(await ready(feed)).toBe('Hello');
		feed.delta({ response: ' you' }, 3);
		expect(await ready(feed)).toBe(' you');
		feed.opened();
		feed.delta({ response: ' bye' }, 9);
		feed.changed(showing({ response: 'Hello you and bye' }), ['output']);
		expect(await ready(feed)).toBe(' and bye');
		feed.delta({ response: '!' }, 10);
		expect(await ready(feed)).toBe('!');
	});

	it('grows with the views of the service after its last delta', async () => {
		const feed = new AnswerFeed();
		feed.opened();
		feed.delta({ response: 'Hel' }, 1);
		feed.changed(showing({ response: 'Hello' }), ['output']);
		expect(await ready(feed)).toBe('Hello');
	});

	it('has no hole where the service leaves out a delta', async () => {
		const feed = new AnswerFeed();
		feed.opened();
		for (const [seq, response] of [
			[1, 'He'],
			[2, 'l'],
			[4, 'o'],
		] as const) {
			feed.delta({ response }, seq);
		}
		expect(await ready(feed)).toBe('Hel');
		feed.changed(showing({ response: 'Hello' }), ['output']);
		expect(await ready(feed)).toBe('lo');
	});

	it('that turns out otherwise comes once more', async () => {
		const feed = new AnswerFeed();
		feed.delta({ response: 'Hallo' }, 1);
		feed.complete('Hello');
		feed.end();
		expect((await read(feed)).join('')).toBe('Hallo\n\nHello');
	});

	it('waits for its next piece, and joins what nobody has read', async () => {
		const feed = new AnswerFeed();
		const first = feed.next();
		feed.delta({ response: 'a' }, 1);
		expect(await first).toBe('a');
		feed.delta({ response: 'b' }, 2);
		feed.delta({ response: 'c' }, 3);
		expect(await feed.next()).toBe('bc');
		const last = feed.next();
		feed.end();
		expect(await last).toBeUndefined();
	});
});

it('200,000 pieces are compared with nothing', async () => {
	const PIECES = 200_000;
	const feed = new AnswerFeed();
	const compare = vi.spyOn(String.prototype, 'startsWith');
	feed.opened();
	const lengths: number[] = [];
	for (let seq = 1; seq <= PIECES; seq += 1) {
		feed.delta({ response: 'word ' }, seq);
		if (seq % 1_000 === 0) lengths.push((await feed.next())?.length ?? 0);
	}
	feed.complete('word '.repeat(PIECES));
	feed.end();
	expect(await read(feed)).toEqual([]);
	const compared = compare.mock.contexts.reduce<number>(
		(sum, whole) => sum + String(whole).length,
		0,
	);
	compare.mockRestore();
	expect(lengths).toEqual(Array(200).fill(5_000));
	// The whole once, at the end.
	expect(compared).toBeLessThanOrEqual(3 * PIECES * 5);
});
