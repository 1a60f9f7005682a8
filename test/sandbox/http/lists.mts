/** Cursor lists: filters, search, sort, limit and cursors as every `/x/list` route has them. */
import { data, problem, type Answer } from './answers.mts';
import type { SandboxSettings } from '../types.mts';
import { asArray, asRecord, text } from '../util/values.mts';

export type Row = Readonly<Record<string, unknown>>;

interface Filter {
	readonly field: string;
	readonly operator: string;
	readonly value: unknown;
}

interface ListOptions<T> {
	/** The fields of an item that filters and sorts may name. */
	readonly row: (item: T) => Row;
	readonly id: (item: T) => string;
	readonly dto: (item: T, request: ListRequest) => unknown;
	/** Text that `search.term` is looked for in. */
	readonly text?: (item: T) => string;
	/** How the service treats lists. */
	readonly settings?: Pick<SandboxSettings, 'unknownFilters' | 'listCursors'>;
	/** Brings a filter's value into the row's spelling, e.g. status names to numbers. */
	readonly value?: (field: string, value: unknown) => unknown;
}

export interface ListRequest {
	readonly preloads: readonly string[];
}

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

const COMPARISONS: Readonly<Record<string, (order: number) => boolean>> = {
	eq: (order) => order === 0,
	neq: (order) => order !== 0,
	gt: (order) => order > 0,
	gte: (order) => order >= 0,
	lt: (order) => order < 0,
	lte: (order) => order <= 0,
};

function comparable(field: string, value: unknown): string | number {
	if (field.endsWith('_at')) {
		const epoch = typeof value === 'number' ? value : Date.parse(text(value));
		if (!Number.isNaN(epoch)) return epoch;
	}
	return typeof value === 'number' ? value : text(value);
}

function compare(field: string, left: unknown, right: unknown): number {
	const a = comparable(field, left);
	const b = comparable(field, right);
	return a < b ? -1 : a > b ? 1 : 0;
}

function like(pattern: string, text: string, flags: string): boolean {
	const source = pattern
		.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
		.replaceAll('%', '.*')
		.replaceAll('_', '.');
	return new RegExp(`^${source}$`, `s${flags}`).test(text);
}

function isEmpty(value: unknown): boolean {
	if (value === null || value === undefined || value === '') return true;
	if (typeof value !== 'object') return false;
	return (Array.isArray(value) ? value : Object.keys(value)).length === 0;
}

/** The test of one filter, or undefined when its operator does not exist. */
function predicate(filter: Filter): ((value: unknown) => boolean) | undefined {
	const { field, operator, value } = filter;
	const comparison = COMPARISONS[operator];
	if (comparison) return (actual) => comparison(compare(field, actual, value));
	switch (operator) {
		case 'in':
			return (actual) => asArray(value).some((one) => compare(field, actual, one) === 0);
		case 'not_in':
			return (actual) => asArray(value).every((one) => compare(field, actual, one) !== 0);
		case 'like':
			return (actual) => like(text(value), text(actual), '');
		case 'ilike':
			return (actual) => like(text(value), text(actual), 'i');
		case 'contains':
			return (actual) => text(actual).includes(text(value));
		case 'not_contains':
			return (actual) => !text(actual).includes(text(value));
		case 'is_null':
			return (actual) => actual === null || actual === undefined;
		case 'is_not_null':
			return (actual) => actual !== null && actual !== undefined;
		case 'is_empty':
			return isEmpty;
		case 'is_not_empty':
			return (actual) => !isEmpty(actual);
		default:
			return undefined;
	}
}

function encodeCursor(id: string): string {
	return Buffer.from(`after>>${id}`).toString('base64');
}

function decodeCursor(cursor: string): string | undefined {
	const text = Buffer.from(cursor, 'base64').toString();
	return text.startsWith('after>>') ? text.slice(7) : undefined;
}

function clampLimit(limit: unknown): number {
	if (typeof limit !== 'number' || !Number.isInteger(limit) || limit <= 0) return DEFAULT_LIMIT;
	return Math.min(limit, MAX_LIMIT);
}

