import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, isJsonObject, listOf, textOf } from '../../../nodes/client/util/json.ts';

/** The same value with the keys of every object in another order. */
function reordered(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(reordered);
	if (!isJsonObject(value)) return value;
	return Object.fromEntries(
		Object.entries(value)
			.reverse()
			.map(([key, inner]) => [key, reordered(inner)]),
	);
}

const roundTrip = (value: unknown): unknown => JSON.parse(JSON.stringify(value) ?? 'null');

/** Few keys and values, so that equal pairs come up. */
const small = fc.letrec((tie) => ({
	value: fc.oneof(
		{ maxDepth: 3, withCrossShrink: true },
		fc.constantFrom(null, undefined, true, 0, -0, 1, 1.5, '', 'a', '1', NaN),
		fc.array(tie('value'), { maxLength: 2 }),
		fc.dictionary(fc.constantFrom('a', 'b', '1', '0', '__proto__'), tie('value'), {
			noNullPrototype: true,
		}),
	),
})).value;

describe('canonicalJson', () => {
	it('does not depend on the order of keys', () => {
		fc.assert(
			fc.property(fc.jsonValue(), (value) => {
				expect(canonicalJson(reordered(value))).toBe(canonicalJson(value));
			}),
		);
	});

	it('means the same value', () => {
		fc.assert(
			fc.property(fc.jsonValue(), (value) => {
				expect(JSON.parse(canonicalJson(value))).toEqual(roundTrip(value));
			}),
		);
	});

	it('is equal exactly for values that are equal once they have been sent', () => {
		fc.assert(
			fc.property(small, small, (left, right) => {
				const equal = isDeepStrictEqual(roundTrip(left), roundTrip(right));
				expect(canonicalJson(left) === canonicalJson(right)).toBe(equal);
			}),
			{ numRuns: 2_000 },
		);
	});

	it.each<[what: string, left: unknown, right: unknown]>([
		['a date and its text', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
		[
			'an object that says how it is sent',
			{ a: { toJSON: () => ({ y: 1, x: 2 }) } },
			{ a: { x: 2, y: 1 } },
		],
		['a field that is undefined and none', { a: undefined, b: 1 }, { b: 1 }],
		['undefined in a list and null', [undefined], [null]],
		['undefined and null', undefined, null],
		['a number that is none and null', { a: NaN }, { a: null }],
		['whole numbers, however written', { a: 1.0 }, JSON.parse('{"a":1e0}')],
		['an escaped character and itself', JSON.parse('"\\u00e9"'), 'é'],
	])('does not tell %s apart', (_what, left, right) => {
		expect(canonicalJson(left)).toBe(canonicalJson(right));
	});

	it.each<[what: string, left: unknown, right: unknown]>([
		['a number and its text', { a: 1 }, { a: '1' }],
		['no field and null', {}, { a: null }],
		['an empty list and an empty object', [], {}],
		['lists in another order', [1, 2], [2, 1]],
		['a key __proto__ and none', JSON.parse('{"__proto__":{"a":1}}'), {}],
		['what is under __proto__', JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":2}')],
	])('tells %s apart', (_what, left, right) => {
		expect(canonicalJson(left)).not.toBe(canonicalJson(right));
	});

	it('keeps the key __proto__ out of prototypes', () => {
		const text = canonicalJson(JSON.parse('{"b":1,"__proto__":{"polluted":true}}'));
		expect(text).toBe('{"__proto__":{"polluted":true},"b":1}');
		expect(Reflect.get({}, 'polluted')).toBeUndefined();
	});
});

describe('reading wire values', () => {
	it.each<[value: unknown, object: boolean]>([
		[{}, true],
		[Object.create(null), true],
		[null, false],
		[[], false],
		['{}', false],
		[undefined, false],
	])('isJsonObject(%j) is %s', (value, object) => {
		expect(isJsonObject(value)).toBe(object);
	});

	it('takes an empty text for none', () => {
		expect(['a', '', 1, null].map(textOf)).toEqual(['a', undefined, undefined, undefined]);
	});

	it('takes null and what is no list for an empty one', () => {
		expect([[1], null, undefined, {}, 'ab'].map(listOf)).toEqual([[1], [], [], [], []]);
	});
});
