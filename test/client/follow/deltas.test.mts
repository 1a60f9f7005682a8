import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeltaAccumulator, mergeDelta, responseText } from '../../../nodes/client/follow/deltas.ts';
import type { JsonObject } from '../../../nodes/client/util/json.ts';

function merged(...deltas: JsonObject[]): JsonObject {
	return deltas.reduce(mergeDelta, {});
}

describe('a delta', () => {
	it.each([
		['adds to the answer', [{ response: 'Hel' }, { response: 'lo' }], { response: 'Hello' }],
		['adds to the reasoning', [{ reasoning: 'a' }, { reasoning: 'b' }], { reasoning: 'ab' }],
		[
			'replaces the usage',
			[{ usage: { total_tokens: 1, reasoning_tokens: 1 } }, { usage: { total_tokens: 2 } }],
			{ usage: { total_tokens: 2 } },
		],
		['replaces what is not known', [{ mood: { a: 1 } }, { mood: 'fine' }], { mood: 'fine' }],
		[
			'leaves alone what is null',
			[
				{ response: 'a', usage: { n: 1 }, mood: 1 },
				{ response: null, usage: null, mood: null },
			],
			{ response: 'a', usage: { n: 1 }, mood: 1 },
		],
		['cannot add a number to a text', [{ response: 'a' }, { response: 5 }], { response: 'a' }],
		[
			'does not stumble over names that all objects have',
			[{ constructor: 1, toString: 'x' }],
			{ constructor: 1, toString: 'x' },
		],
	])('%s', (_what, deltas, result) => {
		expect(merged(...deltas)).toEqual(result);
	});

	it('puts calls of tools together by their index', () => {
		const name = { index: 0, id: 'c1', type: 'function', function: { name: 'look' } };
		const other = { index: 1, id: 'c2', function: { name: 'find', arguments: '{"b"' } };
		const result = merged(
			{ tool_calls: [name] },
			{ tool_calls: [{ index: 0, function: { arguments: '{"a":' } }] },
			{ tool_calls: [other, { index: 0, function: { arguments: '1' } }] },
			{ tool_calls: null },
			{ tool_calls: [{ index: 1, function: { arguments: ':2}' } }] },
			{ tool_calls: [{ index: 0, id: 'c1b', function: { name: null, arguments: '}' } }] },
		);
		expect(result).toEqual({
			tool_calls: [
				{
					index: 0,
					id: 'c1b',
					type: 'function',
					function: { name: 'look', arguments: '{"a":1}' },
				},
				{ index: 1, id: 'c2', function: { name: 'find', arguments: '{"b":2}' } },
			],
		});
	});

	it('makes the same of a call however its arguments are cut', () => {
		const pieces = fc.array(fc.record({ index: fc.nat({ max: 3 }), piece: fc.string() }));
		fc.assert(
			fc.property(pieces, (list) => {
				const result = merged(
					...list.map(({ index, piece }) => ({
						tool_calls: [{ index, function: { arguments: piece } }],
					})),
				);
				const calls = (result['tool_calls'] ?? []) as ReadonlyArray<{
					index: number;
					function: { arguments: string };
				}>;
				for (const call of calls) {
					const own = list.filter(({ index }) => index === call.index);
					expect(call.function.arguments).toBe(own.map(({ piece }) => piece).join(''));
				}
				expect(calls).toHaveLength(new Set(list.map(({ index }) => index)).size);
			}),
		);
	});
});

describe('the text of an output', () => {
	it.each([
		[{ response: 'x' }, 'x'],
		[{ response: '' }, ''],
		['x', 'x'],
		[{ video: 'x' }, undefined],
		[{ response: 5 }, undefined],
		[null, undefined],
		[undefined, undefined],
	])('of %j is %j', (output, text) => {
		expect(responseText(output)).toBe(text);
	});
});

/** An accumulator that has got these pieces as numbers 1, 2, … */
function after(...pieces: string[]): DeltaAccumulator {
	const deltas = new DeltaAccumulator();
	for (const [index, response] of pieces.entries()) deltas.push({ response }, index + 1);
	return deltas;
}

