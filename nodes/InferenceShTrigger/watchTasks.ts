import { KnownTasks, later, type WatchedTask } from './knownTasks';

/** A page of a list of tasks. */
export interface TaskPage<T extends WatchedTask> {
	readonly tasks: readonly T[];
	/** Undefined if it is the last one. */
	readonly next: string | undefined;
	/** The service's own time when it answered, ms; undefined if it does not tell. */
	readonly now: number | undefined;
}

/** A question for a page of the tasks of an account. */
export interface TaskQuestion {
	/** Created at or after this, ms; undefined for all. */
	readonly since: number | undefined;
	/** A service may not know how to sort; then it is asked for the newest first. */
	readonly order: 'oldestFirst' | 'newestFirst';
	readonly cursor: string | undefined;
}

/** Where tasks are looked at. Nothing depends on whether the service filters and sorts as it is asked. */
export interface TaskSource<T extends WatchedTask> {
	page(question: TaskQuestion): Promise<TaskPage<T>>;
	/** Tasks that have not ended, however old. */
	unfinished(cursor: string | undefined): Promise<TaskPage<T>>;
	/** Tasks as they are now, by id; those that could not be looked at in time are left out. */
	look(ids: readonly string[]): Promise<ReadonlyMap<string, T | 'gone'>>;
}

/**
 * Asked before each request but the first of a kind: whether there is time for it, and room for what
 * it is going to bring.
 */
export type MayGoOn<T> = (found: readonly T[]) => boolean;

/** What one look at the service has brought. */
export interface Watched<T> {
	/** Tasks that have ended and have not been told before. */
	readonly ended: readonly T[];
	/** What made it end before everything was read, if something has; what was read counts. */
	readonly error: unknown;
}

/** Unfinished tasks that are asked for at once. */
const AT_ONCE = 100;
/** A list that changes while it is read is read again, this often at most. */
const MOST_READINGS = 4;

/**
 * Begins to watch: what has ended by now is not told, what has not ended is.
 *
 * @throws what the source throws
 */
export async function beginWatch<T extends WatchedTask>(
	source: TaskSource<T>,
	mayGoOn: MayGoOn<T>,
): Promise<KnownTasks> {
	const newestFirst = { since: undefined, order: 'newestFirst', cursor: undefined } as const;
	const { tasks, now = Infinity } = await source.page(newestFirst);
	const newest = tasks.reduce<number | undefined>(
		(latest, { createdAt }) => later(latest, createdAt),
		undefined,
	);
	const known = new KnownTasks(newest === undefined ? undefined : Math.min(newest, now));
	await takeUnfinished(source, known, mayGoOn);
	const watch = new TaskWatch(source, known, mayGoOn, () => {});
	await watch.readOn();
	return known;
}

/** Takes in the tasks that have not ended. Whatever ends meanwhile moves the others, maybe to a page that was read. */
async function takeUnfinished<T extends WatchedTask>(
	source: TaskSource<T>,
	known: KnownTasks,
	mayGoOn: MayGoOn<T>,
): Promise<void> {
	for (let reading = 0; reading < MOST_READINGS; reading += 1) {
		const before = known.unfinished.length;
		const asked = new Set<string | undefined>();
		let cursor: string | undefined;
		do {
			if (asked.size > 0 && !mayGoOn([])) return;
			asked.add(cursor);
			const { tasks, next } = await source.unfinished(cursor);
			for (const task of tasks) if (!task.hasEnded) known.take(task, Infinity);
			// Whoever shows what has ended does not know the filter, and has too much to be read.
			if (tasks.some(({ hasEnded }) => hasEnded)) return;
			cursor = next;
		} while (cursor !== undefined && !asked.has(cursor));
		if (asked.size === 1 || known.unfinished.length === before) return;
	}
}

/**
 * Looks once for tasks that have ended since. `known` is changed to what is known then.
 *
 * @param mayGoOn whatever it says, each call gets ahead: by a page of the list, if there is one
 */
export async function watchTasks<T extends WatchedTask>(
	source: TaskSource<T>,
	known: KnownTasks,
	mayGoOn: MayGoOn<T>,
): Promise<Watched<T>> {
	const ended: T[] = [];
	const watch = new TaskWatch(source, known, mayGoOn, (task) => ended.push(task), ended);
	try {
		await watch.lookAtUnfinished();
		await watch.readOn();
		return { ended, error: undefined };
	} catch (error) {
		return { ended, error };
	}
}

/** One look at the service. */
class TaskWatch<T extends WatchedTask> {
	constructor(
		private readonly source: TaskSource<T>,
		private readonly known: KnownTasks,
		private readonly mayGoOn: MayGoOn<T>,
		private readonly tell: (task: T) => void,
		private readonly told: readonly T[] = [],
	) {}

