import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkValue, type CheckedValue } from '../../../nodes/client/apps/fieldValue.ts';
import type { JsonObject } from '../../../nodes/client/util/json.ts';
import { readForm, type FieldKind } from '../../../nodes/client/apps/inputSchema.ts';

function kindOf(property: JsonObject): FieldKind {
	const [field] = readForm({ properties: { it: property } }).fields;
	if (!field) throw new Error('There is no field');
	return field.kind;
}

interface Place {
	readonly typed?: boolean;
	/** Names of the item's files. */
	readonly binary?: readonly string[];
}

function check(property: JsonObject, value: unknown, place: Place = {}): CheckedValue {
	const { typed = false, binary = [] } = place;
	const filesOf = (given: unknown) =>
		typeof given === 'string' && binary.includes(given) ? [given] : [];
	const fileNames = () => binary;
	return checkValue(value, kindOf(property), { path: 'it', typed, filesOf, fileNames });
}

/** What leaves for a value that passes. */
function leaves(property: JsonObject, value: unknown, place?: Place): unknown {
	const checked = check(property, value, place);
	if (checked.kind === 'wrong') throw new Error(checked.problem);
	return checked.kind === 'file' ? FILE_LATER : checked.value;
}

/** Stands for a value that leaves when its file has been uploaded. */
const FILE_LATER = Symbol('a file later');

/** The files that are taken, with their places. */
function filesOf(property: JsonObject, value: unknown, place?: Place): string[] {
	const checked = check(property, value, place);
	if (checked.kind === 'wrong') throw new Error(checked.problem);
	const files = checked.kind === 'file' ? [checked.file] : checked.files;
	return files.map(({ path, file }) => `${path} ← ${String(file)}`);
}

function problem(property: JsonObject, value: unknown, place?: Place): string {
	const checked = check(property, value, place);
	return checked.kind === 'wrong' ? checked.problem : `passes: ${JSON.stringify(checked)}`;
}

const FILE = { type: 'string', format: 'file' };
const FILES = { type: 'array', items: FILE };
const OLD_FILE = { type: 'object', properties: { uri: { type: 'string' } } };
const EITHER = { oneOf: [OLD_FILE, { type: 'string' }] };
const TEXT_OR_LIST = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] };
const PAIR = { type: 'array', items: { anyOf: [FILE, { type: 'boolean' }] } };
const LOADER = {
	type: 'object',
	properties: { name: { type: 'string' }, weights: FILE, scale: { type: 'number' } },
	required: ['name'],
};

