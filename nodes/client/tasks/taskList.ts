import type { ClientContext } from '../api/context';
import { anyPage, certainPage, PAGE_SIZE, readPage, type NextPage } from '../api/paging';
import { retrying } from '../api/retry';
import { InferenceError } from '../errors';
import type { JsonObject } from '../util/json';
import { outcomeOf } from '../util/outcome';

/** What rows have to be like (API notes 3.5). */
export interface RowFilter {
	readonly field: string;
	readonly operator: 'eq' | 'gte' | 'in';
	readonly value: unknown;
}

/** A question for a page of the task list. */
export interface TaskListQuestion {
	readonly newestFirst: boolean;
	readonly filters: readonly RowFilter[];
	/** Fields that are needed; a service may send others, too. */
	readonly fields: readonly string[];
	/** Undefined for the first page. */
	readonly cursor: string | undefined;
	/** Rows of a page at most; undefined for as many as there can be. */
	readonly limit?: number;
	/** Whether a list may have another form than the documented one: nothing is bought if it is wrong. */
	readonly inAnyForm?: boolean;
}

/** A page of the task list. */
export interface TaskListPage {
	readonly rows: readonly JsonObject[];
	readonly next: NextPage;
	/** When it came, by the monotonic clock (ms). */
	readonly at: number;
	/** The service's time when it was sent, ms; undefined if it does not tell. */
	readonly serviceTime: number | undefined;
}

/**
 * The account's tasks (`POST /tasks/list`), a page at a time. Filters and fields spare most of the
 * reading where the service knows them. Where it refuses them, it is asked without: whoever reads must
 * not depend on them.
 */
export class TaskList {
	/** Filters that have been refused, by the names of their fields. */
	private readonly refused = new Set<string>();

	constructor(private readonly context: ClientContext) {}

	/** @throws InferenceError if it cannot be read; the abort reason */
	async page(question: TaskListQuestion): Promise<TaskListPage> {
		const { filters, fields } = question;
		const kind = filters.map(({ field }) => field).join(' ');
		if (this.refused.has(kind)) return await this.ask(question, {});
		const page = await outcomeOf(this.ask(question, { filters, fields }));
		if (page.ok) return page.value;
		const { error } = page;
		if (!(error instanceof InferenceError) || error.httpStatus !== 400) throw error;
		this.refused.add(kind);
		return await this.ask(question, {});
	}

	private async ask(
		{ newestFirst, cursor = '', limit = PAGE_SIZE, inAnyForm = false }: TaskListQuestion,
		narrow: JsonObject,
	): Promise<TaskListPage> {
		const { api, signal } = this.context;
		const sort = [{ field: 'created_at', dir: newestFirst ? 'desc' : 'asc' }];
		const body = { limit, sort, cursor, ...narrow };
		const pageIn = (answer: unknown) =>
			certainPage(answer) ?? (inAnyForm ? anyPage(answer) : undefined);
		const call = { method: 'POST', path: '/tasks/list', body, signal } as const;
		return await retrying(async () => {
			const reply = await api.sendTimed(call);
			const told = Date.parse(reply.response.headers.get('date') ?? '');
			const serviceTime = Number.isNaN(told) ? undefined : told;
			const page = readPage(api, call, reply, pageIn);
			return { ...page, at: reply.exchange.receivedAt, serviceTime };
		}, this.context);
	}
}
