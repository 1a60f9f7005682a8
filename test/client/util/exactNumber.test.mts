import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedNumber, mayBeRounded } from '../../../nodes/client/util/exactNumber.ts';
import { parseExactly } from '../../../nodes/client/util/json.ts';

describe('a number of JavaScript may be rounded', () => {
	it.each([2 ** 53, 2 ** 53 + 2, -(2 ** 60), Number('12345678901234567890')])('%d', (value) =>
		expect(mayBeRounded(value)).toBe(true),
	);

	it.each([0, -1, 2 ** 53 - 1, 1e18, -123e15, 0.1 + 0.2, 1.2345678901234567e300, Infinity, NaN])(
		'but not %d',
		(value) => expect(mayBeRounded(value)).toBe(false),
	);
});

describe('a number in JSON is changed', () => {
	it.each([
		['9007199254740993', '9007199254740993'],
		['[1, -9007199254740993]', '-9007199254740993'],
		[
			'{"9007199254740993": "9007199254740993", "a": [{"b":12345678901234567891}]}',
			'12345678901234567891',
		],
		['{"a": "\\"9007199254740993\\\\", "b": 9007199254740995}', '9007199254740995'],
		['[1e400]', '1e400'],
		[`[${'9'.repeat(400)}]`, '9'.repeat(400)],
		[`[${'9'.repeat(30)}]`, '9'.repeat(30)],
	])('%s', (json, number) => expect(changedNumber(json)).toBe(number));

	it.each([
		'9007199254740992',
		'1000000000000000000',
		'100000000000000000000000',
		'0.12345678901234567890',
		'1.5e300',
		'-0',
		'"9007199254740993"',
		'{"9007199254740993": "\\\\", "b": "1e400"}',
	])('but not in %s', (json) => expect(changedNumber(json)).toBeUndefined());

	it('if and only if another whole number is written', () => {
		fc.assert(
			fc.property(fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }), (whole) => {
				const written = JSON.stringify({ a: [Number(whole)] });
				expect(changedNumber(`{"a":[${whole}]}`) === undefined).toBe(
					written === `{"a":[${whole}]}`,
				);
			}),
		);
	});

	it('and found in long texts, too', () => {
		const text = JSON.stringify('"\\ 9007199254740993 '.repeat(200_000));
		expect(parseExactly(`[${text}, 9007199254740993]`)).toEqual({
			kind: 'inexact',
			number: '9007199254740993',
		});
		expect(parseExactly(`[${text}]`)).toMatchObject({ kind: 'json' });
	});
});
