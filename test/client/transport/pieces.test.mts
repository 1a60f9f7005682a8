/** Pieces of a stream, and a stream of pieces: nothing is joined, lost or read ahead of its reader. */
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { piecesOf, readableLike } from '../../../nodes/client/transport/pieces.ts';
import { aMoment, until } from '../../until.mts';

/** Gives a piece whenever it is asked for one. */
function endless(): { readonly stream: Readable; readonly given: () => number } {
	let given = 0;
	const stream = new Readable({
		highWaterMark: 1,
		read() {
			given += 1;
			this.push(Buffer.alloc(1_000, given));
		},
	});
	return { stream, given: () => given };
}

async function read(pieces: AsyncIterable<unknown>): Promise<unknown[]> {
	const all: unknown[] = [];
	for await (const piece of pieces) {
		all.push(piece);
		await aMoment();
	}
	return all;
}

const READERS: ReadonlyArray<[string, (stream: Readable) => AsyncIterable<unknown>]> = [
	['iterated', piecesOf],
	['as a stream', (stream) => readableLike(stream, piecesOf(stream))],
];

describe.each(READERS)('%s', (_name, pieces) => {
	it('come as they are, also those that have waited', async () => {
		const sent = [...'abcdefghijkl'].map((letter) => Buffer.from(letter));
		const stream = new Readable({ read() {} });
		for (const piece of sent) stream.push(piece);
		stream.push(null);
		const got = await read(pieces(stream));
		expect(got).toHaveLength(sent.length);
		for (const [index, piece] of sent.entries()) expect(got[index]).toBe(piece);
	});

	it('are not taken before somebody reads them, but for a few', async () => {
		const { stream, given } = endless();
		const iterator = pieces(stream)[Symbol.asyncIterator]();
		await iterator.next();
		await until(() => stream.isPaused());
		await aMoment();
		expect(given()).toBeLessThan(20);
		await iterator.return?.();
	});

	it('close what they come from when the reader leaves', async () => {
		const { stream } = endless();
		for await (const piece of pieces(stream)) {
			if (piece) break;
		}
		await until(() => stream.destroyed);
	});

	it.each([
		['breaks', new Error('cut'), 'cut'],
		['is closed', undefined, 'the stream was closed'],
	])('fail when the stream %s', async (_what, reason, message) => {
		const { stream } = endless();
		stream.on('error', () => {});
		const reading = read(pieces(stream));
		await aMoment();
		stream.destroy(reason);
		await expect(reading).rejects.toThrow(message);
	});
});

it('need a class of streams that can be made from pieces', () => {
	const stream = new Readable({ read() {} });
	Object.defineProperty(stream, 'constructor', { value: class {} });
	expect(() => readableLike(stream, piecesOf(stream))).toThrow('what has arrived cannot be read');
	stream.destroy();
});
