import {
	N8N_NODES_API_VERSION,
	NodeOperationError,
	sleep,
	type IDataObject,
	type IExecuteFunctions,
	type INodeExecutionData,
} from 'n8n-workflow';
import type { CancelOutcome } from '../../client/api/cancelRemote';
import { StoppedError } from '../../client/errors';
import { outcomeOf } from '../../client/util/outcome';
import type { RunRequest } from '../../client/tasks/runRequest';
import type { TaskRun } from '../../client/tasks/taskRun';
import { isTerminal } from '../../client/tasks/taskStatus';
import { parseHttpUrl } from '../../client/util/url';
import { CREDENTIAL_NAME } from '../run/connection';
import { toNodeError } from '../output/failures';
import type { NodeRun } from '../run/nodeRun';
import { ItemParameters } from '../parameters/itemParameters';
import { nodeOf } from '../parameters/nodeOf';
import { RunParameters } from '../parameters/runParameters';
import { stoppedError, wasStopped } from '../run/stop';
import { readEnd, readStatus, settle } from './readEnds';
import {
	keepState,
	type AwaitedTask,
	type SettledItem,
	type TaskEnd,
	type WaitingNode,
} from './waitState';
import { CANCELS_AT_ONCE, inParallel } from '../run/window';

const HOUR_MS = 3_600_000;
/** A year; dates beyond that are more likely a mistake than a wish. */
const LONGEST_HOURS = 8_760;
/** When n8n calls itself, ms after the execution was handed over; then twice as late each time. */
const LOOK_AGAIN_MS = 1_000;
const LAST_LOOK_MS = 16_000;

function isLoopback(url: URL): boolean {
	return /^(localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\])$/i.test(url.hostname);
}

/** Why this execution cannot be resumed by a callback, with what to do; undefined if it can. */
async function obstacle(
	context: IExecuteFunctions,
	resumeUrl: URL | undefined,
): Promise<readonly [problem: string, remedy: string] | undefined> {
	const instead = 'set Wait to For the Result.';
	if (N8N_NODES_API_VERSION === undefined)
		return ['needs n8n 2.39 or newer', `Update n8n, or ${instead}`];
	if (context.isToolExecution() || context.getNode().type.endsWith('Tool')) {
		return ['cannot be used in a tool of an AI agent', `In a tool, ${instead}`];
	}
	if (context.getWorkflow().id === undefined || resumeUrl === undefined) {
		return ['works in saved workflows only', 'Save the workflow and run it again.'];
	}
	const { baseUrl } = await context.getCredentials(CREDENTIAL_NAME);
	const service = typeof baseUrl === 'string' ? parseHttpUrl(baseUrl) : undefined;
	if (!isLoopback(resumeUrl) || (service && isLoopback(service))) return undefined;
	return [
		`cannot work: the service cannot call this n8n at ${resumeUrl.origin}`,
		`Set WEBHOOK_URL of n8n, and of its workers, to an address that the service reaches, or ${instead}`,
	];
}

/** What became of a task that is not waited for any more, after the words `The task`. */
function fateOf(cancelled: CancelOutcome | undefined): string {
	switch (cancelled?.kind) {
		case undefined:
			return 'was left running';
		case 'cancelled':
			return 'was cancelled';
		case 'over':
			return 'was already over';
		case 'failed':
			return `could not be cancelled (${cancelled.reason}) and may still be running`;
	}
}

/**
 * Waits for the tasks of a node run without occupying a worker: they are submitted with this
 * execution's resume URL, the execution goes to n8n's database, and the service's callbacks
 * resume it (see `answerCallback`).
 */
export class WebhookWait {
	private readonly tasks: AwaitedTask[] = [];

	private constructor(
		private readonly run: NodeRun,
		private readonly node: WaitingNode,
		private readonly url: string,
		private readonly limitMs: number,
		private readonly stopOnError: boolean,
	) {}

	/**
	 * @param stopOnError whether a failed task fails the node
	 * @throws NodeOperationError if this execution cannot be resumed by a callback
	 */
	static async open(run: NodeRun, node: WaitingNode, stopOnError: boolean): Promise<WebhookWait> {
		const { context } = run;
		const limit = new RunParameters(context).get('waitLimit', 'Wait at Most', 24);
		const hours = limit.number({ min: 0.001, max: LONGEST_HOURS });
		const said: unknown = context.evaluateExpression('{{ $execution.resumeUrl }}', 0);
		const url = typeof said === 'string' ? parseHttpUrl(said) : undefined;
		const problem = await obstacle(context, url);
		if (problem || !url) {
			const [text, description] = problem ?? [];
			throw new NodeOperationError(nodeOf(context), `Wait "For the Callback" ${text}`, {
				...(description === undefined ? {} : { description }),
			});
		}
		url.pathname += `/${encodeURIComponent(nodeOf(context).id)}`;
		return new WebhookWait(run, node, url.href, hours * HOUR_MS, stopOnError);
	}

