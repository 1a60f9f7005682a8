import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonErrorPlace } from '../../../nodes/shared/parameters/jsonPlace.ts';

describe('the place of an error in JSON', () => {
	it.each([
		['{"a": 1,}', 'line 1 column 9'],
		['{"a" 1}', 'line 1 column 6'],
		['{\n  "a": 1\n  "b": 2\n}', 'line 3 column 3'],
		['[1, 2', 'line 1 column 6'],
		["{'a': 1}", 'line 1 column 2'],
		['{"a": nul}', 'line 1 column 7'],
		['[1 2]', 'line 1 column 4'],
		['[01]', 'line 1 column 2'],
		['{"a": 1}}', 'line 1 column 9'],
		['{"a": [1}', 'line 1 column 9'],
		['{"a"}', 'line 1 column 5'],
		['{,}', 'line 1 column 2'],
		['{1: 2}', 'line 1 column 2'],
		['', 'line 1 column 1'],
		['"two\nlines"', 'line 1 column 1'],
		['[]\n[]', 'line 2 column 1'],
	])('%j is at %s', (text, place) => {
		expect(() => JSON.parse(text) as unknown).toThrow();
		expect(jsonErrorPlace(text)).toBe(place);
	});

	it.each([
		['text', `["${'a'.repeat(16e6)}`, 'line 1 column 2'],
		['text with escapes', `{"a": 1,\n"${'\\n'.repeat(8e6)}\\x"}`, 'line 2 column 1'],
		['a number', `[1${'0'.repeat(16e6)}x]`, 'line 1 column 2'],
		['lists in lists', '['.repeat(16e6), 'line 1 column 16000001'],
		['objects in objects', `${'{"a":'.repeat(1e6)}}`, 'line 1 column 5000001'],
		['lines', '\n'.repeat(16e6), 'line 16000001 column 1'],
	])('is found in %s of any length and depth', (_what, text, place) => {
		expect(jsonErrorPlace(text)).toBe(place);
	});

	it('comes no earlier than the point to which any JSON has been cut or spoiled', () => {
		fc.assert(
			fc.property(fc.json(), fc.nat(), (json, at) => {
				const index = at % (json.length + 1);
				const spoiled = `${json.slice(0, index)}\u0001${json.slice(index)}`;
				const place = /column (\d+)/.exec(jsonErrorPlace(spoiled))?.[1];
				const column = Number(place) - 1;
				// Within a text, number or word the error is where that begins.
				expect(column).toBeLessThanOrEqual(index);
				expect(json.slice(column, index)).toMatch(/^("(\\.|[^"\\])*\\?|[-\w.+]*)$/s);
			}),
		);
	});
});
