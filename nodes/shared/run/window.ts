import type { AdaptiveWindow } from './adaptiveWindow';
import { outcomeOf } from '../../client/util/outcome';

/** What became of an item. */
export type ItemOutcome<T> =
	| { readonly kind: 'done'; readonly value: T }
	| { readonly kind: 'failed'; readonly error: unknown };

export interface ItemRunnerOptions<T> {
	readonly count: number;
	/** Items in flight at once. */
	readonly concurrency: number | AdaptiveWindow;
	/** Runs one item; is called in the order of the items, when a place is free. */
	work(index: number): Promise<T>;
	/** Told of each failure; returning `stop` starts no further item. */
	onFailure(error: unknown, index: number): 'go on' | 'stop';
}

/**
 * Runs items through a sliding window: as soon as one ends the next one starts, so that a slow
 * item holds up its own place only. Nothing is kept of an item that is over.
 *
 * @param work runs one item; is called in the order of the items, when a place is free; its result
 * says whether to go on
 * @throws what `work` throws
 */
export async function slide(
	count: number,
	concurrency: number | AdaptiveWindow,
	work: SlideWork,
): Promise<void> {
	if (typeof concurrency !== 'number') return await slideAdapting(count, concurrency, work);
	let next = 0;
	const worker = async () => {
		while (next < count) {
			const index = next;
			next += 1;
			if ((await work(index)) === 'stop') next = count;
		}
	};
	await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker));
}

/** Does the work for the item at an index; its result says whether to go on. */
export type SlideWork = (index: number) => Promise<'go on' | 'stop' | void> | void;

/** The same with a window whose width changes. */
async function slideAdapting(
	count: number,
	window: AdaptiveWindow,
	work: SlideWork,
): Promise<void> {
	let next = 0;
	let inFlight = 0;
	await new Promise<void>((resolve, reject) => {
		const one = async () => {
			const index = next;
			next += 1;
			inFlight += 1;
			const outcome = await outcomeOf(Promise.resolve(work(index)));
			inFlight -= 1;
			if (!outcome.ok || outcome.value === 'stop') next = count;
			if (!outcome.ok) reject(outcome.error);
			fill();
		};
		const fill = () => {
			while (next < count && inFlight < window.size) void one();
			if (inFlight === 0) resolve();
		};
		window.onGrow = fill;
		fill();
	});
}

/**
 * Runs items through a sliding window and keeps what became of them. Resolves when all that were
 * started are over.
 *
 * @returns outcomes by item index; items that were never started have none
 */
export async function runItems<T>(
	options: ItemRunnerOptions<T>,
): Promise<ReadonlyArray<ItemOutcome<T> | undefined>> {
	const { count, concurrency, work, onFailure } = options;
	const outcomes = new Array<ItemOutcome<T> | undefined>(count).fill(undefined);
	await slide(count, concurrency, async (index) => {
		try {
			outcomes[index] = { kind: 'done', value: await work(index) };
			return 'go on';
		} catch (error) {
			outcomes[index] = { kind: 'failed', error };
			return onFailure(error, index);
		}
	});
	return outcomes;
}

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
