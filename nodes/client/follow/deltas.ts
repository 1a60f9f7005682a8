import { isJsonObject, type JsonObject } from '../util/json';

/** The answer's text in an output, or in a delta of a language model (API notes 4.4). */
export function responseText(output: unknown): string | undefined {
	const text = isJsonObject(output) ? output['response'] : output;
	return typeof text === 'string' ? text : undefined;
}

/** So many characters are enough to find a place in a text by. */
const ENOUGH = 200;

/** The latest view of the service that came before the first delta of a connection. */
interface View {
	readonly length: number;
	/** Whether it showed more than was known, or another text. */
	readonly isNew: boolean;
}

/**
 * Puts the text of one message together from its token deltas and from the service's own views of
 * it. The result is provisional: the final object is the authority. It is always a beginning of the
 * whole as far as that can be told: a text with a hole in it would be wrong.
 *
 * What was missed, at the beginning or during a reconnect, is not sent again. Numbers that go on
 * prove that nothing was. Else deltas wait until a view ends with them, and go on from there; a view
 * that comes before the first delta of a connection is taken to be where that delta goes on.
 */
export class DeltaAccumulator {
	/** What is known of the text. A view may have told more of it than the deltas have by now. */
	private known = '';
	/** Where the next delta belongs if it goes on where the last one ended; undefined after a hole. */
	private position: number | undefined;
	/** The end of the deltas since the hole. */
	private loose = '';
	/** Whether what is known lacks some of them. */
	private lacks = false;
	/** Where deltas were joined to a view without a proof that nothing is between them. */
	private joinedAt: number | undefined;
	private lastSeq: number | undefined;
	/** Whether numbers go up by one; within a connection, a gap is a hole only then. */
	private numbering: 'unknown' | 'dense' | 'sparse' = 'unknown';
	/** Whether there has been any delta. */
	private begun = false;
	/** Whether the connection has brought none but what had come before it. */
	private fresh = true;
	/** What a fresh connection has brought again. */
	private replayed = '';
	private replayedSeq = -Infinity;
	/** Of a fresh connection. */
	private view: View | undefined;

	/** @param start `late` if the message may have begun before anybody listened */
	constructor(start: 'whole' | 'late' = 'whole') {
		if (start === 'whole') this.position = 0;
	}

	/** The answer's text so far; undefined before its first piece. */
	get text(): string | undefined {
		return this.known === '' ? undefined : this.known;
	}

	/** A lost connection is there again: deltas may have been missed. */
	resume(): void {
		if (!this.begun) this.position = undefined;
		this.fresh = true;
		this.view = undefined;
		this.replayed = '';
		this.replayedSeq = -Infinity;
	}

	/** Takes what an object of the service says of the text; an empty one may only not show it yet. */
	reset(text: string): void {
		const { known, fresh, position } = this;
		if (known.startsWith(text)) {
			if (fresh && text !== '' && !this.view?.isNew)
				this.view = { length: text.length, isNew: false };
			return;
		}
		const goesOn = text.startsWith(known);
		if (!fresh && position !== undefined) {
			if (goesOn) this.known = text;
			else this.correct(text);
			return;
		}
		this.known = text;
		if (!goesOn) this.position = undefined;
		const { loose } = this;
		this.lacks = !text.includes(loose);
		if (fresh) {
			// One that lacks what has come is older than the hole.
			this.view = this.lacks ? undefined : { length: text.length, isNew: true };
			// Numbers may go on from there in a later connection.
			if (loose !== '' && text.endsWith(loose)) this.position ??= text.length;
		} else if (text.endsWith(loose)) {
			this.position = text.length;
			this.joinedAt = text.length - loose.length;
			this.loose = '';
		}
	}

	/** A view shows that something is missing before what was joined without a proof. */
	private correct(text: string): void {
		const { known, joinedAt } = this;
		if (joinedAt === undefined || !text.endsWith(known.slice(joinedAt))) return;
		this.joinedAt = text.length - (known.length - joinedAt);
		this.known = text;
		this.position = text.length;
	}

