import { isJsonObject, parseJson, type JsonObject } from '../util/json';

/**
 * Whether something that the service shows is what was sent: `unclear` if it may be, because the
 * service stores values in another form, leaves some out or fills some in.
 */
export type Comparison = 'equal' | 'different' | 'unclear';

/** What several parts make together: one that differs decides, then one that is unclear. */
export function together(parts: Iterable<Comparison>): Comparison {
	let all: Comparison = 'equal';
	for (const part of parts) {
		if (part === 'different') return part;
		if (part === 'unclear') all = part;
	}
	return all;
}

/** A part that can rule something out, but not prove it. */
export function atMostUnclear(part: Comparison): Comparison {
	return part === 'different' ? part : 'unclear';
}

/**
 * Compares JSON that was sent with what the service shows of it.
 *
 * `equal` is said only if both are the same JSON, whatever the order of keys. Whatever a service
 * is known to do to JSON that it stores is `unclear`, never `different`: to fill in defaults, to
 * drop or add nulls and empty values, to round numbers, to spell a time, an address or a number in
 * another way, to normalise, shorten or hide text, to wrap a file's address.
 *
 * | sent | shown | |
 * | --- | --- | --- |
 * | `{"a":1,"b":2}` | `{"b":2,"a":1}` | equal |
 * | `{"a":1}` | `{"a":1,"seed":0}` | unclear: perhaps a default |
 * | `{"a":1,"b":null}` | `{"a":1}` | unclear: perhaps dropped |
 * | `{"a":1,"b":null}` | `{"a":2}` | different, by `a` |
 *
 * @param sent a value that has gone through JSON
 * @param shown a value that has come as JSON
 */
export function compareJson(sent: unknown, shown: unknown): Comparison {
	let all: Comparison = 'equal';
	// Not recursive: inputs may be nested deeper than the stack allows.
	const open: Array<readonly [sent: unknown, shown: unknown]> = [[sent, shown]];
	for (let pair = open.pop(); pair; pair = open.pop()) {
		const [mine, theirs] = pair;
		if (mine === theirs) continue;
		let part: Comparison;
		if (Array.isArray(mine) && Array.isArray(theirs)) {
			part = compareLists(mine, theirs, open);
		} else if (isJsonObject(mine) && isJsonObject(theirs)) {
			part = compareObjects(mine, theirs, open);
		} else {
			part = compareKinds(mine, theirs, open);
		}
		if (part === 'different') return part;
		if (part === 'unclear') all = part;
	}
	return all;
}

type Open = Array<readonly [sent: unknown, shown: unknown]>;

function compareObjects(sent: JsonObject, shown: JsonObject, open: Open): Comparison {
	let all: Comparison = 'equal';
	for (const key of Object.keys(sent)) {
		if (Object.hasOwn(shown, key)) open.push([sent[key], shown[key]]);
		else all = 'unclear';
	}
	for (const key of Object.keys(shown)) if (!Object.hasOwn(sent, key)) all = 'unclear';
	return all;
}

function compareLists(sent: readonly unknown[], shown: readonly unknown[], open: Open): Comparison {
	if (sent.length !== shown.length) {
		// Where nulls have been dropped, it cannot be told which element is which.
		return [...sent, ...shown].some(isNothing) ? 'unclear' : 'different';
	}
	sent.forEach((value, index) => open.push([value, shown[index]]));
	return 'equal';
}

/** Empty in a way that Go, JSON libraries and databases take for each other. */
function isNothing(value: unknown): boolean {
	if (value === undefined || value === null || value === '') return true;
	return Array.isArray(value) ? value.length === 0 : isJsonObject(value) && isEmpty(value);
}

function isEmpty(value: JsonObject): boolean {
	for (const _key in value) return false;
	return true;
}

