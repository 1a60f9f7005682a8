/** What the client needs of an `AbortSignal`; every real one is one of these. */
export interface CancelSignal {
	readonly aborted: boolean;
	readonly reason: unknown;
	throwIfAborted(): void;
	addEventListener(type: 'abort', listener: () => void): void;
	removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * A `CancelSignal` that can be aborted. Every item, submission and stream has one of its own, and what
 * the platform offers for a signal with a parent and a time costs forty times as much
 * (docs/decisions/0002-cancel-signal-of-our-own.md).
 */
export class CancelSource implements CancelSignal {
	aborted = false;
	reason: unknown;
	private readonly listeners = new Set<() => void>();

	throwIfAborted(): void {
		if (this.aborted) throw this.reason;
	}

	addEventListener(_type: 'abort', listener: () => void): void {
		if (!this.aborted) this.listeners.add(listener);
	}

	removeEventListener(_type: 'abort', listener: () => void): void {
		this.listeners.delete(listener);
	}

	/** Tells every listener, once. */
	abort(reason: unknown): void {
		if (this.aborted) return;
		this.aborted = true;
		this.reason = reason;
		const listeners = [...this.listeners];
		this.listeners.clear();
		for (const listener of listeners) listener();
	}
}

/**
 * Waits for a promise, but no longer than until `signal` aborts.
 *
 * @throws what the promise rejects with; the abort reason
 */
export async function orAborted<T>(promise: Promise<T>, signal: CancelSignal): Promise<T> {
	signal.throwIfAborted();
	return await new Promise((resolve, reject) => {
		const leave = () => reject(signal.reason);
		signal.addEventListener('abort', leave);
		void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
	});
}
