/** Which files are found in an output: every one, in every shape, and nothing else. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findFiles, type OutputFile } from '../../../nodes/client/files/findFiles.ts';

const BASE = 'https://api.inference.sh';
const STORED = 'https://cloud.inference.sh/app/files/t/team/a.png';
const ELSEWHERE = 'https://example.com/a.png';
const FILE = { type: 'string', format: 'file' };
const LEGACY = {
	$id: '/schemas/File',
	oneOf: [
		{ type: 'object', title: 'File', properties: { uri: { type: 'string' } } },
		{ type: 'string' },
	],
};

/** Where files were found: dotted path → URL. */
function found(output: unknown, schema?: object): Record<string, string> {
	const files = findFiles(output, { baseUrl: BASE, schema: schema as Record<string, unknown> });
	return Object.fromEntries(files.map(({ path, url }) => [path.join('.'), url]));
}

const object = (properties: object, extra = {}) => ({ type: 'object', properties, ...extra });

describe('by the schema of the output', () => {
	it.each([
		['a file', { image: FILE }, { image: ELSEWHERE }, 'image'],
		[
			'an optional file',
			{ image: { anyOf: [FILE, { type: 'null' }], default: null } },
			{ image: ELSEWHERE },
			'image',
		],
		[
			'a list of files',
			{ images: { type: 'array', items: FILE } },
			{ images: [ELSEWHERE] },
			'images.0',
		],
		['an object for a file', { image: FILE }, { image: { url: ELSEWHERE, more: 1 } }, 'image'],
		['a file of the old kind', { image: { $ref: '#/$defs/File' } }, { image: ELSEWHERE }, 'image'],
		[
			'a list of the old kind',
			{ images: { type: 'array', items: { $ref: '#/$defs/File' } } },
			{ images: [{ uri: ELSEWHERE, width: 5 }] },
			'images.0',
		],
		[
			'a file of a definition that is missing',
			{ image: { $ref: '#/x/File' } },
			{ image: ELSEWHERE },
			'image',
		],
		[
			'a file inside a definition',
			{ page: { $ref: '#/$defs/Page' } },
			{ page: { shot: ELSEWHERE } },
			'page.shot',
		],
		[
			'files under any name',
			{ pages: { type: 'object', additionalProperties: FILE } },
			{ pages: { first: ELSEWHERE } },
			'pages.first',
		],
		['a file in allOf', { image: { allOf: [FILE] } }, { image: ELSEWHERE }, 'image'],
	])('%s', (_what, properties, output, path) => {
		const $defs = { File: LEGACY, Page: object({ shot: FILE }) };
		expect(found(output, object(properties, { $defs }))).toEqual({ [path]: ELSEWHERE });
	});

	it('but no text that is no URL for the web', () => {
		const output = {
			a: '/tmp/a.png',
			b: 'data:image/png;base64,aGk=',
			c: '',
			d: null,
			e: 5,
			f: 'file:///a',
		};
		const schema = object(Object.fromEntries(Object.keys(output).map((key) => [key, FILE])));
		expect(found(output, schema)).toEqual({});
	});

	it('and no link that it does not declare', () => {
		const schema = object({ link: { type: 'string' }, image: FILE });
		expect(found({ link: ELSEWHERE, other: ELSEWHERE }, schema)).toEqual({});
	});

	it('although it refers to itself', () => {
		const schema = {
			$ref: '#',
			anyOf: [{ $ref: '#' }],
			properties: { next: { $ref: '#' }, f: FILE },
		};
		expect(found({ next: { next: { f: ELSEWHERE } } }, schema)).toEqual({
			'next.next.f': ELSEWHERE,
		});
	});

	it('however deep an output is', () => {
		let deep: unknown = STORED;
		for (let level = 0; level < 6_000; level += 1) deep = { a: deep };
		expect(found({ near: STORED, deep })).toEqual({ near: STORED });
		let list: unknown = STORED;
		for (let level = 0; level < 100_000; level += 1) list = [list];
		expect(found({ list })).toEqual({});
	});

	it('whatever its keys are called', () => {
		const output: unknown = JSON.parse(
			`{"__proto__":"${STORED}","constructor":{"x":"${STORED}?2"}}`,
		);
		expect(Object.entries(found(output))).toEqual([
			['__proto__', STORED],
			['constructor.x', `${STORED}?2`],
		]);
	});

	it('whatever else it is', () => {
		for (const schema of [
			{ properties: null },
			{ properties: { a: true } },
			{ items: [FILE] },
			{ anyOf: 5 },
		]) {
			expect(found({ a: STORED }, schema)).toEqual({ a: STORED });
		}
	});
});

