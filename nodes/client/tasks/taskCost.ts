import { path } from '../api/api';
import type { ClientContext } from '../api/context';
import { dollarsOf } from '../apps/estimate';
import { NotFoundError, InferenceError } from '../errors';
import type { CancelSignal } from '../util/cancelSignal';
import { asJsonObject, type JsonObject } from '../util/json';
import { outcomeOf } from '../util/outcome';

/** What a task has cost, in US dollars. */
export interface TaskCost {
	/** Its price. */
	readonly usd: number;
	/** What was taken from the balance. */
	readonly chargedUsd: number | undefined;
	readonly discountUsd: number | undefined;
	readonly refundedUsd: number | undefined;
}

/** How a look for a cost has ended. */
export type CostRecord =
	| { readonly kind: 'known'; readonly cost: TaskCost }
	/** There is no record, or none yet. */
	| { readonly kind: 'none' }
	/** The account may not see it. */
	| { readonly kind: 'refused'; readonly error: InferenceError };

/** Records come a little later than results; then it is looked for them, ms after the first look. */
const LOOKS_MS = [0, 1_000, 3_000, 9_500];

/**
 * Reads what a task has cost (API notes 3.4), for up to ten seconds. A refusal for the rate of requests
 * counts as no record yet, and holds up nobody else.
 *
 * @param signal ends the look; never throws
 */
export async function readCost(
	taskId: string,
	{ api, clock }: ClientContext,
	signal: CancelSignal,
): Promise<CostRecord> {
	const route = path('usage', 'tasks', taskId, 'cost');
	const call = { method: 'GET', path: route, signal } as const;
	let waited = 0;
	for (const at of LOOKS_MS) {
		if (at > 0) await outcomeOf(clock.delay(at - waited, signal));
		if (signal.aborted) break;
		waited = at;
		const answer = await outcomeOf(api.send(call));
		const cost = answer.ok ? costFrom(asJsonObject(answer.value.value)) : undefined;
		if (cost) return { kind: 'known', cost };
		if (answer.ok || !(answer.error instanceof InferenceError)) continue;
		const { error } = answer;
		if (!(error instanceof NotFoundError) && !error.retryable) return { kind: 'refused', error };
	}
	return { kind: 'none' };
}

function costFrom(wire: JsonObject | undefined): TaskCost | undefined {
	const names = ['total', 'charged', 'discount', 'refunded'];
	const [usd, chargedUsd, discountUsd, refundedUsd] = names.map((name) => dollarsOf(wire?.[name]));
	return usd === undefined ? undefined : { usd, chargedUsd, discountUsd, refundedUsd };
}
