import type { CancelSignal } from './cancelSignal';

/** Gives a slot back; calling it again does nothing. */
export type Release = () => void;

/** Lets those with the same key through one after another, in the order in which they came. */
export class KeyedQueue {
	/** Key → settles when everybody who has come so far is done. */
	private readonly tails = new Map<string, Promise<void>>();

	/**
	 * Waits for its turn.
	 *
	 * @returns ends the turn
	 * @throws the abort reason of `signal`; the place in the queue is given up
	 */
	async enter(key: string, signal: CancelSignal): Promise<Release> {
		signal.throwIfAborted();
		let release: Release = () => {};
		const done = new Promise<void>((resolve) => {
			release = resolve;
		});
		const before = this.tails.get(key);
		const tail = before ? before.then(async () => await done) : done;
		this.tails.set(key, tail);
		void tail.then(() => {
			if (this.tails.get(key) === tail) this.tails.delete(key);
		});
		if (!before) return release;
		return await new Promise((resolve, reject) => {
			const leave = () => {
				release();
				reject(signal.reason);
			};
			signal.addEventListener('abort', leave);
			void before.then(() => {
				signal.removeEventListener('abort', leave);
				resolve(release);
			});
		});
	}
}
