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

/** `value` if it is an array, else an empty one: Go sends null for empty slices (API notes 1.3). */
export function listOf(value: unknown): readonly unknown[] {
	return Array.isArray(value) ? value : [];
}

/**
 * JSON text in which the keys of every object are sorted, so that two values that mean the same
 * have the same text. `undefined` and `toJSON` are treated as `JSON.stringify` does.
 */
export function canonicalJson(value: unknown): string {
	const text = JSON.stringify(value, (_key, inner: unknown) => {
		if (!isJsonObject(inner)) return inner;
		return Object.fromEntries(
			Object.keys(inner)
				.sort()
				.map((key) => [key, inner[key]]),
		);
	});
	return text ?? 'null';
}

/** Parses JSON that may not be JSON. */
export function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
