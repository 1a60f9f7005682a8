import { isJsonObject } from '../../client/util/json';

/** Under which names apps give their words, the likeliest first: the language models say `response`. */
const NAMES = [
	'response',
	'answer',
	'text',
	'transcript',
	'transcription',
	'summary',
	'analysis',
	'content',
	'message',
	'result',
];
/** What outputs have besides, whatever the app. */
const BESIDES = ['output_meta', 'usage', 'reasoning', 'tool_calls', 'error'];
/** What is an address is no answer in words. */
const ADDRESS = /^(?:[a-z][a-z0-9+.-]*:\/\/|data:)\S*$/i;

const isWords = (value: unknown): value is string =>
	typeof value === 'string' && !ADDRESS.test(value);

/**
 * The answer of an app that answers in words: an output that is text, or the text under one of the
 * usual names in it, or the only field that it has.
 *
 * @returns undefined if the app answers in another way, as those do that make files
 */
export function answerText(output: unknown): string | undefined {
	if (isWords(output)) return output;
	if (!isJsonObject(output)) return undefined;
	let empty: string | undefined;
	for (const name of NAMES) {
		const value = output[name];
		if (!isWords(value)) continue;
		if (value !== '') return value;
		empty = value;
	}
	if (empty !== undefined) return empty;
	const [only, ...others] = Object.keys(output).filter((name) => !BESIDES.includes(name));
	const value = only === undefined || others.length > 0 ? undefined : output[only];
	return isWords(value) ? value : undefined;
}
