import type { IExecuteFunctions } from 'n8n-workflow';
import { numberIn, oneOf, readParameter } from '../shared/parameters/parameters';

/** How a batch as a whole is run. */
export interface BatchSettings {
	readonly order: 'input' | 'completion';
	/** Failures of the service in a row after which no further item is started, 0 for never. */
	readonly stopAfterFailures: number;
	/** Items between two reports of progress, 0 for reports at intervals only. */
	readonly progressEvery: number;
}

/**
 * Reads the settings that only Batch has.
 *
 * @throws NodeOperationError that names the parameter and prints the bad value
 */
export function readBatchSettings(context: IExecuteFunctions): BatchSettings {
	const node = context.getNode();
	const whole = (name: string, displayName: string) => {
		const value = readParameter(context, `options.${name}`, displayName, 0, 0) ?? 0;
		return numberIn({ node, displayName, value }, { min: 0, max: 1_000_000, integer: true });
	};
	const order = readParameter(context, 'order', 'Order', 0, 'input');
	return {
		order: oneOf({ node, displayName: 'Order', value: order }, ['input', 'completion']),
		stopAfterFailures: whole('stopAfterFailures', 'Stop After Failures'),
		progressEvery: whole('progressEvery', 'Progress Every'),
	};
}
