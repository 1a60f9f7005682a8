import { InferenceError, StoppedError } from './errors';

/**
 * A signal that aborts with its parent or when its own time is over, and always with an
 * `InferenceError` as reason, so that whoever catches it knows why. Must be disposed: it listens
 * on its parent, which may live much longer.
 */
export class Deadline implements Disposable {
	private readonly controller = new AbortController();
	private readonly parent: AbortSignal | undefined;
	private readonly timer: AbortSignal | undefined;

	/**
	 * @param parent for example n8n's cancel signal, which aborts without a reason
	 * @param afterMs own time limit in milliseconds; undefined for none
	 * @param reason the error to abort with when the time is over
	 */
	constructor(parent: AbortSignal | undefined, afterMs?: number, reason?: () => InferenceError) {
		this.parent = parent;
		if (parent?.aborted) {
			this.onParentAbort();
			return;
		}
		parent?.addEventListener('abort', this.onParentAbort, { once: true });
		if (afterMs === undefined || reason === undefined) return;
		this.timer = AbortSignal.timeout(Math.max(0, Math.ceil(afterMs)));
		this.onTimer = () => this.controller.abort(reason());
		this.timer.addEventListener('abort', this.onTimer, { once: true });
	}

	get signal(): AbortSignal {
		return this.controller.signal;
	}

	/** Aborts now. */
	abort(reason: InferenceError): void {
		this.controller.abort(reason);
	}

	[Symbol.dispose](): void {
		this.parent?.removeEventListener('abort', this.onParentAbort);
		if (this.onTimer) this.timer?.removeEventListener('abort', this.onTimer);
	}

	private onTimer: (() => void) | undefined;

	private readonly onParentAbort = (): void => {
		const reason: unknown = this.parent?.reason;
		this.controller.abort(
			reason instanceof InferenceError
				? reason
				: new StoppedError('was stopped because the execution was canceled'),
		);
	};
}

/** A signal that aborts a while after its parent, for work that has to be finished even then. */
export class Grace implements Disposable {
	private readonly controller = new AbortController();

	constructor(
		private readonly parent: AbortSignal,
		private readonly graceMs: number,
	) {
		if (parent.aborted) this.start();
		else parent.addEventListener('abort', this.start, { once: true });
	}

	get signal(): AbortSignal {
		return this.controller.signal;
	}

	[Symbol.dispose](): void {
		this.parent.removeEventListener('abort', this.start);
	}

	private readonly start = (): void => {
		const over = AbortSignal.timeout(this.graceMs);
		over.addEventListener('abort', () => this.controller.abort(this.parent.reason), { once: true });
	};
}
