import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { TaskProgress } from '../client/tasks/taskRun';
import { checkCost } from '../shared/items/costCheck';
import { answerChat } from '../shared/items/chatAnswer';
import { eachItem } from '../shared/items/eachItem';
import { runItemNode } from '../shared/items/itemNode';
import { inputItem, inputItems, runItemTask } from '../shared/items/itemTask';
import { RunParameters } from '../shared/parameters/runParameters';
import type { ItemRun } from '../shared/run/itemRun';
import { runAndWait } from './waiting';

/**
 * Runs every input item as one task, a few at a time, and returns one item for each, in order.
 *
 * @throws NodeApiError or NodeOperationError of the first item that fails, unless the node is set
 * to continue
 */
export async function runApp(context: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	return await runItemNode(context, {}, async (run) => {
		const wait = new RunParameters(context)
			.get('wait', 'result')
			.oneOf(['result', 'none', 'webhook']);
		await checkCost(run, inputItems(context));
		if (wait === 'webhook') return await runAndWait(run);
		const item = async (own: ItemRun, index: number, earlier: TaskProgress) =>
			await runItemTask(own, inputItem(index), { wait, earlier, observer: {} });
		const items = await eachItem(run, item);
		if (wait === 'result') await answerChat(run, items, 'app');
		return [items];
	});
}
