import type { IExecuteFunctions } from 'n8n-workflow';
import { inputItem, type RunItem, type RunItems } from '../shared/items/itemTask';
import { ItemParameters } from '../shared/parameters/itemParameters';
import { shown } from '../shared/parameters/parameterError';
import { RunParameters } from '../shared/parameters/runParameters';
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
	const list = new ItemParameters(context, inputIndex).get('list', []);
	const { value } = list;
	const isText = typeof value === 'string' && value.trim().startsWith('[');
	if (isText || Array.isArray(value)) return list.list().map((element) => element.value);
	throw list.error(
		`must be an expression that gives a list, but gives ${shown(value)}`,
		'For example <code>{{ $json.rows }}</code>.',
	);
}

/** What one incoming item brings. */
type Portion =
	| { readonly kind: 'list'; readonly elements: readonly unknown[] }
	| { readonly kind: 'failed'; readonly error: unknown };

function readPortion(context: IExecuteFunctions, inputIndex: number): Portion {
	try {
		return { kind: 'list', elements: readList(context, inputIndex) };
	} catch (error) {
		return { kind: 'failed', error };
	}
}

type PlacedItem = Omit<RunItem, 'position'>;

/** An element of an incoming item's list. */
function elementItem(original: unknown, index: number, itemIndex: number): PlacedItem {
	const request: RunItem['request'] = (source) =>
		readItemRequest(source, itemIndex, {
			value: original,
			displayName: `List element ${index}`,
		});
	return { itemIndex, original, request };
}

/**
 * The lists of all incoming items, one after another. Of an item whose list cannot be read, the item
 * itself is the only element, and fails.
 *
 * @throws NodeOperationError if none of them has one
 */
function fromLists(context: IExecuteFunctions): RunItems {
	const inputs = context.getInputData();
	const portions = inputs.map((_, inputIndex) => readPortion(context, inputIndex));
	const [first] = portions;
	if (first?.kind === 'failed' && portions.every(({ kind }) => kind === 'failed')) {
		throw first.error;
	}
	const items = portions.flatMap((portion, itemIndex): PlacedItem[] => {
		if (portion.kind === 'list') {
			return portion.elements.map((original, index) => elementItem(original, index, itemIndex));
		}
		const request = (): never => {
			throw portion.error;
		};
		return [{ itemIndex, original: inputs[itemIndex]?.json, request }];
	});
	return {
		total: items.length,
		item: (position) => {
			const item = items[position];
			if (!item) throw new RangeError(`There is no item ${position} in a batch of ${items.length}`);
			return { ...item, position };
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
	const from = new RunParameters(context).get('itemsFrom', 'input').oneOf(['input', 'list']);
	return from === 'input' ? fromInput(context) : fromLists(context);
}
