import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareJson, together } from '../../../nodes/client/once/comparison.ts';
import { jsonText } from '../../../nodes/client/util/json.ts';

/** A value after a journey over the wire. */
const sent = (value: unknown): unknown => JSON.parse(jsonText(value));

describe('comparing what was sent with what is shown', () => {
	it.each<[what: string, sent: unknown, shown: unknown]>([
		['the same', { a: [1, 'x', null, true] }, { a: [1, 'x', null, true] }],
		['keys in another order', { a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }],
		['1.0 and 1', { a: 1.0 }, JSON.parse('{"a":1}')],
		['minus zero', { a: -0 }, { a: 0 }],
		['a key called __proto__', JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":1}')],
	])('takes as equal: %s', (_what, mine, theirs) => {
		expect(compareJson(sent(mine), theirs)).toBe('equal');
	});

	it.each<[what: string, sent: unknown, shown: unknown]>([
		['a default filled in', { prompt: 'x' }, { prompt: 'x', seed: 0 }],
		['a null filled in', { prompt: 'x' }, { prompt: 'x', image: null }],
		['a default for null', { prompt: 'x', seed: null }, { prompt: 'x', seed: 7 }],
		['a null dropped', { prompt: 'x', image: null }, { prompt: 'x' }],
		['an unknown key dropped', { prompt: 'x', extra: 1 }, { prompt: 'x' }],
		['an empty list as null', { a: [] }, { a: null }],
		['an empty text as null', { a: '' }, { a: null }],
		['nulls dropped from a list', { a: [1, null, 2] }, { a: [1, 2] }],
		['a 32-bit float', { a: 0.1 }, { a: 0.10000000149011612 }],
		['a rounded large number', { a: 2 ** 53 + 2 }, { a: 9007199254740996 }],
		['a number as text', { a: 5 }, { a: '5' }],
		['a number as another text', { a: '5' }, { a: '5.0' }],
		['a truth value as number', { a: true }, { a: 1 }],
		['a trimmed text', { a: ' x\n' }, { a: 'x' }],
		['other line ends', { a: 'x\r\ny' }, { a: 'x\ny' }],
		['a composed character', { a: 'e\u0301' }, { a: '\u00e9' }],
		['a character that databases cannot store', { a: 'x\0y' }, { a: 'xy' }],
		[
			'another spelling of a time',
			{ a: '2026-01-01T00:00:00Z' },
			{ a: '2026-01-01T00:00:00.000+00:00' },
		],
		[
			'an address without its signature',
			{ a: 'https://x.example/f.png?sig=1' },
			{ a: 'https://x.example/f.png' },
		],
		[
			'a wrapped address',
			{ a: 'https://x.example/f.png' },
			{ a: { uri: 'https://x.example/f.png', size: 3 } },
		],
		[
			'an unwrapped address',
			{ a: { uri: 'https://x.example/f.png' } },
			{ a: 'https://x.example/f.png' },
		],
		['a list around a single value', { a: 'x' }, { a: ['x'] }],
		['JSON as text', { a: { b: 1 } }, { a: '{"b":1}' }],
		['a long text that has been cut', { a: 'x'.repeat(100) }, { a: `${'x'.repeat(60)}…` }],
		['a long text that has been cut in words', { a: 'x '.repeat(99) }, { a: 'x x... [truncated]' }],
		['a text without its middle', { a: 'xy'.repeat(99) }, { a: 'xyx...yxy' }],
		['a text with HTML spelled out', { a: 'a & b <c>' }, { a: 'a &amp; b &lt;c&gt;' }],
		['text with other spaces and quotes', { a: "it's  \u200bso\t" }, { a: 'it\u2019s so' }],
		['a control character dropped', { a: 'x\u0007y' }, { a: 'xy' }],
		['small letters', { a: 'PNG' }, { a: 'png' }],
		['nothing instead of a value', { a: 5, b: 'x' }, { a: null, b: '' }],
		['a default for an empty text', { a: '' }, { a: 'blurry' }],
		['a rounded number', { a: 1.005, b: 0.123456, c: 1e-7 }, { a: 1.01, b: 0.1235, c: 0 }],
		['a truth value as a word', { a: true }, { a: 'True' }],
		['a day as a time', { a: '2026-01-01' }, { a: '2026-01-01T00:00:00Z' }],
		['a normal form of an address', { a: 'https://X.example:443' }, { a: 'https://x.example/' }],
		['a space in an address', { a: 'https://x.example/a b' }, { a: 'https://x.example/a%20b' }],
		['a file put elsewhere', { a: 'https://x.example/a' }, { a: 'https://cloud.example/f/1' }],
		['a file that was in the text', { a: 'data:text/plain,x' }, { a: 'https://x.example/1' }],
		['a hidden secret', { a: 'sk-123456' }, { a: '***' }],
		['a secret hidden in its middle', { a: 'sk-123456' }, { a: 'sk-***56' }],
	])('cannot tell of %s', (_what, mine, theirs) => {
		expect(compareJson(sent(mine), theirs)).toBe('unclear');
	});

	it.each<[what: string, sent: unknown, shown: unknown]>([
		['another value', { a: 'x' }, { a: 'y' }],
		['another seed', { a: 1234567 }, { a: 1234568 }],
		['another number', { a: 0.1 }, { a: 0.2 }],
		['a longer list', { a: [1] }, { a: [1, 2] }],
		['another order of a list', { a: [1, 2] }, { a: [2, 1] }],
		['an object instead of a number', { a: 5 }, { a: { b: 1 } }],
		[
			'another file',
			{ a: 'https://x.example/f.png?sig=1' },
			{ a: 'https://x.example/g.png?sig=1' },
		],
		[
			'another wrapped file',
			{ a: 'https://x.example/f.png' },
			{ a: { uri: 'https://x.example/g.png' } },
		],
		['another value beside a default', { a: 'x' }, { a: 'y', seed: 0 }],
		['a short text that begins in the same way', { a: 'hello world' }, { a: 'hello' }],
		['a text with asterisks', { a: 'one' }, { a: 'two *** three' }],
		['another number as text', { a: '1.5' }, { a: '15' }],
		['another emoji', { a: '\u{1F436}' }, { a: '\u{1F431}' }],
		['another text with dots', { a: 'one...' }, { a: 'two...' }],
		['another time', { a: '2026-01-01T00:00:00Z' }, { a: '2026-01-01T01:00:00Z' }],
	])('sees that it is different: %s', (_what, mine, theirs) => {
		expect(compareJson(sent(mine), theirs)).toBe('different');
	});

	it('never takes two different values for equal', () => {
		fc.assert(
			fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
				fc.pre(canonical(sent(one)) !== canonical(sent(other)));
				expect(compareJson(sent(one), sent(other))).not.toBe('equal');
			}),
			{ numRuns: 2_000 },
		);
	});

	it('takes a value for equal to itself, whatever the order of its keys', () => {
		fc.assert(
			fc.property(fc.jsonValue(), (value) => {
				expect(compareJson(sent(value), shuffled(sent(value)))).toBe('equal');
			}),
			{ numRuns: 1_000 },
		);
	});

	it('never says different of what a service has only put into another form', () => {
		fc.assert(
			fc.property(fc.jsonValue(), fc.infiniteStream(fc.nat(5)), (value, choices) => {
				const next = () => choices.next().value as number;
				expect(compareJson(sent(value), normalised(sent(value), next))).not.toBe('different');
			}),
			{ numRuns: 2_000 },
		);
	});

	it('does not end at any depth', () => {
		let deep: unknown = 'x';
		for (let level = 0; level < 50_000; level += 1) deep = { a: deep };
		let other: unknown = 'y';
		for (let level = 0; level < 50_000; level += 1) other = { a: other };
		expect(compareJson(deep, other)).toBe('different');
	});

	it('lets one part that differs decide, then one that is unclear', () => {
		expect(together([])).toBe('equal');
		expect(together(['equal', 'unclear', 'equal'])).toBe('unclear');
		expect(together(['unclear', 'different', 'equal'])).toBe('different');
	});
});

