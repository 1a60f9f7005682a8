import { outcomeOf } from '../../client/util/outcome';

/** Tasks that are cancelled at once: each of them costs money until it is. */
export const CANCELS_AT_ONCE = 50;

/**
 * Does the same for each element of a list, a few at a time.
 *
 * @returns results in the order of the list
 * @throws the first failure; nothing further is begun after it
 */
export async function inParallel<T, R>(
	list: readonly T[],
	concurrency: number,
	work: (element: T) => Promise<R>,
): Promise<R[]> {
	const results: R[] = [];
	const entries = list.entries();
	let stopped = false;
	const worker = async () => {
		for (const [index, element] of entries) {
			if (stopped) return;
			const outcome = await outcomeOf(work(element));
			if (!outcome.ok) {
				stopped = true;
				throw outcome.error;
			}
			results[index] = outcome.value;
		}
	};
	await Promise.all(Array.from({ length: Math.min(concurrency, list.length) }, worker));
	return results;
}
