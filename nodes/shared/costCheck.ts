import { NodeOperationError, type IExecuteFunctions } from 'n8n-workflow';
import { appName } from '../client/appRef';
import type { InferenceClient } from '../client/client';
import type { RunHints } from './hints';
import { runItems } from './itemRunner';
import type { ItemRequest } from './taskParameters';

/**
 * Asks what all items are going to cost and refuses to start if it is more than allowed. Items
 * whose parameters cannot be read cost nothing: they are going to fail before they start.
 *
 * @throws NodeOperationError with the estimate; InferenceError if it cannot be had
 */
export async function refuseIfTooExpensive(
	context: IExecuteFunctions,
	client: InferenceClient,
	items: { readonly count: number; request(index: number): ItemRequest | Promise<ItemRequest> },
	limits: { readonly maxCostUsd: number; readonly concurrency: number },
	hints: RunHints,
): Promise<void> {
	let total = 0;
	let unknown = 0;
	const outcomes = await runItems({
		count: items.count,
		concurrency: limits.concurrency,
		work: async (itemIndex) => {
			const { request } = await items.request(itemIndex);
			const estimate = await client.estimate(appName(request.app), request);
			if (estimate.kind === 'known') total += estimate.usd;
			else unknown += 1;
		},
		onFailure: (error) => (error instanceof NodeOperationError ? 'go on' : 'stop'),
	});
	const failed = outcomes.find(
		(outcome) => outcome?.kind === 'failed' && !(outcome.error instanceof NodeOperationError),
	);
	if (failed?.kind === 'failed') throw failed.error;
	if (unknown > 0) {
		hints.say(`The cost of ${unknown} of ${outcomes.length} items could not be estimated.`);
	}
	if (total <= limits.maxCostUsd) return;
	throw new NodeOperationError(
		context.getNode(),
		`The items are estimated to cost $${total.toFixed(4)}, more than Max Cost ($${limits.maxCostUsd}). Nothing was started.`,
		{ description: 'Send fewer items, or raise Max Cost in the options.' },
	);
}
