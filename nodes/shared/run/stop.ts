import { NodeOperationError, type IExecuteFunctions, type NodeApiError } from 'n8n-workflow';
import { Deadline } from '../../client/util/deadline';
import { InferenceError, StoppedError, TimeoutError, type RemoteWork } from '../../client/errors';
import type { NodeRunSettings } from '../parameters/runSettings';
import { announce, MOST_IN_A_LINE } from './announce';

/** How a result is got by its id. */
const WAYS: Readonly<Record<RemoteWork['kind'], string>> = {
	task: 'Stream Task with "Source" set to "Existing Task"',
	chat: 'the operation "Get Chat" of Agent Message',
	'flow run': 'the operation "Get" of flow runs in Inference.sh',
};
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

/** What a stopped run has done. */
interface DoneBefore {
	/** The items of the run. */
	readonly total: number;
	readonly finished: readonly RemoteWork[];
}

/**
 * The error of a stopped execution. n8n marks it as canceled if the message says so.
 *
 * @param errors those of the items; told are those of which something was stopped, or may run on
 * @param done told with how to get it, and by all its ids in the log: n8n keeps no output of the run
 */
export function stoppedError(
	context: IExecuteFunctions,
	errors: readonly unknown[],
	{ total, finished }: DoneBefore = { total: 0, finished: [] },
): NodeOperationError {
	const fates = errors
		.filter((error) => error instanceof InferenceError)
		.filter((error) => error.mayRun || (error instanceof StoppedError && error.about !== undefined))
		.map(({ message }) => message);
	const items = fates.length === 1 ? 'item' : 'items';
	const message = `The execution was canceled with ${fates.length} ${items} running`;
	const [first] = finished;
	if (!first) {
		return new NodeOperationError(context.getNode(), message, { description: inLines(fates) });
	}
	const ids = finished.map(({ id }) => id);
	for (let from = 0; from < ids.length; from += MOST_IN_A_LINE) {
		announce(context, `done before the stop: ${ids.slice(from, from + MOST_IN_A_LINE).join(', ')}`);
	}
	const more = ids.length - MOST_IN_A_LINE;
	const others = more > 0 ? `, and ${more} more, which the log of n8n names` : '';
	const way = WAYS[first.kind];
	const advice = `n8n keeps no output of a node that is stopped, but inference.sh has it, and nothing has to be paid for again: ${way} gets it by these ${first.kind} IDs: ${ids.slice(0, MOST_IN_A_LINE).join(', ')}${others}`;
	return new NodeOperationError(
		context.getNode(),
		`${message}. ${ids.length} of ${total} items were done`,
		{ description: `${advice}<br>${inLines(fates)}` },
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
