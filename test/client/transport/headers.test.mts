/** Headers of an answer, as they came over the wire and as an HTTP library has read them. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { headersOf, WireHeaders } from '../../../nodes/client/transport/headers.ts';

const raw = (...texts: string[]) => new WireHeaders(texts.map((text) => Buffer.from(text)));

it('are found by their names, however those are written', () => {
	const headers = raw('Content-Type', 'application/json', 'DATE', 'now', 'x-date', 'then');
	expect(headers.get('content-type')).toBe('application/json');
	expect(headers.get('date')).toBe('now');
	expect(headers.get('retry-after')).toBeUndefined();
	expect(raw('Date').get('date')).toBeUndefined();
});

it('are joined if they are repeated, also if one of them is empty', () => {
	expect(raw('Retry-After', '', 'date', 'now', 'retry-after', '3').get('retry-after')).toBe(', 3');
	expect(headersOf({ 'Retry-After': ['', '3'] }).get('retry-after')).toBe(', 3');
});

it('say the same over the wire as read by a library', () => {
	const name = fc.constantFrom('date', 'Date', 'etag', 'ETag', 'vary', '__proto__', 'constructor');
	const value = fc.stringMatching(/^[ -~]{0,9}$/);
	fc.assert(
		fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), (pairs) => {
			const names = new Set(pairs.map(([key]) => key.toLowerCase()));
			const valuesOf = (wanted: string) =>
				pairs.filter(([key]) => key.toLowerCase() === wanted).map(([, text]) => text);
			const library = headersOf(Object.fromEntries([...names].map((key) => [key, valuesOf(key)])));
			const wire = raw(...pairs.flat());
			for (const key of ['date', 'etag', 'vary', '__proto__', 'constructor', 'toString']) {
				expect(wire.get(key)).toBe(library.get(key));
			}
		}),
	);
});
