import type { IDataObject, INodeExecutionData } from 'n8n-workflow';
import type { RunItem } from '../shared/items/itemTask';
import { failureFacts } from '../shared/output/failures';
import { asData } from '../shared/output/items';

/** Whom a failed item belongs to: the item as it came in, and the incoming item that it is of. */
export type FailedItemOrigin = Pick<RunItem, 'original' | 'itemIndex'>;

/** What an item of the output Failed says of its failure. */
export function describeFailure(error: unknown, run: IDataObject): IDataObject {
	const { message, code, status, id, http_status, retryable } = failureFacts(error);
	return {
		...(id === undefined ? {} : { id }),
		status: status ?? 'failed',
		error: asData({ message, code, http_status, retryable }),
		run,
	};
}

/** An item of the output Failed. */
export function failedItem(facts: IDataObject, origin: FailedItemOrigin): INodeExecutionData {
	const json = { ...facts, ...asData({ item: origin.original ?? null }) };
	return { json, pairedItem: { item: origin.itemIndex } };
}

/** A message without the id, and without what says which item it is about, to count equal ones. */
export function withoutPlace(message: string, id: unknown): string {
	const text = typeof id === 'string' ? message.replaceAll(id, '…') : message;
	return text.replace(/ \[item \d+\]$/, '').replace(/^(Parameter "List element) \d+"/, '$1"');
}