describe('by their shape', () => {
	it.each([
		['a URL of the storage', STORED, true],
		['a URL of the storage at the base URL', `${BASE}/app/files/x.mp4`, true],
		[
			'an object with a URI',
			{ uri: ELSEWHERE, path: '/tmp/x', content_type: 'image/png', size: null, filename: 'x' },
			true,
		],
		['an object with nothing but a URI', { uri: ELSEWHERE }, true],
		['an object with a URL and its type', { url: ELSEWHERE, content_type: 'image/png' }, true],
		[
			'an object with a URL and its MIME type',
			{ url: ELSEWHERE, mime_type: 'image/png', width: 5 },
			true,
		],
		['a URL of anybody', ELSEWHERE, false],
		['an object with a link', { url: ELSEWHERE, title: 'A page' }, false],
		['an object with nothing but a URL', { url: ELSEWHERE }, false],
		['an object with a URI and more', { uri: ELSEWHERE, score: 5 }, false],
		[
			'a storage of somebody who is called alike',
			'https://cloud.inference.sh.example.com/app/files/x',
			false,
		],
		['another page of the service', 'https://inference.sh/app/docs', false],
		['a text with a URL in it', `see ${STORED}`, false],
	])('%s', (_what, value, isFile) => {
		expect(Object.keys(found({ deep: [{ value }] }))).toEqual(isFile ? ['deep.0.value'] : []);
	});

	it('of an object that keeps its file elsewhere', () => {
		expect(found({ result: { uri: '/tmp/x.png', preview: STORED } })).toEqual({
			'result.preview': STORED,
		});
	});

	it('as the whole output', () => {
		expect(found(STORED)).toEqual({ '': STORED });
		expect(found([STORED])).toEqual({ '0': STORED });
	});
});

it('says what the output says of a file', () => {
	const output = {
		image: { uri: STORED, content_type: 'image/webp', filename: 'cat.webp', size: 12 },
	};
	expect(findFiles(output, { baseUrl: BASE })).toEqual([
		{ path: ['image'], url: STORED, contentType: 'image/webp', filename: 'cat.webp' },
	]);
});

it('takes each URL once, at its first place', () => {
	expect(found({ a: STORED, b: [STORED, { uri: STORED }], c: `${STORED}?x` })).toEqual({
		a: STORED,
		c: `${STORED}?x`,
	});
});

/** A file in one of its shapes, with the schema that declares it, if one is needed. */
const file = fc
	.tuple(fc.uuid(), fc.constantFrom('stored', 'declared', 'uri', 'url', 'legacy'))
	.map(([id, shape]) => {
		const url =
			shape === 'stored'
				? `https://cloud.inference.sh/app/files/t/${id}`
				: `https://example.com/${id}`;
		const value =
			shape === 'uri'
				? { uri: url, filename: 'x.png' }
				: shape === 'url'
					? { url, content_type: 'image/png' }
					: url;
		const schema = shape === 'declared' ? FILE : shape === 'legacy' ? { $ref: '#/$defs/File' } : {};
		return { value, schema, urls: [url] };
	});
/** Anything that is no file. */
const other = fc
	.oneof(
		fc.string(),
		fc.integer(),
		fc.constant(null),
		fc.webUrl(),
		fc.record({ url: fc.webUrl(), title: fc.string() }),
	)
	.map((value) => ({ value, schema: {}, urls: [] as string[] }));