	/**
	 * Takes the next delta.
	 *
	 * @param seq its number; what has been seen is dropped
	 * @returns what it has added to the text
	 */
	push(delta: JsonObject, seq: number | undefined): string {
		const piece = responseText(delta) ?? '';
		const { lastSeq, fresh } = this;
		if (seq !== undefined && lastSeq !== undefined && seq <= lastSeq) {
			if (fresh && seq > this.replayedSeq) {
				this.replayed += piece;
				this.replayedSeq = seq;
			}
			return '';
		}
		const place = fresh ? this.placeOfFirst(piece, seq) : this.placeOfNext(seq);
		this.lastSeq = seq ?? lastSeq;
		this.begun = true;
		this.fresh = false;
		this.view = undefined;
		if (place !== undefined) return this.put(piece, place);
		const isNewHole = fresh || this.position !== undefined;
		this.loose = ((isNewHole ? this.replayed : this.loose) + piece).slice(-ENOUGH);
		this.lacks = true;
		this.replayed = '';
		this.position = undefined;
		return '';
	}

	/** Adds a piece, of which a view may have told some or all. */
	private put(piece: string, place: number): string {
		const { length } = this.known;
		const told = place === length ? '' : this.known.slice(place, place + piece.length);
		// What does not fit there can only go on where the view ended.
		const fits = piece.startsWith(told);
		const added = fits ? piece.slice(told.length) : piece;
		if (!fits) this.joinedAt = length;
		this.known += added;
		this.position = fits ? place + piece.length : this.known.length;
		this.loose = '';
		this.lacks = false;
		this.replayed = '';
		return added;
	}

	/** Where a delta belongs that comes in the same connection as the one before. */
	private placeOfNext(seq: number | undefined): number | undefined {
		const { position, known } = this;
		if (!this.leavesGap(seq)) return position;
		this.loose = '';
		// A view may have told what was missed.
		return (position ?? known.length) < known.length ? (this.joinedAt = known.length) : undefined;
	}

	/** Whether a number proves that a delta of this connection is missing before it. */
	private leavesGap(seq: number | undefined): boolean {
		const { lastSeq, numbering } = this;
		if (seq === undefined || lastSeq === undefined) return false;
		const hasGap = seq > lastSeq + 1;
		if (numbering === 'unknown') this.numbering = hasGap ? 'sparse' : 'dense';
		return hasGap && numbering === 'dense';
	}

	/**
	 * Where the first delta of a connection belongs; undefined if that cannot be told. An example:
	 * the deltas before have made "Hello", the last one had the number 5.
	 *
	 * | number | piece | view          | goes on from  | because                                   |
	 * | ------ | ----- | ------------- | ------------- | ----------------------------------------- |
	 * | 6      | "!"   |               | "Hello"       | nothing was missed                        |
	 * | 8      | "!"   |               | undefined     | 6 and 7 were missed                       |
	 * | 8      | "!"   | "Hello world" | "Hello world" | the view has what was missed              |
	 * | 8      | "!"   | "Hello"       | undefined     | the view lags, too: it lacks 6 and 7      |
	 * | 6      | "!"   | "Hel"         | "Hello"       | the view lags, the deltas do not          |
	 * | 6      | "lo"  | "Hel"         | "Hel"         | the view has gone back: "lo" comes again  |
	 * | 6      | "!"   | "Bye"         | "Bye"         | the message is another one now            |
	 * | none   | "!"   | "Hello"       | "Hello"       | both have the same                        |
	 */
	private placeOfFirst(piece: string, seq: number | undefined): number | undefined {
		const { known, position, view, begun } = this;
		const next = this.placeByNumber(seq);
		if (view && !view.isNew) {
			if (piece !== '' && known.startsWith(piece, view.length)) return view.length;
			if (next !== undefined || view.length < known.length) return next;
			// It may have been read before, while there was no connection.
			const hasMissed =
				position === undefined ? !this.lacks : position < known.length || seq === undefined;
			return hasMissed ? (this.joinedAt = known.length) : undefined;
		}
		if (next !== undefined) return next;
		if (view) return (this.joinedAt = known.length);
		if (begun || seq !== undefined || position === undefined) return undefined;
		return (this.joinedAt = position);
	}

	/** Where a delta belongs if its number proves that nothing was missed. */
	private placeByNumber(seq: number | undefined): number | undefined {
		const { lastSeq, known, position, replayed } = this;
		if (seq === undefined) return undefined;
		if (lastSeq === undefined) return seq <= 1 ? 0 : undefined;
		if (position === undefined || seq !== lastSeq + 1) return undefined;
		// What comes again under the same numbers has to be the same; else each connection has its own.
		return known.slice(0, position).endsWith(replayed) ? position : undefined;
	}
}
