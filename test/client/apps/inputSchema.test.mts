import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../nodes/client/util/json.ts';
import {
	readForm,
	type FieldKind,
	type FormField,
} from '../../../nodes/client/apps/inputSchema.ts';

const ANYTHING: FieldKind = { type: 'any', kinds: [] };
const text = (min?: number, max?: number): FieldKind => ({ type: 'text', min, max });
const list = (items: FieldKind, min?: number, max?: number): FieldKind => {
	return { type: 'list', items, min, max };
};
const number = (
	integer: boolean,
	limits: Partial<Record<'min' | 'max' | 'above' | 'below', number>> = {},
): FieldKind => ({
	type: 'number',
	integer,
	min: undefined,
	max: undefined,
	above: undefined,
	below: undefined,
	...limits,
});

const DEFINITIONS = {
	Size: { enum: ['small', 'large'], title: 'SizeEnum', type: 'string' },
	Count: { enum: [1, 2, 4], title: 'CountEnum', type: 'integer' },
	Upload: {
		$id: '/schemas/Upload',
		oneOf: [
			{ title: 'File', type: 'object', properties: { uri: { type: 'string' } } },
			{ type: 'string' },
		],
	},
	OldUpload: {
		title: 'File',
		type: 'object',
		properties: { uri: { anyOf: [{ type: 'string' }, { type: 'null' }], default: null } },
	},
	'100%': { type: 'boolean' },
	'a/b~c d': { type: 'integer' },
	Pair: {
		type: 'object',
		title: 'Pair',
		properties: { left: { type: 'string' }, right: { type: 'number', default: 1 } },
		required: ['left'],
	},
	Tree: {
		type: 'object',
		properties: { children: { type: 'array', items: { $ref: '#/$defs/Tree' } } },
	},
};

function field(property: JsonObject, extra: JsonObject = {}): FormField {
	const schema = { type: 'object', properties: { the_field: property }, $defs: DEFINITIONS };
	const [only] = readForm({ ...schema, ...extra }).fields;
	if (!only) throw new Error('There is no field');
	return only;
}
const kind = (property: JsonObject): FieldKind => field(property).kind;
const orNull = (property: JsonObject) => ({ anyOf: [property, { type: 'null' }], default: null });

