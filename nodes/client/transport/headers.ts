/** Headers as HTTP libraries give them: a repeated one has several values. */
export type HeaderValues = Readonly<Record<string, unknown>>;

/**
 * What a header says if its bytes are UTF-8, which some servers send as it is: HTTP libraries show
 * each byte as a character (RFC 9110, 5.5).
 *
 * @returns as it is if it is no UTF-8; empty if there is none
 */
export function wireText(value = ''): string {
	if (!/^[\0-\xff]*[\x80-\xff][\0-\xff]*$/.test(value)) return value;
	const text = Buffer.from(value, 'latin1').toString('utf8');
	return text.includes('\uFFFD') ? value : text;
}

/** Headers by their names in lower case, repeated ones joined. */
export function flatHeaders(headers: HeaderValues): Record<string, string> {
	const flat: Record<string, string> = {};
	for (const [name, value] of Object.entries(headers)) {
		if (value === undefined || value === null) continue;
		flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : String(value);
	}
	return flat;
}

/** The same for headers as they came over the wire: names and values in turn. */
export function headersFromPairs(raw: readonly Uint8Array[]): Record<string, string> {
	const flat: Record<string, string> = {};
	for (let at = 0; at + 1 < raw.length; at += 2) {
		const name = String(raw[at]).toLowerCase();
		const value = String(raw[at + 1]);
		flat[name] = name in flat ? `${flat[name]}, ${value}` : value;
	}
	return flat;
}
