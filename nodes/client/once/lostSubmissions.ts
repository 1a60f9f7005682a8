import type { Account } from '../api/account';
import { monotonicNow } from '../util/clock';
import type { Fingerprint } from './fingerprint';

/** So long a submission is remembered whose fate is not known, ms; a lost one is looked for at once. */
const REMEMBERED_MS = 10 * 60_000;
const MOST_REMEMBERED = 1_000;

/**
 * Submissions whose answers are lost, until it is known what they have created. What one of them is
 * looked for as may be another one's, if the service does not show all that tells them apart: then it
 * is nobody's.
 */
export class LostSubmissions {
	/** Until when each of them counts. */
	private readonly lost = new Map<Fingerprint, number>();

	add(fingerprint: Fingerprint): void {
		this.lost.set(fingerprint, Infinity);
	}

	/** It is known what has become of it. */
	found(fingerprint: Fingerprint): void {
		this.lost.delete(fingerprint);
	}

	/** Nobody looks for it any more; what it may have created can still be seen. */
	leave(fingerprint: Fingerprint): void {
		if (!this.lost.delete(fingerprint)) return;
		const now = monotonicNow();
		this.lost.set(fingerprint, now + REMEMBERED_MS);
		for (const [oldest, until] of this.lost) {
			if (until > now && this.lost.size <= MOST_REMEMBERED) break;
			this.lost.delete(oldest);
		}
	}

	/**
	 * Whether something that the service shows may have been created by a lost submission that asks for
	 * something else.
	 *
	 * @param own the submission that it is looked for
	 */
	mayBeOthers(own: Fingerprint, shown: Parameters<Fingerprint['compare']>[0]): boolean {
		const now = monotonicNow();
		for (const [other, until] of this.lost) {
			if (other === own || until <= now || isSame(own, other)) continue;
			if (other.kind === own.kind && other.compare(shown) !== 'different') return true;
		}
		return false;
	}
}

/** Two that ask for the same: it does not matter which of them has created what. */
function isSame(one: Fingerprint, other: Fingerprint): boolean {
	return one.compare(other.echo) === 'equal' && other.compare(one.echo) === 'equal';
}

const lostOf = new WeakMap<Account, LostSubmissions>();

/** Those of an account. */
export function lostSubmissions(account: Account): LostSubmissions {
	const known = lostOf.get(account) ?? new LostSubmissions();
	lostOf.set(account, known);
	return known;
}
