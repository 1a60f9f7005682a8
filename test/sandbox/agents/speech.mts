/** How the sandbox's agents talk. */
import type { AgentDecision, AgentTurn } from './agentTypes.mts';

/** How long a turn takes: `(120 ms)` in the message, else a moment. */
export function pace(turn: AgentTurn): number {
	return Number(/\((\d+) ms\)/.exec(turn.text)?.[1] ?? 5);
}

/** A number that the message asks for, such as `(3 rounds)`. */
export function asked(turn: AgentTurn, what: string, fallback: number): number {
	return Number(new RegExp(`\\((\\d+) ${what}\\)`).exec(turn.text)?.[1] ?? fallback);
}

/** Says it word by word. */
export function speak(turn: AgentTurn, said: string, then: () => void): void {
	const words = said.match(/\S+\s*/g) ?? [];
	const ms = Math.ceil(pace(turn) / (words.length + 1));
	const go = (index: number): void => {
		const word = words[index];
		if (word === undefined) return then();
		turn.say(word, 'delta');
		turn.after(ms, () => go(index + 1));
	};
	turn.after(ms, () => go(0));
}

/** Says it word by word, and that was it. */
export function answer(turn: AgentTurn, said: string, output?: unknown): void {
	speak(turn, said, () => turn.finish(output));
}

/** What an agent with a memory says: what this was, and what was said before. */
export function remember({ text: said, history }: AgentTurn): string {
	const before = history.filter(({ role }) => role === 'user').map((message) => message.text);
	return before.length === 0
		? `You said "${said}".`
		: `You said "${said}". Before that: ${before.map((one) => `"${one}"`).join(', ')}.`;
}

/** What came of a call that somebody has decided. */
export function verdict(decision: AgentDecision | undefined): string {
	if (decision?.kind === 'approve') return 'Done.';
	return decision?.kind === 'answer'
		? `You answered: ${decision.result ?? ''}`
		: `Not done: ${decision?.reason ?? 'no reason'}.`;
}
