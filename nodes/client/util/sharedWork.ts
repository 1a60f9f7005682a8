import { CancelSource, type CancelSignal } from './cancelSignal';

interface Entry<T> {
	readonly result: Promise<T>;
	readonly source: CancelSource;
	waiting: number;
	/** Once it has been done. */
	done: { readonly value: T } | undefined;
}

/**
 * Work that several may ask for and that is done once: whoever asks later, or meanwhile, gets the
 * same result. Failures are not remembered.
 */
export class SharedWork<T> {
	private readonly entries = new Map<string, Entry<T>>();

	/**
	 * Waits for the work with a key, begun by `job` if nobody has yet.
	 *
	 * @param signal ends this wait; the work itself only when nobody waits for it any more
	 * @throws what `job` throws; the abort reason
	 */
	async get(
		key: string,
		signal: CancelSignal,
		job: (signal: CancelSignal) => Promise<T>,
	): Promise<T> {
		signal.throwIfAborted();
		const entry = this.entries.get(key) ?? this.begin(key, job);
		entry.waiting += 1;
		return await new Promise((resolve, reject) => {
			const leave = () => {
				entry.waiting -= 1;
				if (entry.waiting === 0) {
					this.forget(key, entry);
					entry.source.abort(signal.reason);
				}
				reject(signal.reason);
			};
			signal.addEventListener('abort', leave);
			void entry.result.then(resolve, reject).finally(() => {
				signal.removeEventListener('abort', leave);
			});
		});
	}

	/** Forgets results that do not hold any more: who asks next has the work done again. */
	dropDone(isStale: (result: T) => boolean): void {
		for (const [key, { done }] of this.entries) {
			if (done && isStale(done.value)) this.entries.delete(key);
		}
	}

	private begin(key: string, job: (signal: CancelSignal) => Promise<T>): Entry<T> {
		const source = new CancelSource();
		const entry: Entry<T> = { result: job(source), source, waiting: 0, done: undefined };
		this.entries.set(key, entry);
		entry.result.then(
			(value) => {
				entry.done = { value };
			},
			() => this.forget(key, entry),
		);
		return entry;
	}

	private forget(key: string, entry: Entry<T>): void {
		if (this.entries.get(key) === entry) this.entries.delete(key);
	}
}
