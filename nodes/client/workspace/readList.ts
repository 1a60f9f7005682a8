import type { ApiCall } from '../api/api';
import type { ClientContext } from '../api/context';
import { PAGE_SIZE, readPage } from '../api/paging';
import { retrying } from '../api/retry';
import { ValidationError, type InferenceError } from '../errors';
import type { JsonObject } from '../util/json';
import { outcomeOf } from '../util/outcome';

/** A condition that rows have to meet. */
export interface ListFilter {
	readonly field: string;
	/** Such as `eq`, `in`, `gte` (API notes 3.5). */
	readonly operator: string;
	readonly value: unknown;
	/** What errors call it. */
	readonly label: string;
	/**
	 * Whether what a row shows in `field` fits; undefined if only the service can tell. It is asked for
	 * rows that show something there: a service may not apply what it was asked to.
	 */
	readonly fits?: ((shown: unknown) => boolean) | undefined;
}

/** What to read of a list. */
export interface ListQuery {
	/** `POST` for a list that takes filters; `GET` for one that takes only `limit` and `cursor`. */
	readonly method: 'GET' | 'POST';
	readonly path: string;
	readonly filters?: readonly ListFilter[];
	readonly sort?: { readonly field: string; readonly dir: 'asc' | 'desc' } | undefined;
	readonly search?: string | undefined;
	/** Fields that are enough, as long as the service takes that. */
	readonly fields?: readonly string[] | undefined;
	/** Rows that are wanted; Infinity for all. */
	readonly most: number;
}

/** What was read of a list. */
export interface ListRows<T> {
	readonly rows: T[];
	/**
	 * Whether the list went on, but led nowhere: it repeats a cursor, or its pages, or does not say
	 * where the next one is.
	 */
	readonly brokenOff: boolean;
	/** What the filters are called that the service did not apply; rows that do not fit were left out. */
	readonly notApplied: readonly string[];
}

/** Pages in a row without anything new, after which a list leads nowhere. */
const MOST_BARREN = 10;

/**
 * Reads a cursor list page by page (API notes 3.5). Of each row only what `view` makes of it is held.
 * A row that comes again, because the list has shifted between two pages, is left out, and so is one
 * that shows that it does not fit the filters.
 *
 * @throws InferenceError if a page cannot be read; the abort reason
 */
export async function readList<T>(
	query: ListQuery,
	view: (row: JsonObject) => T,
	context: ClientContext,
): Promise<ListRows<T>> {
	const rows: T[] = [];
	const seen = new Set<unknown>();
	const asked = new Set<string>();
	const notApplied = new Set<string>();
	const read = (brokenOff: boolean) => ({ rows, brokenOff, notApplied: [...notApplied] });
	let { fields } = query;
	let cursor: string | undefined;
	for (let barren = 0; barren < MOST_BARREN; ) {
		// Where rows have to be left out, nobody knows in how many the wanted ones are.
		const wanted = notApplied.size > 0 ? PAGE_SIZE : query.most - rows.length;
		const question = { ...query, fields, limit: Math.min(PAGE_SIZE, wanted) };
		const answer = await outcomeOf(askPage(question, cursor, context));
		if (!answer.ok) {
			if (fields === undefined || !isRefused(answer.error))
				throw namingFilters(answer.error, query);
			fields = undefined;
			continue;
		}
		const { next } = answer.value;
		const fresh = answer.value.rows.filter(({ id }) => !seen.has(id));
		for (const row of fresh) {
			seen.add(row['id']);
			const misses = (query.filters ?? []).filter((filter) => !isMet(filter, row));
			for (const { label } of misses) notApplied.add(label);
			if (misses.length === 0 && rows.length < query.most) rows.push(view(row));
		}
		if (next.kind === 'end' || rows.length >= query.most) return read(false);
		if (next.kind === 'lost' || asked.has(next.cursor)) break;
		({ cursor } = next);
		asked.add(cursor);
		barren = fresh.length === 0 ? barren + 1 : 0;
	}
	return read(true);
}

function isMet({ field, fits }: ListFilter, row: JsonObject): boolean {
	const shown = row[field] ?? undefined;
	return shown === undefined || fits?.(shown) !== false;
}

async function askPage(
	{ method, path, filters = [], sort, search, fields, limit }: ListQuery & { limit: number },
	cursor: string | undefined,
	context: ClientContext,
) {
	const { api, signal } = context;
	const wanted = filters.map(({ field, operator, value }) => ({ field, operator, value }));
	const body = {
		limit,
		cursor,
		sort: sort && [sort],
		filters: wanted.length === 0 ? undefined : wanted,
		search: search === undefined ? undefined : { term: search, exact: false },
		fields,
	};
	// The service takes a bare plus sign for a space.
	const where = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
	const call: ApiCall =
		method === 'POST'
			? { method, path, body, signal }
			: { method, path: `${path}?limit=${limit}${where}`, signal };
	return await retrying(async () => readPage(api, call, await api.send(call)), context);
}

function isRefused(error: unknown): error is ValidationError {
	return error instanceof ValidationError && error.httpStatus !== undefined;
}

/** The refusal of a filter or an order that the service does not know, in words that name it. */
function namingFilters(error: unknown, { filters = [], sort }: ListQuery): unknown {
	if (!isRefused(error)) return error;
	const said = error.reason ?? '';
	const isSaid = (word: string) => said.split(/[^\w]+/).includes(word);
	const named = filters.filter(({ field }) => isSaid(field));
	if (named.length > 0) return notTaken(error, said, named);
	// Its code is in the message as well.
	if (sort && (isSaid(sort.field) || /sort|order/i.test(error.message))) {
		return error.reworded(`The service does not sort this list by ${sort.field}: ${said}`, {
			hint: 'Choose another "Output: Sort" in the options.',
		});
	}
	if (filters.length === 0) return error;
	if (/filter|column|field|operator/i.test(error.message)) return notTaken(error, said, filters);
	return error.reworded(error.message, {
		hint: `It was asked with the filters ${filters.map(inWords).join(', ')}. If one of them may be meant, take it out, or correct it.`,
	});
}

function notTaken(
	error: ValidationError,
	said: string,
	filters: readonly ListFilter[],
): InferenceError {
	const [s, them] = filters.length === 1 ? ['', 'it'] : ['s', 'them'];
	return error.reworded(
		`The service does not take the filter${s} ${filters.map(inWords).join(', ')}: ${said}`,
		{ hint: `Take ${them} out, or correct ${them}.` },
	);
}

function inWords({ label, field, operator, value }: ListFilter): string {
	return `"${label}" (${field} ${operator} ${JSON.stringify(value)})`;
}
