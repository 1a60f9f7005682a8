import type { IExecuteFunctions } from 'n8n-workflow';
import { Deadline } from '../client/deadline';
import { TimeoutError } from '../client/errors';
import type { NodeRunSettings } from './runSettings';

/**
 * The life of a node run: over when the execution is stopped, when its total time is, or when it
 * is given up. Must be disposed.
 */
export function openRunScope(context: IExecuteFunctions, settings: NodeRunSettings): Deadline {
	const { totalTimeoutMs } = settings;
	return new Deadline(
		context.getExecutionCancelSignal(),
		totalTimeoutMs,
		() =>
			new TimeoutError(
				`did not finish within the Total Timeout of ${(totalTimeoutMs ?? 0) / 1000} s`,
			),
	);
}
