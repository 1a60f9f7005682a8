import { ProtocolError } from '../client/errors';
import { KnownTasks, later, type WatchedTask } from './knownTasks';
import { PageProgress } from './pageProgress';

/** A page of a list of tasks. */
export interface TaskPage<T extends WatchedTask> {
	readonly tasks: readonly T[];
	/** Undefined if it is the last one, or the service does not say where the list goes on. */
	readonly next: string | undefined;
	/** Whether it goes on without a cursor: it says so, or is as long as a page can be. */
	readonly goesOn?: 'certainly' | 'maybe' | undefined;
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
	for (const task of tasks) known.take(task, task.createdAt ?? newest ?? 0);
	await takeUnfinished(source, known, mayGoOn);
	const watch = new TaskWatch(source, known, mayGoOn, () => {});
	if (!(await watch.readOn())) known.leaveOut();
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
		const progress = new PageProgress();
		let cursor: string | undefined;
		do {
			if (asked.size > 0 && !mayGoOn([])) return;
			asked.add(cursor);
			const { tasks, next } = await source.unfinished(cursor);
			progress.take(tasks);
			for (const task of tasks) if (!task.hasEnded) known.take(task, Infinity);
			// Whoever shows what has ended does not know the filter, and has too much to be read.
			if (tasks.some(({ hasEnded }) => hasEnded)) return;
			cursor = next;
		} while (cursor !== undefined && !asked.has(cursor) && !progress.isOver);
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

/** Where a list was left: before its end, at its end, or at a task from which it can be read on without a cursor. */
type Left = 'early' | 'atEnd' | 'atPlace';

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

	/**
	 * Reads the list on from where it was left, oldest first, so that it can be left at any task.
	 *
	 * @returns whether it has been read to its end
	 */
	async readOn(): Promise<boolean> {
		const { known } = this;
		for (;;) {
			const { from } = known;
			const reading = new Reading(known);
			let left: Left = 'early';
			try {
				left = await this.read(reading);
			} finally {
				reading.leave();
			}
			if (left !== 'atPlace') return left === 'atEnd';
			if (known.from === from || !this.mayReadOn()) return false;
		}
	}

	private async read(reading: Reading): Promise<Left> {
		const { known } = this;
		const asked = new Set<string | undefined>();
		for (;;) {
			if (asked.size > 0 && !this.mayReadOn()) return 'early';
			const { cursor, position } = reading;
			const page = await this.pageAt({ since: known.from, order: 'oldestFirst', cursor });
			asked.add(cursor);
			if (!isInOrder(page.tasks, position)) {
				reading.giveUp();
				return (await this.readBack()) ? 'atEnd' : 'early';
			}
			reading.progress.take(page.tasks);
			for (const task of page.tasks) {
				const at = task.createdAt ?? reading.position ?? 0;
				this.take(task, at);
				reading.pass(at, page.now);
			}
			const { next, goesOn } = page;
			if (next === undefined && goesOn !== undefined && reading.isAtPlace) return 'atPlace';
			if (next === undefined && goesOn === 'certainly') throw nowhereToGoOn();
			if (next === undefined || asked.has(next) || reading.progress.isOver) {
				reading.end();
				return 'atEnd';
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

	/** Reads a list that is not sorted as asked, newest first. Returns whether it came to where it was left. */
	private async readBack(): Promise<boolean> {
		const { known, source } = this;
		const since = known.from;
		const asked = new Set<string | undefined>();
		const progress = new PageProgress();
		let cursor: string | undefined;
		let newest = since;
		for (;;) {
			if (asked.size > 0 && !this.mayReadOn()) return false;
			asked.add(cursor);
			const question = { since, order: 'newestFirst', cursor } as const;
			const { tasks, next, now = Infinity } = await source.page(question);
			progress.take(tasks);
			for (const task of tasks) {
				const at = task.createdAt ?? newest ?? 0;
				this.take(task, at);
				newest = later(newest, Math.min(at, now));
			}
			if (next === undefined || asked.has(next)) break;
			if (progress.isOver || isPast(tasks, since)) break;
			cursor = next;
		}
		known.readTo(newest);
		return true;
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
	readonly progress = new PageProgress();
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

	/** Whether it can be read on from the last task without a cursor. */
	get isAtPlace(): boolean {
		return this.hasMoved && this.certain !== undefined;
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
		const { known, certain, position, cursor, progress } = this;
		if (this.isLeft) return;
		const isPlace = this.hasMoved && certain !== undefined && position !== undefined;
		if (isPlace) known.cutAt(certain, position);
		// Whoever went on where pages have begun to bring nothing might never come back.
		else if (progress.isBarren) this.end();
		else known.stay(cursor);
	}
}

function nowhereToGoOn(): ProtocolError {
	return new ProtocolError(
		'The list of tasks goes on, but inference.sh does not say where, and more tasks than fit into one answer were created in the same instant',
		{ hint: 'Look for a proxy or gateway in between that changes answers.' },
	);
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
