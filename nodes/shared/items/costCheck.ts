import { NodeOperationError } from 'n8n-workflow';
import { appName } from '../../client/apps/appRef';
import type { CostEstimate } from '../../client/apps/estimate';
import { InferenceError } from '../../client/errors';
import { outcomeOf } from '../../client/util/outcome';
import { placeFiles } from '../files/placeFiles';
import type { NodeRun } from '../run/nodeRun';
import { runItems } from '../run/window';
import type { RunItem, RunItems } from './itemTask';

/** Stands for a file that is not uploaded yet; nothing is before it is known what all will cost. */
const PENDING_FILE = 'https://file.invalid/pending';
/** US dollars; far below a microcent of the service. */
const ROUNDING = 1e-9;
/** Items whose cost is unknown that a hint names. */
const MOST_NAMED = 10;

/**
 * Refuses to start anything if the items are going to cost more than Max Cost. Items whose
 * parameters cannot be read cost nothing: they are going to fail before they start. Those whose cost
 * the service cannot tell are named in a hint. A further try is not asked again: what it goes on
 * with has been accepted.
 *
 * @throws NodeOperationError with the estimate; InferenceError if it cannot be had
 */
export async function checkCost(run: NodeRun, items: RunItems): Promise<void> {
	const { context, settings, memory, hints } = run;
	const { maxCostUsd, concurrency } = settings;
	if (maxCostUsd === undefined || memory.hasBegun) return;
	let total = 0;
	const unknown: number[] = [];
	const outcomes = await runItems({
		count: items.total,
		concurrency,
		work: async (position) => {
			const outcome = await outcomeOf(estimate(run, items.item(position)));
			if (outcome.ok && outcome.value.kind === 'known') total += outcome.value.usd;
			else if (outcome.ok || isOfTheItem(outcome.error)) unknown.push(position);
			else if (outcome.error instanceof InferenceError) throw outcome.error;
		},
		onFailure: () => 'stop',
	});
	const failed = outcomes.find((outcome) => outcome?.kind === 'failed');
	if (failed?.kind === 'failed') throw failed.error;
	if (unknown.length > 0) hints.say(unknownCost(unknown, items.total));
	if (total <= maxCostUsd + ROUNDING) return;
	throw new NodeOperationError(
		context.getNode(),
		`The items are estimated to cost $${total.toFixed(4)}, more than Max Cost ($${maxCostUsd}). Nothing was started.`,
		{ description: 'Send fewer items, or raise Max Cost in the options.' },
	);
}

async function estimate(run: NodeRun, item: RunItem): Promise<CostEstimate> {
	const { request, files } = await item.request(run);
	const pending = files.map(() => PENDING_FILE);
	const input = placeFiles(request.input, files, pending);
	return await run.client.apps.estimate(appName(request.app), { ...request, input });
}

function unknownCost(positions: readonly number[], total: number): string {
	const named = [...positions].sort((left, right) => left - right).slice(0, MOST_NAMED);
	const more = positions.length > named.length ? ', …' : '';
	return `The cost of ${positions.length} of ${total} items could not be estimated and does not count towards Max Cost (item ${named.join(', ')}${more}).`;
}

/** The service does not know the app or refuses the input: that concerns this item only. */
function isOfTheItem(error: unknown): boolean {
	return error instanceof InferenceError && error.concern === 'request';
}
