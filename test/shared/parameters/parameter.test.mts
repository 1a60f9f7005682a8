import type { INode } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { Parameter } from '../../../nodes/shared/parameters/parameter.ts';
import { workflows } from '../../engine/engine.mts';

const node: INode = {
	id: '1',
	name: 'Node',
	type: 'test.node',
	typeVersion: 1,
	position: [0, 0],
	parameters: {},
};

/** A parameter named Width of item 3. */
const width = (value: unknown) => new Parameter({ node, itemIndex: 3 }, 'Width', value);

/** What is wrong, without what all messages have in common. */
function problemOf(read: () => unknown): string {
	try {
		return `passes as ${JSON.stringify(read())}`;
	} catch (error) {
		expect(error).toBeInstanceOf(workflows.NodeOperationError);
		const { message } = error as Error;
		expect(message).toMatch(/^Parameter "Width" .* \[item 3\]$/s);
		return message.slice('Parameter "Width" '.length, -' [item 3]'.length);
	}
}

describe('a parameter', () => {
	it('that cannot be used is named with its item, and what to do', () => {
		const error = width('x').error('is odd', 'Make it even.');
		expect(error.message).toBe('Parameter "Width" is odd [item 3]');
		expect(error.description).toBe('Make it even.');
		expect(error.context['itemIndex']).toBe(3);
	});

	it('of the whole run is no fault of an item', () => {
		const error = new Parameter({ node, itemIndex: undefined }, 'Width', 0).mismatch('a list');
		expect(error.message).toBe('Parameter "Width" must be a list, but is 0');
		expect(error.context['itemIndex']).toBeUndefined();
	});

	it.each([undefined, null, '', ' \n', {}])('%j is blank', (value) => {
		expect(width(value).isBlank).toBe(true);
	});

	it.each([0, false, 'a', [], { a: undefined }])('%j is not blank', (value) => {
		expect(width(value).isBlank).toBe(false);
	});
});

describe('a number', () => {
	const bounds = { min: 1, max: 5 };

	it.each([
		[1, 1],
		[5, 5],
		['2.5', 2.5],
		[' 3 ', 3],
	])('%j is %d', (value, expected) => {
		expect(width(value).number(bounds)).toBe(expected);
	});

	it.each([0.9, 5.1, '', ' ', 'two', NaN, Infinity, null, undefined, true, [2], {}])(
		'%j is refused',
		(value) => {
			const shown =
				value === undefined
					? 'nothing'
					: typeof value === 'number'
						? String(value)
						: JSON.stringify(value);
			const expected = `must be a number from 1 to 5, but is ${shown}`;
			expect(problemOf(() => width(value).number(bounds))).toBe(expected);
		},
	);

	it('may have to be whole', () => {
		const whole = (value: unknown) => width(value).number({ ...bounds, integer: true });
		expect(whole('4')).toBe(4);
		expect(problemOf(() => whole(2.5))).toBe('must be a whole number from 1 to 5, but is 2.5');
	});

	it('of seconds becomes milliseconds, a week at most', () => {
		expect(width('0.0304').duration()).toBe(30);
		expect(problemOf(() => width(604_801).duration())).toContain('from 0 to 604800');
		expect(problemOf(() => width(0).duration(0.1))).toContain('from 0.1 to 604800');
	});
});

describe('a word', () => {
	it('is one of those that are allowed', () => {
		expect(width('b').oneOf(['a', 'b'])).toBe('b');
	});

	it.each(['c', 'B', '', null, ['a'], 1])('%j is refused', (value) => {
		const expected = `must be one of a, b, but is ${JSON.stringify(value)}`;
		expect(problemOf(() => width(value).oneOf(['a', 'b']))).toBe(expected);
	});
});

