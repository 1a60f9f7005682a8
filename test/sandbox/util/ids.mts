/** Identifiers and timestamps in the service's spelling. */

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const PREFIX_LENGTH = 8;
// Odd and below 2^40, so multiplying is a bijection: prefixes look random yet never repeat.
const SPREAD = 0x9e3779b97fn;
const SPACE = (1n << 40n) - 1n;

let issued = BigInt(Date.now() % 1_000_000);

function encode(value: number, length: number): string {
	let text = '';
	let rest = value;
	for (let i = 0; i < length; i++) {
		text += ALPHABET[rest % 32];
		rest = Math.floor(rest / 32);
	}
	return text;
}

/** A 26 character id; its first 8 characters, the short id, are unique too. */
export function newId(): string {
	issued += 1n;
	const prefix = Number((issued * SPREAD) & SPACE);
	return (
		encode(prefix, PREFIX_LENGTH) +
		encode(Math.floor(Math.random() * 2 ** 45), 9) +
		encode(Math.floor(Math.random() * 2 ** 45), 9)
	);
}

/** The short form of an id. */
export function shortId(id: string): string {
	return id.slice(0, PREFIX_LENGTH);
}

/** RFC 3339 with microseconds, as Go prints it. */
export function timestamp(epochMs: number): string {
	const iso = new Date(epochMs).toISOString();
	return iso.slice(0, -1) + '000Z';
}
