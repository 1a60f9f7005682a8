import { notStarted } from '../../client/api/itemTime';
import { orAborted } from '../../client/util/cancelSignal';
import type { RunAccount } from './accounts';
import type { NodeRun } from './nodeRun';

/** A node's run as one of its items sees it: under the item's own account. */
export interface ItemRun extends NodeRun, RunAccount {}

/** Which item it is. */
export interface ItemPlace {
	/** Its place in the run; its progress is remembered under it. */
	readonly position: number;
	/** The incoming item that it belongs to. */
	readonly itemIndex: number;
}

/**
 * Finds the account of an item. What an earlier try has begun goes on under the account that began
 * it; whatever else is looked up anew.
 *
 * @throws CredentialError with the item's index if its credential cannot be used; StoppedError or
 * TimeoutError that says that nothing was started, if the run ends meanwhile
 */
export async function runOf(run: NodeRun, { position, itemIndex }: ItemPlace): Promise<ItemRun> {
	const { accounts, memory, scope } = run;
	const begunUnder = memory.credentialOf(position);
	if (begunUnder) return underAccount(run, accounts.under(begunUnder));
	try {
		const account = await orAborted(accounts.of(itemIndex), scope.signal);
		memory.begins(position, account.credential);
		return underAccount(run, account);
	} catch (error) {
		const { aborted, reason } = scope.signal;
		throw aborted && error === reason ? notStarted(reason) : error;
	}
}

/** What the latest item of a run had; mostly all its items have the same. */
const latest = new WeakMap<NodeRun, ItemRun>();

function underAccount(run: NodeRun, account: RunAccount): ItemRun {
	const last = latest.get(run);
	if (last?.client === account.client && last.credential === account.credential) return last;
	const made = { ...run, ...account };
	latest.set(run, made);
	return made;
}
