import type { InferenceClient } from '../client/client';
import { createdMs } from '../client/api/serviceClock';
import { InferenceError } from '../client/errors';
import { AnswerTooLargeError } from '../client/transport/transport';
import { PAGE_SIZE } from '../client/api/paging';
import type { RowFilter, TaskListPage, TaskListQuestion } from '../client/tasks/taskList';
import { withStrangeEnd } from '../client/tasks/strangeEnd';
import { taskFromWire, type Task } from '../client/tasks/task';
import type { TerminalStatus } from '../client/tasks/taskStatus';
import { asJsonObject, textOf } from '../client/util/json';
import { outcomeOf } from '../client/util/outcome';
import type { WatchedTask } from './knownTasks';
import type { TaskPage, TaskQuestion, TaskSource } from './watchTasks';

/** Which tasks are watched. */
export interface TaskFilter {
	/** Undefined for those of all apps. */
	readonly app: { readonly name: string; readonly id: string | undefined } | undefined;
	/** The ends that are wanted. */
	readonly statuses: readonly TerminalStatus[];
}

/** A task that is watched. */
export interface SeenTask extends WatchedTask {
	readonly task: Task;
}

/** What an item is made of, and what a task is recognised by. */
const FIELDS = [
	...['id', 'status', 'output', 'error', 'session_id', 'created_at', 'updated_at'],
	...['app', 'app_id', 'function'],
];
const UNFINISHED = [
	...['received', 'queued', 'dispatched', 'preparing', 'serving', 'setting_up'],
	...['running', 'cancelling', 'uploading'],
];
/** Tasks that are looked at one by one for one look, where the list cannot be asked for them. */
const MOST_SINGLE = 100;
/** Of these so many at the same time. */
const AT_ONCE = 10;

/** `namespace/name` of a task's app; undefined if the task does not show it. */
export function appOf({ wire }: Task): string | undefined {
	const app = asJsonObject(wire['app']);
	const name = textOf(app?.['name']);
	const namespace = textOf(app?.['namespace']);
	return name === undefined || namespace === undefined ? undefined : `${namespace}/${name}`;
}

type Question = Pick<TaskListQuestion, 'newestFirst' | 'cursor' | 'filters'>;

function goesOn({ rows, next }: TaskListPage, pageSize: number): TaskPage<SeenTask>['goesOn'] {
	const isFull = rows.length >= pageSize;
	if (next.kind === 'lost') return isFull ? 'certainly' : 'maybe';
	return next.kind === 'end' && isFull ? 'maybe' : undefined;
}

function isTooLarge(error: unknown): boolean {
	return error instanceof InferenceError && error.cause instanceof AnswerTooLargeError;
}

/** The tasks of an account, as the service shows them. */
export class AccountTasks implements TaskSource<SeenTask> {
	private singleLeft = MOST_SINGLE;
	private firstError: unknown;
	/** Rows of a page; fewer where a hundred are too large to be read. */
	private pageSize = PAGE_SIZE;

	constructor(
		private readonly client: InferenceClient,
		private readonly filter: TaskFilter,
	) {}

	/** Why a single task could not be looked at, which is no reason not to look at the others. */
	get trouble(): unknown {
		return this.firstError;
	}

	async page({ since, order, cursor }: TaskQuestion): Promise<TaskPage<SeenTask>> {
		const from = since === undefined ? undefined : new Date(since).toISOString();
		const filters: readonly RowFilter[] =
			from === undefined ? [] : [{ field: 'created_at', operator: 'gte', value: from }];
		const question = { newestFirst: order === 'newestFirst', cursor, filters };
		// Of others, which a service shows that does not filter, nobody is told: they show how far the list is read.
		return await this.read(question, (seen) =>
			this.isWatched(seen.task) ? seen : { ...seen, hasEnded: true, isWanted: false },
		);
	}

	async unfinished(cursor: string | undefined): Promise<TaskPage<SeenTask>> {
		const filters: readonly RowFilter[] = [{ field: 'status', operator: 'in', value: UNFINISHED }];
		return await this.read({ newestFirst: true, cursor, filters }, this.onlyWatched);
	}

