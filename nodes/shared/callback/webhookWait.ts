import type { INodeExecutionData } from 'n8n-workflow';
import { fateInWords, mayRunOn } from '../../client/api/cancelRemote';
import { StoppedError } from '../../client/errors';
import type { RunRequest } from '../../client/tasks/runRequest';
import type { TaskRun } from '../../client/tasks/taskRun';
import { isTerminal } from '../../client/tasks/taskStatus';
import { outcomeOf } from '../../client/util/outcome';
import { toNodeError } from '../output/failures';
import { ItemParameters } from '../parameters/itemParameters';
import { nodeOf } from '../parameters/nodeOf';
import { RunParameters } from '../parameters/runParameters';
import type { ItemRun } from '../run/itemRun';
import type { NodeRun } from '../run/nodeRun';
import { stoppedError, wasStopped } from '../run/stop';
import { putToWait } from '../run/waitingExecution';
import { CANCELS_AT_ONCE, inParallel } from '../run/window';
import { readEnd, settle } from './readEnds';
import { accountOfAll } from './accountOfAll';
import { checkReach, findResumeUrl } from './resumeUrl';
import { callOnceWaiting } from './selfCall';
import {
	keepState,
	type AwaitedTask,
	type SettledItem,
	type TaskEnd,
	type WaitingNode,
	type WaitState,
} from './waitState';

const HOUR_MS = 3_600_000;
/** A year; dates beyond that are more likely a mistake than a wish. */
const LONGEST_HOURS = 8_760;

/** Waits for tasks that somebody else starts. */
export interface TaskWait {
	/**
	 * The same request, with the URL that resumes the execution.
	 *
	 * @throws NodeOperationError if it has a webhook of its own
	 */
	request(request: RunRequest, itemIndex: number): RunRequest;
	/** Takes a task that has been started into the wait. */
	add(run: TaskRun, item: Omit<AwaitedTask, 'id' | 'status' | 'attempts'>): void;
	/**
	 * Cancels all tasks, unless they are to be kept.
	 *
	 * @param reason why, continuing "Task x …"
	 * @returns for each of them an error that says what became of it
	 */
	cancelTasks(reason: string): Promise<readonly StoppedError[]>;
}

/**
 * Waits for the tasks of a node run without occupying a worker: they are submitted with this
 * execution's resume URL, the execution goes to n8n's database, and the service's callbacks
 * resume it (see `answerCallback`).
 */
export class WebhookWait<Facts> implements TaskWait {
	private readonly tasks: AwaitedTask[] = [];

	private constructor(
		/** Under the account of all items. */
		private readonly run: ItemRun,
		private readonly node: WaitingNode<Facts>,
		private readonly url: string,
		private readonly limitMs: number,
		private readonly stopOnError: boolean,
	) {}

	/**
	 * @param stopOnError whether a failed task fails the node
	 * @throws NodeOperationError if this execution cannot be resumed by a callback, or its credential
	 * not be read then
	 */
	static async open<Facts>(
		run: NodeRun,
		node: WaitingNode<Facts>,
		stopOnError: boolean,
	): Promise<WebhookWait<Facts>> {
		const { context } = run;
		const limit = new RunParameters(context).get('waitLimit', 24);
		const hours = limit.number({ min: 0.001, max: LONGEST_HOURS });
		const url = findResumeUrl(context);
		const account = await accountOfAll(run);
		checkReach(context, url, account.credential.baseUrl);
		const own = { ...run, ...account };
		return new WebhookWait(own, node, url.href, hours * HOUR_MS, stopOnError);
	}

	/** Tasks that have been started. */
	get started(): number {
		return this.tasks.length;
	}

	request(request: RunRequest, itemIndex: number): RunRequest {
		if (request.webhook === undefined) return { ...request, webhook: this.url };
		throw new ItemParameters(this.run.context, itemIndex).options
			.get('webhook')
			.error('cannot be used while "Wait" is "For the Callback", which needs it itself');
	}

