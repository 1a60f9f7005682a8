/**
 * The encoding of a text in JSON, or of lines that are: UTF-8, as it should be, unless it begins like
 * UTF-16: with that byte order mark, or with an ASCII character in two bytes, as all JSON begins.
 */
export function encodingOf([first = -1, second = -1]: Uint8Array):
	| 'utf-8'
	| 'utf-16le'
	| 'utf-16be' {
	const isAscii = (byte: number) => byte > 0 && byte < 0x80;
	if ((first === 0xff && second === 0xfe) || (isAscii(first) && second === 0)) return 'utf-16le';
	if ((first === 0xfe && second === 0xff) || (first === 0 && isAscii(second))) return 'utf-16be';
	return 'utf-8';
}