	/** Looks at tasks that had not ended, those first that were not looked at for longest. */
	async lookAtUnfinished(): Promise<void> {
		const { known } = this;
		const ids = known.unfinished;
		for (let from = 0; from < ids.length; from += AT_ONCE) {
			if (from > 0 && !this.mayGoOn(this.told)) return;
			const some = ids.slice(from, from + AT_ONCE);
			const seen = await this.source.look(some);
			for (const id of some) {
				const task = seen.get(id);
				if (task === 'gone') known.miss(id);
				else if (task) this.take(task, task.createdAt ?? known.from ?? 0);
			}
		}
	}

	/** Reads the list on from where it was left, oldest first, so that it can be left at any task. */
	async readOn(): Promise<void> {
		const reading = new Reading(this.known);
		try {
			await this.read(reading);
		} finally {
			reading.leave();
		}
	}

	private async read(reading: Reading): Promise<void> {
		const { known } = this;
		const asked = new Set<string | undefined>();
		for (;;) {
			if (asked.size > 0 && !this.mayReadOn()) return;
			const { cursor, position } = reading;
			const page = await this.pageAt({ since: known.from, order: 'oldestFirst', cursor });
			asked.add(cursor);
			if (!isInOrder(page.tasks, position)) {
				reading.giveUp();
				await this.readBack();
				return;
			}
			for (const task of page.tasks) {
				const at = task.createdAt ?? reading.position ?? 0;
				this.take(task, at);
				reading.pass(at, page.now);
			}
			const { next } = page;
			if (next === undefined || asked.has(next)) {
				reading.end();
				return;
			}
			reading.cursor = next;
		}
	}

	/** A page; a cursor that was kept from the last time may be one no more. */
	private async pageAt(question: TaskQuestion): Promise<TaskPage<T>> {
		const { known, source } = this;
		if (question.cursor === undefined || question.cursor !== known.cursor) {
			return await source.page(question);
		}
		try {
			return await source.page(question);
		} catch {
			known.stay(undefined);
			return await source.page({ ...question, cursor: undefined });
		}
	}

	/** Reads a list that is not sorted as asked, newest first, to where it was left. */
	private async readBack(): Promise<void> {
		const { known, source } = this;
		const since = known.from;
		const asked = new Set<string | undefined>();
		let cursor: string | undefined;
		let newest = since;
		for (;;) {
			if (asked.size > 0 && !this.mayReadOn()) return;
			asked.add(cursor);
			const question = { since, order: 'newestFirst', cursor } as const;
			const { tasks, next, now = Infinity } = await source.page(question);
			for (const task of tasks) {
				const at = task.createdAt ?? newest ?? 0;
				this.take(task, at);
				newest = later(newest, Math.min(at, now));
			}
			if (next === undefined || asked.has(next) || isPast(tasks, since)) break;
			cursor = next;
		}
		known.readTo(newest);
	}

	private mayReadOn(): boolean {
		return !this.known.isCrowded && this.mayGoOn(this.told);
	}

	private take(task: T, at: number): void {
		if (this.known.take(task, at)) this.tell(task);
	}
}

/** How far a list is read that is oldest first. */
class Reading {
	cursor: string | undefined;
	/** Newest creation so far. */
	position: number | undefined;
	/** The same, but nothing that a machine has stamped with a time to come. */
	private certain: number | undefined;
	private last: number | undefined;
	/** Whether a task was newer than the one before it: until then all may be of one instant. */
	private hasMoved = false;
	private isLeft = false;

	constructor(private readonly known: KnownTasks) {
		this.cursor = known.cursor;
		this.position = known.from;
		this.certain = known.from;
	}

	/** @param now the service's own time, if that is known */
	pass(at: number, now = Infinity): void {
		const reached = Math.min(at, now);
		this.hasMoved ||= this.last !== undefined && reached > this.last;
		this.last = reached;
		this.position = later(this.position, at);
		this.certain = later(this.certain, reached);
	}

	/** Leaves it at its end. */
	end(): void {
		this.isLeft = true;
		this.known.readTo(this.certain);
	}

	/** Leaves it as if it had not been read. */
	giveUp(): void {
		this.isLeft = true;
		this.known.stay(undefined);
	}

	/** Leaves it where it is, to be read on from there. */
	leave(): void {
		const { known, certain, position, cursor } = this;
		if (this.isLeft) return;
		const isPlace = this.hasMoved && certain !== undefined && position !== undefined;
		if (isPlace) known.cutAt(certain, position);
		else known.stay(cursor);
	}
}

/** Whether tasks are sorted by creation, none created before `since`. */
function isInOrder(tasks: readonly WatchedTask[], since: number | undefined): boolean {
	let last = since ?? -Infinity;
	for (const { createdAt = last } of tasks) {
		if (createdAt < last) return false;
		last = createdAt;
	}
	return true;
}

/** Whether a page shows that it is newest first, and all of it was there before. */
function isPast(tasks: readonly WatchedTask[], since: number | undefined): boolean {
	if (since === undefined) return false;
	const times = tasks.map(({ createdAt }) => createdAt ?? Infinity);
	const [first = -Infinity] = times;
	const falls = times.every((at, index) => index === 0 || at <= (times[index - 1] ?? 0));
	return falls && first < since && first > (times.at(-1) ?? first);
}
