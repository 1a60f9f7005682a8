import { InferenceError } from '../client/errors';

const IN_A_ROW = 'too many failures of the service in a row';

/**
 * Opens after a number of service errors in a row, so that a batch does not send thousands of
 * requests that are all going to fail. It opens at once for what no item of the account can survive,
 * such as a key that is not accepted, or that may start tasks but not see them.
 */
class CircuitBreaker {
	private inARow = 0;
	private why: string | undefined;

	/** @param limit 0 for never */
	constructor(private readonly limit: number) {}

	/** Why nothing more is to be sent; undefined as long as it is closed. */
	get reason(): string | undefined {
		return this.why;
	}

	/** The service did its work: whatever it said, it was about one item. */
	worked(): void {
		this.inARow = 0;
	}

	failed(): void {
		this.inARow += 1;
		if (this.inARow === this.limit) this.open(IN_A_ROW);
	}

	open(reason: string): void {
		this.why ??= reason;
	}
}

/** Under whose key an item runs, and where. */
export interface BreakerPlace {
	readonly accountId: string;
	readonly baseUrl: string;
}

/**
 * The breakers of a batch: one for each account, because a key or a balance says nothing of others,
 * and one for each service, because that it is down concerns all of its accounts.
 */
export class CircuitBreakers {
	private readonly accounts = new Map<string, CircuitBreaker>();
	private readonly services = new Map<string, CircuitBreaker>();

	/** @param limit failures in a row, 0 for never */
	constructor(private readonly limit: number) {}

	/** Why nothing more is to be sent there; undefined if there is no reason. */
	reason(place: BreakerPlace): string | undefined {
		return this.accountOf(place).reason ?? this.serviceOf(place).reason;
	}

	succeeded(place: BreakerPlace): void {
		this.accountOf(place).worked();
		this.serviceOf(place).worked();
	}

	failed(place: BreakerPlace, error: unknown): void {
		if (!(error instanceof InferenceError)) return;
		const account = this.accountOf(place);
		if (error.hopeless !== undefined) account.open(error.hopeless);
		// The end of a run tells nothing: the service may be slow or the task long.
		if (error.concern === 'run') return;
		switch (error.concern) {
			case 'service':
				this.serviceOf(place).failed();
				return account.failed();
			case 'account':
				return account.failed();
			default:
				return this.succeeded(place);
		}
	}

	private accountOf({ accountId }: BreakerPlace): CircuitBreaker {
		return this.breaker(this.accounts, accountId);
	}

	private serviceOf({ baseUrl }: BreakerPlace): CircuitBreaker {
		return this.breaker(this.services, baseUrl);
	}

	private breaker(breakers: Map<string, CircuitBreaker>, key: string): CircuitBreaker {
		const known = breakers.get(key) ?? new CircuitBreaker(this.limit);
		breakers.set(key, known);
		return known;
	}
}
