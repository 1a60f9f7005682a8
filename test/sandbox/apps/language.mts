/** What the language model apps have in common: a made-up answer, streamed piece by piece. */
import type { Job } from '../types.mts';
import { text } from '../util/values.mts';

const WORDS = [
	'Grüße',
	' aus',
	' dem',
	' Sandkasten',
	' 🏖️',
	' –',
	' 你好',
	' 👩‍💻',
	' naïve',
	' café',
	' ✓',
	' Ω',
];

/** The answer to a text: it names the text and then goes on for `tokens` pieces. */
export function answerPieces(said: string, tokens: number): string[] {
	const pieces = [`You said "${said}".`];
	for (let i = 0; pieces.length < tokens; i++) pieces.push(WORDS[i % WORDS.length] as string);
	return pieces.slice(0, Math.max(1, tokens));
}

/**
 * Streams an answer as deltas and then completes with the whole of it.
 *
 * @param thinkMs time before the first piece, unless the input tells it; else that of any other
 * @param answerTo makes the answer to a text, in pieces
 */
export function speak(
	job: Job,
	thinkMs?: number,
	answerTo: (said: string, tokens: number) => readonly string[] = answerPieces,
): void {
	const said = text(job.input['text']);
	const pieces = answerTo(said, Number(job.input['tokens'] ?? 12));
	const delayMs = Number(job.input['delayMs'] ?? 5);
	const startedAt = Date.now();
	const step = (index: number): void => {
		const piece = pieces[index];
		if (piece !== undefined) {
			job.update({ delta: { response: piece } });
			job.after(delayMs, () => step(index + 1));
			return;
		}
		const seconds = Math.max(0.001, (Date.now() - startedAt) / 1000);
		const promptTokens = Math.ceil(said.length / 4);
		job.finish({
			response: pieces.join(''),
			usage: {
				stop_reason: 'stop',
				time_to_first_token: delayMs / 1000,
				tokens_per_second: pieces.length / seconds,
				prompt_tokens: promptTokens,
				completion_tokens: pieces.length,
				total_tokens: promptTokens + pieces.length,
				reasoning_tokens: 0,
				reasoning_time: 0,
			},
		});
	};
	job.after(Number(job.input['thinkMs'] ?? thinkMs ?? delayMs), () => step(0));
}

/** Thinks, calls a tool and writes; its output can be read while it grows. */
export function write(job: Job): void {
	const words = Number(job.input['words'] ?? 6);
	const delayMs = Number(job.input['delayMs'] ?? 5);
	const pieces = answerPieces(text(job.input['text']), words);
	const call = { index: 0, id: 'call_1', type: 'function' };
	const plan: Array<() => void> = [
		() => job.update({ logType: 3, log: 'loading weights\n' }),
		() => job.update({ logType: 1, log: 'prompt: ' }),
		() => job.update({ log: `${pieces.length} words\n`, delta: { reasoning: 'First ' } }),
		() => job.update({ delta: { reasoning: 'look it up.' } }),
		() => job.update({ delta: { tool_calls: [{ ...call, function: { name: 'search' } }] } }),
		() => job.update({ delta: { tool_calls: [{ index: 0, function: { arguments: '{"q":' } }] } }),
		() => job.update({ delta: { tool_calls: [{ index: 0, function: { arguments: '1}' } }] } }),
		...pieces.map((response, index) => () => {
			job.update({ delta: { response } });
			job.update({ output: { response: pieces.slice(0, index + 1).join('') } });
		}),
		() => job.finish({ response: pieces.join(''), usage: { completion_tokens: pieces.length } }),
	];
	const advance = (step: number): void => {
		plan[step]?.();
		if (step + 1 < plan.length) job.after(delayMs, () => advance(step + 1));
	};
	job.after(Number(job.input['thinkMs'] ?? delayMs), () => advance(0));
}

export const usageSchema = {
	anyOf: [{ type: 'object', additionalProperties: true }, { type: 'null' }],
	default: null,
	title: 'Usage',
};
