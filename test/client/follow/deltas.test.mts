import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeltaAccumulator, responseText } from '../../../nodes/client/follow/deltas.ts';

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
		deltas.reset('abc');
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
		deltas.reset('Hello');
		deltas.push({ response: 'ld' }, 3);
		expect(deltas.text).toBe('Hello world');
	});

	it('shows the view if there are no deltas', () => {
		const deltas = after();
		deltas.reset('Hello');
		expect(deltas.text).toBe('Hello');
	});

	it('joins its first delta to the view that came before it', () => {
		const deltas = after();
		deltas.reset('Hello');
		deltas.push({ response: ' world' }, 9);
		expect(deltas.text).toBe('Hello world');
	});

	it('whose first deltas were missed goes on after a view that has the others', () => {
		const deltas = new DeltaAccumulator();
		deltas.push({ response: 'lo' }, 2);
		deltas.reset('Hel');
		deltas.push({ response: ' wor' }, 3);
		expect(deltas.text).toBe('Hel');
		deltas.reset('Hello wor');
		deltas.push({ response: 'ld' }, 4);
		expect(deltas.text).toBe('Hello world');
	});

	it('that shows no more deltas grows with its views', () => {
		const deltas = after('Hel');
		deltas.reset('Hello');
		expect(deltas.text).toBe('Hello');
		deltas.reset('Hello wor');
		expect(deltas.text).toBe('Hello wor');
		deltas.push({ response: 'lo' }, 2);
		deltas.push({ response: ' wor' }, 3);
		expect(deltas.text).toBe('Hello wor');
		deltas.push({ response: 'ld' }, 4);
		expect(deltas.text).toBe('Hello world');
	});

	it('has a hole where numbers that had no gaps have one', () => {
		const deltas = after('Hel', 'lo');
		deltas.push({ response: '!' }, 4);
		deltas.push({ response: '!' }, 5);
		expect(deltas.text).toBe('Hello');
		deltas.reset('Hello you!!');
		deltas.push({ response: ' Bye' }, 6);
		expect(deltas.text).toBe('Hello you!! Bye');
	});

	it('goes on with a view that takes the place of deltas', () => {
		const deltas = after('Hel', 'lo');
		deltas.reset('Hello you');
		deltas.push({ response: '!' }, 5);
		expect(deltas.text).toBe('Hello you!');
	});

	it('whose deltas have no numbers is put right by a view that ends with them', () => {
		const deltas = new DeltaAccumulator();
		deltas.push({ response: 'lo' }, undefined);
		deltas.push({ response: ' you' }, undefined);
		deltas.reset('Hello you');
		deltas.push({ response: '!' }, undefined);
		expect(deltas.text).toBe('Hello you!');
	});

	it('may number its deltas from 1 although a view came before the first', () => {
		const deltas = new DeltaAccumulator();
		deltas.reset('Hello');
		deltas.push({ response: ' world' }, 1);
		expect(deltas.text).toBe('Hello world');
		const again = new DeltaAccumulator();
		again.reset('Hello');
		again.push({ response: 'Hel' }, 1);
		again.push({ response: 'lo you' }, 2);
		expect(again.text).toBe('Hello you');
	});

	it('that began before anybody listened waits for a view, unless its first delta comes', () => {
		const late = new DeltaAccumulator('late');
		late.push({ response: 'ld' }, 7);
		expect(late.text).toBeUndefined();
		late.reset('Hello world');
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
		if (view !== undefined) deltas.reset(view);
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
		deltas.reset('Hello world');
		expect(deltas.text).toBe('Hello world');
	});

	it('does not go back to a shorter view as long as nothing follows on it', () => {
		const deltas = after('Hello', ' wor');
		deltas.resume();
		deltas.reset('Hello');
		expect(deltas.text).toBe('Hello wor');
		deltas.push({ reasoning: 'hm' }, 3);
		expect(deltas.text).toBe('Hello wor');
	});

	it('goes on with the pieces that come again', () => {
		const deltas = resumed('Hello', ' wor', 3);
		deltas.push({ response: 'ld' }, 4);
		expect(deltas.text).toBe('Hello world');
	});

	it('goes on by its numbers where a view of an earlier connection has shown all', () => {
		const deltas = new DeltaAccumulator();
		deltas.resume();
		deltas.push({ response: ' world' }, 2);
		deltas.resume();
		deltas.reset('Hello world');
		deltas.resume();
		deltas.push({ response: '!' }, 3);
		expect(deltas.text).toBe('Hello world!');
	});

	it('with a hole in it shows further views, and what follows on one that has all of it', () => {
		const deltas = resumed(undefined, '!', 9);
		deltas.push({ response: '?' }, 10);
		deltas.reset('Hello world!');
		expect(deltas.text).toBe('Hello world!');
		deltas.push({ response: '#' }, 11);
		expect(deltas.text).toBe('Hello world!');
		deltas.reset('Hello world!?#');
		deltas.push({ response: ' end' }, 12);
		expect(deltas.text).toBe('Hello world!?# end');
	});

	it('is not joined to a view that lacks what had come before the connection was lost', () => {
		const deltas = resumed(undefined, '!', 9);
		deltas.resume();
		deltas.reset('Hello world');
		deltas.push({ response: '?' }, 12);
		expect(deltas.text).toBe('Hello world');
	});

	it('goes on after what comes again from the beginning', () => {
		const deltas = after('Hello', ' wor');
		deltas.resume();
		for (const [index, response] of ['Hello', ' wor', 'ld'].entries()) {
			deltas.push({ response }, index + 1);
		}
		expect(deltas.text).toBe('Hello world');
	});

	it('has no hole if each connection has numbers of its own', () => {
		const deltas = after('Hello', ' wor');
		deltas.resume();
		for (const [index, response] of ['ld', ' and', ' you'].entries()) {
			deltas.push({ response }, index + 1);
		}
		expect(deltas.text).toBe('Hello wor');
		deltas.reset('Hello world and you');
		deltas.push({ response: '!' }, 4);
		expect(deltas.text).toBe('Hello world and you!');
	});

	it('shows what was read while there was no connection, but joins nothing to it', () => {
		const deltas = after('Hello');
		deltas.reset('Hello wor');
		expect(deltas.text).toBe('Hello wor');
		deltas.resume();
		deltas.push({ response: '!' }, 9);
		expect(deltas.text).toBe('Hello wor');
	});

	it('with a hole in it is not closed by numbers that follow on the hole', () => {
		const deltas = resumed(undefined, '!', 9);
		deltas.resume();
		deltas.push({ response: '?' }, 10);
		expect(deltas.text).toBe('Hello wor');
		deltas.resume();
		deltas.reset('Hello world!?');
		deltas.push({ response: ' ...' }, 11);
		deltas.push({ response: ' end' }, 12);
		expect(deltas.text).toBe('Hello world!? ... end');
	});
});

