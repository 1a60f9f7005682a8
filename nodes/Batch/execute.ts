import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { systemClock } from '../client/util/clock';
import { orContinue, type NodeOutputs } from '../shared/items/itemNode';
import { failureFacts } from '../shared/output/failures';
import { runNode } from '../shared/run/nodeRun';
import { BatchRun } from './batchRun';
import { readBatchSettings } from './settings';
import { openSource } from './source';
import { cancelReserve } from './stopRules';
import { Tally } from './summary';
import { openCallback } from './waiting';

/**
 * Runs thousands of items through a sliding window and keeps every result: successes, failures
 * and a summary come out apart. A failing item never fails the node.
 *
 * @throws NodeOperationError if the node cannot run at all or the execution is stopped
 */
export async function runBatch(context: IExecuteFunctions): Promise<NodeOutputs> {
	const inputs = context.getInputData();
	if (inputs.length === 0) return [[], [], []];
	return await orContinue(
		context,
		async () => await runAll(context),
		(error) => cannotRun(inputs, error),
	);
}

async function runAll(context: IExecuteFunctions): Promise<NodeOutputs> {
	const source = openSource(context);
	return await runNode(context, { cancelReserve, looksFailed: () => false }, async (run) => {
		const callback = await openCallback(run);
		const settings = readBatchSettings(context);
		return await new BatchRun(run, source, settings, callback).outputs();
	});
}

/** The outputs of a batch that cannot run at all: none of its items was started. */
function cannotRun(inputs: readonly INodeExecutionData[], error: unknown): NodeOutputs {
	const { message, code, retryable } = failureFacts(error);
	const now = systemClock.now();
	const tally = new Tally(inputs.length, now);
	const failed = inputs.map(({ json: item }, index) => {
		tally.unstarted(message);
		const json = {
			status: 'not_started',
			error: { message, code, retryable },
			item,
			run: { attempts: 0, duration_ms: 0 },
		};
		return { json, pairedItem: { item: index } };
	});
	const summary = tally.toJson(now, { retries: 0, rateLimited: 0 }, []);
	return [[], failed, [{ json: summary, pairedItem: { item: 0 } }]];
}