	/** Tasks that have been started. */
	get started(): number {
		return this.tasks.length;
	}

	/** The same request, with the URL that resumes the execution. */
	request(request: RunRequest, itemIndex: number): RunRequest {
		if (request.webhook === undefined) return { ...request, webhook: this.url };
		throw new ItemParameters(this.run.context, itemIndex).error(
			'Webhook URL',
			'cannot be used together with Wait "For the Callback", which needs it itself',
		);
	}

	/** Takes a task that has been started into the wait. */
	add(run: TaskRun, item: Omit<AwaitedTask, 'id' | 'status' | 'attempts'>): void {
		const { task, attempts } = run;
		this.tasks.push({ id: task.id, status: task.status, attempts, ...item });
	}

	/** Cancels all tasks, unless they are to be kept; says of each one what became of it. */
	async cancelTasks(reason: string): Promise<readonly StoppedError[]> {
		const { client, settings, memory } = this.run;
		const keep = settings.onStop === 'keep' || (memory.hasTriesLeft && !this.stopped);
		return await inParallel(this.tasks, CANCELS_AT_ONCE, async ({ id }) => {
			const fate = fateOf(keep ? undefined : await client.tasks.cancel(id));
			return new StoppedError(`Task ${id} ${reason}. The task ${fate}.`, {
				about: { kind: 'task', id },
			});
		});
	}

	/**
	 * Ends the submission: with the outputs, if all tasks have ended meanwhile, else with the
	 * execution waiting. What the node outputs at the end of the wait is left as its input, which
	 * n8n then hands on; a callback that finds all tasks ended replaces it.
	 *
	 * @param settled items that never became a task
	 * @throws NodeApiError or NodeOperationError of a failed task, if that is to fail the node
	 */
	async outputs(
		settled: readonly SettledItem[],
		facts: IDataObject = {},
	): Promise<INodeExecutionData[][]> {
		const { context, settings } = this.run;
		const { concurrency } = settings;
		const { ends, goOn: tasks } = await this.look();
		const keep = async (end: TaskEnd) => await settle(this.node, end, this.run);
		const ended = await outcomeOf(inParallel(ends, concurrency, keep));
		if (this.stopped) {
			throw stoppedError(context, await this.cancelTasks('was stopped with the execution'));
		}
		if (!ended.ok) throw ended.error;
		await this.failures(ends);
		const items = [...settled, ...ended.value];
		const now = Date.now();
		if (tasks.length === 0) return this.node.outputs(items, facts, now);

		const { stopOnError } = this;
		keepState(context, { tasks, settled: items, facts, concurrency, stopOnError });
		const unfinished = tasks.map((task) => this.node.unfinished(task));
		const until = now + this.limitMs;
		const outputs = this.node.outputs([...items, ...unfinished], facts, until);
		context.getExecuteData().data['main'] = outputs;
		context.setMetadata({ forwardAllOutputs: true });
		await context.putExecutionToWait(new Date(until));
		void this.lookAgain();
		return outputs.map(() => []);
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
			const read = await outcomeOf(readStatus(client, task));
			const status = read.ok ? read.value : task.status;
			const end = isTerminal(status) ? await outcomeOf(readEnd(client, task)) : undefined;
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

	/**
	 * A callback that arrives before n8n has saved the execution as waiting is refused, and whether
	 * the service repeats it is not known. So n8n calls itself, once, when it is ready.
	 */
	private async lookAgain(): Promise<void> {
		const { httpRequest } = this.run.context.helpers;
		const call = {
			method: 'POST',
			url: this.url,
			body: {},
			json: true,
			timeout: 10_000,
			ignoreHttpStatusErrors: true,
		} as const;
		for (let ms = LOOK_AGAIN_MS; ms <= LAST_LOOK_MS; ms *= 2) {
			await sleep(ms);
			const answer = await outcomeOf<unknown>(httpRequest(call));
			// Anything else, and it waits or has ended.
			if (!answer.ok || !/running already/.test(JSON.stringify(answer.value))) return;
		}
	}
}
