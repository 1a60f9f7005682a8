import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { systemClock } from '../client/util/clock';
import { StoppedError, TimeoutError } from '../client/errors';
import type { TaskProgress, TaskRun } from '../client/tasks/runTask';
import { refuseIfTooExpensive } from '../shared/items/costCheck';
import { fileUploads } from '../shared/files/uploads';
import { addFiles } from '../shared/files/downloads';
import { slide } from '../shared/run/window';
import { failureFacts, toNodeError } from '../shared/output/failures';
import { runNode, type NodeRun } from '../shared/run/nodeRun';
import { resultItem } from '../shared/output/items';
import { numberIn, oneOf, readParameter } from '../shared/parameters/parameters';
import { stoppedError, wasStopped } from '../shared/run/stop';
import type { NodeRunSettings } from '../shared/parameters/runSettings';
import type { WebhookWait } from '../shared/callback/webhookWait';
import { CircuitBreaker } from './breaker';
import { describeFailure, failedItem, withoutPlace } from './failedItem';
import { ProgressReports } from './progress';
import { openSource, type BatchSource } from './source';
import { Tally } from './summary';
import { durationOf, openCallback } from './waiting';

/** Succeeded, Failed, Summary. */
type BatchOutputs = INodeExecutionData[][];

/**
 * Runs thousands of items through a sliding window and keeps every result: successes, failures
 * and a summary come out apart. A failing item never fails the node.
 *
 * @throws NodeOperationError if the node cannot run at all or the execution is stopped
 */
export async function runBatch(context: IExecuteFunctions): Promise<BatchOutputs> {
	const inputs = context.getInputData();
	if (inputs.length === 0) return [[], [], []];
	try {
		return await runAll(context);
	} catch (error) {
		if (wasStopped(context) || !context.continueOnFail()) {
			throw toNodeError(context.getNode(), error);
		}
		// Of a node that throws and is set to continue, n8n hands on the input as if it had succeeded.
		const { message, code, retryable } = failureFacts(error);
		const facts = { status: 'not_started', error: { message, code, retryable } };
		const now = systemClock.now();
		const tally = new Tally(inputs.length, now);
		const failed = inputs.map(({ json: item }, index) => {
			tally.unstarted(message);
			const run = { attempts: 0, duration_ms: 0 };
			return { json: { ...facts, item, run }, pairedItem: { item: index } };
		});
		const summary = tally.toJson(now, { retries: 0, rateLimited: 0 }, []);
		return [[], failed, [{ json: summary, pairedItem: { item: 0 } }]];
	}
}

async function runAll(context: IExecuteFunctions): Promise<BatchOutputs> {
	const source = openSource(context);
	return await runNode(
		context,
		{ cancelReserve, looksFailed: () => false },
		async (run) => await new BatchRun(run, source, await openCallback(run)).outputs(),
	);
}

/** Of the total time, what is kept for cancelling the tasks that are still running at its end. */
function cancelReserve({ totalTimeoutMs }: NodeRunSettings): number {
	return totalTimeoutMs === undefined ? 0 : Math.min(5_000, totalTimeoutMs / 10);
}

/** The items of an output whose places are not all taken. */
function dense(output: INodeExecutionData[]): INodeExecutionData[] {
	return output.filter(() => true);
}

class BatchRun {
	private readonly tally: Tally;
	private readonly breaker: CircuitBreaker;
	private readonly reports: ProgressReports;
	private readonly order: 'input' | 'completion';
	private readonly succeeded: INodeExecutionData[] = [];
	private readonly failed: INodeExecutionData[] = [];
	private readonly startedAt = systemClock.now();
	/** What became of the tasks that a Stop has met. */
	private readonly stopped: unknown[] = [];

	constructor(
		private readonly run: NodeRun,
		private readonly source: BatchSource,
		private readonly callback: WebhookWait | undefined,
	) {
		const { context } = run;
		const node = context.getNode();
		const whole = (name: string, displayName: string) => {
			const value = readParameter(context, `options.${name}`, displayName, 0, 0) ?? 0;
			return numberIn({ node, displayName, value }, { min: 0, max: 1_000_000, integer: true });
		};
		const order = readParameter(context, 'order', 'Order', 0, 'input');
		this.order = oneOf({ node, displayName: 'Order', value: order }, ['input', 'completion']);
		this.tally = new Tally(source.total, this.startedAt);
		this.breaker = new CircuitBreaker(whole('stopAfterFailures', 'Stop After Failures'));
		const every = whole('progressEvery', 'Progress Every');
		this.reports = new ProgressReports(context, this.tally, systemClock, every);
	}

	async outputs(): Promise<BatchOutputs> {
		const { source, tally } = this;
		const { context, settings, client, memory, hints } = this.run;
		const { maxCostUsd, concurrency } = settings;
		if (maxCostUsd !== undefined && !memory.hasBegun) {
			const items = {
				count: source.total,
				request: (index: number) => source.request(index, this.run),
			};
			await refuseIfTooExpensive(context, client, items, { maxCostUsd, concurrency }, hints);
		}
		const reporting = new AbortController();
		const reports = this.reports.run(reporting.signal);
		try {
			await slide(source.total, concurrency, (position) => this.item(position));
		} finally {
			reporting.abort();
			await reports;
		}
		if (wasStopped(context)) {
			const fates = (await this.callback?.giveUp('was stopped with the execution')) ?? [];
			throw stoppedError(context, [...this.stopped, ...fates]);
		}
		await this.reports.end();
		if (this.callback) return await this.wait(this.callback);
		hints.say(
			`${tally.succeeded} of ${tally.total} items succeeded, ${tally.failed} failed, ${tally.notStarted} were not started.`,
		);
		return [dense(this.succeeded), dense(this.failed), [this.summary()]];
	}

