type Bracket = '{' | '}' | '[' | ']';

/** A piece of JSON: a bracket, a sign, text in quotes, or a number or word. */
interface Token {
	readonly kind: Bracket | ',' | ':' | 'text' | 'word';
	/** The index after it. */
	readonly end: number;
}

/** What may come next. */
type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end' | 'nothing';

const BLANKS = /[ \t\r\n]*/y;
const WORD = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|true|false|null)/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;

/** How long the match is that begins at an index; 0 if none does. */
function matchAt(pattern: RegExp, text: string, at: number): number {
	pattern.lastIndex = at;
	return pattern.test(text) ? pattern.lastIndex - at : 0;
}

/** The index after the closing quote; undefined if there is none, or before it what must be escaped. */
function textEnd(text: string, start: number): number | undefined {
	let at = start + 1;
	while (at < text.length) {
		const character = text.charAt(at);
		if (character === '"') return at + 1;
		const length = character === '\\' ? matchAt(ESCAPE, text, at) : 1;
		// Line breaks and other control characters must be escaped.
		if (length === 0 || character < ' ') return undefined;
		at += length;
	}
	return undefined;
}

/** The piece of JSON that begins at an index. */
function tokenAt(text: string, at: number): Token | undefined {
	const character = text.charAt(at);
	switch (character) {
		case '{':
		case '}':
		case '[':
		case ']':
		case ',':
		case ':':
			return { kind: character, end: at + 1 };
		case '"': {
			const end = textEnd(text, at);
			return end === undefined ? undefined : { kind: 'text', end };
		}
		default: {
			const length = matchAt(WORD, text, at);
			return length === 0 ? undefined : { kind: 'word', end: at + length };
		}
	}
}

/**
 * What may come after a token; undefined if it does not fit.
 *
 * @param open the closing brackets that are still to come, innermost last; kept up to date
 */
function after(kind: Token['kind'], expected: Expected, open: Bracket[]): Expected | undefined {
	const valueFits = expected === 'value' || expected === 'value or ]';
	const afterValue = () => (open.length === 0 ? 'nothing' : ', or end');
	switch (kind) {
		case '{':
		case '[':
			if (!valueFits) return undefined;
			open.push(kind === '{' ? '}' : ']');
			return kind === '{' ? 'key or }' : 'value or ]';
		case '}':
		case ']': {
			const isEmpty = expected === (kind === '}' ? 'key or }' : 'value or ]');
			const fits = open.pop() === kind && (isEmpty || expected === ', or end');
			return fits ? afterValue() : undefined;
		}
		case ',':
			if (expected !== ', or end') return undefined;
			return open.at(-1) === '}' ? 'key' : 'value';
		case ':':
			return expected === ':' ? 'value' : undefined;
		case 'text':
			if (expected === 'key' || expected === 'key or }') return ':';
			return valueFits ? afterValue() : undefined;
		case 'word':
			return valueFits ? afterValue() : undefined;
	}
}

/**
 * Where a text stops being JSON: the index at which something begins that does not fit. For
 * `{"a": [1, }` that is 10:
 *
 *     token   expected      expected then   open then
 *     {       value         key or }        }
 *     "a"     key or }      :               }
 *     :       :             value           }
 *     [       value         value or ]      } ]
 *     1       value or ]    , or end        } ]
 *     ,       , or end      value           } ]
 *     }       value         does not fit
 *
 * Each character is read once or twice, and nothing is recursive: the text may be of any length, and
 * nested as deep as it likes.
 */
function errorIndex(text: string): number {
	const open: Bracket[] = [];
	let expected: Expected = 'value';
	let at = matchAt(BLANKS, text, 0);
	for (;;) {
		const token = tokenAt(text, at);
		if (!token) return at;
		const next = after(token.kind, expected, open);
		if (!next) return at;
		expected = next;
		at = token.end + matchAt(BLANKS, text, token.end);
	}
}

/** Where a text that is no JSON goes wrong, for people: line and column, from 1. */
export function jsonErrorPlace(text: string): string {
	const at = errorIndex(text);
	let line = 1;
	let lineStart = 0;
	for (let end = text.indexOf('\n'); end !== -1 && end < at; end = text.indexOf('\n', lineStart)) {
		line += 1;
		lineStart = end + 1;
	}
	return `line ${line} column ${at - lineStart + 1}`;
}