describe('a value leaves exactly typed', () => {
	it.each<[what: string, property: JsonObject, value: unknown, out: unknown]>([
		['text', { type: 'string' }, ' a\n', ' a\n'],
		['text that was a number', { type: 'string' }, 5, '5'],
		['a whole number', { type: 'integer' }, 7, 7],
		['a number in text', { type: 'integer' }, ' 42 ', 42],
		['a fraction', { type: 'number' }, '-0.5e1', -5],
		['true', { type: 'boolean' }, 'TRUE', true],
		['false', { type: 'boolean' }, false, false],
		['1 as true', { type: 'boolean' }, 1, true],
		['0 in text as false', { type: 'boolean' }, ' 0 ', false],
		['a number, not a switch', { anyOf: [{ type: 'boolean' }, { type: 'number' }] }, 1, 1],
		['text, not a switch', { anyOf: [{ type: 'boolean' }, { type: 'string' }] }, '1', '1'],
		['a choice', { enum: ['a', 'b'] }, 'b', 'b'],
		['a number among choices', { enum: [1, 2] }, '2', 2],
		['the exact choice of two that look the same', { enum: [1, '1'] }, '1', '1'],
		['a list in JSON', { type: 'array', items: { type: 'integer' } }, '[1, "2"]', [1, 2]],
		['a list', { type: 'array', items: {} }, [1, 'a', null], [1, 'a', null]],
		['an object in JSON', { type: 'object' }, '{"a": [1]}', { a: [1] }],
		['an object', LOADER, { name: 5, scale: '2', more: null }, { name: '5', scale: 2, more: null }],
		['anything in JSON', {}, '{"a": 1}', { a: 1 }],
		['anything: a number', {}, '5', 5],
		['anything: quoted text', {}, '"5"', '5'],
		['anything: other text', {}, 'five', 'five'],
		['anything: null as text', {}, 'null', 'null'],
		['text of a union', TEXT_OR_LIST, 'https://a.example', 'https://a.example'],
		['JSON text of a union without objects', TEXT_OR_LIST, '{"a": 1}', '{"a": 1}'],
		['a number for a union of texts', TEXT_OR_LIST, '5', '5'],
		['a list of a union', TEXT_OR_LIST, '["a", "b"]', ['a', 'b']],
		['the number of a union', { anyOf: [{ type: 'string' }, { type: 'integer' }] }, '5', 5],
		['a URL', FILE, ' https://a.example/b c.png ', 'https://a.example/b c.png'],
		['the URI of a file object', FILE, { uri: 'inf://a', path: '/tmp/a' }, 'inf://a'],
		[
			'a file object where both pass',
			EITHER,
			{ uri: 'inf://a', size: 1 },
			{ uri: 'inf://a', size: 1 },
		],
		['a URL where both pass', EITHER, 'inf://a', 'inf://a'],
		['a URL where only objects pass', OLD_FILE, 'inf://a', { uri: 'inf://a' }],
		['a data URI', FILE, 'data:text/plain,a,b', 'data:text/plain,a,b'],
		['one file of several', FILES, 'https://a.example/1', ['https://a.example/1']],
		[
			'files in lines',
			FILES,
			'http://a/1\nhttp://a/2, http://a/3',
			['http://a/1', 'http://a/2', 'http://a/3'],
		],
		['a URL with commas', FILES, 'https://a/c_1,w_2/i.png', ['https://a/c_1,w_2/i.png']],
		['files in JSON', FILES, '["inf://a", {"uri": "inf://b"}]', ['inf://a', 'inf://b']],
		['one file object of several', FILES, { uri: 'inf://a' }, ['inf://a']],
		['one data URI of several', FILES, 'data:a,b', ['data:a,b']],
	])('%s', (_what, property, value, out) => {
		expect(leaves(property, value)).toEqual(out);
	});

	it('if it comes from an expression, text is text where text passes', () => {
		expect(leaves({}, '5', { typed: true })).toBe('5');
		expect(leaves(TEXT_OR_LIST, '["a"]', { typed: true })).toBe('["a"]');
		expect(leaves({ type: 'array', items: {} }, '["a"]', { typed: true })).toEqual(['a']);
	});
});

