import type { Account } from '../api/account';

/**
 * Ids that are remembered. A search reads the newest 1,000 of a list; whatever was claimed before
 * this many others is older than those.
 */
const REMEMBERED = 5_000;

/**
 * What belongs to an item of this process already: tasks and messages, by their ids. One for all
 * credentials, because two keys of one workspace see the same tasks.
 */
export class Claims {
	/** In a ring; a set would cost every item its hash. */
	private readonly ids: string[] = [];
	private next = 0;

	/** Marks something new as belonging to an item. */
	add(id: string): void {
		this.ids[this.next] = id;
		this.next = (this.next + 1) % REMEMBERED;
	}

	/** Whether something belongs to an item. */
	has(id: string): boolean {
		return this.ids.includes(id);
	}

	/**
	 * Takes something that was found for an item.
	 *
	 * @returns false if it already belongs to another one
	 */
	take(id: string): boolean {
		if (this.has(id)) return false;
		this.add(id);
		return true;
	}
}

/** The claims of this process. */
export const claims = new Claims();

const accepted = new WeakMap<Account, Claims>();

/**
 * What the service is known to have for an account, because it has told this process so when it was
 * created.
 */
export function acceptedFor(account: Account): Claims {
	const known = accepted.get(account) ?? new Claims();
	accepted.set(account, known);
	return known;
}
