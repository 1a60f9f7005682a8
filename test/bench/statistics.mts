/** Numbers of several rounds, and numbers that are the same in every run. */

/** What several rounds gave. */
export interface Figure {
	readonly median: number;
	readonly low: number;
	readonly high: number;
	readonly rounds: readonly number[];
}

export function median(values: readonly number[]): number {
	const sorted = [...values].sort((left, right) => left - right);
	const middle = sorted.length / 2;
	const upper = sorted[Math.floor(middle)] ?? Number.NaN;
	return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

export function figure(rounds: readonly number[]): Figure {
	return {
		median: median(rounds),
		low: Math.min(...rounds),
		high: Math.max(...rounds),
		rounds,
	};
}

/** Round by round: what ran side by side had the same machine. */
export function ratios(of: readonly number[], to: readonly number[]): Figure {
	return figure(of.map((value, round) => value / (to[round] ?? Number.NaN)));
}

/** Random whole numbers, the same ones for the same seed (mulberry32). */
export function seededIntegers(
	count: number,
	[from, to]: readonly [number, number],
	seed: number,
): number[] {
	let state = seed;
	const next = (): number => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
	return Array.from({ length: count }, () => from + Math.floor(next() * (to - from + 1)));
}
