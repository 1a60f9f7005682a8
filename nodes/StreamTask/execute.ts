import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { isJsonObject, textOf } from '../client/util/json';
import type { TaskProgress } from '../client/tasks/taskRun';
import { unreadTask, type Task } from '../client/tasks/task';
import { addFiles } from '../shared/files/downloads';
import { checkCost } from '../shared/items/costCheck';
import { answerChat } from '../shared/items/chatAnswer';
import { eachItem } from '../shared/items/eachItem';
import { runItemNode } from '../shared/items/itemNode';
import { completedItem, inputItem, inputItems, runItemTask } from '../shared/items/itemTask';
import { LiveStream } from '../shared/run/liveStream';
import type { ItemRun } from '../shared/run/itemRun';
import { addRunFacts } from '../shared/output/items';
import { ItemParameters } from '../shared/parameters/itemParameters';
import { readOutputForm } from '../shared/parameters/outputForm';
import { Feeds, readSource } from './feeds';
import type { ItemFeed } from './itemFeed';

/**
 * Follows one task for each input item while it runs: one that is started for it, or one that is
 * there already. Returns the results and, apart from them, everything that happened on the way.
 *
 * @throws NodeApiError or NodeOperationError of the first item that fails, unless the node is set
 * to continue
 */
export async function streamTask(context: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	const keepTasks = () => readSource(context) === 'existing';
	return await runItemNode(context, { keepTasks }, async (run) => {
		const source = readSource(context);
		const feeds = Feeds.of(run);
		const live = LiveStream.to(context);
		if (source === 'run') await checkCost(run, inputItems(context));
		const item = async (own: ItemRun, index: number, earlier: TaskProgress) => {
			const feed = feeds.item(index);
			feed.begin(live);
			try {
				return source === 'run'
					? await runAndFollow(own, index, earlier, feed)
					: await followById(own, index, feed);
			} finally {
				feed.end();
			}
		};
		const results = await eachItem(run, item).finally(async () => await live?.flush());
		feeds.report(run);
		await answerChat(run, results, 'app', live);
		return [results, feeds.items()];
	});
}

async function runAndFollow(
	run: ItemRun,
	index: number,
	earlier: TaskProgress,
	feed: ItemFeed,
): Promise<INodeExecutionData> {
	const item = await runItemTask(run, inputItem(index), {
		wait: 'result',
		earlier,
		observer: feed,
		onProgress: (progress) => {
			if (progress.state === 'running') feed.start(progress.task);
		},
		onTask: (task) => feed.complete(task),
	});
	return withDropped(item, feed);
}

async function followById(
	run: ItemRun,
	index: number,
	feed: ItemFeed,
): Promise<INodeExecutionData> {
	const { context, client, scope, hints } = run;
	const parameters = new ItemParameters(context, index);
	const taskId = readTaskId(parameters);
	const { form, download } = readOutputForm(parameters);
	feed.start(unreadTask(taskId));
	const taskRun = await client.tasks.follow(taskId, {
		full: form === 'fullTask',
		observer: feed,
		signal: scope.signal,
	});
	feed.complete(taskRun.task);
	hints.add(taskRun);
	const app = appOf(taskRun.task);
	const item = completedItem(run, taskRun, { app, form }, index);
	const request = { app, input: {} };
	return withDropped(await addFiles(run, item, taskRun, { download, request }), feed);
}

/** Ids are opaque, but they are part of a path. */
const TASK_ID = /^[\w-]{1,200}$/;

function readTaskId(item: ItemParameters): string {
	const taskId = item.get('taskId');
	const id = taskId.text(
		'Enter the ID of a task, for example <code>{{ $json.id }}</code> of Run App.',
	);
	if (TASK_ID.test(id)) return id;
	throw taskId.mismatch('the ID of a task');
}

/** The app of a task that somebody else has started, as the whole task names it. */
function appOf({ wire }: Task): string {
	const app = isJsonObject(wire['app']) ? wire['app'] : {};
	return [textOf(app['namespace']), textOf(app['name'])].filter(Boolean).join('/');
}

/** Says in a result how many updates of its task are missing. */
function withDropped(item: INodeExecutionData, { dropped }: ItemFeed): INodeExecutionData {
	if (dropped > 0) addRunFacts(item, { updates_dropped: dropped });
	return item;
}