	add(run: TaskRun, item: Omit<AwaitedTask, 'id' | 'status' | 'attempts'>): void {
		const { task, attempts } = run;
		this.tasks.push({ id: task.id, status: task.status, attempts, ...item });
	}

	async cancelTasks(reason: string): Promise<readonly StoppedError[]> {
		const { client, settings, memory } = this.run;
		const keep = settings.onStop === 'keep' || (memory.hasTriesLeft && !this.stopped);
		// What was bought before is not this run's to cancel.
		const own = this.tasks.filter(({ attempts }) => attempts > 0);
		return await inParallel(own, CANCELS_AT_ONCE, async ({ id }) => {
			const outcome = keep ? undefined : await client.tasks.cancel(id);
			return new StoppedError(`Task ${id} ${reason}. The task ${fateInWords(outcome)}.`, {
				about: { kind: 'task', id },
				mayRun: mayRunOn(outcome),
			});
		});
	}

	/**
	 * Ends the submission: with the outputs, if all tasks have ended meanwhile, else with the
	 * execution waiting.
	 *
	 * @param settled items that never became a task
	 * @throws NodeApiError or NodeOperationError of a failed task, if that is to fail the node
	 */
	async outputs(settled: readonly SettledItem[], facts: Facts): Promise<INodeExecutionData[][]> {
		const { context, settings } = this.run;
		const { ends, goOn: tasks } = await this.look();
		const ended = await outcomeOf(
			inParallel(ends, settings.concurrency, async (end) => await settle(this.node, end, this.run)),
		);
		if (this.stopped) {
			throw stoppedError(context, await this.cancelTasks('was stopped with the execution'));
		}
		if (!ended.ok) throw ended.error;
		await this.failures(ends);
		const items = [...settled, ...ended.value];
		if (tasks.length === 0) return this.node.outputs(items, facts, Date.now());
		return await this.putToWait({
			tasks,
			settled: items,
			facts,
			concurrency: settings.concurrency,
			stopOnError: this.stopOnError,
			account: this.run.client.accountId,
		});
	}

	/** What the node is to put out if no callback comes is kept as well. */
	private async putToWait(state: WaitState<Facts>): Promise<INodeExecutionData[][]> {
		const { context } = this.run;
		const { node } = this;
		const until = Date.now() + this.limitMs;
		const unfinished = state.tasks.map((task) => node.unfinished(task));
		const atLast = node.outputs([...state.settled, ...unfinished], state.facts, until);
		keepState(context, state);
		const outputs = await putToWait(context, atLast, new Date(until));
		void callOnceWaiting(context, this.url);
		return outputs;
	}

	private get stopped(): boolean {
		return wasStopped(this.run.context);
	}

	/** Looks at all tasks once. One that cannot be read is simply waited for. */
	private async look(): Promise<{
		readonly ends: readonly TaskEnd[];
		readonly goOn: readonly AwaitedTask[];
	}> {
		const { client, settings } = this.run;
		const ends: TaskEnd[] = [];
		const goOn: AwaitedTask[] = [];
		await inParallel(this.tasks, settings.concurrency, async (task) => {
			const read = await outcomeOf(client.tasks.status(task.id));
			const status = read.ok ? read.value : task.status;
			const end = isTerminal(status) ? await outcomeOf(readEnd(client, task, 'once')) : undefined;
			if (end?.ok && end.value) ends.push(end.value);
			else goOn.push({ ...task, status });
		});
		return { ends, goOn };
	}

	/** What failed is to be started again, if n8n tries again; only that. */
	private async failures(ends: readonly TaskEnd[]): Promise<void> {
		const { memory, context } = this.run;
		const failed = ends
			.filter((end) => end.kind === 'failed')
			.sort((left, right) => left.awaited.position - right.awaited.position);
		for (const { awaited } of failed) memory.remember(awaited.position, { state: 'none' });
		const [first] = failed;
		if (!first || !this.stopOnError) return;
		await this.cancelTasks('was given up because another item failed');
		throw toNodeError(nodeOf(context), first.error, first.awaited.itemIndex);
	}
}
