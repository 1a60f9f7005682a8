import { changedNumber } from './exactNumber';

/** Any JSON object, as it came over the wire. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether `value` is an object in the sense of JSON: not null, not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `value` if it is a JSON object. */
export function asJsonObject(value: unknown): JsonObject | undefined {
	return isJsonObject(value) ? value : undefined;
}

/** `value` if it is a string that is not empty. */
export function textOf(value: unknown): string | undefined {
	return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The text of an error that is a text, or an object with a message as in old answers. */
export function errorText(value: unknown): string | undefined {
	if (isJsonObject(value)) return textOf(value['message']) ?? JSON.stringify(value);
	return textOf(value);
}

/** `value` if it is an array, else an empty one: Go sends null for empty slices (API notes 1.3). */
export function listOf(value: unknown): readonly unknown[] {
	return Array.isArray(value) ? value : [];
}

/** Whether two values of JSON are the same, with their keys in the same order; of any depth. */
export function sameJson(left: unknown, right: unknown): boolean {
	const open: Array<readonly [unknown, unknown]> = [[left, right]];
	for (let pair = open.pop(); pair; pair = open.pop()) {
		const [one, other] = pair;
		if (one === other) continue;
		const values = entriesOf(one);
		const others = entriesOf(other);
		if (!values || !others || values.length !== others.length) return false;
		if (Array.isArray(one) !== Array.isArray(other)) return false;
		for (const [at, [name, value]] of values.entries()) {
			const [otherName, otherValue] = others[at] ?? [];
			if (name !== otherName) return false;
			open.push([value, otherValue]);
		}
	}
	return true;
}

/** What has a place in the JSON of an object or list. */
function entriesOf(value: unknown): ReadonlyArray<[string, unknown]> | undefined {
	if (typeof value !== 'object' || value === null) return undefined;
	return Object.entries(value).filter(([, inner]) => inner !== undefined);
}

/** Parses JSON that may not be JSON. */
export function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

/** What a text is as JSON. */
export type ParsedJson =
	| { readonly kind: 'json'; readonly value: unknown }
	| { readonly kind: 'invalid'; readonly error: unknown }
	/** It holds a number that would not stay the same, such as a whole one above 2^53. */
	| { readonly kind: 'inexact'; readonly number: string };

/** Parses JSON that somebody has entered, and notices what would be changed by that. */
export function parseExactly(text: string): ParsedJson {
	try {
		const value: unknown = JSON.parse(text);
		const number = changedNumber(text);
		return number === undefined ? { kind: 'json', value } : { kind: 'inexact', number };
	} catch (error) {
		return { kind: 'invalid', error };
	}
}

/** A lone half of a surrogate pair, as `JSON.stringify` writes it, or any other escape. */
const ESCAPE = /\\(?:(ud[\da-f]{3})|.)/g;

/**
 * Makes JSON of a value, with well-formed text: half a character, as is left where a text with an
 * emoji has been cut, becomes U+FFFD. Services in Go would store that and show another text than
 * was sent.
 */
export function jsonText(value: unknown): string {
	const text = JSON.stringify(value);
	if (!text.includes('\\ud')) return text;
	return text.replace(ESCAPE, (escape, half?: string) => (half === undefined ? escape : '\\ufffd'));
}

/** A value as it is after it has gone over the wire. */
export function throughJson(value: object): JsonObject {
	const parsed: unknown = JSON.parse(jsonText(value));
	return isJsonObject(parsed) ? parsed : {};
}
