import { NodeOperationError, type IExecuteFunctions } from 'n8n-workflow';
import { appName } from '../../client/apps/appRef';
import type { CostEstimate, InferenceClient } from '../../client/client';
import { InferenceError, NotFoundError, ValidationError } from '../../client/errors';
import { outcomeOf } from '../../client/util/outcome';
import { placeFiles } from '../files/uploads';
import type { RunHints } from '../run/hints';
import { runItems } from '../run/window';
import type { ItemRequest } from '../parameters/taskParameters';

/** Stands for a file that is not uploaded yet; nothing is before it is known what all will cost. */
const PENDING_FILE = 'https://file.invalid/pending';
/** US dollars; far below a microcent of the service. */
const ROUNDING = 1e-9;
/** Items whose cost is unknown that a hint names. */
const MOST_NAMED = 10;

/**
 * Asks what all items are going to cost and refuses to start if it is more than allowed. Items
 * whose parameters cannot be read cost nothing: they are going to fail before they start. Those
 * whose cost the service cannot tell are named in a hint.
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
	const unknown: number[] = [];
	const estimate = async (itemIndex: number): Promise<CostEstimate> => {
		const { request, files } = await items.request(itemIndex);
		const pending = files.map(() => PENDING_FILE);
		const input = placeFiles(request.input, files, pending);
		return await client.estimate(appName(request.app), { ...request, input });
	};
	const outcomes = await runItems({
		count: items.count,
		concurrency: limits.concurrency,
		work: async (itemIndex) => {
			const outcome = await outcomeOf(estimate(itemIndex));
			if (outcome.ok && outcome.value.kind === 'known') total += outcome.value.usd;
			else if (outcome.ok || isOfTheItem(outcome.error)) unknown.push(itemIndex);
			else if (outcome.error instanceof InferenceError) throw outcome.error;
		},
		onFailure: () => 'stop',
	});
	const failed = outcomes.find((outcome) => outcome?.kind === 'failed');
	if (failed?.kind === 'failed') throw failed.error;
	if (unknown.length > 0) {
		const named = unknown.sort((left, right) => left - right).slice(0, MOST_NAMED);
		const more = unknown.length > named.length ? ', …' : '';
		hints.say(
			`The cost of ${unknown.length} of ${items.count} items could not be estimated and does not count towards Max Cost (item ${named.join(', ')}${more}).`,
		);
	}
	if (total <= limits.maxCostUsd + ROUNDING) return;
	throw new NodeOperationError(
		context.getNode(),
		`The items are estimated to cost $${total.toFixed(4)}, more than Max Cost ($${limits.maxCostUsd}). Nothing was started.`,
		{ description: 'Send fewer items, or raise Max Cost in the options.' },
	);
}

/** The service does not know the app or refuses the input: that concerns this item only. */
function isOfTheItem(error: unknown): boolean {
	return error instanceof ValidationError || error instanceof NotFoundError;
}