describe('the kind of a field', () => {
	const choice: FieldKind = { type: 'choice', choices: ['small', 'large'] };
	it.each<[what: string, property: JsonObject, kind: FieldKind]>([
		['text', { type: 'string' }, text()],
		['text with limits', { type: 'string', minLength: 2, maxLength: 9 }, text(2, 9)],
		[
			'a whole number',
			{ type: 'integer', minimum: 1, maximum: 5 },
			number(true, { min: 1, max: 5 }),
		],
		[
			'a number with exclusive limits',
			{ type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
			number(false, { above: 0, below: 1 }),
		],
		['true or false', { type: 'boolean', default: false }, { type: 'boolean' }],
		['a choice', { enum: ['small', 'large'], type: 'string' }, choice],
		['a choice of numbers', { $ref: '#/$defs/Count' }, { type: 'choice', choices: [1, 2, 4] }],
		['a choice by reference', { $ref: '#/$defs/Size', default: 'small' }, choice],
		['a choice without null', { enum: ['small', 'large', null] }, choice],
		['a single choice', { const: 'only' }, { type: 'choice', choices: ['only'] }],
		[
			'a union of choices',
			{ anyOf: [{ $ref: '#/$defs/Size' }, { enum: ['huge'] }] },
			{ type: 'choice', choices: ['small', 'large', 'huge'] },
		],
		['a file', { type: 'string', format: 'file' }, { type: 'file', as: 'text' }],
		['a file in the older style', { $ref: '#/$defs/Upload' }, { type: 'file', as: 'either' }],
		['a file by its $id', { $ref: '/schemas/Upload' }, { type: 'file', as: 'either' }],
		['a file as an object', { $ref: '#/$defs/OldUpload' }, { type: 'file', as: 'object' }],
		[
			'an object with more than a uri',
			{ ...DEFINITIONS.Pair, properties: { uri: {}, left: {} } },
			{
				type: 'object',
				fields: [
					{
						id: 'uri',
						title: 'Uri',
						kind: ANYTHING,
						required: false,
						promoted: false,
						default: undefined,
					},
					{
						id: 'left',
						title: 'Left',
						kind: ANYTHING,
						required: true,
						promoted: false,
						default: undefined,
					},
				],
			},
		],
		[
			'several files',
			{ type: 'array', items: { type: 'string', format: 'file' }, minItems: 1, maxItems: 3 },
			list({ type: 'file', as: 'text' }, 1, 3),
		],
		['a list', { type: 'array', items: { type: 'integer' } }, list(number(true))],
		['a list of anything', { type: 'array', items: {} }, list(ANYTHING)],
		['a list of lists', { type: 'array', items: { type: 'array' } }, list(list(ANYTHING))],
		[
			'a free object',
			{ type: 'object', additionalProperties: true },
			{ type: 'object', fields: [] },
		],
		['anything', {}, ANYTHING],
		['a type nobody knows', { type: 'quaternion' }, ANYTHING],
		[
			'one of several kinds',
			{ anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
			{ type: 'any', kinds: [text(), list(text())] },
		],
		['a list of types', { type: ['string', 'null'], maxLength: 3 }, text(undefined, 3)],
		[
			'two types',
			{ type: ['string', 'boolean'] },
			{ type: 'any', kinds: [text(), { type: 'boolean' }] },
		],
		['a reference with a % that is none', { $ref: '#/$defs/100%' }, { type: 'boolean' }],
		['a reference with a % in full', { $ref: '#/$defs/100%25' }, { type: 'boolean' }],
		['a reference with escapes', { $ref: '#/$defs/a~1b~0c%20d' }, number(true)],
		['a reference of nothing but %', { $ref: '%E0%A4%A' }, ANYTHING],
		['a reference to what every object has', { $ref: '#/$defs/constructor' }, ANYTHING],
		['a reference that leads nowhere', { $ref: '#/$defs/Missing' }, ANYTHING],
	])('is %s', (_what, property, expected) => {
		expect(kind(property)).toEqual(expected);
		expect(kind(orNull(property))).toEqual(expected);
	});

	it('is that of the fields of an object', () => {
		const pair = kind({ $ref: '#/$defs/Pair' });
		expect(pair).toMatchObject({
			type: 'object',
			fields: [
				{ id: 'left', required: true, kind: text() },
				{ id: 'right', required: false, kind: number(false), default: 1 },
			],
		});
	});

	it('ends where a definition contains itself', () => {
		expect(JSON.stringify(kind({ $ref: '#/$defs/Tree' })).length).toBeLessThan(2000);
		const loop = { $defs: { A: { $ref: '#/$defs/B' }, B: { $ref: '#/$defs/A' } } };
		expect(field({ $ref: '#/$defs/A' }, loop).kind).toEqual(ANYTHING);
		const wide = { $defs: { W: { anyOf: [{ $ref: '#/$defs/W' }, { $ref: '#/$defs/W' }] } } };
		expect(field({ $ref: '#/$defs/W' }, wide).kind.type).toBe('any');
	});

	it('does not depend on keywords that it does not know', () => {
		expect(kind({ type: 'integer', gte: 5, choices: [1], 'x-other': {} })).toEqual(number(true));
	});
});

describe('a field', () => {
	it('is called what the schema calls it, never what a definition is called', () => {
		expect(field({ $ref: '#/$defs/Size' }).title).toBe('The Field');
		expect(field({ $ref: '#/$defs/Size', title: 'How Big' }).title).toBe('How Big');
	});

	it('is called what it is if its name is too long to be read', () => {
		const id = 'a_'.repeat(500);
		expect(readForm({ properties: { [id]: {} } }).fields[0]?.title).toBe(`A${id.slice(1)}`);
	});

	it('has the default beside a reference', () => {
		expect(field({ $ref: '#/$defs/Size', default: 'large' }).default).toBe('large');
		expect(field({ ...orNull({ type: 'boolean' }) }).default).toBeUndefined();
		expect(field({ type: 'boolean', default: false }).default).toBe(false);
	});
});

describe('a form', () => {
	const properties = {
		last: { type: 'string', default: '' },
		needed: { type: 'string' },
		shown: { type: 'string', 'x-promoted': true },
		alsoNeeded: { type: 'string' },
	};

	it('has promoted fields first, then required ones, each in the order of the schema', () => {
		const { fields } = readForm({ properties, required: ['alsoNeeded', 'needed'] });
		expect(fields.map(({ id }) => id)).toEqual(['shown', 'needed', 'alsoNeeded', 'last']);
		expect(fields.map(({ required }) => required)).toEqual([false, true, true, false]);
	});

	it('may need one of several fields', () => {
		const notNull = (id: string) => ({ properties: { [id]: { not: { type: 'null' } } } });
		const { fields, alternatives } = readForm({
			properties,
			anyOf: [notNull('last'), { required: ['needed', 'alsoNeeded'] }],
		});
		expect(alternatives).toEqual([['last'], ['needed', 'alsoNeeded']]);
		expect(fields.every(({ promoted }) => promoted)).toBe(true);
		expect(readForm({ properties, anyOf: [notNull('last'), {}] }).alternatives).toEqual([]);
	});

	it.each([
		['nothing', {}],
		['null for everything', { properties: null, required: null, anyOf: null, $defs: null }],
		['wrong types', { properties: [], required: 'a', anyOf: 'b', $defs: 'c' }],
	])('of %s is empty', (_what, schema) => {
		expect(readForm(schema)).toEqual({ fields: [], alternatives: [] });
	});

	it('comes out of any JSON, with a field for each property', () => {
		fc.assert(
			fc.property(
				fc.dictionary(fc.string(), fc.jsonValue()),
				fc.dictionary(fc.string(), fc.jsonValue()),
				fc.jsonValue(),
				(fields, definitions, rest) => {
					const form = readForm({
						properties: fields,
						$defs: definitions,
						required: rest,
						anyOf: rest,
					});
					expect(form.fields.map(({ id }) => id).sort()).toEqual(Object.keys(fields).sort());
				},
			),
		);
	});
});

/** A schema that counts how often something is read of it. */
function counting(schema: JsonObject): { readonly schema: JsonObject; reads: number } {
	const proxies = new WeakMap<object, object>();
	const counted = { schema, reads: 0 };
	const wrap = <T extends object>(value: T): T => {
		const known = proxies.get(value) as T | undefined;
		const proxy =
			known ??
			new Proxy(value, {
				get(target, key) {
					counted.reads += 1;
					const inner: unknown = Reflect.get(target, key);
					return typeof inner === 'object' && inner !== null ? wrap(inner) : inner;
				},
			});
		proxies.set(value, proxy);
		return proxy;
	};
	counted.schema = wrap(schema);
	return counted;
}

describe('a schema that somebody wants to be endless', () => {
	const ref = (name: string, more: JsonObject = {}) => ({ $ref: `#/$defs/${name}`, ...more });
	const times = <T,>(count: number, make: (index: number) => T) =>
		Array.from({ length: count }, (_, index) => make(index));
	const named = (prefix: string, count: number, make: (index: number) => unknown): JsonObject =>
		Object.fromEntries(times(count, (index) => [`${prefix}${index}`, make(index)]));
	const form = (definitions: JsonObject, properties: JsonObject = { first: ref('T0') }) => ({
		type: 'object',
		properties: { ...properties, plain: { type: 'boolean' } },
		$defs: definitions,
	});
	const sameDefinition = (size: number, definition: JsonObject) =>
		form(
			{ T: definition },
			named('first', size, () => ref('T', { title: 'One of many' })),
		);

	it.each<[what: string, schema: (size: number) => JsonObject]>([
		['references to itself in a union', () => form({ T0: { anyOf: times(10, () => ref('T0')) } })],
		[
			'references to itself in an object',
			() => form({ T0: { type: 'object', properties: named('p', 10, () => ref('T0')) } }),
		],
		[
			'references to the whole',
			() =>
				form(
					{},
					named('first', 10, () => ({ $ref: '#' })),
				),
		],
		[
			'types that contain each other',
			(size) =>
				form(
					named('T', 50, (from) => ({
						type: 'object',
						properties: named('p', size / 10, (to) => ({
							anyOf: [ref(`T${to % 50}`), { type: 'array', items: ref(`T${(from + to) % 50}`) }],
						})),
					})),
				),
		],
		[
			'unions that double',
			(size) =>
				form({
					...named('T', size, (at) => ({ anyOf: [ref(`T${at + 1}`), ref(`T${at + 1}`)] })),
					[`T${size}`]: { type: 'string' },
				}),
		],
		[
			'objects that double',
			(size) =>
				form(
					named('T', size, (at) => ({
						type: 'object',
						properties: { left: ref(`T${at + 1}`), right: ref(`T${at + 1}`, { title: 'Right' }) },
					})),
				),
		],
		[
			'a union of many',
			(size) => form({ T0: { anyOf: times(size, (at) => ({ minLength: at, type: 'string' })) } }),
		],
		[
			'an allOf in an allOf in an allOf',
			(size) => {
				const inside = times(size, () => 0).reduce<JsonObject>((inner) => ({ allOf: [inner] }), {
					type: 'string',
				});
				return form({ T0: inside });
			},
		],
		[
			'many references to a large object',
			(size) =>
				sameDefinition(size, {
					type: 'object',
					properties: named('p', size, () => ({ type: 'string' })),
				}),
		],
		[
			'many references to a large choice',
			(size) => sameDefinition(size, { enum: times(size, (at) => `choice ${at}`) }),
		],
		[
			'many references to a large union',
			(size) =>
				sameDefinition(size, { anyOf: times(size, (at) => ({ type: 'string', maxLength: at })) }),
		],
	])('%s costs no more than its size, and other fields stay', (_what, schemaOf) => {
		const [small, large] = [counting(schemaOf(1_000)), counting(schemaOf(4_000))];
		readForm(small.schema);
		const fields = readForm(large.schema).fields;

		expect(large.reads).toBeLessThan(Math.max(5 * small.reads, 1_000_000));
		expect(large.reads).toBeLessThan(2_000_000);
		expect(fields.find(({ id }) => id === 'plain')?.kind).toEqual({ type: 'boolean' });
		expect(fields.some(({ id }) => id.startsWith('first'))).toBe(true);
	});
});
