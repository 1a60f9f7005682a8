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
 * another way, to normalise, shorten or hide text, to put a file elsewhere or wrap its address.
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
	// Nothing asks for a default, and is what is left of what is not shown.
	if (isNothing(sent) || isNothing(shown)) return 'unclear';
	if (typeof sent === 'string' && typeof shown === 'string') return compareText(sent, shown);
	if (typeof sent === 'object' || typeof shown === 'object') return wrapped(sent, shown, open);
	return compareNumbers(asNumber(sent), asNumber(shown));
}

/** Text of a number, truth values as 1 and 0; what is none of them is unlike any number. */
function asNumber(value: unknown): number {
	const word = String(value).trim().toLowerCase();
	if (word === 'true') return 1;
	if (word === 'false') return 0;
	return word === '' ? Number.NaN : Number(word);
}

/** Keys under which a service wraps the address of a file. */
const ADDRESS_KEYS = ['uri', 'url', 'path'];

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

/** What rounding makes of a number, in relation to it or to one. */
const ROUNDING = 0.01;

function compareNumbers(sent: number, shown: number): Comparison {
	if (sent === shown) return 'unclear';
	if (Number.isSafeInteger(sent) && Number.isSafeInteger(shown)) return 'different';
	const error = Math.abs(sent - shown) / Math.max(1, Math.abs(sent), Math.abs(shown));
	return error < ROUNDING ? 'unclear' : 'different';
}

const ISO_TIME = /^\d{4}-\d\d-\d\d/;
/** What stands for a part that is hidden or cut off. */
const HIDDEN = /\*{3,}|•{3,}|…|\.{3}|[[<(](?:redacted|hidden|truncated)[\])>]/i;
/** A text that is shorter than this was not cut without a sign of it. */
const CUT_FROM = 32;
/** Spaces, signs, accents, and what they are spelled as in HTML and addresses. */
const SPELLING = /&#?\w{1,8};|%[\da-f]{2}|[^\p{L}\p{N}\p{Extended_Pictographic}]/giu;
const BEGINNING = 256;
/** Each part begins with what the one before cannot hold, so that a long text is looked at once. */
const ADDRESS = /^(https?:\/\/[^/?#\s]*)((?:\/[^?#\s]*)?)(?:[?#]\S*)?$/i;

/** The last long text, because one is compared with many. */
let latest = { text: '', plain: '' };

/** What is left of a text in whatever spelling it is stored: letters, digits and pictures. */
function plainText(text: string): string {
	if (latest.text === text) return latest.plain;
	const plain = text.normalize('NFKD').replace(SPELLING, '').toLowerCase();
	if (text.length > BEGINNING) latest = { text, plain };
	return plain;
}

/** Whether texts begin alike; most of the long ones do not. What is cut off at the end may differ. */
function beginAlike(one: string, other: string): boolean {
	const [left = '', right = ''] = [one, other].map((text) => plainText(text.slice(0, BEGINNING)));
	const length = Math.max(0, Math.min(left.length, right.length) - CUT_FROM);
	return left.slice(0, length) === right.slice(0, length);
}

/** Whether a text may be another one with parts hidden. */
function isHiddenIn(text: string, shown: string): boolean {
	const [before = '', ...after] = shown.split(HIDDEN).map(plainText);
	return after.length > 0 && text.startsWith(before) && text.endsWith(after.at(-1) ?? '');
}

/** Whether an address may be where a service has put the file of another address, or one in itself. */
function isStoredAt(file: string, shown: string): boolean {
	const there = ADDRESS.exec(shown);
	if (!there || /^data:/i.test(file)) return there !== null;
	const from = ADDRESS.exec(file);
	return from !== null && (from[1] !== there[1] || from[2] === there[2]);
}

function compareText(sent: string, shown: string): Comparison {
	const numbers = [asNumber(sent), asNumber(shown)] as const;
	if (!numbers.some(Number.isNaN)) return compareNumbers(...numbers);
	if (isStoredAt(sent, shown)) return 'unclear';
	if (beginAlike(sent, shown) || HIDDEN.test(shown.slice(0, BEGINNING))) {
		const theirs = plainText(shown);
		const mine = plainText(sent);
		const isCut = theirs.length >= CUT_FROM && mine.startsWith(theirs);
		if (mine === theirs || isCut || isHiddenIn(mine, shown)) return 'unclear';
	}
	const apart = ISO_TIME.test(sent) && ISO_TIME.test(shown) && Date.parse(sent) - Date.parse(shown);
	return apart !== false && Math.abs(apart) < 1_000 ? 'unclear' : 'different';
}
