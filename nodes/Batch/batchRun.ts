import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import { InferenceError, StoppedError } from '../client/errors';
import type { TaskProgress } from '../client/tasks/taskRun';
import { systemClock } from '../client/util/clock';
import { outcomeOf } from '../client/util/outcome';
import type { WebhookWait } from '../shared/callback/webhookWait';
import { checkCost } from '../shared/items/costCheck';
import { throwIfStopped } from '../shared/items/eachItem';
import type { NodeOutputs } from '../shared/items/itemNode';
import { runItemTask, type RunItem, type RunItems } from '../shared/items/itemTask';
import { CredentialError } from '../shared/output/credentialError';
import { failureFacts } from '../shared/output/failures';
import { durationOf, wasReused } from '../shared/output/items';
import { runOf, type ItemRun } from '../shared/run/itemRun';
import { LiveStream } from '../shared/run/liveStream';
import type { NodeRun } from '../shared/run/nodeRun';
import { ProgressReports } from '../shared/run/progress';
import { wasStopped } from '../shared/run/stop';
import { slide } from '../shared/run/window';
import { Budget, OverBudget } from './budget';
import type { BreakerPlace } from './breaker';
import { describeFailure, failedItem, withoutPlace } from './failedItem';
import { Results } from './results';
import { checkReuse } from './reuseCheck';
import type { BatchSettings } from './settings';
import { StopRules } from './stopRules';
import { Tally } from './summary';
import type { BatchFacts } from './waiting';

/** One run of a batch, from its first item to its outputs. */
export class BatchRun {
	private readonly startedAt = systemClock.now();
	private readonly tally: Tally;
	private readonly rules: StopRules;
	private readonly reports: ProgressReports;
	private readonly results: Results;
	private readonly budget: Budget | undefined;
	private reused = 0;
	/** What the error of a Stop has to tell: what it has met, and what may run on. */
	private readonly stopped: unknown[] = [];
	/** Why items have no account to run under. */
	private readonly unusable: CredentialError[] = [];

	/** @param callback waits for the tasks, if the node is set to that */
	constructor(
		private readonly run: NodeRun,
		private readonly source: RunItems,
		private readonly settings: BatchSettings,
		private readonly callback: WebhookWait<BatchFacts> | undefined,
	) {
		const { order, stopAfterFailures, budgetUsd } = settings;
		this.budget = budgetUsd === undefined ? undefined : new Budget(budgetUsd);
		this.tally = new Tally(source.total, this.startedAt);
		this.rules = new StopRules(run, this.tally, this.startedAt, stopAfterFailures, this.budget);
		this.reports = new ProgressReports(
			run.context,
			this.tally,
			systemClock,
			LiveStream.to(run.context),
		);
		this.results = new Results(order);
	}

	/**
	 * Runs all items.
	 *
	 * @returns Succeeded, Failed and Summary
	 * @throws NodeOperationError if it is going to cost too much or the execution is stopped;
	 * InferenceError if what would be reused cannot be read; CredentialError if no item has a credential that can be used
	 */
	async outputs(): Promise<NodeOutputs> {
		const { callback, source, run } = this;
		const { total } = source;
		await checkReuse(run, source);
		await checkCost(run, source);
		await this.budget?.check(run, source);
		await this.reports.during(
			async () => await slide(total, run.width, (position) => this.item(position)),
		);
		await throwIfStopped(run, { total, errors: this.stopped, callback });
		const [first] = this.unusable;
		const none = this.unusable.length === total;
		if (first && none && !run.context.continueOnFail()) throw first;
		await this.reports.end();
		return callback ? await this.leaveTo(callback) : await this.complete();
	}

	private async complete(): Promise<NodeOutputs> {
		const { tally, run, results, budget } = this;
		await run.costs.settled();
		if (budget && budget.guessed > 0) run.hints.say(guessed(budget.guessed));
		run.hints.say(
			`${tally.succeeded} of ${tally.total} items succeeded, ${tally.failed} failed, ${tally.notStarted} were not started.`,
		);
		const counts = tally.toJson(systemClock.now(), run.accounts.statistics, results.durations());
		const json = { ...counts, ...this.moreFacts() };
		return [...results.outputs(), [{ json, pairedItem: { item: 0 } }]];
	}

	/** What the summary tells only where that was asked for. */
	private moreFacts(): IDataObject {
		const { run, budget, reused } = this;
		const { width, settings } = run;
		const { includeCost, reuse } = settings;
		return {
			...(includeCost || budget ? { cost_usd: Math.round(run.costs.usd * 1e8) / 1e8 } : {}),
			...(reuse ? { reused } : {}),
			...(typeof width === 'number' ? {} : { concurrency: { ...width.facts } }),
		};
	}