	/** Leaves the rest to the callbacks of the service. */
	private async wait(callback: WebhookWait): Promise<BatchOutputs> {
		const { tally, order, startedAt: started_at } = this;
		const soFar = tally.toJson(systemClock.now(), this.run.client.statistics, []);
		const max_in_flight = Math.max(Number(soFar['max_in_flight']), callback.started);
		const failed = this.failed.flatMap((item, position) => [{ ok: false, position, item }]);
		return await callback.outputs(failed, { ...soFar, max_in_flight, started_at, order });
	}

	/** Keeps an output item in the order that is wanted. */
	private keep(output: INodeExecutionData[], position: number, item: INodeExecutionData): void {
		if (this.order === 'input') output[position] = item;
		else output.push(item);
	}

	private summary(): INodeExecutionData {
		const json = this.tally.toJson(
			systemClock.now(),
			this.run.client.statistics,
			this.succeeded.map(durationOf),
		);
		return { json, pairedItem: { item: 0 } };
	}

	/** Runs one item; never throws. */
	private item(position: number): Promise<void> | void {
		const earlier = this.run.memory.recall(position);
		if (earlier.state !== 'done' && (earlier.state !== 'none' || !this.cannotStart())) {
			return this.start(position, earlier);
		}
		if (earlier.state === 'done') this.take(position, earlier.item, durationOf(earlier.item));
		else this.leaveOut(position);
		this.itemDone();
	}

	/** Of a stopped run nobody wants to know how it goes on. */
	private itemDone(): void {
		if (!wasStopped(this.run.context)) this.reports.itemDone();
	}

	private async start(position: number, progress: TaskProgress): Promise<void> {
		const { source, tally, callback } = this;
		const { context, client, memory, scope, hints } = this.run;
		const itemStartedAt = systemClock.now();
		let attempts = 0;
		tally.enter();
		try {
			const asked = await source.request(position, this.run);
			const { request, app, fullTask, files, download } = asked;
			const itemIndex = source.inputIndex(position);
			const prepare = fileUploads(context, client, itemIndex, files);
			const run: TaskRun = await client.run(callback?.request(request, itemIndex) ?? request, {
				wait: callback ? 'none' : 'result',
				full: fullTask,
				observer: {},
				...(prepare ? { prepare } : {}),
				signal: scope.signal,
				progress,
				onProgress: (now) => {
					if (now.state !== 'none') attempts = now.attempts;
					memory.remember(position, now);
				},
			});
			hints.add(run);
			this.breaker.succeeded();
			if (callback) {
				const original = source.original(position);
				callback.add(run, { app, fullTask, download, position, itemIndex, original });
				return;
			}
			const result = resultItem(run, { app, fullTask }, itemIndex);
			const item = download ? await addFiles(this.run, result, run, asked) : result;
			memory.remember(position, { state: 'done', item });
			this.take(position, item, run.durationMs);
		} catch (error) {
			const durationMs = Math.round(systemClock.now() - itemStartedAt);
			this.fail(position, error, { attempts, duration_ms: durationMs });
		} finally {
			tally.leave();
			this.itemDone();
		}
	}

	/** Why no further item can be started, if that is so. */
	private cannotStart(): boolean {
		const { tally, breaker } = this;
		const { scope, settings } = this.run;
		const { totalTimeoutMs } = settings;
		const leftMs =
			totalTimeoutMs === undefined
				? Infinity
				: this.startedAt + totalTimeoutMs - cancelReserve(settings) - systemClock.now();
		if (breaker.reason !== undefined) tally.stoppedBy ??= 'circuit_breaker';
		else if (scope.signal.aborted || leftMs < tally.fastest) tally.stoppedBy ??= 'total_timeout';
		return tally.stoppedBy !== undefined;
	}

	private take(position: number, item: INodeExecutionData, durationMs: number): void {
		this.tally.success(durationMs);
		this.keep(this.succeeded, position, item);
	}

	private fail(position: number, error: unknown, run: IDataObject): void {
		this.breaker.failed(error);
		if (error instanceof StoppedError) this.stopped.push(error);
		if (error instanceof TimeoutError && this.run.scope.signal.aborted) {
			this.tally.stoppedBy ??= 'total_timeout';
		}
		const { message, id } = failureFacts(error);
		this.tally.failure(withoutPlace(message, id));
		this.reject(position, describeFailure(error, run));
	}

	private leaveOut(position: number): void {
		this.tally.unstarted();
		const why =
			this.tally.stoppedBy === 'circuit_breaker' && this.breaker.reason !== undefined
				? this.breaker.reason
				: 'the Total Timeout leaves no time for it';
		this.reject(position, {
			status: 'not_started',
			error: { message: `Not started: ${why}`, code: 'not_started', retryable: true },
			run: { attempts: 0, duration_ms: 0 },
		});
	}

	private reject(position: number, facts: IDataObject): void {
		const { source } = this;
		const original = source.original(position);
		const inputIndex = source.inputIndex(position);
		this.keep(this.failed, position, failedItem(facts, { original, inputIndex }));
	}
}