describe('a message', () => {
	it('has no text before its first piece', () => {
		expect(after().text).toBeUndefined();
		expect(after().value).toEqual({});
	});

	it.each([0, 1])('may number its deltas from %i, with steps of any length', (first) => {
		const deltas = new DeltaAccumulator();
		deltas.push({ response: 'a' }, first);
		deltas.push({ response: 'b' }, first + 7);
		expect(deltas.text).toBe('ab');
	});

	it('may not number its deltas', () => {
		const deltas = new DeltaAccumulator();
		deltas.push({ response: 'a' }, undefined);
		deltas.push({ response: 'a' }, undefined);
		expect(deltas.text).toBe('aa');
	});

	it('whose first delta was missed waits for a view', () => {
		const deltas = new DeltaAccumulator();
		deltas.push({ response: 'b' }, 2);
		deltas.push({ response: 'c' }, 3);
		expect(deltas.text).toBeUndefined();
		deltas.reset({ response: 'abc' });
		expect(deltas.text).toBe('abc');
	});

	it('drops what it has seen', () => {
		const deltas = after('Hel', 'lo');
		deltas.push({ response: 'lo' }, 2);
		deltas.push({ response: 'Hel' }, 1);
		expect(deltas.text).toBe('Hello');
	});

	it('does not follow a view that lags behind while its deltas come in order', () => {
		const deltas = after('Hello', ' wor');
		deltas.reset({ response: 'Hello' });
		deltas.push({ response: 'ld' }, 3);
		expect(deltas.text).toBe('Hello world');
	});

	it('shows the view if there are no deltas', () => {
		const deltas = after();
		deltas.reset({ response: 'Hello', usage: null });
		expect(deltas.text).toBe('Hello');
	});

	it('joins its first delta to the view that came before it', () => {
		const deltas = after();
		deltas.reset({ response: 'Hello' });
		deltas.push({ response: ' world' }, 9);
		expect(deltas.text).toBe('Hello world');
	});

	it('that began before anybody listened waits for a view, unless its first delta comes', () => {
		const late = new DeltaAccumulator('late');
		late.push({ response: 'ld' }, 7);
		expect(late.text).toBeUndefined();
		late.reset({ response: 'Hello world' });
		expect(late.text).toBe('Hello world');
		const inTime = new DeltaAccumulator('late');
		inTime.push({ response: 'He' }, 1);
		expect(inTime.text).toBe('He');
	});
});

describe('a message after a reconnect', () => {
	/** Two pieces, a reconnect, a view if there is one, and a delta with a number. */
	function resumed(view: string | undefined, piece: string, seq: number | undefined) {
		const deltas = after('Hello', ' wor');
		deltas.resume();
		if (view !== undefined) deltas.reset({ response: view });
		deltas.push({ response: piece }, seq);
		return deltas;
	}

	it.each([
		['goes on if the numbers prove that nothing was missed', undefined, 'ld', 3, 'Hello world'],
		['stays as it is if something was missed', undefined, '!', 9, 'Hello wor'],
		['stays as it is without numbers', undefined, '!', undefined, 'Hello wor'],
		['goes on with the view if something was missed', 'Hello world', '!', 9, 'Hello world!'],
		['goes on with the view if it is another text', 'Good', 'bye', 3, 'Goodbye'],
		['keeps its text if the view lags and nothing was missed', 'Hello', 'ld', 3, 'Hello world'],
		['keeps its text if the view lags and something was missed', 'Hello', '!', 9, 'Hello wor'],
		['goes back if the view does and the pieces come again', 'Hello', ' wor', 3, 'Hello wor'],
		['drops a piece that the view and the numbers have', 'Hello wor', ' wor', 2, 'Hello wor'],
		['takes a piece that the view has already', 'Hello world', 'ld', 3, 'Hello world'],
		['goes on with an equal view', 'Hello wor', 'ld', 3, 'Hello world'],
		['stays as it is if the view lacks what was missed', 'Hello wor', '!', 9, 'Hello wor'],
		['goes on with an equal view without numbers', 'Hello wor', 'ld', undefined, 'Hello world'],
	])('%s', (_what, view, piece, seq, text) => {
		expect(resumed(view, piece, seq).text).toBe(text);
	});

	it('shows the view as soon as it comes', () => {
		const deltas = after('Hello');
		deltas.resume();
		deltas.reset({ response: 'Hello world', usage: { total_tokens: 2 } });
		expect(deltas.value).toEqual({ response: 'Hello world', usage: { total_tokens: 2 } });
	});

	it('does not go back to a shorter view as long as nothing follows on it', () => {
		const deltas = after('Hello', ' wor');
		deltas.resume();
		deltas.reset({ response: 'Hello' });
		expect(deltas.text).toBe('Hello wor');
		deltas.push({ reasoning: 'hm' }, 3);
		expect(deltas.value).toEqual({ response: 'Hello wor', reasoning: 'hm' });
	});

	it('goes on with the pieces that come again', () => {
		const deltas = resumed('Hello', ' wor', 3);
		deltas.push({ response: 'ld' }, 4);
		expect(deltas.text).toBe('Hello world');
	});

	it('with a hole in it shows further views, but no deltas', () => {
		const deltas = resumed(undefined, '!', 9);
		deltas.push({ response: '?' }, 10);
		deltas.reset({ response: 'Hello world!' });
		deltas.push({ response: '?' }, 11);
		expect(deltas.text).toBe('Hello world!');
	});

	it('with a hole in it is not closed by numbers that follow on the hole', () => {
		const deltas = resumed(undefined, '!', 9);
		deltas.resume();
		deltas.push({ response: '?' }, 10);
		expect(deltas.text).toBe('Hello wor');
		deltas.resume();
		deltas.reset({ response: 'Hello world!?' });
		deltas.push({ response: ' ...' }, 11);
		deltas.push({ response: ' end' }, 12);
		expect(deltas.text).toBe('Hello world!? ... end');
	});
});

