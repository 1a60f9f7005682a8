import { describe, expect, it } from 'vitest';
import { isJsonObject, listOf, sameJson, textOf } from '../../../nodes/client/util/json.ts';

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

	it.each<[left: unknown, right: unknown, same: boolean]>([
		[{ a: [1, { b: null }] }, { a: [1, { b: null }] }, true],
		[{ a: 1, b: 2 }, { b: 2, a: 1 }, false],
		[{ a: 1 }, { a: 1, b: undefined }, true],
		[[1], { 0: 1 }, false],
		[[], {}, false],
		[[1, 2], [1], false],
		[null, undefined, false],
		[null, {}, false],
		['1', 1, false],
	])('sameJson(%j, %j) is %s', (left, right, same) => {
		expect(sameJson(left, right)).toBe(same);
		expect(sameJson(right, left)).toBe(same);
	});

	it('compares values of any depth', () => {
		const deep = (end: string): unknown =>
			JSON.parse(`${'['.repeat(50_000)}${end}${']'.repeat(50_000)}`);
		expect(sameJson(deep('1'), deep('1'))).toBe(true);
		expect(sameJson(deep('1'), deep('2'))).toBe(false);
	});
});
