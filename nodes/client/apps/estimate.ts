import { path } from '../api/api';
import type { ClientContext } from '../api/context';
import { readService } from '../api/readService';
import { asJsonObject, type JsonObject } from '../util/json';

/** A cost estimate in US dollars; `unknown` if the service cannot tell. */
export type CostEstimate =
	| { readonly kind: 'known'; readonly usd: number }
	| { readonly kind: 'unknown' };

/** What an estimate is asked for. */
export interface EstimateRequest {
	readonly input: JsonObject;
	/** Undefined for the default function. */
	readonly function?: string | undefined;
}

/** API notes 3.1: one dollar is this many microcents. */
export const MICROCENTS_PER_DOLLAR = 100_000_000;

/** An amount in microcents, as a number or its text, in dollars; undefined if it is none of 0 or more. */
export function dollarsOf(amount: unknown): number | undefined {
	const isText = typeof amount === 'string' && amount.trim() !== '';
	const microcents = isText ? Number(amount) : amount;
	const isAmount = typeof microcents === 'number' && Number.isFinite(microcents) && microcents >= 0;
	return isAmount ? microcents / MICROCENTS_PER_DOLLAR : undefined;
}

/**
 * Asks what running an app once is going to cost. The highest amount of the answer counts: of a range the
 * upper end, or the lower one if it has no other; Go writes amounts that are not set as 0.
 *
 * @throws InferenceError if there is no answer, or the service refuses the input
 */
export async function estimateCost(
	appId: string,
	request: EstimateRequest,
	context: ClientContext,
): Promise<CostEstimate> {
	const { input, function: entry } = request;
	const route = path('store', 'apps', appId, 'estimate');
	const body = { input, function: entry };
	const answer = await readService({ method: 'POST', path: route, body }, asJsonObject, context);
	const amounts = [answer['min'], answer['microcents'], answer['max']].map(dollarsOf);
	const known = amounts.filter((usd) => usd !== undefined);
	return known.length === 0 || answer['confidence'] === 'unknown'
		? { kind: 'unknown' }
		: { kind: 'known', usd: Math.max(...known) };
}
