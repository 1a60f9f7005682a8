import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { StoppedError } from '../client/errors';
import { AbandonedError, notStarted } from '../client/runTask';
import { refuseIfTooExpensive } from '../shared/costCheck';
import { runItems } from '../shared/itemRunner';
import { failureItem, toNodeError } from '../shared/nodeErrors';
import { runNode, type NodeRun } from '../shared/nodeRun';
import { resultItem, startedItem } from '../shared/output';
import { oneOf, readParameter } from '../shared/parameters';
import { stoppedError, wasStopped } from '../shared/runScope';
import { readItemRequest } from '../shared/taskParameters';

/**
 * Runs every input item as one task, a few at a time, and returns one item for each, in order.
 *
 * @throws NodeApiError or NodeOperationError of the first item that fails, unless the node is set
 * to continue
 */
export async function runApp(context: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const inputs = context.getInputData();
	if (inputs.length === 0) return [];
	try {
		return await runAll(context);
	} catch (error) {
		if (wasStopped(context) || !context.continueOnFail()) {
			throw toNodeError(context.getNode(), error);
		}
		// Of a node that throws and is set to continue, n8n hands on the input as if it were output.
		return inputs.map((_, index) => failureItem(error, index));
	}
}

async function runAll(context: IExecuteFunctions): Promise<INodeExecutionData[]> {
	const looksFailed = (items: INodeExecutionData[]) => items[0]?.json['error'] !== undefined;
	return await runNode(context, { looksFailed }, async (run) => await new AppRun(run).items());
}

class AppRun {
	private readonly wait: 'result' | 'none';

	constructor(private readonly run: NodeRun) {
		const { context } = run;
		const value = readParameter(context, 'wait', 'Wait', 0, 'result');
		this.wait = oneOf({ node: context.getNode(), displayName: 'Wait', value }, ['result', 'none']);
	}

	async items(): Promise<INodeExecutionData[]> {
		const { context, settings, client, hints } = this.run;
		const { maxCostUsd, concurrency } = settings;
		if (maxCostUsd !== undefined) {
			const request = (index: number) => readItemRequest(context, index);
			const items = { count: context.getInputData().length, request };
			await refuseIfTooExpensive(context, client, items, { maxCostUsd, concurrency }, hints);
		}
		const goOn = context.continueOnFail();
		const failures: Array<{ readonly error: unknown; readonly index: number }> = [];
		const outcomes = await runItems({
			count: context.getInputData().length,
			concurrency,
			work: async (index) => await this.item(index),
			onFailure: (error, index) => {
				failures.push({ error, index });
				// After a Stop, tasks of an earlier try are still to be cancelled.
				if (goOn || wasStopped(context)) return 'go on';
				this.giveUpOthers();
				return 'stop';
			},
		});
		if (wasStopped(context)) {
			throw stoppedError(
				context,
				failures.map(({ error }) => error),
			);
		}
		const [first] = failures;
		if (first && !goOn) throw toNodeError(context.getNode(), first.error, first.index);
		return outcomes.flatMap((outcome, index) => {
			if (!outcome) return [];
			return [outcome.kind === 'done' ? outcome.value : failureItem(outcome.error, index)];
		});
	}

	private async item(index: number): Promise<INodeExecutionData> {
		const { wait } = this;
		const { context, client, memory, scope, hints } = this.run;
		const earlier = memory.recall(index);
		if (earlier.state === 'done') return earlier.item;
		if (earlier.state === 'none' && scope.signal.aborted) throw notStarted(scope.signal.reason);
		const { request, app, fullTask } = readItemRequest(context, index);
		const run = await client.run(request, {
			wait,
			full: fullTask,
			observer: {},
			signal: scope.signal,
			progress: earlier,
			onProgress: (progress) => memory.remember(index, progress),
		});
		hints.add(run);
		const item =
			wait === 'none' ? startedItem(run, index) : resultItem(run, { app, fullTask }, index);
		memory.remember(index, { state: 'done', item });
		return item;
	}

	/**
	 * One item has failed and the node is not set to continue. If n8n is going to try again, the
	 * other tasks go on meanwhile; if not, nobody will ever read them, so they are cancelled.
	 */
	private giveUpOthers(): void {
		const reason = 'was given up because another item failed';
		const { scope, memory } = this.run;
		scope.abort(memory.hasTriesLeft ? new AbandonedError(reason) : new StoppedError(reason));
	}
}