describe('a value is refused', () => {
	it.each<[property: JsonObject, value: unknown, problem: string]>([
		[{ type: 'string' }, { a: 1 }, 'must be text'],
		[{ type: 'string', minLength: 2 }, 'a', 'must be text with a length ≥ 2'],
		[
			{ type: 'string', minLength: 1, maxLength: 2 },
			'abc',
			'must be text with a length ≥ 1 and ≤ 2',
		],
		[{ type: 'integer', minimum: 1, maximum: 4 }, 5, 'must be a whole number ≥ 1 and ≤ 4'],
		[{ type: 'integer', minimum: 1 }, '0', 'must be a whole number ≥ 1'],
		[{ type: 'integer' }, 1.5, 'must be a whole number'],
		[{ type: 'number', exclusiveMinimum: 0 }, 0, 'must be a number > 0'],
		[{ type: 'number', exclusiveMaximum: 1 }, 1, 'must be a number < 1'],
		[{ type: 'number' }, 'ten', 'must be a number'],
		[{ type: 'number' }, '  ', 'must be a number'],
		[{ type: 'number' }, Infinity, 'must be a number'],
		[{ type: 'number' }, true, 'must be a number'],
		[{ type: 'boolean' }, 'yes', 'must be true or false'],
		[{ type: 'boolean' }, 2, 'must be true or false'],
		[{ enum: ['a', 'b'] }, 'c', 'must be one of a, b'],
		[{ enum: ['a', 'b'] }, ['a'], 'must be one of a, b'],
		[{ type: 'array', items: {} }, 'a, b', 'must be a JSON array'],
		[{ type: 'array', items: {} }, '{}', 'must be a JSON array'],
		[
			{ type: 'array', minItems: 2, maxItems: 3 },
			[1],
			'must have a number of elements ≥ 2 and ≤ 3',
		],
		[
			{ type: 'array', items: { type: 'integer', minimum: 0 } },
			'[1, -1]',
			'has an element 1 that must be a whole number ≥ 0',
		],
		[{ type: 'object' }, '[1]', 'must be a JSON object'],
		[{ type: 'object' }, 'text', 'must be a JSON object'],
		[LOADER, { scale: 1 }, 'must be a JSON object with name'],
		[LOADER, '{"name": "a", "scale": "b"}', 'has a scale that must be a number'],
		[{ anyOf: [{ type: 'integer' }, { type: 'boolean' }] }, 'x', 'must be a whole number'],
		[FILE, 'picture', 'must be a URL, or the name of a binary field of the item (which has none)'],
		[FILE, 5, 'must be a URL, or the name of a binary field of the item (which has none)'],
		[
			FILE,
			{},
			'must be a URL, or the name of a binary field of the item (which has none), or an expression that gives one file',
		],
		[
			FILES,
			'https://a/1\npicture',
			'has an element 1 that must be a URL, or the name of a binary field of the item (which has none)',
		],
		[
			FILES,
			[null],
			'has an element 0 that must be a URL, or the name of a binary field of the item (which has none)',
		],
	])('by %j: %j', (property, value, expected) => {
		expect(problem(property, value)).toBe(expected);
	});
});

describe('a file of the item', () => {
	const binary = ['data', 'second one', '5'];

	it.each<[property: JsonObject, value: unknown, out: unknown, taken: string[]]>([
		[FILE, 'data', FILE_LATER, ['it ← data']],
		[OLD_FILE, 'data', FILE_LATER, ['it.uri ← data']],
		[EITHER, 'data', FILE_LATER, ['it ← data']],
		[FILES, 'data', [null], ['it.0 ← data']],
		[FILES, '5', [null], ['it.0 ← 5']],
		[
			FILES,
			'inf://a, data,  second one',
			['inf://a', null, null],
			['it.1 ← data', 'it.2 ← second one'],
		],
		[{ type: 'array', items: OLD_FILE }, '["data"]', [null], ['it.0.uri ← data']],
		[
			{ type: 'array', items: LOADER },
			[{ name: 'a', weights: 'data' }],
			[{ name: 'a', weights: null }],
			['it.0.weights ← data'],
		],
		[{ anyOf: [FILES, FILE, { type: 'integer' }] }, 'data', [null], ['it.0 ← data']],
		[{ anyOf: [FILE, { type: 'integer' }] }, 'data', FILE_LATER, ['it ← data']],
		[{ anyOf: [PAIR, { type: 'string' }] }, '["data", 5]', '["data", 5]', []],
	])('is taken by %j for %j', (property, value, out, expected) => {
		expect(leaves(property, value, { binary })).toEqual(out);
		expect(filesOf(property, value, { binary })).toEqual(expected);
	});

	it('goes before a URL of the same spelling', () => {
		expect(filesOf(FILE, 'a:b', { binary: ['a:b'] })).toEqual(['it ← a:b']);
	});

	it('is found however many there are, and whatever is around them', () => {
		const names = Array<string>(200_000).fill('data');
		const inside = { type: 'object', properties: { list: FILES } };
		expect(filesOf(inside, { list: names }, { binary })).toHaveLength(names.length);
		expect(leaves(FILES, `a:1,${' '.repeat(200_000)}b:2`)).toEqual(['a:1', 'b:2']);
		expect(leaves(FILES, `data${' '.repeat(200_000)},data`, { binary })).toEqual([null, null]);
	});

	it('is not taken by text', () => {
		expect(leaves({ type: 'string' }, 'data', { binary })).toBe('data');
	});
});