interface Node {
	readonly value: unknown;
	readonly schema: object;
	readonly urls: readonly string[];
}
const key = fc.stringMatching(/^[a-z]{1,8}$/).filter((name) => !['uri', 'url'].includes(name));
const { tree } = fc.letrec<{ tree: Node }>((tie) => ({
	tree: fc.oneof(
		{ maxDepth: 5, withCrossShrink: true },
		fc.oneof(file, other),
		fc.dictionary(key, tie('tree'), { maxKeys: 4 }).map((entries) => ({
			value: Object.fromEntries(Object.entries(entries).map(([name, { value }]) => [name, value])),
			schema: object(
				Object.fromEntries(Object.entries(entries).map(([name, { schema }]) => [name, schema])),
			),
			urls: Object.values(entries).flatMap(({ urls }) => urls),
		})),
		// Elements of a list share a schema.
		fc.array(tie('tree'), { maxLength: 4 }).map((elements) => ({
			value: elements.map(({ value }) => value),
			schema: { type: 'array', items: { anyOf: elements.map(({ schema }) => schema) } },
			urls: elements.flatMap(({ urls }) => urls),
		})),
	),
}));

function at(output: unknown, { path }: OutputFile): unknown {
	return path.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], output);
}

it('finds every file at any depth, once, and says where it is', () => {
	fc.assert(
		fc.property(tree, ({ value, schema, urls }) => {
			const root = { ...schema, $defs: { File: LEGACY } };
			const files = findFiles(value, { baseUrl: BASE, schema: root });
			const wanted = new Set(urls);
			for (const url of wanted) expect(files.map((one) => one.url)).toContain(url);
			expect(new Set(files.map(({ url }) => url)).size).toBe(files.length);
			for (const one of files) {
				expect(JSON.stringify(at(value, one))).toContain(JSON.stringify(one.url));
			}
		}),
		{ numRuns: 500 },
	);
});

it('survives any output and any schema', () => {
	fc.assert(
		fc.property(fc.jsonValue(), fc.jsonValue(), (output, schema) => {
			const known = typeof schema === 'object' && schema !== null && !Array.isArray(schema);
			findFiles(output, { baseUrl: BASE, schema: known ? { ...schema } : undefined });
		}),
	);
});

describe('an output that somebody wants to be endless', () => {
	const stored = 'https://api.inference.sh/app/files/u/x.png';

	it('is looked through with each schema looked up once for all like elements', () => {
		let looks = 0;
		const types = Array.from({ length: 200 }, (_, at) => ({
			type: 'object',
			get properties() {
				looks += 1;
				return { [`image${at}`]: { type: 'string', format: 'file' } };
			},
		}));
		const schema = { type: 'object', properties: { list: { items: { anyOf: types } } } };
		const listOf = (length: number) =>
			Array.from({ length }, (_, at) => ({ [`image${at % 200}`]: `https://cdn.example/${at}` }));

		const found = findFiles({ list: listOf(400) }, { schema, baseUrl: 'https://api.inference.sh' });
		const before = looks;
		findFiles({ list: listOf(4_000) }, { schema, baseUrl: 'https://api.inference.sh' });

		expect(found).toHaveLength(400);
		expect(looks - before).toBeLessThan(1.1 * before);
	});

	it('is found in without a schema that leads to ever more', () => {
		const names = Array.from({ length: 40 }, (_, at) => `p${at}`);
		const T = (at: number) => ({
			anyOf: names.map((_, to) => ({ $ref: `#/$defs/T${(at * to) % 40}` })),
			properties: Object.fromEntries(names.map((name, to) => [name, { $ref: `#/$defs/T${to}` }])),
		});
		const $defs = Object.fromEntries(names.map((_, at) => [`T${at}`, T(at)]));
		const deep = names.reduce<unknown>((inner, name) => ({ [name]: inner }), stored);

		const found = findFiles(deep, {
			schema: { $ref: '#/$defs/T0', $defs },
			baseUrl: 'https://api.inference.sh',
		});
		expect(found).toHaveLength(1);
	});
});

it('takes no text for a URL that is longer than any server takes', () => {
	const long = `https://example.com/${'x'.repeat(1_000_000)}`;
	expect(found({ a: long, b: ELSEWHERE }, object({ a: FILE, b: FILE }))).toEqual({ b: ELSEWHERE });
});
