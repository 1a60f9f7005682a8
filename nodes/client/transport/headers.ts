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

/** Headers of an answer: names in lower case, the values of a repeated one joined with a comma. */
export interface AnswerHeaders {
	get(name: string): string | undefined;
}

/** Those that an HTTP library has read. */
export function headersOf(values: HeaderValues): AnswerHeaders {
	const flat = new Map<string, string>();
	for (const [name, value] of Object.entries(values)) {
		if (value === undefined || value === null) continue;
		flat.set(name.toLowerCase(), Array.isArray(value) ? value.join(', ') : String(value));
	}
	return flat;
}

/** Those that came over the wire, names and values in turn: hardly one of each answer is ever read. */
export class WireHeaders implements AnswerHeaders {
	constructor(private readonly raw: readonly Uint8Array[]) {}

	get(name: string): string | undefined {
		const { raw } = this;
		let found: string | undefined;
		for (let at = 0; at + 1 < raw.length; at += 2) {
			if (raw[at]?.length !== name.length || String(raw[at]).toLowerCase() !== name) continue;
			const value = String(raw[at + 1]);
			found = found === undefined ? value : `${found}, ${value}`;
		}
		return found;
	}
}
