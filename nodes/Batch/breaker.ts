import { InferenceError, type ErrorCode } from '../client/errors';

/** Failures that say something about the service or the account, not about the item. */
const SERVICE_ERRORS: ReadonlySet<ErrorCode> = new Set([
	'authentication',
	'permission',
	'payment',
	'requirements_not_met',
	'rate_limit',
	'submission_unknown',
	'contact_lost',
	'network',
	'server',
	'protocol',
]);

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
		// A timeout tells nothing: the service may be slow or the task long.
		if (!(error instanceof InferenceError) || error.code === 'timeout') return;
		if (!SERVICE_ERRORS.has(error.code)) {
			// The service did its work: it answered about this item.
			this.inARow = 0;
			return;
		}
		this.inARow += 1;
		if (error.code === 'authentication') this.why ??= 'the service does not accept the API key';
		else if (this.inARow === this.limit) this.why ??= 'too many failures of the service in a row';
	}
}
