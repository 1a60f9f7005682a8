import { NodeOperationError, type IExecuteFunctions } from 'n8n-workflow';
import { appName } from '../../client/apps/appRef';
import type { CostEstimate } from '../../client/apps/estimate';
import { InferenceError } from '../../client/errors';
import { orAborted } from '../../client/util/cancelSignal';
import { outcomeOf } from '../../client/util/outcome';
import { placeFiles } from '../files/placeFiles';
import type { RunAccount } from '../run/accounts';
import type { NodeRun } from '../run/nodeRun';
import { inParallel } from '../run/window';
import type { RunItem, RunItems } from './itemTask';

/** Stands for a file that is not uploaded yet; nothing is before it is known what all will cost. */
const PENDING_FILE = 'https://file.invalid/pending';
/** US dollars; far below a microcent of the service. */
const ROUNDING = 1e-9;
/** Items whose cost is unknown that a hint names. */
const MOST_NAMED = 10;

/**
 * Refuses to start anything if the items are going to cost more than Max Cost, all accounts together.
 * Items whose parameters or credential cannot be read cost nothing: they are going to fail before they
 * start. Those whose cost the service cannot tell are named in a hint. If an account cannot be asked
 * at all, its items are not started. A further try is not asked again: what it goes on with has been
 * accepted.
 *
 * @throws NodeOperationError with the estimate; InferenceError if no account can be asked
 */
export async function checkCost(run: NodeRun, items: RunItems): Promise<void> {
	const { context, settings, memory, hints } = run;
	const { maxCostUsd, concurrency } = settings;
	if (maxCostUsd === undefined || memory.hasBegun) return;
	let total = 0;
	const unknown: number[] = [];
	const refused: InferenceError[] = [];
	await inParallel([...Array(items.total).keys()], concurrency, async (position) => {
		const cost = await costOf(run, items.item(position), '"Limit: Max Cost (USD)"');
		if (cost.kind === 'known') total += cost.usd;
		else if (cost.kind === 'unknown') unknown.push(position);
		else if (cost.kind === 'refused') refused.push(cost.error);
	});
	const [first] = refused;
	if (first && refused.length === items.total) throw first;
	if (unknown.length > 0) hints.say(unknownCost(unknown, items.total));
	if (total <= maxCostUsd + ROUNDING) return;
	throw new NodeOperationError(
		context.getNode(),
		`The items are estimated to cost $${total.toFixed(4)}, more than "Limit: Max Cost (USD)" allows ($${maxCostUsd}). Nothing was started.`,
		{ description: 'Send fewer items, or raise that limit in the options.' },
	);
}

/** What an item is going to cost. */
export type ItemCost =
	| CostEstimate
	/** It is going to fail before it starts. */
	| { readonly kind: 'nothing' }
	/** Its account cannot be asked, and is not going to be used. */
	| { readonly kind: 'refused'; readonly error: InferenceError };

/**
 * Asks what an item is going to cost.
 *
 * @param option why it is asked, as the panel calls it, in quotes
 * @throws InferenceError if the run is over
 */
export async function costOf(run: NodeRun, item: RunItem, option: string): Promise<ItemCost> {
	const { context, accounts, scope } = run;
	const account = await outcomeOf(orAborted(accounts.of(item.itemIndex), scope.signal));
	const cost = account.ok ? await outcomeOf(estimate(context, account.value, item)) : account;
	if (cost.ok) return cost.value;
	const { error } = cost;
	if (!(error instanceof InferenceError)) return { kind: 'nothing' };
	// The service does not know the app or refuses the input.
	if (error.concern === 'request') return { kind: 'unknown' };
	if (error.concern === 'run') throw error;
	const refusal = notEstimated(error, option);
	if (account.ok) accounts.refuse(account.value, refusal);
	return { kind: 'refused', error: refusal };
}

function notEstimated(error: InferenceError, option: string): InferenceError {
	return error.reworded(
		`Nothing was started, because ${option} is set and the cost cannot be estimated: ${error.message}`,
	);
}

async function estimate(
	context: IExecuteFunctions,
	{ client, forms }: RunAccount,
	item: RunItem,
): Promise<CostEstimate> {
	const { request, files } = await item.request({ context, forms });
	const pending = files.map(() => PENDING_FILE);
	const input = placeFiles(request.input, files, pending);
	return await client.apps.estimate(appName(request.app), { ...request, input });
}

function unknownCost(positions: readonly number[], total: number): string {
	const named = [...positions].sort((left, right) => left - right).slice(0, MOST_NAMED);
	const more = positions.length > named.length ? ', …' : '';
	return `The cost of ${positions.length} of ${total} items could not be estimated and does not count towards "Limit: Max Cost (USD)" (item ${named.join(', ')}${more}).`;
}
