/**
 * A piece of a URL, or of a header like one (RFC 8187), without its percent encoding; as it is if it
 * cannot be decoded.
 */
export function decodedPart(text: string, charset = ''): string {
	try {
		if (charset === '' || /^utf-?8$/i.test(charset)) return decodeURIComponent(text);
		const bytes = text.replace(/%([\da-f]{2})/gi, (_code, byte: string) =>
			String.fromCharCode(parseInt(byte, 16)),
		);
		return new TextDecoder(charset).decode(Buffer.from(bytes, 'latin1'));
	} catch {
		return text;
	}
}

/** No server takes a longer one, and to parse one takes time; outputs may be texts of any length. */
const LONGEST_URL = 100_000;

/** Parses an http or https URL; undefined for anything else. */
export function parseHttpUrl(text: string): URL | undefined {
	if (text.length > LONGEST_URL || !URL.canParse(text)) return undefined;
	const url = new URL(text);
	return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined;
}
