import { NodeOperationError, type INode } from 'n8n-workflow';

const LONGEST_VALUE = 200;

/** A value as an error message shows it: as JSON, shortened. */
export function shown(value: unknown): string {
	const text =
		typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? 'nothing');
	return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}

/**
 * The error for a parameter that cannot be used as it is.
 *
 * @param parameter name as the form shows it
 * @param problem what is wrong, continuing "Input (JSON) …"
 * @param itemIndex undefined for settings of the whole run
 */
export function parameterError(
	node: INode,
	parameter: string,
	problem: string,
	itemIndex?: number,
	description?: string,
): NodeOperationError {
	const where = itemIndex === undefined ? '' : ` [item ${itemIndex}]`;
	return new NodeOperationError(node, `Parameter "${parameter}" ${problem}${where}`, {
		...(itemIndex === undefined ? {} : { itemIndex }),
		...(description === undefined ? {} : { description }),
	});
}
