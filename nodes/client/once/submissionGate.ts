import { orAborted, type CancelSignal } from '../util/cancelSignal';
import { mayBeConfused, type Fingerprint } from './fingerprint';

interface Lookup {
	readonly fingerprint: Fingerprint;
	readonly over: Promise<void>;
}

/**
 * Submissions that could be taken for each other may run side by side, but not while one of them
 * is being looked for: its task could not be told from theirs. Whoever looks goes first.
 */
export class SubmissionGate {
	private readonly underWay = new Set<Fingerprint>();
	private readonly lookups = new Set<Lookup>();
	/** Called whenever a submission is over. */
	private readonly onEnd = new Set<() => void>();

	/** Whether nothing is under way. */
	get idle(): boolean {
		return this.underWay.size + this.lookups.size + this.onEnd.size === 0;
	}

	/** Counts as under way until `end`, if nothing at all is being looked for; false if something is. */
	tryBegin(fingerprint: Fingerprint): boolean {
		if (this.lookups.size > 0) return false;
		this.underWay.add(fingerprint);
		return true;
	}

	/**
	 * Waits until nothing like it is being looked for, then counts as under way until `end`.
	 *
	 * @throws the abort reason of `signal`
	 */
	async begin(fingerprint: Fingerprint, signal: CancelSignal): Promise<void> {
		await this.whenNoneIsLookedFor(fingerprint, signal, () => this.underWay.add(fingerprint));
	}

	/** Ends what `begin` began; calling it again does nothing. */
	end(fingerprint: Fingerprint): void {
		this.underWay.delete(fingerprint);
		for (const tell of this.onEnd) tell();
	}

	/**
	 * Looks for a lost submission while nothing like it is under way.
	 *
	 * @throws what `job` throws; the abort reason of `signal`
	 */
	async lookingUp<T>(
		fingerprint: Fingerprint,
		signal: CancelSignal,
		job: () => Promise<T>,
	): Promise<T> {
		let finish = () => {};
		const over = new Promise<void>((resolve) => {
			finish = resolve;
		});
		const lookup = { fingerprint, over };
		await this.whenNoneIsLookedFor(fingerprint, signal, () => this.lookups.add(lookup));
		try {
			// None like it can begin meanwhile.
			const like = [...this.underWay].filter((other) => mayBeConfused(other, fingerprint));
			while (like.some((other) => this.underWay.has(other))) {
				await this.nextEnd(signal);
			}
			return await job();
		} finally {
			this.lookups.delete(lookup);
			finish();
		}
	}

	/** Acts in the very moment in which nothing like it is being looked for. */
	private async whenNoneIsLookedFor(
		fingerprint: Fingerprint,
		signal: CancelSignal,
		act: () => void,
	): Promise<void> {
		for (;;) {
			const lookup = this.lookupLike(fingerprint);
			if (!lookup) return act();
			await orAborted(lookup.over, signal);
		}
	}

	private lookupLike(fingerprint: Fingerprint): Lookup | undefined {
		for (const lookup of this.lookups) {
			if (mayBeConfused(lookup.fingerprint, fingerprint)) return lookup;
		}
		return undefined;
	}

	private async nextEnd(signal: CancelSignal): Promise<void> {
		let tell = () => {};
		const end = new Promise<void>((resolve) => {
			tell = resolve;
		});
		this.onEnd.add(tell);
		try {
			await orAborted(end, signal);
		} finally {
			this.onEnd.delete(tell);
		}
	}
}

/** The gate of this process. One for all credentials: two keys may be of one workspace. */
export const submissionGate = new SubmissionGate();
