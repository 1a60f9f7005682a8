import type { RetryReason, RunSettings } from '../../client/settings';
import type { ParameterContext } from './nodeOf';
import { RunParameters } from './runParameters';

/** Settings of a whole node run; read once, from the first item. */
export interface NodeRunSettings extends RunSettings {
	/** Items in flight at once. */
	readonly concurrency: number;
	/** Whether that is only the most, and it is found out how many the service takes. */
	readonly adaptConcurrency: boolean;
	/** Time for the whole run, ms; undefined for no limit. */
	readonly totalTimeoutMs: number | undefined;
	/** US dollars; undefined for no limit. */
	readonly maxCostUsd: number | undefined;
	/** Whether output items tell what their tasks have cost. */
	readonly includeCost: boolean;
	/** Which earlier tasks serve items; undefined for none. */
	readonly reuse: ReuseSettings | undefined;
}

/** Which earlier tasks serve items instead of new ones. */
export interface ReuseSettings {
	/** Created at most so long ago, ms. */
	readonly withinMs: number;
	/** Whether those that have not ended yet are followed. */
	readonly running: boolean;
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
	isFixed: true,
};

const RETRY_REASONS: readonly RetryReason[] = ['rateLimit', 'network', 'serverError', 'taskFailed'];
const DEFAULT_RETRY_REASONS: RetryReason[] = ['rateLimit', 'network', 'serverError'];

const HOUR_MS = 3_600_000;
/** A year. */
const LONGEST_HOURS = 8_760;

function readReuse(run: RunParameters): ReuseSettings | undefined {
	const which = run.option('reuse', 'off').oneOf(['off', 'completed', 'completedOrRunning']);
	const hours = run.option('reuseWithin', 24);
	const withinMs = hours.number({ min: 0.01, max: LONGEST_HOURS }) * HOUR_MS;
	return which === 'off' ? undefined : { withinMs, running: which === 'completedOrRunning' };
}

/** Of a limit, 0 means that there is none. */
function limit(value: number): number | undefined {
	return value === 0 ? undefined : value;
}

/**
 * Reads and checks the settings of a node run.
 *
 * @param fate what happens to running tasks at a Stop or timeout if nobody has said it
 * @throws NodeOperationError that names the parameter and prints the bad value
 */
export function readRunSettings(
	context: ParameterContext,
	fate: 'cancel' | 'keep' = 'cancel',
): NodeRunSettings {
	const run = new RunParameters(context);
	return {
		concurrency: run.get('concurrency', 5).number({ min: 1, max: 1000, integer: true }),
		adaptConcurrency: run.option('adaptConcurrency', false).isOn(),
		timeoutMs: limit(run.get('timeout', 600).duration()),
		maxRetries: run.get('maxRetries', 3).number({ min: 0, max: 100, integer: true }),
		retryOn: new Set(
			run
				.option('retryOn', DEFAULT_RETRY_REASONS)
				.list()
				.map((reason) => reason.oneOf(RETRY_REASONS)),
		),
		backoffBaseMs: run.option('backoffBase', 1).duration(),
		backoffCapMs: run.option('backoffCap', 30).duration(),
		maxRetryAfterMs: run.option('maxRetryAfter', 120).duration(),
		onTimeout: run.option('onTimeout', fate).oneOf(['cancel', 'keep']),
		onStop: run.option('onStop', fate).oneOf(['cancel', 'keep']),
		onUnclearSubmit: run.option('onUnclearSubmit', 'check').oneOf(['check', 'fail', 'resubmit']),
		follow: run.option('follow', 'auto').oneOf(['auto', 'stream', 'poll']),
		pollIntervalMs: run.option('pollInterval', 2).duration(0.1),
		totalTimeoutMs: limit(run.option('totalTimeout', 0).duration()),
		maxCostUsd: limit(run.option('maxCost', 0).number({ min: 0, max: 1e9 })),
		includeCost: run.option('includeCost', false).isOn(),
		reuse: readReuse(run),
	};
}
