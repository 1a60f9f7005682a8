import { NodeOperationError, type IExecuteFunctions, type NodeApiError } from 'n8n-workflow';
import { Deadline } from '../../client/util/deadline';
import { InferenceError, StoppedError, TimeoutError } from '../../client/errors';
import type { NodeRunSettings } from '../parameters/runSettings';

/** Tasks whose fate the error of a run that has ended early tells one by one. */
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
				`did not finish within the ${(totalTimeoutMs ?? 0) / 1000} s of "Limit: Total Timeout (Seconds)"`,
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
 * @param errors those of the items; told are those of which something was stopped, or may run on
 */
export function stoppedError(
	context: IExecuteFunctions,
	errors: readonly unknown[],
): NodeOperationError {
	const fates = errors
		.filter((error) => error instanceof InferenceError)
		.filter((error) => error.mayRun || (error instanceof StoppedError && error.about !== undefined))
		.map(({ message }) => message);
	const items = fates.length === 1 ? 'item' : 'items';
	return new NodeOperationError(
		context.getNode(),
		`The execution was canceled with ${fates.length} ${items} running`,
		{ description: inLines(fates) },
	);
}

/**
 * The error of a run that ends with its first failure, with what may run on of its other items:
 * nobody else is going to tell that.
 *
 * @param others what other items have failed with
 */
export function withWhatRunsOn(
	error: NodeApiError | NodeOperationError,
	others: readonly unknown[],
): NodeApiError | NodeOperationError {
	const fates = others
		.filter((other) => other instanceof InferenceError)
		.filter(({ mayRun }) => mayRun)
		.map(({ message }) => `Of another item: ${message}`);
	if (fates.length > 0) error.description = inLines([error.description ?? '', ...fates]);
	return error;
}

function inLines(lines: readonly string[]): string {
	const told = lines.filter((line) => line !== '').slice(0, MOST_FATES);
	return told.join('<br>');
}