/** Schemas with values that fit them, made together. */
const fitting: fc.Arbitrary<{ property: JsonObject; value: unknown }> = fc.oneof(
	fc.string().map((value) => ({ property: { type: 'string' }, value })),
	fc.tuple(fc.string({ unit: 'grapheme' }), fc.nat(5)).map(([value, room]) => ({
		property: { type: 'string', maxLength: [...value].length + room },
		value,
	})),
	fc.tuple(fc.integer(), fc.nat(), fc.nat()).map(([value, below, above]) => ({
		property: { type: 'integer', minimum: value - below, maximum: value + above },
		value,
	})),
	fc
		.double({ noNaN: true, noDefaultInfinity: true })
		.map((value) => ({ property: { type: 'number' }, value })),
	fc.boolean().map((value) => ({ property: { type: 'boolean' }, value })),
	fc
		.uniqueArray(fc.oneof(fc.string(), fc.integer()), { minLength: 1, selector: String })
		.chain((choices) =>
			fc.constantFrom(...choices).map((value) => ({ property: { enum: choices }, value })),
		),
	fc.array(fc.integer()).map((value) => ({
		property: { type: 'array', items: { type: 'integer' }, maxItems: value.length },
		value,
	})),
	fc
		.dictionary(fc.string(), fc.jsonValue())
		.map((value) => ({ property: { type: 'object' }, value })),
);

describe('whatever fits', () => {
	it('passes unchanged, also beside null and within a list', () => {
		fc.assert(
			fc.property(fitting, fc.boolean(), ({ property, value }, typed) => {
				expect(leaves(property, value, { typed })).toEqual(value);
				const nullable = { anyOf: [property, { type: 'null' }], default: null };
				expect(leaves(nullable, value, { typed })).toEqual(value);
				expect(leaves({ type: 'array', items: property }, [value])).toEqual([value]);
			}),
		);
	});

	it('passes as the text that a form holds', () => {
		fc.assert(
			fc.property(fitting, ({ property, value }) => {
				const entered = typeof value === 'string' ? value : JSON.stringify(value);
				// JSON has no −0.
				const expected: unknown = typeof value === 'string' ? value : JSON.parse(entered);
				expect(leaves(property, entered)).toEqual(expected);
			}),
		);
	});

	it('and what does not is refused in words, never with an exception', () => {
		fc.assert(
			fc.property(fitting, fc.anything(), fc.boolean(), ({ property }, value, typed) => {
				const checked = check(property, value, { typed });
				if (checked.kind === 'wrong') expect(checked.problem).toMatch(/^(must|has) /);
			}),
		);
	});

	it('stays within its range', () => {
		fc.assert(
			fc.property(fc.integer(), fc.integer(), fc.integer(), (value, one, other) => {
				const [minimum, maximum] = [Math.min(one, other), Math.max(one, other)];
				const { kind } = check({ type: 'integer', minimum, maximum }, value);
				expect(kind === 'value').toBe(value >= minimum && value <= maximum);
			}),
		);
	});
});

it('checks what is deep inside once for each kind, not once for each way to get there', () => {
	const types = Array.from({ length: 8 }, (_, at) => `T${at}`);
	const union = { anyOf: types.map((name) => ({ $ref: `#/$defs/${name}` })) };
	const $defs = Object.fromEntries(
		types.map((name) => [
			name,
			{ type: 'object', properties: { inside: union, end: { type: 'integer' } } },
		]),
	);
	const [field] = readForm({ properties: { it: union }, $defs }).fields;
	let looks = 0;
	const leaf = Object.defineProperty({}, 'end', {
		enumerable: true,
		get: () => {
			looks += 1;
			return 'no number';
		},
	});
	const value = Array.from({ length: 5 }).reduce<object>((inside) => ({ inside }), leaf);
	const place = { path: 'it', typed: true, filesOf: () => [], fileNames: () => [] };

	const checked = field && checkValue(value, field.kind, place);

	expect(checked?.kind).toBe('wrong');
	expect(looks).toBeLessThan(100);
});
