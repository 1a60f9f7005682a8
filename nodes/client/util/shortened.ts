/** A word that may have been cut: a piece of a key or a password is not known as one. */
const WORD_AT_END = /[^\s"',;<\\]{1,500}$/;
const WORD_AT_START = /^\s*[^\s"',;<\\]{0,500}/;
/** Half of a character that takes two units. */
const HALF_AT_END = /[\uD800-\uDBFF]$/;
const HALF_AT_START = /^[\uDC00-\uDFFF]/;

/**
 * A text that is not much longer than `length`: what is too much is taken out of its middle, because
 * the end of a log or a stack of calls says most. It is cut between words.
 *
 * @param length UTF-16 units that are kept at most, beside a few that say how many are not
 */
export function shortened(text: string, length: number): string {
	if (text.length <= length) return text;
	const half = Math.ceil(length / 2);
	const head = text.slice(0, half).replace(WORD_AT_END, '').replace(HALF_AT_END, '').trimEnd();
	const tail = text.slice(-half).replace(WORD_AT_START, '').replace(HALF_AT_START, '').trimStart();
	const left = text.length - head.length - tail.length;
	return `${head} … (${left} characters left out) … ${tail}`;
}
