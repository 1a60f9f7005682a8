import type { IExecuteFunctions } from 'n8n-workflow';
import { RunParameters } from '../shared/parameters/runParameters';

/** How a batch as a whole is run. */
export interface BatchSettings {
	readonly order: 'input' | 'completion';
	/** Failures of the service in a row after which no further item is started, 0 for never. */
	readonly stopAfterFailures: number;
	/** Items between two reports of progress, 0 for reports at intervals only. */
	readonly progressEvery: number;
	/** US dollars; undefined for no limit. */
	readonly budgetUsd: number | undefined;
}

/**
 * Reads the settings that only Batch has.
 *
 * @throws NodeOperationError that names the parameter and prints the bad value
 */
export function readBatchSettings(context: IExecuteFunctions): BatchSettings {
	const run = new RunParameters(context);
	const count = { min: 0, max: 1_000_000, integer: true };
	return {
		order: run.get('order', 'input').oneOf(['input', 'completion']),
		stopAfterFailures: run.option('stopAfterFailures', 0).number(count),
		progressEvery: run.option('progressEvery', 0).number(count),
		budgetUsd: run.option('budget', 0).number({ min: 0, max: 1e9 }) || undefined,
	};
}
