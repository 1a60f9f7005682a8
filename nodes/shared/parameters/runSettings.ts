import type { IExecuteFunctions, NodeParameterValueType } from 'n8n-workflow';
import { isJsonObject, type JsonObject } from '../../client/util/json';
import type { RetryReason, RunSettings } from '../../client/settings';
import { numberIn, oneOf, readParameter, type Field } from './parameters';
import { parameterError, shown } from './parameterError';

/** Settings of a whole node run; read once, from the first item. */
export interface NodeRunSettings extends RunSettings {
	/** Items in flight at once. */
	readonly concurrency: number;
	/** Time for the whole run, ms; undefined for no limit. */
	readonly totalTimeoutMs: number | undefined;
	/** US dollars; undefined for no limit. */
	readonly maxCostUsd: number | undefined;
}

/** Settings of requests that only read, made outside of a node's run. */
export const READ_SETTINGS: RunSettings = {
	timeoutMs: undefined,
	maxRetries: 2,
	retryOn: new Set(['rateLimit', 'network', 'serverError']),
	backoffBaseMs: 300,
	backoffCapMs: 2_000,
	maxRetryAfterMs: 5_000,
	onTimeout: 'keep',
	onStop: 'keep',
	onUnclearSubmit: 'fail',
	follow: 'poll',
	pollIntervalMs: 1_000,
};

const RETRY_REASONS: readonly RetryReason[] = ['rateLimit', 'network', 'serverError', 'taskFailed'];
const DEFAULT_RETRY_REASONS: RetryReason[] = ['rateLimit', 'network', 'serverError'];
/** A week; also far below what timers can hold. */
const LONGEST_SECONDS = 604_800;

/** The Options collection as it is for one item. */
export function readOptions(context: IExecuteFunctions, itemIndex: number): JsonObject {
	const options = readParameter(context, 'options', 'Options', itemIndex, {});
	return isJsonObject(options) ? options : {};
}

function retryReasons(field: Field): ReadonlySet<RetryReason> {
	const { value } = field;
	if (!Array.isArray(value)) {
		throw parameterError(field.node, field.displayName, `must be a list, but is ${shown(value)}`);
	}
	return new Set(value.map((entry: unknown) => oneOf({ ...field, value: entry }, RETRY_REASONS)));
}

/**
 * Reads and checks the settings of a node run.
 *
 * @param fate what happens to running tasks at a Stop or timeout if nobody has said it
 * @throws NodeOperationError that names the parameter and prints the bad value
 */
export function readRunSettings(
	context: IExecuteFunctions,
	fate: 'cancel' | 'keep' = 'cancel',
): NodeRunSettings {
	const node = context.getNode();
	const setting = (name: string, displayName: string, fallback: number): Field => ({
		node,
		displayName,
		value: readParameter(context, name, displayName, 0, fallback),
	});
	// One by one: an expression in another option may fail, and then only its item does.
	const option = (name: string, displayName: string, fallback: NodeParameterValueType): Field => ({
		node,
		displayName,
		value: readParameter(context, `options.${name}`, displayName, 0, fallback) ?? fallback,
	});
	const milliseconds = (field: Field, min = 0) =>
		Math.round(numberIn(field, { min, max: LONGEST_SECONDS }) * 1000);
	const limit = (ms: number) => (ms === 0 ? undefined : ms);
	const maxCost = numberIn(option('maxCost', 'Max Cost (USD)', 0), { min: 0, max: 1e9 });

	return {
		concurrency: numberIn(setting('concurrency', 'Concurrency', 5), {
			min: 1,
			max: 1000,
			integer: true,
		}),
		timeoutMs: limit(milliseconds(setting('timeout', 'Timeout', 600))),
		maxRetries: numberIn(setting('maxRetries', 'Max Retries', 3), {
			min: 0,
			max: 100,
			integer: true,
		}),
		retryOn: retryReasons(option('retryOn', 'Retry On', DEFAULT_RETRY_REASONS)),
		backoffBaseMs: milliseconds(option('backoffBase', 'Backoff Base', 1)),
		backoffCapMs: milliseconds(option('backoffCap', 'Backoff Cap', 30)),
		maxRetryAfterMs: milliseconds(option('maxRetryAfter', 'Max Retry-After', 120)),
		onTimeout: oneOf(option('onTimeout', 'On Timeout', fate), ['cancel', 'keep']),
		onStop: oneOf(option('onStop', 'On Stop', fate), ['cancel', 'keep']),
		onUnclearSubmit: oneOf(option('onUnclearSubmit', 'When Submission Is Unclear', 'check'), [
			'check',
			'fail',
			'resubmit',
		]),
		follow: oneOf(option('follow', 'Follow', 'auto'), ['auto', 'stream', 'poll']),
		pollIntervalMs: milliseconds(option('pollInterval', 'Poll Interval', 2), 0.1),
		totalTimeoutMs: limit(milliseconds(option('totalTimeout', 'Total Timeout', 0))),
		maxCostUsd: maxCost === 0 ? undefined : maxCost,
	};
}
