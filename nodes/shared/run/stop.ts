import { NodeOperationError, type IExecuteFunctions } from 'n8n-workflow';
import { Deadline } from '../../client/util/deadline';
import { StoppedError, TimeoutError } from '../../client/errors';
import type { NodeRunSettings } from '../parameters/runSettings';

/** Tasks whose fate the error of a stopped execution tells one by one. */
const MOST_FATES = 10;

/**
 * The life of a node run: over when the execution is stopped, when its total time is, or when it
 * is given up. Must be disposed.
 *
 * @param reserveMs part of the total time that is kept for cancelling what is still running
 */
export function openRunScope(
	context: IExecuteFunctions,
	settings: NodeRunSettings,
	reserveMs = 0,
): Deadline {
	const { totalTimeoutMs } = settings;
	return new Deadline(
		context.getExecutionCancelSignal(),
		totalTimeoutMs === undefined ? undefined : totalTimeoutMs - reserveMs,
		() =>
			new TimeoutError(
				`did not finish within the Total Timeout of ${(totalTimeoutMs ?? 0) / 1000} s`,
			),
	);
}

/** Whether the execution has been stopped, by a person or by the workflow's own timeout. */
export function wasStopped(context: IExecuteFunctions): boolean {
	return context.getExecutionCancelSignal()?.aborted ?? false;
}

/**
 * The error of a stopped execution. n8n marks it as canceled if the message says so.
 *
 * @param errors those of the items; those about a task or chat are told, and those of which it is not
 * known whether there is one
 */
export function stoppedError(
	context: IExecuteFunctions,
	errors: readonly unknown[],
): NodeOperationError {
	const fates = errors
		.filter((error) => error instanceof StoppedError)
		.filter((error) => error.about !== undefined || error.mayRun)
		.map((error) => error.message);
	const items = fates.length === 1 ? 'item' : 'items';
	return new NodeOperationError(
		context.getNode(),
		`The execution was canceled with ${fates.length} ${items} running`,
		{ description: fates.slice(0, MOST_FATES).join('<br>') },
	);
}