	/** Leaves the rest to the callbacks of the service. */
	private async leaveTo(callback: WebhookWait<BatchFacts>): Promise<NodeOutputs> {
		const { tally, startedAt, settings, results } = this;
		const { retries, rateLimited } = this.run.accounts.statistics;
		return await callback.outputs(results.settled(), {
			order: settings.order,
			total: tally.total,
			// It may be another process that goes on.
			started_at: Date.now() - (systemClock.now() - startedAt),
			retries,
			rate_limited: rateLimited,
			max_in_flight: Math.max(tally.mostInFlight, callback.started),
			stopped_by: tally.stoppedBy ?? null,
		});
	}

	/** Runs the item at a place; never throws. */
	private item(position: number): Promise<void> | void {
		const earlier = this.run.memory.recall(position);
		if (earlier.state === 'done') this.succeed(position, earlier.item);
		else {
			const item = this.source.item(position);
			const obstacle = earlier.state === 'none' ? this.rules.obstacle() : undefined;
			if (obstacle === undefined) return this.begin(item, earlier);
			this.leaveOut(item, obstacle);
		}
		this.itemDone();
	}

	/** Of a stopped run nobody wants to know how it goes on. */
	private itemDone(): void {
		const { tally, settings } = this;
		if (settings.progressEvery === 0 || tally.done % settings.progressEvery !== 0) return;
		if (!wasStopped(this.run.context)) this.reports.report();
	}

	/** Finds the account of an item, and starts it if that one may still be asked. */
	private async begin(item: RunItem, earlier: TaskProgress): Promise<void> {
		const own = await outcomeOf(runOf(this.run, item));
		if (own.ok) {
			const obstacle =
				earlier.state === 'none' ? this.rules.obstacle(placeOf(own.value)) : undefined;
			if (obstacle === undefined) await this.start(own.value, item, earlier);
			else this.leaveOut(item, obstacle);
		} else {
			if (own.error instanceof CredentialError) this.unusable.push(own.error);
			this.fail(item, own.error, { attempts: 0, duration_ms: 0 });
		}
		this.itemDone();
	}

	private async start(run: ItemRun, item: RunItem, earlier: TaskProgress): Promise<void> {
		const { tally, callback } = this;
		const { position } = item;
		const place = placeOf(run);
		const { budget } = this;
		const startedAt = systemClock.now();
		let attempts = 0;
		tally.enter();
		try {
			const output = await runItemTask(run, item, {
				wait: callback ?? 'result',
				earlier,
				observer: {},
				onProgress: (progress) => {
					if (progress.state !== 'none') attempts = progress.attempts;
				},
				onTask: () => this.rules.succeeded(place),
				...(budget && {
					beforeSubmit: async (request) => await budget.admit(position, request, run),
					onCost: (cost) => budget.settle(position, cost?.usd),
				}),
			});
			if (callback) return;
			run.memory.remember(position, { state: 'done', item: output });
			this.succeed(position, output);
		} catch (error) {
			if (error instanceof OverBudget) {
				this.rules.overBudget();
				return this.leaveOut(item, error.message);
			}
			const durationMs = Math.round(systemClock.now() - startedAt);
			this.fail(item, error, { attempts, duration_ms: durationMs }, place);
		} finally {
			tally.leave();
		}
	}

	private succeed(position: number, output: INodeExecutionData): void {
		if (wasReused(output)) this.reused += 1;
		this.tally.success(durationOf(output));
		this.results.success(position, output);
	}

	private fail(item: RunItem, error: unknown, run: IDataObject, place?: BreakerPlace): void {
		this.rules.failed(error, place);
		if (error instanceof StoppedError || (error instanceof InferenceError && error.mayRun)) {
			this.stopped.push(error);
		}
		const { message, id } = failureFacts(error);
		if (id === undefined) this.budget?.release(item.position);
		this.tally.failure(withoutPlace(message, id));
		const failed = failedItem(describeFailure(error, run), item);
		this.run.costs.putFailure(error, failed.json);
		this.results.failure(item.position, failed);
	}

	private leaveOut(item: RunItem, reason: string): void {
		this.tally.unstarted();
		const facts = {
			status: 'not_started',
			error: { message: `Not started: ${reason}`, code: 'not_started', retryable: true },
			run: { attempts: 0, duration_ms: 0 },
		};
		this.results.failure(item.position, failedItem(facts, item));
	}
}

function guessed(count: number): string {
	return `Nothing is known of what ${count} of the items cost, not even an estimate: each counts as the dearest one against "Limit: Budget (USD)".`;
}

function placeOf({ client, credential }: ItemRun): BreakerPlace {
	return { accountId: client.accountId, baseUrl: credential.baseUrl };
}
