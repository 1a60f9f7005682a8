import { InferenceError } from '../client/errors';

/**
 * Opens after a number of service errors in a row, so that a batch does not send thousands of
 * requests that are all going to fail. A key that is not accepted opens it at once.
 */
export class CircuitBreaker {
	private inARow = 0;
	private why: string | undefined;

	/** @param limit 0 for never */
	constructor(private readonly limit: number) {}

	/** Why nothing more is to be sent; undefined as long as it is closed. */
	get reason(): string | undefined {
		return this.why;
	}

	succeeded(): void {
		this.inARow = 0;
	}

	failed(error: unknown): void {
		// The end of a run tells nothing: the service may be slow or the task long.
		if (!(error instanceof InferenceError) || error.concern === 'run') return;
		this.why ??= error.hopeless;
		if (error.concern !== 'service') {
			// The service did its work: it answered about this item.
			this.inARow = 0;
			return;
		}
		this.inARow += 1;
		if (this.inARow === this.limit) this.why ??= 'too many failures of the service in a row';
	}
}
