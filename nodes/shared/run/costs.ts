import type { IDataObject } from 'n8n-workflow';
import type { InferenceClient } from '../../client/client';
import type { CostRecord } from '../../client/tasks/taskCost';
import type { CancelSignal } from '../../client/util/cancelSignal';
import { PendingWork } from '../../client/util/pendingWork';
import { asData } from '../output/items';
import type { RunHints } from './hints';

/** What a task has cost, as output items have it; null if that is not known. */
export type ItemCost = (IDataObject & { readonly usd: number }) | null;

/**
 * What the tasks of a run have really cost. The service writes it down a little later than the result,
 * so it is looked for when an item has given its place to the next, and only the end of the run waits
 * for that.
 */
export class Costs {
	private readonly work = new PendingWork();
	/** Of items that have failed, by their errors. */
	private readonly ofFailures = new WeakMap<object, Promise<ItemCost>>();
	private unknown = 0;
	/** Of all tasks whose cost is known so far, US dollars. */
	usd = 0;

	/**
	 * @param areTold whether output items tell them
	 * @param signal aborts with the run
	 */
	constructor(
		private readonly areTold: boolean,
		private readonly signal: CancelSignal,
		private readonly hints: RunHints,
	) {}

	/** Whether anybody wants to know what an item costs. */
	areWanted(then?: CostListener): boolean {
		return this.areTold || then !== undefined;
	}

	/**
	 * Looks for what the task of a result has cost, and puts it in as soon as it is known.
	 *
	 * @param json where it is put in; undefined if what the item shows has no place for it
	 */
	ofResult(
		client: InferenceClient,
		taskId: string,
		json: IDataObject | undefined,
		then?: CostListener,
	): void {
		if (!this.areWanted(then)) return;
		const look = this.look(client, taskId, then);
		if (this.areTold && json) this.put(json, look);
	}

	/** Looks for what the task of a failure has cost, for `putFailure`. */
	ofFailure(client: InferenceClient, taskId: string, error: object, then?: CostListener): void {
		if (!this.areWanted(then)) return;
		this.ofFailures.set(error, this.look(client, taskId, then));
	}

	/** Puts what the task of a failure has cost into what its item tells. */
	putFailure(error: unknown, json: IDataObject): void {
		const look = typeof error === 'object' && error !== null && this.ofFailures.get(error);
		if (this.areTold && look) this.put(json, look);
	}

	/** Waits for all looks, which takes ten seconds at most. */
	async settled(): Promise<void> {
		await this.work.settled();
		if (this.unknown === 0 || !this.areTold) return;
		const tasks = this.unknown === 1 ? '1 task' : `${this.unknown} tasks`;
		this.hints.say(
			`What ${tasks} cost is not known (cost: null): ten seconds after the end the service had no record of it. Look at the usage on inference.sh later.`,
		);
	}

	private look(client: InferenceClient, taskId: string, then?: CostListener): Promise<ItemCost> {
		return this.work.track(
			client.tasks.cost(taskId, this.signal).then((record) => {
				const cost = this.told(record);
				then?.(cost);
				return cost;
			}),
		);
	}

	private put(json: IDataObject, look: Promise<ItemCost>): void {
		json['cost'] = null;
		void this.work.track(look.then((cost) => (json['cost'] = cost)));
	}

	private told(record: CostRecord): ItemCost {
		if (record.kind === 'known') {
			const { usd, chargedUsd, discountUsd, refundedUsd } = record.cost;
			this.usd += usd;
			const parts = { charged_usd: chargedUsd, discount_usd: discountUsd };
			return { usd, ...asData({ ...parts, refunded_usd: refundedUsd }) };
		}
		this.unknown += 1;
		if (record.kind === 'refused') {
			this.hints.say(
				`What tasks cost cannot be read: ${record.error.message}. It takes an API key with the scope apps:read or billing:read.`,
			);
		}
		return null;
	}
}

/** Told of a cost when it is known, or is not going to be. */
export type CostListener = (cost: ItemCost) => void;
