import { CancelSource, type CancelSignal } from './cancelSignal';
import { InferenceError, StoppedError } from '../errors';

/** Timers are shared by deadlines that end within this part of their length of each other. */
const SHARING = 1_000;
const sharedTimers = new Map<number, CancelSource>();

/**
 * A signal that aborts after about `ms`. Thousands of items a second with the same timeout would
 * each start a timer that never fires; within a thousandth of their length they share one.
 *
 * @param step it may come this much later, ms
 */
export function timerFor(ms: number, step = Math.max(1, Math.floor(ms / SHARING))): CancelSignal {
	const now = performance.now();
	const end = Math.ceil((now + ms) / step) * step;
	const known = sharedTimers.get(end);
	if (known) return known;
	const timer = new CancelSource();
	sharedTimers.set(end, timer);
	const clock = AbortSignal.timeout(Math.max(0, Math.ceil(end - now)));
	clock.addEventListener('abort', () => {
		sharedTimers.delete(end);
		timer.abort(clock.reason);
	});
	return timer;
}

/**
 * A signal that aborts with its parent or when its own time is over, and always with an
 * `InferenceError` as reason, so that whoever catches it knows why. Must be disposed: it listens
 * on its parent, which may live much longer.
 */
export class Deadline implements Disposable {
	private readonly source = new CancelSource();
	private timer: CancelSignal | undefined;
	private onTimer: (() => void) | undefined;

	/**
	 * @param parent for example n8n's cancel signal, which aborts without a reason
	 * @param afterMs own time limit in milliseconds; undefined for none
	 * @param reason the error to abort with when the time is over
	 */
	constructor(
		private readonly parent: CancelSignal | undefined,
		afterMs?: number,
		reason?: () => InferenceError,
	) {
		if (parent?.aborted) this.onParentAbort();
		else parent?.addEventListener('abort', this.onParentAbort);
		if (afterMs !== undefined && reason !== undefined) this.start(afterMs, reason);
	}

	get signal(): CancelSignal {
		return this.source;
	}

	/** Starts the clock, once, if the deadline was made without a time limit. */
	start(afterMs: number, reason: () => InferenceError): void {
		if (this.signal.aborted) return;
		this.onTimer = () => this.source.abort(reason());
		this.timer = timerFor(Math.max(0, afterMs));
		this.timer.addEventListener('abort', this.onTimer);
	}

	abort(reason: InferenceError): void {
		this.source.abort(reason);
	}

	[Symbol.dispose](): void {
		this.parent?.removeEventListener('abort', this.onParentAbort);
		if (this.onTimer) this.timer?.removeEventListener('abort', this.onTimer);
	}

	private readonly onParentAbort = (): void => {
		const reason: unknown = this.parent?.reason;
		this.source.abort(
			reason instanceof InferenceError
				? reason
				: new StoppedError('was stopped because the execution was canceled'),
		);
	};
}

/** A signal that aborts a while after its parent, for work that has to be finished even then. */
export class Grace implements Disposable {
	private readonly source = new CancelSource();

	constructor(
		private readonly parent: CancelSignal,
		private readonly graceMs: number,
	) {
		if (parent.aborted) this.start();
		else parent.addEventListener('abort', this.start);
	}

	get signal(): CancelSignal {
		return this.source;
	}

	/** Ends the while now. */
	end(): void {
		this.source.abort(this.parent.reason);
	}

	[Symbol.dispose](): void {
		this.parent.removeEventListener('abort', this.start);
	}

	private readonly start = (): void => {
		const over = timerFor(this.graceMs);
		over.addEventListener('abort', () => this.source.abort(this.parent.reason));
	};
}
