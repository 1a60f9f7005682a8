/** What became of an item. */
export type ItemOutcome<T> =
	| { readonly kind: 'done'; readonly value: T }
	| { readonly kind: 'failed'; readonly error: unknown };

export interface ItemRunnerOptions<T> {
	readonly count: number;
	/** Items in flight at once. */
	readonly concurrency: number;
	/** Runs one item; is called in the order of the items, when a place is free. */
	work(index: number): Promise<T>;
	/** Told of each failure; returning `stop` starts no further item. */
	onFailure(error: unknown, index: number): 'go on' | 'stop';
}

/**
 * Runs items through a sliding window: as soon as one ends the next one starts, so that a slow
 * item holds up its own place only. Resolves when all that were started are over.
 *
 * @returns outcomes by item index; items that were never started have none
 */
export async function runItems<T>(
	options: ItemRunnerOptions<T>,
): Promise<ReadonlyArray<ItemOutcome<T> | undefined>> {
	const { count, concurrency, work, onFailure } = options;
	const outcomes = new Array<ItemOutcome<T> | undefined>(count).fill(undefined);
	let next = 0;
	let stopped = false;
	const worker = async () => {
		while (next < count && !stopped) {
			const index = next;
			next += 1;
			try {
				outcomes[index] = { kind: 'done', value: await work(index) };
			} catch (error) {
				outcomes[index] = { kind: 'failed', error };
				if (onFailure(error, index) === 'stop') stopped = true;
			}
		}
	};
	await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker));
	return outcomes;
}
