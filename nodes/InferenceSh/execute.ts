import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { eachItem } from '../shared/items/eachItem';
import { runItemNode } from '../shared/items/itemNode';
import { ItemParameters } from '../shared/parameters/itemParameters';
import { RunParameters } from '../shared/parameters/runParameters';
import type { ItemRun } from '../shared/run/itemRun';
import { RESOURCES } from './actions/index';
import type { Operation, OutputItem } from './operation';

/**
 * Does one operation for each input item and returns what they give, in order.
 *
 * @throws NodeApiError or NodeOperationError of the first item that fails, unless the node is set
 * to continue
 */
export async function inferenceSh(context: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	return await runItemNode(context, {}, async (run) => {
		const operation = chosenOperation(new RunParameters(context));
		const items = await eachItem(run, async (own, index) => {
			const item = new ItemParameters(context, index);
			const output = await perform(operation, own, item);
			return output.map((one) => ({ ...one, pairedItem: { item: index } }));
		});
		return [items];
	});
}

function chosenOperation(parameters: RunParameters): Operation {
	const resource = parameters.get('resource', '').oneOf(RESOURCES.map(({ value }) => value));
	const { operations = [] } = RESOURCES.find(({ value }) => value === resource) ?? {};
	const chosen = parameters.get('operation', '');
	const name = chosen.oneOf(operations.map(({ value }) => value));
	const operation = operations.find(({ value }) => value === name);
	if (!operation) throw chosen.mismatch('an operation');
	return operation;
}

async function perform(
	operation: Operation,
	run: ItemRun,
	item: ItemParameters,
): Promise<readonly OutputItem[]> {
	if (operation.kind === 'run') return await operation.execute(run, item);
	const { client, scope } = run;
	return await client.workspace.forItem(scope.signal, async (reach) => {
		return await operation.execute({ ...run, reach }, item);
	});
}
