/** Rounds in which everything that is compared takes its turn. */
import type { Service } from './serviceProcess.mts';
import { measure, type Round, type Way, type Work } from './work.mts';

/** A way and the work that it gets in each round. */
export interface Cell {
	readonly way: Way;
	readonly work: Work;
	/** Rounds that it takes part in; default all. */
	readonly rounds?: number;
	/** Runs before the first round; what mostly waits needs none. Default: the work itself. */
	readonly warmUp?: Work | 'none';
}

/**
 * Measures cells in turn, A B C, C B A, …: a machine that is slower for a while is slower for all,
 * and nobody always pays for the garbage of the same other. Garbage is not collected in between:
 * in n8n nobody does that either, and after it everything runs like the first time.
 *
 * @returns rounds of each cell, in the order of the cells
 */
export async function inTurns(
	cells: readonly Cell[],
	plan: { readonly rounds: number; readonly warmUps: number },
	service: Service,
): Promise<Round[][]> {
	for (let warmUp = 0; warmUp < plan.warmUps; warmUp += 1) {
		for (const { way, work, warmUp: warming = work } of cells) {
			if (warming !== 'none') await measure(way, warming, service);
		}
	}
	const results = cells.map((): Round[] => []);
	for (let round = 0; round < plan.rounds; round += 1) {
		const turn = [...cells.entries()];
		if (round % 2 === 1) turn.reverse();
		for (const [index, { way, work, rounds = plan.rounds }] of turn) {
			if (round < rounds) results[index]?.push(await measure(way, work, service));
		}
	}
	return results;
}
