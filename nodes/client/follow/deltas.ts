import { isJsonObject, listOf, type JsonObject } from '../util/json';

/** How a piece of a field joins what came before it. */
type Merge = (before: unknown, piece: unknown) => unknown;
/** Fields that do not simply replace what came before. */
type Fields = ReadonlyMap<string, Merge>;

const concat: Merge = (before, piece) =>
	typeof piece !== 'string' ? before : typeof before === 'string' ? before + piece : piece;

const nested =
	(fields: Fields): Merge =>
	(before, piece) =>
		isJsonObject(piece) ? merge(isJsonObject(before) ? before : {}, piece, fields) : before;

/** Entries of a list come in pieces, too; each says by its `index` to which one it belongs. */
function indexed(fields: Fields): Merge {
	const mergeEntry = nested(fields);
	return (before, pieces) => {
		const list = [...listOf(before)];
		for (const piece of listOf(pieces).filter(isJsonObject)) {
			const { index } = piece;
			const at = list.findIndex((entry) => isJsonObject(entry) && entry['index'] === index);
			list[at === -1 ? list.length : at] = mergeEntry(list[at], piece);
		}
		return list;
	};
}

/** API notes 4.4. Arguments of a call are JSON in pieces: only the whole of it can be parsed. */
const LLM_FIELDS: Fields = new Map([
	['response', concat],
	['reasoning', concat],
	['tool_calls', indexed(new Map([['function', nested(new Map([['arguments', concat]]))]]))],
]);

function merge(before: JsonObject, delta: JsonObject, fields: Fields): JsonObject {
	const changes = Object.entries(delta)
		.filter(([, piece]) => piece !== null && piece !== undefined)
		.map(([name, piece]) => [name, fields.get(name)?.(before[name], piece) ?? piece] as const);
	return { ...before, ...Object.fromEntries(changes) };
}

/** Adds a delta of a language model to what the earlier ones made (API notes 4.4). */
export function mergeDelta(before: JsonObject, delta: JsonObject): JsonObject {
	return merge(before, delta, LLM_FIELDS);
}

/** The answer's text in an output, or in what deltas have made of it so far. */
export function responseText(output: unknown): string | undefined {
	const text = isJsonObject(output) ? output['response'] : output;
	return typeof text === 'string' ? text : undefined;
}

/**
 * Puts one message together from its token deltas. The result is provisional: the final object is
 * the authority.
 *
 * What was missed, at the beginning or during a reconnect, is not sent again. Numbers from 1 and
 * without a gap prove that nothing was; else the service's own view of the message has to tell what
 * there is. If that does not help, the text stays as it is: with a hole in it, it would be wrong, and
 * the end brings all of it.
 */
export class DeltaAccumulator {
	private made: JsonObject = {};
	private lastSeq: number | undefined;
	/** The latest view of the service, as long as it may be needed. */
	private view: JsonObject | undefined;
	/** `broken`: something was missed for certain. */
	private state: 'whole' | 'unsure' | 'broken';
	/** Whether `made` has a hole behind it, so that numbers do not tell what follows on it. */
	private holed = false;

	/** @param start `late` if the message may have begun before anybody listened */
	constructor(start: 'whole' | 'late' = 'whole') {
		this.state = start === 'late' ? 'unsure' : 'whole';
	}

	/** What there is so far: `response`, `reasoning`, `tool_calls`, `usage` and others. */
	get value(): JsonObject {
		const { made, view } = this;
		const lags = view && (responseText(made) ?? '').startsWith(responseText(view) ?? '');
		return view && !lags ? { ...made, ...view } : made;
	}

	/** The answer's text so far; undefined before its first piece. */
	get text(): string | undefined {
		return responseText(this.value);
	}

	/** A lost connection is there again: deltas may have been missed. */
	resume(): void {
		const { value } = this;
		this.holed ||= this.state === 'broken' || value !== this.made;
		this.made = value;
		this.view = undefined;
		this.state = 'unsure';
	}

	/** Takes what an object of the service says of the message; deltas without a gap tell more. */
	reset(view: JsonObject): void {
		const needed = this.state !== 'whole' || this.lastSeq === undefined;
		// An empty text may also mean that the service does not show what there is so far.
		if (needed && responseText(view)) this.view = view;
	}

	/**
	 * Takes the next delta.
	 *
	 * @param seq its number; what has been seen is dropped
	 * @returns the text that it has added to what there was; undefined if the text may be another one
	 */
	push(delta: JsonObject, seq: number | undefined): string | undefined {
		const { lastSeq } = this;
		if (seq !== undefined && lastSeq !== undefined && seq <= lastSeq) return '';
		const missedFirst = lastSeq === undefined && (seq ?? 0) > 1;
		const sure = this.state === 'whole' && !this.view && !missedFirst;
		const wasBroken = this.state === 'broken';
		if (!sure && !wasBroken) this.join(delta, seq);
		this.lastSeq = seq ?? lastSeq;
		// What comes after a hole adds nothing.
		if (wasBroken) return '';
		if (this.state === 'whole') this.made = mergeDelta(this.made, delta);
		return sure ? (responseText(delta) ?? '') : undefined;
	}

	/** Takes up again with the first delta after an interruption. */
	private join(delta: JsonObject, seq: number | undefined): void {
		const base = this.baseOf(delta, seq);
		this.state = base ? 'whole' : 'broken';
		if (!base) return;
		this.made = base;
		this.view = undefined;
		this.holed = false;
	}

	/**
	 * What a delta follows on: what the deltas before have made, or the service's view of the message;
	 * undefined if neither is known to be what comes before it. An example: they have made "Hello",
	 * the last one had the number 5.
	 *
	 * | number | piece | view          | follows on    | because                                   |
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
	private baseOf(delta: JsonObject, seq: number | undefined): JsonObject | undefined {
		const { lastSeq, made, view, holed } = this;
		const isNext = seq !== undefined && !holed && seq <= (lastSeq ?? 0) + 1;
		const hasGap = seq !== undefined && !isNext;
		const own = responseText(made) ?? '';
		const piece = responseText(delta) ?? '';
		const seen = view && (responseText(view) ?? '');
		if (seen === undefined) return isNext ? made : undefined;
		const lags = own.startsWith(seen) && (own !== seen || hasGap);
		const comesAgain = piece !== '' && own.startsWith(seen + piece);
		const viewCounts = lags ? comesAgain : !isNext || !seen.startsWith(own);
		if (viewCounts) return { ...made, ...view };
		return isNext ? made : undefined;
	}
}
