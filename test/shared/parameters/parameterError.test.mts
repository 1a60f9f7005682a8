import { describe, expect, it } from 'vitest';
import { shown } from '../../../nodes/shared/parameters/parameterError.ts';

describe('a value in an error message', () => {
	it.each([
		['text', 'say "hi"', '"say \\"hi\\""'],
		['a number', 5, '5'],
		['an object', { a: [1, null] }, '{"a":[1,null]}'],
		['nothing', undefined, 'nothing'],
		['a function', () => 1, 'nothing'],
		['long text', 'x'.repeat(16e6), `"${'x'.repeat(199)}…`],
		['text that is just too long', 'x'.repeat(199), `"${'x'.repeat(199)}…`],
		['text that just fits', 'x'.repeat(198), `"${'x'.repeat(198)}"`],
		['a long list', Array<number>(1e6).fill(7), `[${'7,'.repeat(99)}7…`],
	])('is %s', (_what, value, expected) => {
		expect(shown(value)).toBe(expected);
	});

	it('may be nested without end', () => {
		const circle: Record<string, unknown> = {};
		circle['self'] = circle;
		const deep: unknown = JSON.parse('['.repeat(1e5) + ']'.repeat(1e5));
		for (const value of [circle, deep]) expect(shown(value)).toBe('a value that cannot be shown');
	});
});
