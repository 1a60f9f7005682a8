import { describe, expect, it } from 'vitest';
import { Claims } from '../../../nodes/client/once/claims.ts';

describe('claims', () => {
	it('are given once for each task', () => {
		const claims = new Claims();
		claims.add('submitted');
		expect(['submitted', 'a', 'a', 'b'].map((id) => claims.take(id))).toEqual([
			false,
			true,
			false,
			true,
		]);
		expect(['submitted', 'a', 'b', 'c'].map((id) => claims.has(id))).toEqual([
			true,
			true,
			true,
			false,
		]);
	});

	it('are remembered for the latest 5,000', () => {
		const claims = new Claims();
		claims.add('old');
		for (let number = 1; number < 5_000; number += 1) claims.add(`task ${number}`);
		expect(claims.has('old')).toBe(true);
		claims.add('young');
		expect(['task 1', 'young', 'old'].map((id) => claims.has(id))).toEqual([true, true, false]);
	});
});
