import type { IDataObject } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { placeFiles } from '../../../nodes/shared/files/placeFiles.ts';
import type { JsonObject } from '../../../nodes/client/util/json.ts';

const slot = (path: string) => ({ path, binaryProperty: 'data', displayName: path });

function place(input: JsonObject, uris: Record<string, string>): JsonObject {
	return placeFiles(input, Object.keys(uris).map(slot), Object.values(uris));
}

describe('files in an input', () => {
	it.each<[input: JsonObject, uris: Record<string, string>, whole: JsonObject]>([
		[{}, { image: 'u' }, { image: 'u' }],
		[{ image: 'old', n: 1 }, { image: 'u' }, { image: 'u', n: 1 }],
		[{}, { 'images.0.uri': 'u', 'images.1.uri': 'v' }, { images: [{ uri: 'u' }, { uri: 'v' }] }],
		[
			{ list: ['inf://x', null, null] },
			{ 'list.1': 'u', 'list.2': 'v' },
			{ list: ['inf://x', 'u', 'v'] },
		],
		[{ a: { b: null } }, { 'a.b.c': 'u', 'a.b.d': 'v' }, { a: { b: { c: 'u', d: 'v' } } }],
		[{ '0': {} }, { '0.1': 'u' }, { '0': { '1': 'u' } }],
	])('%j with %j', (input, uris, whole) => {
		const before = structuredClone(input);
		expect(place(input, uris)).toEqual(whole);
		expect(input).toEqual(before);
	});

	it('leave the order of its fields as it was', () => {
		const placed = place({ a: 1, image: null, b: 2 }, { image: 'u', more: 'v' });
		expect(Object.keys(placed)).toEqual(['a', 'image', 'b', 'more']);
	});

	it('leave what is shared alone', () => {
		const shared = { file: null };
		const input = { list: [shared, shared], other: shared };
		const placed = place(input, { 'list.0.file': 'u', 'list.1.file': 'v' });
		expect(placed).toEqual({ list: [{ file: 'u' }, { file: 'v' }], other: { file: null } });
	});

	it('take every name for a name', () => {
		const placed = place({}, { '__proto__.polluted': 'u', 'constructor.x': 'v' });
		expect(Object.keys(placed)).toEqual(['__proto__', 'constructor']);
		expect(JSON.stringify(placed)).toBe('{"__proto__":{"polluted":"u"},"constructor":{"x":"v"}}');
		expect(({} as IDataObject)['polluted']).toBeUndefined();
	});

	it.each([
		['a.b', { a: 'text' }, 'leads nowhere in the input at "b": no object is there'],
		['a.0', { a: 5 }, 'leads nowhere in the input at "0": no object is there'],
		['a..b', {}, 'leads nowhere in the input at "": no object is there'],
		['', {}, 'leads nowhere in the input at "": no object is there'],
		['l.x', { l: [] }, 'leads nowhere in the input at "x": the list there has the length 0'],
		['l.2', { l: [1] }, 'leads nowhere in the input at "2": the list there has the length 1'],
		['l.1', {}, 'leads nowhere in the input at "1": the list there has the length 0'],
	])('have no place at %s in %j', (path, input, message) => {
		expect(() => place(input, { [path]: 'u' })).toThrow(message);
	});

	it('may be many, and far inside', () => {
		const places = Array.from({ length: 100_000 }, (_, index) => `list.${index}`);
		const deep = `deep${'.a'.repeat(100_000)}`;
		const uris = Object.fromEntries([...places, deep].map((path) => [path, 'u']));
		const { list } = place({}, uris);
		expect(Array.isArray(list) && list.length).toBe(places.length);
	});
});
