import { NodeOperationError } from 'n8n-workflow';
import { appName } from '../client/apps/appRef';
import type { RunRequest } from '../client/tasks/runRequest';
import { costOf } from '../shared/items/costCheck';
import type { RunItems } from '../shared/items/itemTask';
import type { ItemRun } from '../shared/run/itemRun';
import type { NodeRun } from '../shared/run/nodeRun';

/** Thrown instead of starting an item that the budget has no room for; its message is the reason. */
export class OverBudget extends Error {}

/** US dollars; far below a microcent of the service. */
const ROUNDING = 1e-9;

/**
 * What a batch may spend: no item is started once what the finished ones have cost and what the running
 * ones are estimated to cost reaches it. What is not known of an item counts as the dearest one so far.
 */
export class Budget {
	/** US dollars of each item that was started; undefined as long as nothing is known of it. */
	private readonly shares = new Map<number, number | undefined>();
	private known = 0;
	private dearest = 0;
	private isUsedUp = false;
	/** Items of whose cost nothing is known. */
	guessed = 0;

	/** @param usd US dollars */
	constructor(private readonly usd: number) {}

	/**
	 * Refuses to start a batch of which nothing could tell what it spends.
	 *
	 * @throws NodeOperationError; InferenceError if the account cannot be asked
	 */
	async check(run: NodeRun, items: RunItems): Promise<void> {
		if (run.memory.hasBegun || items.total === 0) return;
		const cost = await costOf(run, items.item(0), '"Limit: Budget (USD)"');
		if (cost.kind === 'refused') throw cost.error;
		if (cost.kind !== 'unknown') return;
		throw new NodeOperationError(
			run.context.getNode(),
			'Nothing was started: the service cannot tell what this app costs, so "Limit: Budget (USD)" cannot be kept',
			{
				description:
					'Remove the budget, or run a few items with "Output: Include Cost" first to see what they cost.',
			},
		);
	}

	/** Why no further item is started, continuing "Not started: …"; undefined if one may be. */
	obstacle(): string | undefined {
		const spent = this.known + this.guessed * this.dearest;
		this.isUsedUp ||= spent >= this.usd - ROUNDING;
		return this.isUsedUp ? `the $${this.usd} of "Limit: Budget (USD)" are used up` : undefined;
	}

	/**
	 * Makes room for an item before it is submitted.
	 *
	 * @throws OverBudget if there is none; InferenceError if the service cannot be asked
	 */
	async admit(position: number, request: RunRequest, { client }: ItemRun): Promise<void> {
		const estimate = await client.apps.estimate(appName(request.app), request);
		const obstacle = this.obstacle();
		if (obstacle !== undefined) throw new OverBudget(obstacle);
		// What an earlier task of the same item has cost, which has failed, is spent.
		const before = this.shares.get(position) ?? 0;
		const usd = estimate.kind === 'known' ? before + estimate.usd : undefined;
		this.set(position, usd);
	}

	/** Takes in what an item's task has really cost; undefined if there is no record of it. */
	settle(position: number, usd: number | undefined): void {
		if (usd !== undefined) this.set(position, usd);
	}

	/** An item has started nothing after all. */
	release(position: number): void {
		this.set(position, 0);
	}

	private set(position: number, usd: number | undefined): void {
		if (this.shares.has(position)) {
			const before = this.shares.get(position);
			if (before === undefined) this.guessed -= 1;
			else this.known -= before;
		}
		this.shares.set(position, usd);
		if (usd === undefined) this.guessed += 1;
		else {
			this.known += usd;
			this.dearest = Math.max(this.dearest, usd);
		}
	}
}
