/** Work that is under way, so that whoever closes what it uses can wait for it. */
export class PendingWork {
	private readonly promises = new Set<Promise<unknown>>();

	/** Remembers work until it is over. */
	track<T>(work: Promise<T>): Promise<T> {
		const over = () => this.promises.delete(work);
		this.promises.add(work);
		work.then(over, over);
		return work;
	}

	/** Waits until everything under way is over, however it ends. */
	async settled(): Promise<void> {
		await Promise.allSettled(this.promises);
	}
}
