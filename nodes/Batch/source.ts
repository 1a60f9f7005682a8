import type { IExecuteFunctions } from 'n8n-workflow';
import type { FormSource } from '../shared/parameters/formValues';
import { oneOf, readParameter } from '../shared/parameters/parameters';
import { parameterError, shown } from '../shared/parameters/parameterError';
import { readItemRequest, type ItemRequest } from '../shared/parameters/taskParameters';

/** Where a batch's items come from; they are read one by one, when their turn comes. */
export interface BatchSource {
	readonly total: number;
	/** The incoming item that an item of the batch belongs to. */
	inputIndex(position: number): number;
	/** What the item is, for the record of its failure. */
	original(position: number): unknown;
	/**
	 * What the item asks for.
	 *
	 * @throws NodeOperationError that names the parameter, the item and the bad value
	 */
	request(position: number, run: FormSource): ItemRequest | Promise<ItemRequest>;
}

function fromInput(context: IExecuteFunctions): BatchSource {
	const items = context.getInputData();
	return {
		total: items.length,
		inputIndex: (position) => position,
		original: (position) => items[position]?.json,
		request: (position, run) => readItemRequest(run, position),
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
	/** Why its list cannot be read; then the incoming item itself is the only element. */
	readonly problem?: unknown;
}

/**
 * The lists of all incoming items, one after another.
 *
 * @throws NodeOperationError if none of them has one
 */
function fromLists(context: IExecuteFunctions): BatchSource {
	const portions = context.getInputData().map(({ json }, inputIndex): Portion => {
		try {
			return { elements: readList(context, inputIndex) };
		} catch (problem) {
			return { elements: [json], problem };
		}
	});
	const problems = portions.map(({ problem }) => problem);
	if (!problems.includes(undefined)) throw problems[0];
	const starts: number[] = [];
	let total = 0;
	for (const { elements } of portions) {
		starts.push(total);
		total += elements.length;
	}
	const inputIndex = (position: number) => starts.findLastIndex((start) => start <= position);
	/** Its place in its own list. */
	const place = (position: number) => position - (starts[inputIndex(position)] ?? 0);
	const original = (position: number) => portions[inputIndex(position)]?.elements[place(position)];
	return {
		total,
		inputIndex,
		original,
		request: (position, run) => {
			const problem = problems[inputIndex(position)];
			if (problem !== undefined) throw problem;
			return readItemRequest(run, inputIndex(position), {
				value: original(position),
				displayName: `List element ${place(position)}`,
			});
		},
	};
}

/**
 * Opens the source that the node is set to.
 *
 * @throws NodeOperationError if no item has a list
 */
export function openSource(context: IExecuteFunctions): BatchSource {
	const value = readParameter(context, 'itemsFrom', 'Items From', 0, 'input');
	const from = oneOf({ node: context.getNode(), displayName: 'Items From', value }, [
		'input',
		'list',
	]);
	return from === 'input' ? fromInput(context) : fromLists(context);
}
