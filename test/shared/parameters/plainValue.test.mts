import { describe, expect, it } from 'vitest';
import { plainValue } from '../../../nodes/shared/parameters/plainValue.ts';

describe('a value', () => {
	const at = new Date(0);
	const ISO = at.toISOString();

	it.each([
		['a date', at, ISO],
		['what has a date inside', { a: [{ at }, 1] }, { a: [{ at: ISO }, 1] }],
		['what another one has made of a date', { toJSON: () => ({ at }) }, { at: ISO }],
		['a boxed number', [Object(5), Object('a'), Object(false)], [5, 'a', false]],
		['a small BigInt', { a: [5n] }, { a: [5] }],
		['a large BigInt', 2n ** 53n + 1n, '9007199254740993'],
		['an address', new URL('https://a.example/b'), 'https://a.example/b'],
		['a key that is a word of JavaScript', { toJSON: 'x', at }, { toJSON: 'x', at: ISO }],
	])('becomes plain: %s', (_what, value, expected) => {
		expect(plainValue(value)).toEqual({ kind: 'plain', value: expected });
	});

	it.each(['text', 5, 2 ** 60, -0, null, undefined, true, { a: [1, { b: null }] }, []])(
		'that is plain stays what it is: %j',
		(value) => {
			const made = plainValue(value);
			expect(made.kind === 'plain' && Object.is(made.value, value)).toBe(true);
		},
	);

	it('keeps its keys as they are', () => {
		const value: unknown = JSON.parse('{"__proto__": {"at": 1}, "b": 2}');
		Object.assign(value as object, { at });
		expect(JSON.stringify(plainValue(value))).toBe(
			`{"kind":"plain","value":{"__proto__":{"at":1},"b":2,"at":"${ISO}"}}`,
		);
	});

	it.each([
		[NaN, 'is NaN, which cannot be sent'],
		[{ a: [-Infinity] }, 'has -Infinity at a.0, which cannot be sent'],
		[new Date(NaN), 'is an invalid date, which cannot be sent'],
		[{ a: { b: () => 1 } }, 'has a function at a.b, which cannot be sent'],
		[[Symbol('a')], 'has a symbol at 0, which cannot be sent'],
		[{ a: new Set([1]) }, 'has a Set at a, which cannot be sent'],
		[new Map(), 'is a Map, which cannot be sent'],
	])('that JSON would lose is refused: %#', (value, problem) => {
		expect(plainValue(value)).toEqual({ kind: 'unusable', problem });
	});

	it.each([[{ id: 2 ** 53 }], [[2n ** 64n]], [{ a: { toJSON: () => [2 ** 60] } }]])(
		'that n8n may have rounded is refused: %#',
		(value) => {
			expect(plainValue(value)).toMatchObject({
				kind: 'unusable',
				problem: expect.stringContaining('exactly only up to 9007199254740991') as string,
			});
		},
	);

	it('that contains itself, or is too deep, is refused', () => {
		const circle: Record<string, unknown> = { at };
		circle['self'] = { circle };
		const deep: unknown = JSON.parse('['.repeat(1e6) + ']'.repeat(1e6));
		for (const value of [circle, deep, { toJSON: () => circle }]) {
			expect(plainValue(value)).toMatchObject({
				kind: 'unusable',
				problem: expect.stringContaining('levels deep') as string,
			});
		}
	});

	it('is looked at once, however often a part of it is there', () => {
		let shared: unknown = at;
		for (let level = 0; level < 900; level += 1) shared = [shared, shared];
		expect(plainValue(shared)).toMatchObject({ kind: 'plain' });
	});
});
