import type { INodeProperties } from 'n8n-workflow';
import type { ListFilter } from '../client/workspace/readList';
import { createdMs } from '../client/api/serviceClock';
import { isJsonObject, textOf } from '../client/util/json';
import type { ItemParameters } from '../shared/parameters/itemParameters';
import type { Parameter } from '../shared/parameters/parameter';
import type { OperationRun } from './operation';

/** What the service compares and with what; the rest of a filter the panel knows. */
type Condition = Pick<ListFilter, 'field' | 'operator' | 'value' | 'fits'>;

/** One of the Filters of a list. */
export interface FilterSpec {
	readonly property: INodeProperties;
	/** Its condition for an item; undefined for none. */
	condition(
		value: Parameter,
		run: OperationRun,
	): Condition | undefined | Promise<Condition | undefined>;
}

/** Rows that belong to something with an id. */
export function idCondition(field: string, id: string): Condition {
	const fits = (shown: unknown) => typeof shown !== 'string' || shown === '' || shown === id;
	return { field, operator: 'eq', value: id, fits };
}

/**
 * Rows with one of several words in a field.
 *
 * @param wire how the service writes a word
 * @param read the word of what a row shows; one that is not among the words tells nothing
 */
export function wordFilter(
	field: string,
	words: ReadonlyArray<{ readonly name: string; readonly value: string }>,
	wire: (word: string) => unknown = (word) => word,
	read: (shown: unknown) => string = (shown) => String(shown).toLowerCase(),
): FilterSpec {
	const known = words.map(({ value }) => value);
	return {
		property: {
			displayName: 'Status',
			name: 'status',
			type: 'multiOptions',
			options: words.map((word) => ({ ...word })),
			default: [],
			description: 'Only those with one of these statuses',
		},
		condition(value) {
			if (value.isBlank) return undefined;
			const list = typeof value.value === 'string' ? [value] : value.list();
			if (list.length === 0) return undefined;
			const wanted = list.map((one) => one.oneOf(known));
			const fits = (shown: unknown) => {
				const word = read(shown);
				return wanted.includes(word) || !known.includes(word);
			};
			return { field, operator: 'in', value: wanted.map(wire), fits };
		},
	};
}

function timeFilter(
	field: string,
	operator: 'gte' | 'lt',
	texts: Pick<INodeProperties, 'displayName' | 'name' | 'description'>,
): FilterSpec {
	return {
		property: { ...texts, type: 'dateTime', default: '' },
		condition(value, { context }) {
			const at = value.optionalTime(context.getTimezone());
			if (at === undefined) return undefined;
			const limit = Date.parse(at);
			const fits = (shown: unknown) => {
				const shownAt = createdMs(textOf(shown));
				return shownAt === undefined || shownAt >= limit === (operator === 'gte');
			};
			return { field, operator, value: at, fits };
		},
	};
}

export const createdAfter = timeFilter('created_at', 'gte', {
	displayName: 'Created After',
	name: 'createdAfter',
	description: 'Only those created at this time or later',
});
export const createdBefore = timeFilter('created_at', 'lt', {
	displayName: 'Created Before',
	name: 'createdBefore',
	description: 'Only those created before this time',
});

/** The operators that the service knows (API notes 3.5). */
const OPERATORS = [
	...['eq', 'neq', 'in', 'not_in', 'gt', 'gte', 'lt', 'lte', 'like', 'ilike', 'contains'],
	...['not_contains', 'is_null', 'is_not_null', 'is_empty', 'is_not_empty'],
];

const OTHER = 'Other Filters';

/** Filters on fields that have none of their own here. */
export const otherFiltersProperty: INodeProperties = {
	displayName: OTHER,
	name: 'otherFilters',
	type: 'fixedCollection',
	typeOptions: { multipleValues: true },
	placeholder: 'Add Filter',
	default: {},
	description: 'Conditions on other fields that the service has',
	options: [
		{
			displayName: 'Filter',
			name: 'values',
			values: [
				{
					displayName: 'Field',
					name: 'field',
					type: 'string',
					default: '',
					placeholder: 'e.g. updated_at',
					description: 'Name of the field as the raw data have it',
				},
				{
					displayName: 'Operator',
					name: 'operator',
					type: 'options',
					options: OPERATORS.map((value) => ({ name: value.replaceAll('_', ' '), value })),
					default: 'eq',
				},
				{
					displayName: 'Value',
					name: 'value',
					type: 'string',
					default: '',
					description: 'What to compare with. For "in" and "not in": values separated by commas.',
				},
			],
		},
	],
};

/** The Filters of a list as an item has them. */
export async function readFilters(
	specs: readonly FilterSpec[],
	run: OperationRun,
	item: ItemParameters,
): Promise<readonly ListFilter[]> {
	const found: ListFilter[] = [];
	const group = item.get('filters', {});
	const entered = isJsonObject(group.value) ? Object.keys(group.value) : [];
	for (const { property, condition } of specs) {
		if (!entered.includes(property.name)) continue;
		const value =
			property.type === 'resourceLocator'
				? item.picked(`filters.${property.name}`)
				: item.get(`filters.${property.name}`);
		const wanted = await condition(value, run);
		if (wanted) found.push({ ...wanted, label: property.displayName });
	}
	if (!entered.includes('otherFilters')) return found;
	for (const entry of item.entries('filters.otherFilters')) {
		const operator = entry.get('operator', 'eq').oneOf(OPERATORS);
		const field = entry.get('field').text(`It is part of "${OTHER}".`);
		const value = /^is_/.test(operator) ? undefined : comparedWith(entry.get('value'), operator);
		found.push({ field, operator, value, label: OTHER });
	}
	return found;
}

function comparedWith(value: Parameter, operator: string): unknown {
	const plain = value.plain();
	if (!['in', 'not_in'].includes(operator) || typeof plain !== 'string') return plain;
	return plain
		.split(',')
		.map((part) => part.trim())
		.filter((part) => part !== '');
}
