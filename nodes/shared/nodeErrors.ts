import {
	NodeApiError,
	NodeOperationError,
	type IDataObject,
	type INode,
	type INodeExecutionData,
} from 'n8n-workflow';
import { InferenceError, type ErrorCode } from '../client/errors';

/** How a task ended, as failure items name it. */
const STATUS_OF: Partial<Record<ErrorCode, string>> = {
	task_failed: 'failed',
	task_cancelled: 'cancelled',
	timeout: 'timed_out',
	submission_unknown: 'submission_unknown',
};

/**
 * Turns whatever an item failed with into an error that n8n shows well: with message, description
 * and, if it concerns one, its item.
 */
export function toNodeError(
	node: INode,
	error: unknown,
	itemIndex?: number,
): NodeApiError | NodeOperationError {
	if (error instanceof NodeOperationError || error instanceof NodeApiError) return error;
	const item = itemIndex === undefined ? {} : { itemIndex };
	if (!(error instanceof InferenceError)) {
		return new NodeOperationError(node, error instanceof Error ? error : String(error), item);
	}
	const { message, hint: description, httpStatus } = error;
	const extra = { ...item, ...(description === undefined ? {} : { description }) };
	if (httpStatus === undefined) return new NodeOperationError(node, message, extra);
	// No response data goes in: n8n would show its text instead of ours.
	return new NodeApiError(node, { message }, { message, httpCode: String(httpStatus), ...extra });
}

/**
 * A failed item for Continue On Fail. n8n sends an item to the error output only if its JSON has
 * no other keys than `error`, `message` and `details`.
 */
export function failureItem(error: unknown, itemIndex: number): INodeExecutionData {
	const details: IDataObject = { code: 'invalid_parameter', item_index: itemIndex };
	if (error instanceof InferenceError) {
		const status = STATUS_OF[error.code];
		details['code'] = error.code;
		if (error.taskId !== undefined) details['id'] = error.taskId;
		if (status !== undefined) details['status'] = status;
		if (error.httpStatus !== undefined) details['http_status'] = error.httpStatus;
		if (error.hint !== undefined) details['hint'] = error.hint;
	} else if (!(error instanceof NodeOperationError)) {
		details['code'] = 'unexpected';
	}
	const message = error instanceof Error ? error.message : String(error);
	return { json: { error: message, details }, pairedItem: { item: itemIndex } };
}
