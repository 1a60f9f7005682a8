import { isJsonObject, listOf, textOf, type JsonObject } from '../util/json';

/** Longest piece of an unexpected answer that an error shows. */
const EXCERPT_LENGTH = 500;

/** The first 500 characters of `text`, on one line. */
export function excerpt(text: string): string {
	const line = text.replace(/\s+/g, ' ').trim();
	return line.length > EXCERPT_LENGTH ? `${line.slice(0, EXCERPT_LENGTH)}…` : line;
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
}

/** Reads every error shape of API notes 1.4. */
export function readProblem(body: unknown): Problem {
	if (!isJsonObject(body))
		return { code: undefined, message: undefined, suggestions: [], meta: {} };
	const inner = isJsonObject(body['error']) ? body['error'] : {};
	const type = textOf(body['type']);
	const code =
		textOf(inner['code']) ?? textOf(body['code']) ?? type?.slice(type.lastIndexOf('/') + 1);
	const message =
		textOf(body['detail']) ??
		textOf(body['title']) ??
		textOf(inner['message']) ??
		textOf(body['error']) ??
		textOf(body['message']);
	const meta = [body['meta'], inner['meta']].find(isJsonObject) ?? {};
	const suggestions = [...listOf(body['suggestions']), ...listOf(inner['suggestions'])]
		.map((entry) => (isJsonObject(entry) ? textOf(entry['ref'] ?? entry['name']) : textOf(entry)))
		.filter((entry) => entry !== undefined);
	return { code: code?.toLowerCase(), message, suggestions, meta };
}
