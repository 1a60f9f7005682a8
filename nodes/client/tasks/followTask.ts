import { path } from '../api/api';
import type { RemoteWork } from '../errors';
import { sameJson, type JsonObject } from '../util/json';
import {
	DISAGREEMENTS,
	followToEnd,
	type Ask,
	type NewsEvent,
	type Reached,
	type Subject,
	type SubjectState,
} from '../follow/follower';
import { Stillness } from '../follow/stillness';
import { endedStrangely, showsEnd, strangeStatus } from './strangeEnd';
import { mergeTask, taskFromWire, type Task } from './task';
import { isTerminal, parseTaskStatus } from './taskStatus';
import { updatedFields, type Update } from '../follow/update';
import type { ItemContext } from '../api/itemTime';

/** How the end of a task was learned. */
export type Via = Reached['via'];

/** Sees a task's life while it is followed. */
export interface TaskObserver {
	/** The named fields of the task have been set; they may have the value they had before. */
	changed?(task: Task, fields: readonly string[]): void;
	/** A stream of the task has opened; what an earlier one would have said may be lost. */
	opened?(): void;
	/** A piece of a model's answer that is not yet part of the output. */
	delta?(delta: JsonObject, seq: number | undefined): void;
}

export interface FollowContext extends ItemContext {
	readonly observer: TaskObserver;
	/** Told of each new status; unlike an observer's `changed` it costs no request while polling. */
	readonly onStatus?: ((task: Task) => void) | undefined;
	/** Whether the result must be the full object of `GET /tasks/{id}`. */
	readonly full: boolean;
	/** Whether the service is known to have the task. */
	readonly accepted: boolean;
}

/** A task at its end. */
export interface Followed extends Reached {
	readonly task: Task;
}

/**
 * Follows a task to its end. A running task is paid for, so nothing but the item's time, a very long
 * silence or a steady refusal ends this.
 *
 * @throws what `followToEnd` throws
 */
export async function followTask(task: Task, context: FollowContext): Promise<Followed> {
	const subject = new TaskSubject(task, context);
	if (subject.state === 'complete') return { task, via: 'submit', fellBack: false };
	const reached = await followToEnd(subject, context);
	return { ...reached, task: subject.task };
}

class TaskSubject implements Subject {
	readonly about: RemoteWork;
	readonly route: string;
	/** Whether the line or answer with the terminal status also carried what comes with it. */
	private outcomeKnown: boolean;
	/** Whether the whole task has been read, not only what a submit answer or a stream tells. */
	private fullyRead = false;
	private disagreements = 0;
	/** The unknown status with which the whole task was read last. */
	private strangeWhenRead: string | undefined;
	/** Of the task with an unknown status and a sign of its end. */
	private readonly stillness = new Stillness();

	constructor(
		public task: Task,
		private readonly context: FollowContext,
	) {
		this.about = { kind: 'task', id: task.id };
		this.route = path('tasks', task.id);
		this.outcomeKnown = task.terminal && carriesOutcome(task, task.wire);
	}

	/** Doubtful: with a status that nobody knows, it may have ended. */
	get state(): SubjectState {
		const { terminal, wire } = this.task;
		if (terminal) {
			const complete = this.outcomeKnown && (this.fullyRead || !this.context.full);
			return complete ? 'complete' : 'over';
		}
		if (this.mayHaveEnded(strangeStatus(wire))) return 'doubtful';
		// Of a task that somebody else has started only the id is known at first.
		return (wire['status'] ?? wire['status_text'] ?? undefined) === undefined
			? 'unread'
			: 'running';
	}

	/** @param strange its status, if nobody knows it */
	private mayHaveEnded(strange: string | undefined): boolean {
		if (strange === undefined) return false;
		return strange !== this.strangeWhenRead || showsEnd(this.task.wire);
	}

	get seen(): boolean {
		return this.context.accepted || this.state !== 'unread';
	}