/** What happens to the text of a message and to the connections in which it is told. */
type Event =
	/** Some more of the text, which is told. */
	| { readonly kind: 'delta'; readonly copies: number }
	/** Some more of the text, of which nothing is heard: the service leaves it out. */
	| { readonly kind: 'dropped' }
	/** The service shows the text, all of it or an older one. */
	| { readonly kind: 'view'; readonly age: number }
	/**
	 * The connection is lost, and so much of the text with it; it may be looked at before the next
	 * one, which may tell some again.
	 */
	| {
			readonly kind: 'reconnect';
			readonly lost: number;
			readonly look: boolean;
			readonly again: number;
	  };

const delta = fc.record({
	kind: fc.constant('delta' as const),
	copies: fc.constantFrom(0, 0, 0, 1, 2),
});
const dropped = fc.constant({ kind: 'dropped' } as const);
const view = fc.record({ kind: fc.constant('view' as const), age: fc.nat({ max: 4 }) });
const exactView = fc.constant({ kind: 'view', age: 0 } as const);
const reconnect = fc.record({
	kind: fc.constant('reconnect' as const),
	lost: fc.constantFrom(0, 0, 1, 3),
	look: fc.boolean(),
	again: fc.constantFrom(0, 0, 1, 20),
});

/** All of the text, and how much of it has been sent. */
class Service {
	readonly pieces: string[] = [];

	/** The whole text; its pieces all differ. */
	get text(): string {
		return this.upTo(this.pieces.length);
	}

	upTo(count: number): string {
		return this.pieces.slice(0, Math.max(0, count)).join('');
	}

