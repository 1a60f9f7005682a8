const TOKEN =
	/("(?:[^"\\]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*")|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|true|false|null|[[\]{},:]/y;
const BLANKS = /[ \t\r\n]*/y;

/** Which tokens may come next. */
type Expected = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end' | 'nothing';

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
	pattern.lastIndex = at;
	return pattern.exec(text);
}

/** Where a text stops being JSON, as an index. */
function errorIndex(text: string): number {
	const open: string[] = [];
	let expected: Expected = 'value';
	for (let at = 0; ; ) {
		at += matchAt(BLANKS, text, at)?.[0].length ?? 0;
		const match = matchAt(TOKEN, text, at);
		if (!match || expected === 'nothing') return at;
		const [token, string] = match;
		// Line breaks and other control characters must be escaped.
		if ([...token].some((character) => character < ' ')) return at;
		const closes = token === '}' || token === ']';
		const inner = open.at(-1);
		let fits = false;
		if (closes) {
			const mayClose = token === ']' ? 'value or ]' : 'key or }';
			fits = inner === token && (expected === mayClose || expected === ', or end');
			open.pop();
			expected = open.length === 0 ? 'nothing' : ', or end';
		} else if (token === ',' || token === ':') {
			fits = expected === (token === ',' ? ', or end' : ':');
			expected = token === ',' && inner === '}' ? 'key' : 'value';
		} else if (expected === 'key' || expected === 'key or }') {
			fits = string !== undefined;
			expected = ':';
		} else {
			fits = expected === 'value' || expected === 'value or ]';
			if (token === '{') open.push('}');
			if (token === '[') open.push(']');
			const closed = open.length === 0 ? 'nothing' : ', or end';
			expected = token === '{' ? 'key or }' : token === '[' ? 'value or ]' : closed;
		}
		if (!fits) return at;
		at += token.length;
	}
}

/** Where a text that is no JSON goes wrong, for people: line and column, from 1. */
export function jsonErrorPlace(text: string): string {
	const before = text.slice(0, errorIndex(text)).split('\n');
	return `line ${before.length} column ${(before.at(-1) ?? '').length + 1}`;
}
