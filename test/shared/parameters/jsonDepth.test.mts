import { describe, expect, it } from 'vitest';
import { isTooDeep } from '../../../nodes/shared/parameters/jsonDepth.ts';

const lists = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));

describe('a value is nested too deep', () => {
	it.each([
		['text', 'a', false],
		['null', null, false],
		['1,000 levels', lists(1_000), false],
		['1,001 levels', lists(1_001), true],
		['1,000,000 levels', lists(1_000_000), true],
		['many levels of objects', JSON.parse('{"a":'.repeat(5_000) + '1' + '}'.repeat(5_000)), true],
		['what says itself how it is written', { toJSON: () => 1, deep: lists(5_000) }, false],
		['a long list', Array<unknown>(1_000_000).fill({ a: [] }), false],
	])('%s: %#', (_what, value, expected) => {
		expect(isTooDeep(value)).toBe(expected);
	});

	it('if it contains itself, however often', () => {
		const pair: unknown[] = [];
		pair.push(pair, { a: pair, b: [pair] });
		expect(isTooDeep(pair)).toBe(true);
	});

	it('but not if one part is there many times', () => {
		let shared: unknown = 'leaf';
		for (let level = 0; level < 900; level += 1) shared = [shared, shared];
		expect(isTooDeep(shared)).toBe(false);
	});
});