	/** Tasks that have ended in one of the ways that are wanted, the newest first. */
	async ended(cursor: string | undefined): Promise<TaskPage<SeenTask>> {
		const { statuses: value } = this.filter;
		const filters: readonly RowFilter[] = [{ field: 'status', operator: 'in', value }];
		return await this.read({ newestFirst: true, cursor, filters }, this.onlyWatched);
	}

	async look(ids: readonly string[]): Promise<ReadonlyMap<string, SeenTask | 'gone'>> {
		const found = new Map<string, SeenTask | 'gone'>();
		const filters: readonly RowFilter[] = [{ field: 'id', operator: 'in', value: ids }];
		let cursor: string | undefined;
		do {
			const page = await this.ask({ newestFirst: false, cursor, filters });
			const before = found.size;
			const seen = this.seenIn(page);
			for (const task of seen) if (ids.includes(task.id)) found.set(task.id, task);
			// Whoever shows others does not know the filter, and has too much to be read.
			const isNarrow = found.size - before === seen.length && seen.length > 0;
			cursor = isNarrow && page.next.kind === 'more' ? page.next.cursor : undefined;
		} while (cursor !== undefined && found.size < ids.length);
		const missing = ids.filter((id) => !found.has(id)).slice(0, this.singleLeft);
		this.singleLeft -= missing.length;
		for (let from = 0; from < missing.length; from += AT_ONCE) {
			const some = missing.slice(from, from + AT_ONCE);
			const looks = await Promise.all(some.map(async (id) => await this.lookAt(id)));
			for (const [at, id] of some.entries()) {
				const seen = looks[at];
				if (seen) found.set(id, seen);
			}
		}
		return found;
	}

	private async lookAt(id: string): Promise<SeenTask | 'gone' | undefined> {
		const read = await outcomeOf(this.client.tasks.get(id));
		if (read.ok) return this.seen(read.value.task, undefined);
		const { error } = read;
		// The list does not show it either.
		if (error instanceof InferenceError && error.outOfReach) return 'gone';
		this.firstError ??= error;
		return undefined;
	}

	private async read(
		question: Question,
		show: (seen: SeenTask) => SeenTask | undefined,
	): Promise<TaskPage<SeenTask>> {
		const page = await this.ask(question);
		const { next, serviceTime: now } = page;
		return {
			tasks: this.seenIn(page)
				.map(show)
				.filter((seen) => seen !== undefined),
			next: next.kind === 'more' ? next.cursor : undefined,
			goesOn: goesOn(page, this.pageSize),
			now,
		};
	}

	private async ask(question: Question): Promise<TaskListPage> {
		const { id } = this.filter.app ?? {};
		const ofApp: readonly RowFilter[] =
			id === undefined ? [] : [{ field: 'app_id', operator: 'eq', value: id }];
		const filters = [...question.filters, ...ofApp];
		for (;;) {
			const { pageSize: limit } = this;
			const whole = { ...question, filters, fields: FIELDS, limit, inAnyForm: true };
			const page = await outcomeOf(this.client.tasks.page(whole));
			if (page.ok) return page.value;
			if (limit === 1 || !isTooLarge(page.error)) throw page.error;
			this.pageSize = limit / 10;
		}
	}

	private seenIn({ rows, serviceTime }: TaskListPage): readonly SeenTask[] {
		const tasks = rows.map((row) => taskFromWire(row)).filter((task) => task !== undefined);
		return tasks.map((task) => this.seen(task, serviceTime));
	}

	private seen(read: Task, now: number | undefined): SeenTask {
		const task = withStrangeEnd(read, now);
		const { id, createdAt, terminal: hasEnded, status } = task;
		const isWanted = this.filter.statuses.some((wanted) => wanted === status);
		return { id, createdAt: createdMs(createdAt), hasEnded, isWanted, task };
	}

	private readonly onlyWatched = (seen: SeenTask): SeenTask | undefined =>
		this.isWatched(seen.task) ? seen : undefined;

	/** A service that does not show the app of its tasks has been asked for those of this one. */
	private isWatched(task: Task): boolean {
		const { app } = this.filter;
		if (!app) return true;
		const id = textOf(task.wire['app_id']) ?? textOf(asJsonObject(task.wire['app'])?.['id']);
		if (id !== undefined && app.id !== undefined) return id === app.id;
		return (appOf(task) ?? app.name) === app.name;
	}
}