/** Compares what is not the same, and neither two lists nor two objects. */
function compareKinds(sent: unknown, shown: unknown, open: Open): Comparison {
	// Null asks for a default.
	if (sent === null || (isNothing(sent) && isNothing(shown))) return 'unclear';
	if (typeof sent === 'string' && typeof shown === 'string') return compareText(sent, shown);
	if (typeof sent === 'number' && typeof shown === 'number') return compareNumbers(sent, shown);
	if (typeof sent === 'object' || typeof shown === 'object') return wrapped(sent, shown, open);
	// A number or truth value, and a text of it.
	return asNumber(sent) === asNumber(shown) ? 'unclear' : 'different';
}

/** Text of a number, truth values as 1 and 0; what is none of them is unlike any number. */
function asNumber(value: unknown): number {
	if (value === true || value === 'true') return 1;
	if (value === false || value === 'false') return 0;
	return typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
}

/** Keys under which a service wraps the address of a file. */
const ADDRESS_KEYS = ['uri', 'url'];

/** One side is a list or an object, the other is not. */
function wrapped(sent: unknown, shown: unknown, open: Open): Comparison {
	const sides = [sent, shown] as const;
	const container = sides.find((side) => typeof side === 'object');
	const plain = sides.find((side) => side !== container);
	const inside = (value: unknown) => {
		open.push(container === sent ? [value, plain] : [plain, value]);
		return 'unclear' as const;
	};
	if (Array.isArray(container)) {
		if (container.length === 1) return inside(container[0]);
	} else if (isJsonObject(container)) {
		const key = ADDRESS_KEYS.find((name) => typeof container[name] === 'string');
		if (key !== undefined && typeof plain === 'string') return inside(container[key]);
	}
	const parsed = typeof plain === 'string' ? parseJson(plain) : undefined;
	if (typeof parsed !== 'object' || parsed === null) return 'different';
	open.push(container === sent ? [sent, parsed] : [parsed, shown]);
	return 'unclear';
}

/** A rounding error of 32-bit floats, in relation to the number. */
const FLOAT_ERROR = 1e-6;

function compareNumbers(sent: number, shown: number): Comparison {
	if (Number.isSafeInteger(sent) && Number.isSafeInteger(shown)) return 'different';
	const error = Math.abs(sent - shown) / Math.max(Math.abs(sent), Math.abs(shown));
	return error < FLOAT_ERROR ? 'unclear' : 'different';
}

const ISO_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/;
/** What stands for a part that is hidden. */
const HIDDEN = /\*{3,}|•{3,}|\[(?:redacted|hidden)\]/i;
const ELLIPSIS = /(?:…|\.{3})$/;
/** A text that is shorter than this was not cut to fit. */
const CUT_FROM = 32;

/** What is left of a text in every form in which it may be stored. */
function plainText(text: string): string {
	// PostgreSQL cannot store the character 0.
	return text.normalize('NFKC').replaceAll('\0', '').replaceAll('\r\n', '\n').trim();
}

/** Whether a text may be another one with its middle hidden. */
function isHiddenIn(text: string, hidden: string): boolean {
	const [before = '', ...after] = hidden.split(HIDDEN);
	return after.length > 0 && text.startsWith(before) && text.endsWith(after.at(-1) ?? '');
}

function withoutQuery(address: string): string | undefined {
	return /^https?:\/\//i.test(address) ? address.replace(/[?#].*$/s, '') : undefined;
}

function compareText(sent: string, shown: string): Comparison {
	const [mine, theirs] = [plainText(sent), plainText(shown)];
	if (mine === theirs) return 'unclear';
	const cut = theirs.replace(ELLIPSIS, '');
	if (cut.length >= CUT_FROM && mine.startsWith(cut)) return 'unclear';
	if (isHiddenIn(mine, theirs)) return 'unclear';
	const address = withoutQuery(mine);
	if (address !== undefined && address === withoutQuery(theirs)) return 'unclear';
	if (ISO_TIME.test(mine) && ISO_TIME.test(theirs)) {
		return Math.abs(Date.parse(mine) - Date.parse(theirs)) < 1_000 ? 'unclear' : 'different';
	}
	return asNumber(mine) === asNumber(theirs) ? 'unclear' : 'different';
}