function canonical(value: unknown): string {
	return JSON.stringify(value, (_key, inner: unknown) =>
		typeof inner === 'object' && inner !== null && !Array.isArray(inner)
			? Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1))
			: inner,
	);
}

/** The same value with the keys of every object the other way round. */
function shuffled(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(shuffled);
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(
		Object.entries(value)
			.map(([key, inner]) => [key, shuffled(inner)] as const)
			.reverse(),
	);
}

/** What a service may make of a value that it stores; `next` decides what happens where. */
function normalised(value: unknown, next: () => number): unknown {
	const what = next();
	if (Array.isArray(value)) {
		if (value.length === 0 && what === 0) return null;
		const kept = what === 1 ? value.filter((one) => one !== null) : value;
		return kept.map((one) => normalised(one, next));
	}
	if (typeof value === 'object' && value !== null) {
		const entries = Object.entries(value)
			.filter(([, inner]) => what !== 2 || inner !== null)
			.map(([key, inner]) => [key, normalised(inner, next)] as const);
		// A default, unless the key is there.
		if (what === 3 && !Object.hasOwn(value, 'filled_in')) entries.push(['filled_in', 0]);
		return Object.fromEntries(entries);
	}
	if (typeof value === 'string') {
		if (what === 1) return value.trim();
		if (what === 2) return value.normalize('NFC');
		if (what === 3) return value.replaceAll('\0', '');
	}
	if (typeof value === 'number' && what === 1) return String(value);
	return value;
}