describe('text', () => {
	it('loses the blanks around it', () => {
		expect(width(' a b\n').text()).toBe('a b');
		expect(width(' a b\n').optionalText()).toBe('a b');
	});

	it.each([undefined, null, '', ' \n'])('%j is none', (value) => {
		expect(width(value).optionalText()).toBeUndefined();
		expect(problemOf(() => width(value).text())).toBe('is empty');
	});

	it('that is missing says what to do', () => {
		expect(() => width('').text('Enter one.')).toThrow(
			expect.objectContaining({ description: 'Enter one.' }) as Error,
		);
	});

	it.each([{}, ['a']])('%j is refused', (value) => {
		const expected = `must be text, but is ${JSON.stringify(value)}`;
		expect(problemOf(() => width(value).optionalText())).toBe(expected);
	});

	it('may be made of a number, a switch or a date', () => {
		expect(width(0).text()).toBe('0');
		expect(width(false).text()).toBe('false');
		expect(width(new Date(0)).text()).toBe('1970-01-01T00:00:00.000Z');
	});

	it.each([
		[NaN, 'is NaN, which cannot be sent'],
		[new Date(NaN), 'is an invalid date, which cannot be sent'],
		[
			2 ** 53 + 2,
			/^must be text: .* exactly only up to 9007199254740991, but is 9007199254740994$/,
		],
	])('is not made of %s', (value, problem) => {
		expect(problemOf(() => width(value).text())).toMatch(problem);
	});
});

describe('a URL', () => {
	it('is one of http or https', () => {
		expect(width(' https://a.example/b ').url()).toBe('https://a.example/b');
		expect(width('').optionalUrl()).toBeUndefined();
		expect(problemOf(() => width('').url())).toBe('is empty');
	});

	it.each(['ftp://a.example', 'a.example', 'javascript:1', '/x'])('%j is refused', (value) => {
		const expected = `must be an http or https URL, but is ${JSON.stringify(value)}`;
		expect(problemOf(() => width(value).optionalUrl())).toBe(expected);
	});
});

describe('a time', () => {
	it('leaves as RFC 3339', () => {
		expect(width('2030-06-01T09:30:00+02:00').optionalTime('Asia/Tokyo')).toBe(
			'2030-06-01T07:30:00.000Z',
		);
		expect(width(null).optionalTime('Asia/Tokyo')).toBeUndefined();
	});

	it('that is none is refused', () => {
		const expected = /^must be a date and time in ISO 8601, such as .*, but is "soon"$/;
		expect(problemOf(() => width('soon').optionalTime('Asia/Tokyo'))).toMatch(expected);
	});
});

describe('a JSON object', () => {
	it('is given as text or as it is', () => {
		expect(width('{"a": [1]}').jsonObject()).toEqual({ a: [1] });
		expect(width({ a: 1 }).jsonObject()).toEqual({ a: 1 });
	});

	it.each(['', '  ', {}, null])('%j is none', (value) => {
		expect(width(value).optionalJsonObject()).toBeUndefined();
	});

	it.each(['[1]', '1', 'null', [1], 1, null])('%j is refused', (value) => {
		expect(problemOf(() => width(value).jsonObject())).toMatch(/^must be a JSON object, but is /);
	});

	it('that is not valid JSON tells the place', () => {
		expect(problemOf(() => width('{"a": nul}').jsonObject())).toMatch(
			/^is not valid JSON \(.*line 1 column 7\): "\{\\"a\\": nul\}"$/,
		);
	});
});

describe('a list', () => {
	it('gives its elements as parameters of the same name', () => {
		const elements = width(['a', 5]).list();
		expect(elements[0]?.text()).toBe('a');
		expect(problemOf(() => elements[1]?.jsonObject())).toBe('must be a JSON object, but is 5');
	});

	it('may be given as JSON', () => {
		expect(
			width(' ["a"]')
				.list()
				.map((element) => element.text()),
		).toEqual(['a']);
		expect(problemOf(() => width('[1,').list())).toMatch(/^is not valid JSON/);
	});

	it.each(['a', { 0: 'a' }, null])('%j is refused', (value) => {
		const expected = `must be a list, but is ${JSON.stringify(value)}`;
		expect(problemOf(() => width(value).list())).toBe(expected);
	});
});
