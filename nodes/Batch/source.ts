import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { inputItem, type RunItems } from '../shared/items/itemTask';
import { oneOf, readParameter } from '../shared/parameters/parameters';
import { parameterError, shown } from '../shared/parameters/parameterError';
import { readItemRequest } from '../shared/parameters/taskParameters';

/** Each incoming item is one item of the batch. */
function fromInput(context: IExecuteFunctions): RunItems {
	const inputs = context.getInputData();
	return {
		total: inputs.length,
		item: (position) => ({ ...inputItem(position), original: inputs[position]?.json }),
	};
}

function readList(context: IExecuteFunctions, inputIndex: number): readonly unknown[] {
	const list = readParameter(context, 'list', 'List', inputIndex, []);
	if (Array.isArray(list)) return list;
	throw parameterError(
		context.getNode(),
		'List',
		`must be an expression that gives a list, but gives ${shown(list)}`,
		inputIndex,
		'For example <code>{{ $json.rows }}</code>.',
	);
}

/** What one incoming item brings. */
interface Portion {
	readonly elements: readonly unknown[];
	/** Place of its first element in the batch. */
	readonly start: number;
	/** Why its list cannot be read; then the incoming item itself is the only element. */
	readonly problem?: unknown;
}

function readPortions(context: IExecuteFunctions): readonly Portion[] {
	let start = 0;
	return context.getInputData().map(({ json }, inputIndex) => {
		const portion = { start, ...readElements(context, inputIndex, json) };
		start += portion.elements.length;
		return portion;
	});
}

function readElements(
	context: IExecuteFunctions,
	inputIndex: number,
	json: IDataObject,
): Omit<Portion, 'start'> {
	try {
		return { elements: readList(context, inputIndex) };
	} catch (problem) {
		return { elements: [json], problem };
	}
}

/**
 * The lists of all incoming items, one after another.
 *
 * @throws NodeOperationError if none of them has one
 */
function fromLists(context: IExecuteFunctions): RunItems {
	const portions = readPortions(context);
	const problems = portions.map(({ problem }) => problem);
	if (!problems.includes(undefined)) throw problems[0];
	return {
		total: portions.reduce((sum, { elements }) => sum + elements.length, 0),
		item: (position) => {
			const itemIndex = portions.findLastIndex(({ start }) => start <= position);
			const { start = 0, elements = [], problem } = portions[itemIndex] ?? {};
			const original = elements[position - start];
			const displayName = `List element ${position - start}`;
			return {
				position,
				itemIndex,
				original,
				request: (source) => {
					if (problem !== undefined) throw problem;
					return readItemRequest(source, itemIndex, { value: original, displayName });
				},
			};
		},
	};
}

/**
 * Where a batch's items come from: the items themselves, or lists in them. They are read one by one,
 * when their turn comes.
 *
 * @throws NodeOperationError if no item has a list
 */
export function openSource(context: IExecuteFunctions): RunItems {
	const value = readParameter(context, 'itemsFrom', 'Items From', 0, 'input');
	const from = oneOf({ node: context.getNode(), displayName: 'Items From', value }, [
		'input',
		'list',
	]);
	return from === 'input' ? fromInput(context) : fromLists(context);
}
