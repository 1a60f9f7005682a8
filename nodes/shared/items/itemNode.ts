import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { failureItem, forErrorOutput, toNodeError } from '../output/failures';
import { runNode, type NodeRun, type NodeRunOptions } from '../run/nodeRun';
import { wasStopped } from '../run/stop';

/** The items of each output. */
export type NodeOutputs = INodeExecutionData[][];

/**
 * Runs a node whose every input item gives one item of its first output.
 *
 * @throws NodeApiError or NodeOperationError of the first item that fails, unless the node is set
 * to continue
 */
export async function runItemNode(
	context: IExecuteFunctions,
	options: Omit<NodeRunOptions<NodeOutputs>, 'looksFailed'>,
	job: (run: NodeRun) => Promise<NodeOutputs>,
): Promise<NodeOutputs> {
	const inputs = context.getInputData();
	if (inputs.length === 0) return [[]];
	const looksFailed = ([first]: NodeOutputs) => first?.[0]?.json['error'] !== undefined;
	const [items = [], ...more] = await orContinue(
		context,
		async () => await runNode(context, { ...options, looksFailed }, job),
		(error) => [inputs.map((_, index) => failureItem(error, index))],
	);
	return [forErrorOutput(context, items), ...more];
}

/**
 * Runs a whole node. If it cannot run at all but is set to continue, its outputs say so: of a node
 * that throws then, n8n hands on the input as if it were output.
 *
 * @param failed the outputs of a node that has thrown
 * @throws NodeApiError or NodeOperationError, if the node is not set to continue or the execution
 * was stopped
 */
export async function orContinue(
	context: IExecuteFunctions,
	job: () => Promise<NodeOutputs>,
	failed: (error: unknown) => NodeOutputs,
): Promise<NodeOutputs> {
	try {
		return await job();
	} catch (error) {
		if (wasStopped(context) || !context.continueOnFail()) {
			throw toNodeError(context.getNode(), error);
		}
		return failed(error);
	}
}
