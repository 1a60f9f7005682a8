/** So many decimal digits every number keeps, however large it is. */
const SURE_DIGITS = 15;
/** From here on numbers are written with an exponent: nobody takes them for exact. */
const WITH_EXPONENT = 1e21;

/** Why a whole number is refused that `mayBeRounded` or `changedNumber` finds. */
export const ROUNDED = `n8n holds whole numbers exactly only up to ${Number.MAX_SAFE_INTEGER}`;

/**
 * Whether a whole number may have been another one before it became a number of JavaScript, which
 * rounds those above 2^53. One with few digits and many zeros at its end, such as 10^18, is as it was
 * written.
 */
export function mayBeRounded(value: number): boolean {
	if (!Number.isInteger(value) || Number.isSafeInteger(value)) return false;
	if (Math.abs(value) >= WITH_EXPONENT) return false;
	return String(Math.abs(value)).replace(/0+$/, '').length > SURE_DIGITS;
}

/** The whole number that is written, also with an exponent: `1.5e+21`. */
function wholeNumber(written: string): bigint {
	const [digits = '', exponent = '0'] = written.split('e');
	const [whole = '', fraction = ''] = digits.split('.');
	return BigInt(whole + fraction.padEnd(Number(exponent), '0'));
}

/** Whether a number as JSON writes it would be another one after it has been read and written. */
function isChanged(written: string): boolean {
	const value = Number(written);
	if (!Number.isFinite(value)) return true;
	if (Number.isSafeInteger(value) || !/^-?\d+$/.test(written)) return false;
	return wholeNumber(String(value)) !== BigInt(written);
}

/** What has to be looked at in JSON: the begin of a text or number. */
const BEGIN = /["\d-]/g;
const END_OF_TEXT = /["\\]/g;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** Without one of these no number is changed. */
const SUSPECT = /\d{16}|[eE][+]?\d{3}/;

/** The index after the quote that ends a text. */
function textEnd(json: string, start: number): number {
	END_OF_TEXT.lastIndex = start + 1;
	for (;;) {
		const found = END_OF_TEXT.exec(json);
		if (!found) return json.length;
		if (found[0] === '"') return END_OF_TEXT.lastIndex;
		END_OF_TEXT.lastIndex += 1;
	}
}

/**
 * The first number in a JSON text that would be another one after it has been read and written:
 * whole ones above 2^53 are rounded, and those above 10^308 become null.
 *
 * @param json valid JSON
 */
export function changedNumber(json: string): string | undefined {
	if (!SUSPECT.test(json)) return undefined;
	let at = 0;
	for (;;) {
		BEGIN.lastIndex = at;
		const begin = BEGIN.exec(json);
		if (!begin) return undefined;
		if (begin[0] === '"') {
			at = textEnd(json, begin.index);
			continue;
		}
		NUMBER.lastIndex = begin.index;
		const written = NUMBER.exec(json)?.[0] ?? begin[0];
		if (isChanged(written)) return written;
		at = begin.index + written.length;
	}
}