	take(event: NewsEvent): boolean {
		if (event.kind === 'delta') {
			this.context.observer.delta?.(event.delta, event.seq);
			return true;
		}
		if (this.isOfAnother(event.update.data)) return false;
		return this.apply(event.update);
	}

	/** Whether something says that it is of another task. */
	private isOfAnother({ id }: JsonObject): boolean {
		return (typeof id === 'string' || typeof id === 'number') && String(id) !== this.about.id;
	}

	opened(): void {
		this.context.observer.opened?.();
	}

	/**
	 * The service may tell the end of a task before it tells its output (API notes 11, row 7), and
	 * for a moment its answers may disagree: the terminal status is trusted.
	 */
	async refresh(ask: Ask): Promise<void> {
		const end = this.task.terminal ? this.task : undefined;
		const fresh = await ask({ method: 'GET', path: this.route }, (value) => {
			const task = taskFromWire(value);
			return task?.id === this.about.id ? task : undefined;
		});
		if (fresh) {
			this.apply({ data: fresh.wire });
			if (fresh.terminal) this.outcomeKnown = true;
			this.fullyRead = true;
			this.lookForStrangeEnd();
		}
		if (!end || !fresh) return;
		this.disagreements += 1;
		if (this.task.terminal) return;
		this.task = end;
		this.outcomeKnown = this.disagreements >= DISAGREEMENTS;
	}

	/** Ends a task whose status nobody knows, if it shows a sign of its end and stays as it is. */
	private lookForStrangeEnd(): void {
		const { task } = this;
		const { clock, timings } = this.context;
		const strange = strangeStatus(task.wire);
		this.strangeWhenRead = strange;
		if (strange === undefined || !showsEnd(task.wire)) {
			this.stillness.end();
			return;
		}
		if (this.stillness.lastsFor(task.wire, clock.now()) < timings.stillMs) return;
		this.task = endedStrangely(task, strange);
		this.outcomeKnown = true;
	}

	polled(status: JsonObject): boolean {
		if (this.isOfAnother(status)) return true;
		if (strangeStatus(status) !== undefined) return true;
		const changed =
			parseTaskStatus(status['status']) !== this.task.status ||
			(status['updated_at'] ?? this.task.updatedAt) !== this.task.updatedAt;
		if (!changed) return false;
		if (this.context.observer.changed || this.context.full) return true;
		this.apply({ data: status, fields: ['status', 'updated_at'] });
		return false;
	}

	mayBeOver(status: JsonObject): boolean {
		const strange = strangeStatus(status);
		return isTerminal(parseTaskStatus(status['status'])) || this.mayHaveEnded(strange);
	}

	/** Merges an update. Returns whether it changed anything. */
	private apply(update: Update): boolean {
		const { observer } = this.context;
		const before = this.task;
		const after = mergeTask(before, update);
		this.task = after;
		if (after.status !== before.status) this.context.onStatus?.(after);
		if (after.terminal) {
			const { data, fields: named } = update;
			this.outcomeKnown ||= carriesOutcome(after, named?.includes('output') === false ? {} : data);
			// Nobody compares what nobody looks at.
			if (!observer.changed) return true;
		}
		const changed = updatedFields(update).filter(
			(name) => !sameJson(before.wire[name], after.wire[name]),
		);
		if (changed.length > 0) observer.changed?.(after, changed);
		return changed.some((name) => name !== 'updated_at');
	}
}

/**
 * Whether what comes with a terminal status is known. An output is only believed if it came with
 * or after the terminal status: earlier ones may be unfinished. An error is believed whenever it
 * came (the official SDK loses those that come early).
 */
function carriesOutcome(task: Task, carrier: JsonObject): boolean {
	if (task.status === 'cancelled') return true;
	if (task.status === 'failed') return task.error !== undefined;
	return carrier['output'] !== undefined && carrier['output'] !== null;
}