function project(dto: unknown, fields: readonly unknown[]): unknown {
	if (fields.length === 0) return dto;
	const source = asRecord(dto);
	const picked: Record<string, unknown> = { id: source['id'] };
	for (const field of fields) {
		if (typeof field === 'string' && field in source) picked[field] = source[field];
	}
	return picked;
}

/** Answers a list request over `items`, newest first unless it asks for another order. */
export function cursorList<T>(items: Iterable<T>, body: unknown, options: ListOptions<T>): Answer {
	const request = asRecord(body);
	let found = [...items];
	// Sorting looks at a row many times, and rows are not cheap to make.
	const rows = new Map<T, Row>();
	const rowOf = (item: T): Row => {
		const row = rows.get(item) ?? options.row(item);
		rows.set(item, row);
		return row;
	};

	for (const entry of asArray(request['filters'])) {
		const raw = asRecord(entry);
		const field = text(raw['field']);
		const operator = text(raw['operator'], 'eq');
		const translate = (value: unknown): unknown =>
			Array.isArray(value)
				? asArray(value).map((one) => options.value?.(field, one) ?? one)
				: (options.value?.(field, value) ?? value);
		const test = predicate({ field, operator, value: translate(raw['value']) });
		if (!test) {
			return problem(400, 'invalid_request', `unknown filter operator: ${operator}`);
		}
		const known =
			!options.settings?.unknownFilters.includes(field) &&
			(found[0] === undefined || field in rowOf(found[0]));
		if (!known) return problem(400, 'invalid_request', `unknown filter field: ${field}`);
		found = found.filter((item) => test(rowOf(item)[field]));
	}

	const term = text(asRecord(request['search'])['term']).trim().toLowerCase();
	if (term !== '' && options.text) {
		const { text: textOf } = options;
		found = found.filter((item) => textOf(item).toLowerCase().includes(term));
	}

	const sort = asArray(request['sort']).map(asRecord);
	const orders = sort.length > 0 ? sort : [{ field: 'created_at', dir: 'desc' }];
	const ascending = (order: Readonly<Record<string, unknown>> | undefined): boolean =>
		text(order?.['dir']).toLowerCase() === 'asc';
	// The sort is stable: of rows with equal times the later one counts as newer.
	if (!ascending(orders[0])) found.reverse();
	found.sort((a, b) => {
		for (const order of orders) {
			const field = text(order['field']);
			const result = compare(field, rowOf(a)[field], rowOf(b)[field]);
			if (result !== 0) return ascending(order) ? result : -result;
		}
		return 0;
	});

	const limit = clampLimit(request['limit']);
	const cursor = typeof request['cursor'] === 'string' ? request['cursor'] : '';
	let from = 0;
	const byPlace = options.settings?.listCursors === 'places';
	if (cursor !== '' && byPlace) {
		from = Number(decodeCursor(cursor));
	} else if (cursor !== '') {
		const id = decodeCursor(cursor);
		const index = found.findIndex((item) => options.id(item) === id);
		if (index < 0) return problem(400, 'invalid_request', 'invalid cursor');
		const backwards = /^(prev|back)/.test(text(request['direction']));
		from = backwards ? Math.max(0, index - limit) : index + 1;
	} else if (typeof request['page'] === 'number' && request['page'] > 1) {
		from = (request['page'] - 1) * limit;
	}
	const page = found.slice(from, from + limit);
	const first = page[0];
	const last = page.at(-1);
	const hasNext = from + limit < found.length;
	const hasPrevious = from > 0;
	const nextCursor = (row: T) => (byPlace ? String(from + limit) : options.id(row));
	const listRequest: ListRequest = {
		preloads: asArray(request['preloads']).filter((one) => typeof one === 'string'),
	};
	return data({
		items: page.map((item) => project(options.dto(item, listRequest), asArray(request['fields']))),
		next_cursor: hasNext && last !== undefined ? encodeCursor(nextCursor(last)) : '',
		prev_cursor: hasPrevious && first !== undefined ? encodeCursor(options.id(first)) : '',
		has_next: hasNext,
		has_previous: hasPrevious,
		items_per_page: limit,
		total_items: found.length,
	});
}
