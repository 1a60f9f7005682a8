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
	const usual = NAMES.map((name) => output[name]).filter(isWords);
	const [first] = usual;
	if (first !== undefined) return usual.find((text) => text !== '') ?? first;
	const [only, ...others] = Object.entries(output).filter(([name]) => !BESIDES.includes(name));
	return others.length === 0 && isWords(only?.[1]) ? only[1] : undefined;
}