/** What happens to a stream of deltas. */
type Event =
	| { readonly kind: 'delta'; readonly copies: number }
	| { readonly kind: 'lost' }
	| { readonly kind: 'reconnect'; readonly view: 'exact' | 'lagging' | 'none' };

const events = fc.array(
	fc.oneof(
		{ weight: 5, arbitrary: fc.record({ kind: fc.constant('delta'), copies: fc.nat({ max: 2 }) }) },
		{ weight: 1, arbitrary: fc.record({ kind: fc.constant('lost') }) },
		{
			weight: 2,
			arbitrary: fc.record({
				kind: fc.constant('reconnect'),
				view: fc.constantFrom('exact', 'lagging', 'none'),
			}),
		},
	),
	{ maxLength: 40 },
) as fc.Arbitrary<Event[]>;

describe('whatever happens to the deltas', () => {
	/** Plays events; pieces all differ, and what is lost is lost just before a reconnect. */
	function play(
		list: readonly Event[],
		views: boolean,
		check: (shown: string, all: string) => void,
	) {
		const deltas = new DeltaAccumulator();
		const sent: string[] = [];
		let connected = true;
		const next = () => {
			sent.push(`<${sent.length}>`);
			return sent.at(-1) ?? '';
		};
		for (const event of list) {
			if (event.kind === 'lost') {
				connected = false;
				next();
			} else if (event.kind === 'reconnect') {
				deltas.resume();
				connected = true;
				const { view } = event;
				if (view !== 'none' && views) {
					// One that lags is behind what is shown already.
					const shown = deltas.text?.split('>').length ?? 0;
					const known = view === 'exact' ? sent : sent.slice(0, Math.floor(shown / 2));
					deltas.reset({ response: known.join('') });
				}
			} else {
				const response = next();
				for (let copy = -1; copy < event.copies && connected; copy += 1) {
					deltas.push({ response }, sent.length);
				}
			}
			check(deltas.text ?? '', sent.join(''));
		}
		return { deltas, all: sent.join(''), connected };
	}

	it('without views the text is never wrong: it is a beginning of the whole', () => {
		fc.assert(
			fc.property(events, (list) => {
				play(list, false, (shown, all) => expect(all.startsWith(shown)).toBe(true));
			}),
		);
	});

	it('with exact views and numbers the text is the whole after each reconnect', () => {
		fc.assert(
			fc.property(events, (list) => {
				// Of a view that has nothing new it cannot be told whether it lags.
				const exact = list
					.filter(({ kind }, index) => kind !== 'reconnect' || list[index - 1]?.kind !== kind)
					.map((event) =>
						event.kind === 'reconnect' ? { ...event, view: 'exact' as const } : event,
					);
				let shownBefore = '';
				const { deltas, all, connected } = play(exact, true, (shown, whole) => {
					expect(whole.startsWith(shown)).toBe(true);
					expect(shown.startsWith(shownBefore)).toBe(true);
					shownBefore = shown;
				});
				if (connected) expect(deltas.text ?? '').toBe(all);
			}),
		);
	});

	it('with views that lag the text never gets shorter, and is never wrong', () => {
		fc.assert(
			fc.property(events, (list) => {
				let before = '';
				play(list, true, (shown, all) => {
					expect(all.startsWith(shown)).toBe(true);
					expect(shown.startsWith(before)).toBe(true);
					before = shown;
				});
			}),
			{ numRuns: 1_000 },
		);
	});
});
