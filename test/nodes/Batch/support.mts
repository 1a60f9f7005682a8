/** What the tests of Batch share. */
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { Batch } from '../../../nodes/Batch/Batch.node.ts';
import type { Sandbox } from '../../sandbox/index.mts';
import { NODE_NAME, runNode, type EngineRun } from '../../engine/engine.mts';
import { appRef, credentialsOf, QUICK, type RunAppOptions } from '../../engine/support.mts';

/** Runs Batch in the engine. Unless told otherwise each item is the input of its task. */
export async function runBatch(sandbox: Sandbox, options: RunAppOptions = {}): Promise<EngineRun> {
	const { app = 'sandbox/echo', parameters, options: collection, ...rest } = options;
	return await runNode({
		node: new Batch(),
		credentials: credentialsOf(sandbox),
		...rest,
		parameters: {
			app: appRef(app),
			itemsFrom: 'input',
			inputMode: 'item',
			order: 'input',
			...parameters,
			options: { ...QUICK, ...collection },
		},
	});
}

/** The parameters of a batch over a list inside the incoming items. */
export const FROM_LIST = { itemsFrom: 'list', list: '={{ $json.rows }}' };

/** The outputs of a batch. */
export interface BatchResult {
	readonly succeeded: INodeExecutionData[];
	readonly failed: INodeExecutionData[];
	/** JSON of the one item of Summary. */
	readonly summary: IDataObject;
}

export function resultOf(run: EngineRun): BatchResult {
	const [summary, ...more] = run.output(NODE_NAME, 2);
	if (!summary || more.length > 0) {
		throw new Error(`Summary has ${summary ? more.length + 1 : 0} items (${String(run.error)})`);
	}
	const [succeeded, failed] = [run.output(NODE_NAME, 0), run.output(NODE_NAME, 1)];
	return { succeeded, failed, summary: summary.json };
}

/** The incoming item of each output item. */
export function pairs(items: readonly INodeExecutionData[]): number[] {
	return items.map(({ pairedItem }) =>
		typeof pairedItem === 'object' && !Array.isArray(pairedItem) ? pairedItem.item : Number.NaN,
	);
}

/** One value of each item's JSON. */
export function each(items: readonly INodeExecutionData[], key: string): unknown[] {
	return items.map(({ json }) => json[key]);
}

/** The Summary's errors as message → count. */
export function errorCounts(summary: IDataObject): Map<string, number> {
	const errors = summary['errors'] as ReadonlyArray<{ message: string; count: number }>;
	return new Map(errors.map(({ message, count }) => [message, count]));
}

export function sum(numbers: Iterable<number>): number {
	let total = 0;
	for (const number of numbers) total += number;
	return total;
}

/** Whether the Summary's numbers are those of the outputs. */
export function addsUp({ succeeded, failed, summary }: BatchResult): boolean {
	const notStarted = failed.filter(({ json }) => json['status'] === 'not_started').length;
	return (
		summary['succeeded'] === succeeded.length &&
		summary['not_started'] === notStarted &&
		summary['failed'] === failed.length - notStarted &&
		summary['total'] === succeeded.length + failed.length &&
		sum(errorCounts(summary).values()) === summary['failed']
	);
}

/** Notes lines for people in n8n's log; unless told otherwise those about a batch's progress. */
export function spyOnLog(
	onLine: (line: string) => void,
	wanted = /items done,/,
): (context: IExecuteFunctions) => void {
	return (context) => {
		const silent = () => {};
		// n8n's own getter must not run before: it fixes the property for good.
		Object.defineProperty(context, 'logger', {
			value: {
				info: (line: string) => {
					if (wanted.test(line)) onLine(line);
				},
				debug: silent,
				warn: silent,
				error: silent,
			},
		});
	};
}
