import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineDecoder } from '../../../nodes/client/follow/lines.ts';

function decode(chunks: Iterable<Uint8Array>): string[] {
	const decoder = new LineDecoder();
	const lines: string[] = [];
	for (const chunk of chunks) lines.push(...decoder.push(chunk));
	return [...lines, ...decoder.flush()];
}

/** Cuts bytes into chunks of the given sizes, over and over; empty chunks are possible. */
function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
	const chunks: Uint8Array[] = [];
	for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
		const size = sizes[turn % sizes.length] ?? 1;
		chunks.push(bytes.subarray(at, at + size));
		at += size;
	}
	return chunks;
}

/** What the lines of a text are, in one expression; a last line that is empty is none. */
function linesOf(text: string): string[] {
	const lines = text.split(/\r?\n/);
	return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

const piece = fc.oneof(
	fc.string({ unit: 'binary' }),
	fc.string({ unit: 'grapheme' }),
	fc.constantFrom(
		'\n',
		'\r\n',
		'\n\n',
		'\r\n\r\n',
		'\r',
		'\n\r',
		'🎈',
		'é',
		'日本',
		'\u2028',
		'\0',
	),
);
/**
 * A lone `\r` at the very end is half a line end, a byte order mark is no part of the text, and what
 * begins with a character and a zero is UTF-16.
 */
const text = fc
	.array(piece, { maxLength: 20 })
	.map((pieces) => pieces.join('').replace(/^\uFEFF+/, ''))
	.filter((joined) => !joined.endsWith('\r') && !joined.slice(0, 2).includes('\0'));
const sizes = fc
	.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 20 })
	.filter((some) => some.some((size) => size > 0));

const encode = (some: string) => new TextEncoder().encode(some);

describe('LineDecoder', () => {
	it('gives the lines of any text however its bytes are cut', () => {
		fc.assert(
			fc.property(text, sizes, (whole, some) => {
				expect(decode(cut(encode(whole), some))).toEqual(linesOf(whole));
			}),
			{ numRuns: 1_000 },
		);
	});

	it('gives the same lines for any bytes, valid UTF-8 or not, however they are cut', () => {
		const bytes = fc.uint8Array({ maxLength: 200 });
		fc.assert(
			fc.property(bytes, sizes, (whole, some) => {
				expect(decode(cut(whole, some))).toEqual(decode([whole]));
			}),
			{ numRuns: 1_000 },
		);
	});

	it.each<[what: string, text: string, lines: string[]]>([
		['nothing', '', []],
		['one line without its end', 'a', ['a']],
		['one line', 'a\n', ['a']],
		['a blank line', '\n', ['']],
		['a blank line of the other kind', '\r\n', ['']],
		['a line after a blank one', '\n\na', ['', '', 'a']],
		['mixed line ends', 'a\r\nb\nc\r\n', ['a', 'b', 'c']],
		['a carriage return inside a line', 'a\rb\n', ['a\rb']],
		['only the one carriage return before the line end is part of it', 'a\r\r\n', ['a\r']],
		['a stream that ends in the middle of a line end', 'a\r', ['a']],
		['line separators that are no line ends', 'a\u2028b\u0085c\n', ['a\u2028b\u0085c']],
		['a byte order mark', '\uFEFFa\n', ['a']],
	])('reads %s', (_what, whole, lines) => {
		expect(decode(cut(encode(whole), [1]))).toEqual(lines);
		expect(decode([encode(whole)])).toEqual(lines);
	});

	it('gives a line as soon as its end has arrived', () => {
		const decoder = new LineDecoder();
		expect(decoder.push(encode('a\nb'))).toEqual(['a']);
		expect(decoder.push(encode('c\n'))).toEqual(['bc']);
		expect(decoder.flush()).toEqual([]);
	});

	it('shows a character that was cut off by the end of the stream as a replacement', () => {
		expect(decode([encode('🎈').subarray(0, 2)])).toEqual(['\uFFFD']);
	});

	it('refuses a line without an end before it fills the memory', () => {
		const decoder = new LineDecoder();
		const megabyte = new Uint8Array(1024 * 1024).fill(97);
		for (let count = 0; count < 64; count += 1) decoder.push(megabyte);
		expect(() => decoder.push(encode('a'))).toThrow(RangeError);
	});

	it('takes any number of bytes in lines of allowed length', () => {
		const decoder = new LineDecoder();
		const line = new Uint8Array(1024 * 1024).fill(97);
		line[line.length - 1] = 10;
		let count = 0;
		for (let turn = 0; turn < 80; turn += 1) count += decoder.push(line).length;
		expect(count).toBe(80);
	});
});
