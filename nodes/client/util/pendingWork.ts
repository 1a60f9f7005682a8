/** Work that is under way, so that whoever closes what it uses can wait for it. */
export class PendingWork {
	private readonly promises = new Set<Promise<unknown>>();

	/** Remembers work until it is over. */
	async track<T>(work: Promise<T>): Promise<T> {
		this.promises.add(work);
		try {
			return await work;
		} finally {
			this.promises.delete(work);
		}
	}

	/** Waits until everything under way is over, however it ends. */
	async settled(): Promise<void> {
		await Promise.allSettled(this.promises);
	}
}
