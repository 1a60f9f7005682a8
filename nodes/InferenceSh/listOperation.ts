import type { INodeProperties } from 'n8n-workflow';
import type { ItemParameters } from '../shared/parameters/itemParameters';
import { otherFiltersProperty, readFilters, type FilterSpec } from './filters';
import type { Operation, OperationRun } from './operation';
import { countProperties, simplifyProperty } from './properties';
import { shown, type View } from './view';

/** More rows than this nobody wants by number. */
const MOST_ROWS = 1_000_000;

/** A list of the service, and how its rows are shown. */
export interface ListSpec extends Pick<Operation, 'name' | 'value' | 'action' | 'description'> {
	/** What its rows are, such as `tasks`. */
	readonly rows: string;
	/** Where it is; `GET` lists take no filters. */
	readonly at: (item: ItemParameters) => Pick<ListSource, 'method' | 'path'>;
	/** Parameters before all others. */
	readonly properties?: readonly INodeProperties[];
	readonly filters?: readonly FilterSpec[];
	/** What its Search looks in; undefined if it has none. */
	readonly searches?: string;
	/** Whether it can be sorted by these fields, newest first unless somebody says otherwise. */
	readonly sortable?: boolean;
	readonly view: View;
}

interface ListSource {
	readonly method: 'GET' | 'POST';
	readonly path: string;
}

const SORTS = {
	newest: { field: 'created_at', dir: 'desc' },
	oldest: { field: 'created_at', dir: 'asc' },
	changed: { field: 'updated_at', dir: 'desc' },
} as const;

const sortProperty: INodeProperties = {
	displayName: 'Sort',
	name: 'sort',
	type: 'options',
	options: [
		{ name: 'Newest First', value: 'newest' },
		{ name: 'Oldest First', value: 'oldest' },
		{ name: 'Recently Changed First', value: 'changed' },
	],
	default: 'newest',
	description: 'In which order the results come',
};

/** An operation that gives the rows of a list, one output item for each. */
export function listOperation(spec: ListSpec): Operation {
	const { name, value, action, description, filters = [], searches, sortable = false } = spec;
	const filterProperty: INodeProperties = {
		displayName: 'Filters',
		name: 'filters',
		type: 'collection',
		placeholder: 'Add Filter',
		default: {},
		options: [...filters.map(({ property }) => property), otherFiltersProperty],
	};
	const searchProperty: INodeProperties = {
		displayName: 'Search',
		name: 'search',
		type: 'string',
		default: '',
		description: `Words to look for in ${searches ?? ''}. Leave empty for all.`,
	};
	return {
		kind: 'request',
		...{ name, value, action, description },
		properties: [
			...(spec.properties ?? []),
			...(searches === undefined ? [] : [searchProperty]),
			...countProperties,
			...(sortable ? [filterProperty] : []),
			simplifyProperty,
		],
		options: sortable ? [sortProperty] : [],
		async execute(run, item) {
			const simplify = item.get('simplify', true).isOn();
			const { view } = spec;
			const sort = item.options.get('sort', 'newest').oneOf(['newest', 'oldest', 'changed']);
			const { rows, brokenOff, notApplied } = await run.reach.list(
				{
					...spec.at(item),
					filters: sortable ? await readFilters(filters, run, item) : [],
					search: searches === undefined ? undefined : item.get('search').optionalText(),
					sort: sortable ? SORTS[sort] : undefined,
					fields: simplify ? view.fields : undefined,
					most: mostRows(item),
				},
				(row) => ({ json: shown(view, row, simplify) }),
			);
			if (brokenOff) tellBrokenOff(run, spec.rows, rows.length);
			if (notApplied.length > 0) tellNotApplied(run, spec.rows, notApplied);
			return rows;
		},
	};
}

function mostRows(item: ItemParameters): number {
	if (item.get('returnAll', false).isOn()) return Infinity;
	return item.get('limit', 50).number({ min: 1, max: MOST_ROWS, integer: true });
}

function tellNotApplied({ hints }: OperationRun, rows: string, labels: readonly string[]): void {
	hints.say(
		`The service also sent ${rows} that do not fit the filters (${labels.join(', ')}). They were left out.`,
	);
}

function tellBrokenOff({ hints }: OperationRun, rows: string, count: number): void {
	hints.say(
		`The service's list of ${rows} repeats itself and does not come to its end. The output has the ${count} that were read; there may be more.`,
	);
}
