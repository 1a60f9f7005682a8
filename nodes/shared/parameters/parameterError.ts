import { NodeOperationError, type INode } from 'n8n-workflow';

const LONGEST_VALUE = 200;

/** A value as an error message shows it: as JSON, shortened. */
export function shown(value: unknown): string {
	// Of a long text no more is made into JSON than is shown.
	const text = asJson(typeof value === 'string' ? value.slice(0, LONGEST_VALUE) : value);
	return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}

function asJson(value: unknown): string {
	// JSON has no words for them.
	if (typeof value === 'bigint') return String(value);
	if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
	try {
		return JSON.stringify(value) ?? 'nothing';
	} catch {
		// Expressions may give values that contain themselves, or are nested too deep.
		return 'a value that cannot be shown';
	}
}

/** What is wrong with which parameter. */
export interface ParameterProblem {
	/** Its name as the form shows it. */
	readonly parameter: string;
	/** Continues "Parameter "Input (JSON)" …". */
	readonly problem: string;
	/** Undefined for settings of the whole run. */
	readonly itemIndex: number | undefined;
	/** What to do, shown below the message. */
	readonly help?: string | undefined;
}

/** The error for a parameter that cannot be used as it is. */
export function parameterError(node: INode, problem: ParameterProblem): NodeOperationError {
	const { parameter, problem: what, itemIndex, help } = problem;
	const where = itemIndex === undefined ? '' : ` [item ${itemIndex}]`;
	const message = `Parameter "${parameter}" ${what}${where}`;
	const error = new NodeOperationError(node, message, {
		...(itemIndex === undefined ? {} : { itemIndex }),
		...(help === undefined ? {} : { description: help }),
	});
	// n8n puts a sentence of its own in place of one with a word such as ETIMEDOUT.
	error.message = message;
	return error;
}
