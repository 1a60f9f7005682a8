import { isJsonObject, listOf, textOf, type JsonObject } from '../util/json';

/** Longest piece of an unexpected answer that an error shows. */
const EXCERPT_LENGTH = 500;

/** More of a text is not looked at to show the beginning of it. */
const PAGE_LENGTH = 20_000;

/** The first 500 characters of `text`, on one line. */
export function excerpt(text: string): string {
	const line = text.trimStart().slice(0, PAGE_LENGTH).replace(/\s+/g, ' ').trim();
	return line.length > EXCERPT_LENGTH ? `${line.slice(0, EXCERPT_LENGTH)}…` : line;
}

/** Whether an answer is a web page: it was written for browsers. */
export function isPage(text: string): boolean {
	return text.trimStart().startsWith('<');
}

/** What a web page says: its title, or its words; empty if it has neither. */
export function wordsOfPage(text: string): string {
	const page = text.slice(0, PAGE_LENGTH);
	const title = /<(title|h1)\b[^<>]*>([^<]*)</i.exec(page)?.[2] ?? '';
	const words =
		excerpt(title) ||
		excerpt(page.replace(/<(script|style)\b[^]*?(?:<\/\1>|$)/gi, ' ').replace(/<[^<>]*>/g, ' '));
	return words.replace(/&(?:amp|#38);/g, '&').replace(/&(?:#39|apos|quot|nbsp);/g, ' ');
}

/** Ends a sentence of the service without a double full stop. */
export function withoutFullStop(text: string): string {
	return text.replace(/[.\s]+$/, '');
}

/** What a refusal's body says, whatever its shape. */
export interface Problem {
	/** In lower case: general codes come in snake case, session codes in capitals. */
	readonly code: string | undefined;
	readonly message: string | undefined;
	readonly suggestions: readonly string[];
	readonly meta: JsonObject;
	/** The limit of the plan that is used up. */
	readonly resource: string | undefined;
	/** The words of an app's owner about it. */
	readonly statusMessage: string | undefined;
	/** Whether the API itself has said it, and not whoever stands before it. */
	readonly fromApi: boolean;
}

const NOTHING: Problem = {
	code: undefined,
	message: undefined,
	suggestions: [],
	meta: {},
	resource: undefined,
	statusMessage: undefined,
	fromApi: false,
};

/** Parts of a body that what stands before the API does not write. */
const API_KEYS = ['type', 'title', 'detail', 'code', 'error', 'meta'];
/** A text that is a code: some servers say `{"error": "rate_limited"}`. */
const CODE = /^[a-z]+(?:_[a-z]+)+$/i;

/** `value` if it is a text, and no more of it than is shown. */
export function wordsOf(value: unknown): string | undefined {
	const text = textOf(value);
	return (text && excerpt(text)) || undefined;
}

/** The last part of a problem's type; `about:blank` says that there is none (RFC 9457). */
function codeOfType(type: unknown): string | undefined {
	const text = wordsOf(type);
	if (text === undefined || text === 'about:blank') return undefined;
	return text.slice(text.lastIndexOf('/') + 1);
}

/** Reads every error shape of API notes 1.4. */
export function readProblem(body: unknown): Problem {
	if (!isJsonObject(body)) return NOTHING;
	const inner = isJsonObject(body['error']) ? body['error'] : {};
	const plain = wordsOf(body['error']);
	const plainCode = plain !== undefined && CODE.test(plain) ? plain : undefined;
	const code =
		wordsOf(inner['code']) ??
		wordsOf(body['code']) ??
		codeOfType(body['type']) ??
		codeOfType(inner['type']) ??
		plainCode;
	const message =
		wordsOf(body['detail']) ??
		wordsOf(body['title']) ??
		wordsOf(inner['message']) ??
		(plainCode === undefined ? plain : undefined) ??
		wordsOf(body['message']) ??
		plain;
	const metas = [body['meta'], inner['meta']].filter(isJsonObject);
	const places = [...metas, body, inner];
	const first = (name: string) =>
		places.map((place) => wordsOf(place[name])).find((value) => value !== undefined);
	const suggestions = [...listOf(body['suggestions']), ...listOf(inner['suggestions'])]
		.map((entry) => (isJsonObject(entry) ? wordsOf(entry['ref'] ?? entry['name']) : wordsOf(entry)))
		.filter((entry) => entry !== undefined);
	return {
		code: code?.toLowerCase(),
		message,
		suggestions,
		meta: metas[0] ?? {},
		resource: first('resource'),
		statusMessage: first('status_message'),
		fromApi: API_KEYS.some((key) => key in body),
	};
}
