import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shortened } from '../../../nodes/client/util/shortened.ts';

describe('shortened', () => {
	it('keeps beginning and end, and says how much is missing', () => {
		const text = `It began${' and went on'.repeat(100)} and ended`;
		expect(shortened(text, 42)).toBe(
			'It began and went on … (1181 characters left out) … went on and ended',
		);
	});

	it('leaves alone what is short enough', () => {
		expect(shortened('a b c', 5)).toBe('a b c');
	});

	it('keeps most of a text without words', () => {
		const text = shortened('a'.repeat(1_000_000), 4_000);
		expect(text.length).toBeGreaterThan(2_900);
		expect(text.length).toBeLessThan(4_100);
	});

	it('never leaves a piece of a word', () => {
		const word = 'inf_secret';
		for (let length = 200; length < 230; length += 1) {
			const text = shortened(Array(100).fill(word).join(' '), length);
			expect(text.replaceAll(word, '')).not.toMatch(/inf|cret/);
		}
	});

	it('never leaves half a character', () => {
		fc.assert(
			fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 2, max: 9 }), (text, length) => {
				expect(shortened(text, length)).not.toMatch(/\p{Cs}/u);
			}),
		);
		expect(shortened('🎈'.repeat(5_000), 4_001)).not.toMatch(/\p{Cs}/u);
	});
});
