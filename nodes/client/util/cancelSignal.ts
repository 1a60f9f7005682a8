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
	/** Most have one listener at a time, and a set for it would cost more than all the rest. */
	private first: (() => void) | undefined;
	/** Those that came while there was another one. */
	private others: Set<() => void> | undefined;

	throwIfAborted(): void {
		if (this.aborted) throw this.reason;
	}

	addEventListener(_type: 'abort', listener: () => void): void {
		if (this.aborted || this.first === listener) return;
		if (!this.first && !this.others?.size) this.first = listener;
		else (this.others ??= new Set()).add(listener);
	}

	removeEventListener(_type: 'abort', listener: () => void): void {
		if (this.first === listener) this.first = undefined;
		else this.others?.delete(listener);
	}

	/** Tells every listener, once. */
	abort(reason: unknown): void {
		if (this.aborted) return;
		this.aborted = true;
		this.reason = reason;
		const { first, others } = this;
		this.first = this.others = undefined;
		first?.();
		for (const listener of others ?? []) listener();
	}
}

/**
 * Waits for a promise, but no longer than until `signal` aborts.
 *
 * @throws what the promise rejects with; the abort reason
 */
export function orAborted<T>(promise: Promise<T>, signal: CancelSignal): Promise<T> {
	return new Promise((resolve, reject) => {
		const leave = () => reject(signal.reason);
		const stay = () => signal.removeEventListener('abort', leave);
		if (signal.aborted) leave();
		else signal.addEventListener('abort', leave);
		promise.then(
			(value) => {
				stay();
				resolve(value);
			},
			(error: unknown) => {
				stay();
				reject(error);
			},
		);
	});
}
