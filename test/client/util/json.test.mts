import { describe, expect, it } from 'vitest';
import { isJsonObject, listOf, textOf } from '../../../nodes/client/util/json.ts';

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
