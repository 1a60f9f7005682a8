import {
	NodeApiError,
	NodeOperationError,
	type IDataObject,
	type IExecuteFunctions,
	type INode,
	type INodeExecutionData,
} from 'n8n-workflow';
import { InferenceError } from '../../client/errors';
import { isJsonObject } from '../../client/util/json';
import { CredentialError } from './credentialError';
import { asData } from './items';
import { messageOf } from '../../client/util/errorMessage';
import { shortened } from '../../client/util/shortened';

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
	const { hint: description } = error;
	const extra = { ...item, ...(description === undefined ? {} : { description }) };
	return withDetails(apiOrOperationError(node, error, extra), error);
}

function apiOrOperationError(
	node: INode,
	error: InferenceError,
	extra: { readonly itemIndex?: number; readonly description?: string },
): NodeApiError | NodeOperationError {
	const { httpStatus } = error;
	const message = shownMessage(error);
	if (httpStatus === undefined) return new NodeOperationError(node, message, extra);
	// No response data goes in: n8n would show its text instead of ours.
	return new NodeApiError(node, { message }, { message, httpCode: String(httpStatus), ...extra });
}

/** Longest message, whatever it quotes, in UTF-16 units. */
const MESSAGE_LENGTH = 10_000;

function shownMessage(error: unknown): string {
	return shortened(messageOf(error), MESSAGE_LENGTH);
}

/** What n8n shows under "Error details" and "Error data", and the error itself with its stack. */
function withDetails<T extends NodeApiError | NodeOperationError>(
	nodeError: T,
	error: InferenceError,
): T {
	const data = asData({ request: error.request, answer: error.answer });
	if (Object.keys(data).length > 0) nodeError.context['data'] = data;
	const hidden = { configurable: true, writable: true, enumerable: false };
	Object.defineProperty(nodeError, 'cause', { ...hidden, value: error });
	// n8n puts a sentence of its own in place of one with a word such as ETIMEDOUT.
	nodeError.message = shownMessage(error);
	return nodeError;
}

/** What is known of an item's failure, in the names that output items use. */
export interface FailureFacts {
	readonly message: string;
	readonly code: string;
	/** How the task ended, if that has a name of its own. */
	readonly status: string | undefined;
	/** Of the task or chat. */
	readonly id: string | undefined;
	readonly http_status: number | undefined;
	readonly hint: string | undefined;
	/** What was asked of the service, such as `POST /apps/run`. */
	readonly request: string | undefined;
	/** How an answer begins that is not the service's, such as a web page. */
	readonly answer: string | undefined;
	readonly retryable: boolean;
}

/** Takes an item's failure apart, whatever was thrown. */
export function failureFacts(error: unknown): FailureFacts {
	const message = shownMessage(error);
	if (error instanceof InferenceError) {
		const {
			code,
			ending,
			about,
			httpStatus: http_status,
			hint,
			request,
			answer,
			retryable,
		} = error;
		const known = { code, status: ending, id: about?.id, http_status, hint, request, answer };
		return { message, ...known, retryable };
	}
	return {
		message,
		code: codeOf(error),
		status: undefined,
		id: undefined,
		http_status: undefined,
		hint: undefined,
		request: undefined,
		answer: undefined,
		retryable: false,
	};
}

function codeOf(error: unknown): string {
	if (error instanceof CredentialError) return 'invalid_credential';
	return error instanceof NodeOperationError ? 'invalid_parameter' : 'unexpected';
}

/**
 * A failed item for Continue On Fail. n8n sends an item to the error output only if its JSON has
 * no other keys than `error`, `message` and `details`; see `forErrorOutput`.
 */
export function failureItem(error: unknown, itemIndex: number): INodeExecutionData {
	return { json: failureJson(error, itemIndex), pairedItem: { item: itemIndex } };
}

/**
 * The JSON of such an item.
 *
 * @param itemIndex undefined where there was no item
 */
export function failureJson(
	error: unknown,
	itemIndex: number | undefined,
): { readonly error: string; readonly details: IDataObject } {
	const { message, code, status, id, http_status, request, answer, hint } = failureFacts(error);
	const known = { code, item_index: itemIndex, id, status, http_status, request, answer, hint };
	return { error: message, details: asData(known) };
}

/**
 * Lets n8n find the failed items of a node whose On Error is Continue (using error output).
 *
 * Before 2.36 n8n does not look for `details`: it finds failed items by their `error`, and reduces
 * the JSON of every item that still has one afterwards to its message. So it must see this field
 * and not copy it.
 */
export function forErrorOutput(
	context: IExecuteFunctions,
	items: INodeExecutionData[],
): INodeExecutionData[] {
	const node = context.getNode();
	if (node.onError !== 'continueErrorOutput') return items;
	for (const item of items) {
		const { error, details } = item.json;
		if (typeof error !== 'string' || !isJsonObject(details)) continue;
		const value = new NodeOperationError(node, error);
		value.message = error;
		Object.defineProperty(item, 'error', { value, enumerable: false });
	}
	return items;
}