	write(): string {
		const piece = `<${this.pieces.length}>`;
		this.pieces.push(piece);
		return piece;
	}
}

interface Circumstances {
	readonly events: readonly Event[];
	readonly numbered: boolean;
	/** Pieces that came before anybody listened. */
	readonly late: number;
}

/** Plays it; `seen` is told what is shown after each step, and whether it has to be all. */
function play(
	{ events, numbered, late }: Circumstances,
	seen: (shown: string, service: Service, whole: boolean) => void,
): void {
	const service = new Service();
	for (let piece = 0; piece < late; piece += 1) service.write();
	const deltas = new DeltaAccumulator(late === 0 || numbered ? 'whole' : 'late');
	const tell = (piece: number): void => {
		deltas.push({ response: service.pieces[piece] }, numbered ? piece + 1 : undefined);
	};
	/** Whether the shown text is known to be all, and has to stay so. */
	let whole = late === 0;
	/** Whether deltas have come in this connection since something was missed. */
	let loose = false;
	let fresh = true;
	/** Whether a delta has told the last piece. */
	let heardLast = late === 0;
	/** Deltas that have come since the last view or reconnect. */
	let inARow = 0;
	for (const event of events) {
		inARow = event.kind === 'delta' ? inARow + 1 : event.kind === 'dropped' ? inARow : 0;
		if (event.kind === 'delta') {
			service.write();
			const last = service.pieces.length - 1;
			for (let copy = 0; copy <= (numbered ? event.copies : 0); copy += 1) tell(last);
			loose ||= !whole;
			fresh = false;
			heardLast = true;
		} else if (event.kind === 'dropped') {
			// Nobody can know of it without numbers, and before it is known how they go on.
			if (!numbered || inARow < 2 || loose) continue;
			service.write();
			whole = false;
			heardLast = false;
		} else if (event.kind === 'view') {
			// Whether a view is older than a hole cannot be told before something has come after it.
			const isOld = event.age > 0;
			const shown = deltas.text?.split('>').length ?? 1;
			const count = isOld && !loose ? shown - 1 - event.age : service.pieces.length - event.age;
			deltas.reset(service.upTo(count));
			if (!isOld && service.pieces.length > 0) whole = true;
			if (whole) loose = false;
		} else {
			for (let piece = 0; piece < event.lost; piece += 1) service.write();
			if (event.look) deltas.reset(service.text);
			deltas.resume();
			heardLast &&= event.lost === 0;
			whole &&= numbered && heardLast;
			loose = false;
			fresh = true;
			const { length } = service.pieces;
			for (let piece = length - event.again; whole && piece < length; piece += 1) {
				if (piece >= 0) tell(piece);
			}
		}
		seen(deltas.text ?? '', service, whole && !fresh);
	}
}

describe('whatever happens to the deltas', () => {
	const circumstances = (event: fc.Arbitrary<Event>) =>
		fc.record({
			events: fc.array(event, { maxLength: 40 }),
			numbered: fc.boolean(),
			late: fc.constantFrom(0, 0, 1, 3),
		});

	it('what is shown is a beginning of the text, and does not get shorter', () => {
		const event = fc.oneof(
			{ weight: 6, arbitrary: delta },
			{ weight: 1, arbitrary: dropped },
			{ weight: 1, arbitrary: reconnect },
			{ weight: 2, arbitrary: view },
		);
		fc.assert(
			fc.property(circumstances(event), (given) => {
				let before = '';
				play(given, (shown, { text }) => {
					expect(text.startsWith(shown)).toBe(true);
					expect(shown.startsWith(before)).toBe(true);
					before = shown;
				});
			}),
			{ numRuns: 2_000 },
		);
	});

	it('from a view with all of the text on, each delta is shown at once', () => {
		const event = fc.oneof(
			{ weight: 6, arbitrary: delta },
			{ weight: 1, arbitrary: dropped },
			{ weight: 1, arbitrary: reconnect },
			{ weight: 2, arbitrary: exactView },
		);
		fc.assert(
			fc.property(circumstances(event), (given) => {
				play(given, (shown, { text }, whole) => {
					if (whole) expect(shown).toBe(text);
				});
			}),
			{ numRuns: 2_000 },
		);
	});
});
