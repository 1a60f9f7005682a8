import { NodeOperationError } from 'n8n-workflow';
import { orAborted } from '../../client/util/cancelSignal';
import { messageOf } from '../../client/util/errorMessage';
import { outcomeOf } from '../../client/util/outcome';
import { nodeOf } from '../parameters/nodeOf';
import type { RunAccount } from '../run/accounts';
import { credentialOfCallback } from '../run/credential';
import type { NodeRun } from '../run/nodeRun';
import { inParallel } from '../run/window';

/**
 * The account of all items, which a callback finds again. A callback comes when there are no items
 * any more, so the credential must not depend on them: whether it does, n8n does not tell, so all
 * items are asked for, and compared with what the callback is going to find.
 *
 * @throws CredentialError if the credential cannot be used; NodeOperationError if it depends on the
 * item or the execution; the reason of the run's end
 */
export async function accountOfAll(run: NodeRun): Promise<RunAccount> {
	const { context, accounts, memory, scope, settings } = run;
	const { signal } = scope;
	const later = await outcomeOf(orAborted(credentialOfCallback(context), signal));
	const first = await outcomeOf(orAborted(accounts.of(0), signal));
	signal.throwIfAborted();
	if (!later.ok) {
		throw first.ok ? dependent(run, `which then fails: ${messageOf(later.error)}`) : first.error;
	}
	const { accountId } = accounts.under(later.value).client;
	const others = memory.begunUnder.map((credential) => accounts.under(credential));
	if (!others.every(({ client }) => client.accountId === accountId)) {
		throw dependent(run, 'which then gives another key or base URL than an earlier try had');
	}
	const indices = [...context.getInputData().keys()];
	const all = await inParallel(indices, settings.concurrency, async (index) => {
		const own = await outcomeOf(orAborted(accounts.of(index), signal));
		if (own.ok && own.value.client.accountId === accountId) return own.value;
		signal.throwIfAborted();
		throw dependent(run, `which then gives another key or base URL than that of item ${index}`);
	});
	const [account = accounts.under(later.value)] = all;
	return account;
}

/** @param how continues "… reads the credential anew when the service calls back, …" */
function dependent({ context, memory }: NodeRun, how: string): NodeOperationError {
	const started = memory.hasBegun ? 'Nothing more was started.' : 'Nothing was started.';
	return new NodeOperationError(
		nodeOf(context),
		`"Wait" cannot be "For the Callback" with this credential: n8n reads the credential anew when the service calls back, ${how}. ${started}`,
		{
			description:
				'Use a credential whose key and base URL do not come from items or other nodes, with a node for each account, or set "Wait" to "For the Result".',
		},
	);
}
