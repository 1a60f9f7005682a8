import type { IDataObject } from 'n8n-workflow';
import { isJsonObject } from '../client/util/json';
import { hashOf } from './hash';

/**
 * For how long after the newest task the list is read again: tasks may be shown late, and the machines
 * that stamp them may differ in their clocks.
 */
export const OVERLAP_MS = 120_000;
/** Ends that are remembered, 16 characters each; of more the oldest go, and with them the overlap. */
const MOST_DONE = 6_000;
/** Where they cannot go, this many are the end. */
const MOST_CROWDED = 8_000;
/** Characters that the ids of unfinished tasks may take. */
const ROOM_FOR_OPEN = 110_000;

const HASH_LENGTH = 8;
const TIME_LENGTH = 8;
const RECORD_LENGTH = HASH_LENGTH + TIME_LENGTH;
const LATEST_TIME = 36 ** TIME_LENGTH - 1;
/** Stands behind the id of a task that was not there when it was looked for. */
const MISSED = '!';

/** What the watch needs to know of a task in the list. */
export interface WatchedTask {
	readonly id: string;
	/** When it was created by the service's clock, ms; undefined if that is not told. */
	readonly createdAt: number | undefined;
	readonly hasEnded: boolean;
	/** Whether somebody wants to be told of this end. */
	readonly isWanted: boolean;
}

/**
 * What is known of an account's tasks, so that each end is told once.
 *
 * The list is read by creation from `since` to its end, which may take several looks, and then again
 * from a while before what was its end when that reading began: whatever has turned up meanwhile was
 * created after that. What was created before `floor` is known: it has ended, or it is in `open`. Of
 * what was created later, `done` has the ends. All times are those that the service has stamped its
 * tasks with; no clock of ours is compared with them.
 */
export class KnownTasks {
	/** Hash of the id → when it was created. */
	private readonly done = new Map<string, number>();
	/** Id → whether it was not there the last time. Those that were looked at last come last. */
	private readonly open = new Map<string, boolean>();
	private openLength = 0;
	private since: number | undefined;
	private floor: number | undefined;
	/** The newest task when this reading of the list began. */
	private reached: number | undefined;
	private cursorThere: string | undefined;
	private lastSeen: string | undefined;
	/** Creation of the oldest unfinished task that there was no room for. */
	private heldBack = Infinity;

	/** @param newest when the newest task was created that is there already; undefined if there is none */
	constructor(newest: number | undefined) {
		this.reached = newest;
		this.since = newest === undefined ? undefined : newest - OVERLAP_MS;
		this.floor = this.since;
	}

	/** @returns undefined if it is not what `saved` gives */
	static from(data: unknown): KnownTasks | undefined {
		if (!isJsonObject(data)) return undefined;
		const { since, floor, reached, cursor, done, open, seen } = data;
		if (typeof done !== 'string' || typeof open !== 'string') return undefined;
		const known = new KnownTasks(timeIn(reached));
		known.since = timeIn(since);
		known.floor = timeIn(floor);
		known.cursorThere = typeof cursor === 'string' ? cursor : undefined;
		known.lastSeen = typeof seen === 'string' ? seen : undefined;
		for (let at = 0; at + RECORD_LENGTH <= done.length; at += RECORD_LENGTH) {
			const time = done.slice(at + HASH_LENGTH, at + RECORD_LENGTH);
			known.done.set(done.slice(at, at + HASH_LENGTH), parseInt(time, 36));
		}
		for (const entry of open.split(' ')) {
			const isMissed = entry.endsWith(MISSED);
			const id = isMissed ? entry.slice(0, -1) : entry;
			if (id !== '') known.addOpen(id, isMissed, Infinity);
		}
		return known;
	}

	/** All of it as n8n saves it. */
	saved(): IDataObject {
		const done = [...this.done].map(([hash, at]) => {
			const time = Math.max(0, Math.min(at, LATEST_TIME)).toString(36);
			return hash + time.padStart(TIME_LENGTH, '0');
		});
		const open = [...this.open].map(([id, isMissed]) => (isMissed ? id + MISSED : id));
		return {
			since: this.since ?? null,
			floor: this.floor ?? null,
			reached: this.reached ?? null,
			cursor: this.cursorThere ?? null,
			seen: this.lastSeen ?? null,
			done: done.join(''),
			open: open.join(' '),
		};
	}

	/** Where the list is read from; undefined: from its beginning. */
	get from(): number | undefined {
		return this.since;
	}

	/** Where to go on among tasks of one instant that was not read to its end. */
	get cursor(): string | undefined {
		return this.cursorThere;
	}

	/** Tasks that had not ended when they were looked at last, those first that were not looked at for longest. */
	get unfinished(): readonly string[] {
		return [...this.open.keys()];
	}

	/** Whether no further end can be remembered until unfinished tasks have ended. */
	get isCrowded(): boolean {
		return this.done.size >= MOST_CROWDED;
	}

	/** A task of the account, whatever became of it; undefined if there was none. */
	get witness(): string | undefined {
		return this.lastSeen;
	}

	/**
	 * Takes in a task as it is now.
	 *
	 * @param at when it was created, or is taken to have been
	 * @returns whether somebody has to be told of its end
	 */
	take(task: WatchedTask, at: number): boolean {
		const { id, hasEnded, isWanted } = task;
		this.lastSeen = id;
		const isPast = this.floor !== undefined && at < this.floor;
		if (this.open.has(id)) {
			this.removeOpen(id);
			if (!hasEnded) this.addOpen(id, false, Infinity);
			else if (!isPast) this.done.set(hashOf(id), at);
			return hasEnded && isWanted;
		}
		if (isPast) return false;
		const hash = hashOf(id);
		if (this.done.has(hash)) return false;
		if (hasEnded) {
			if (isWanted) this.done.set(hash, at);
			return isWanted;
		}
		if (!this.addOpen(id)) this.heldBack = Math.min(this.heldBack, at);
		return false;
	}

	/** Takes back that somebody has been told of an end: it is going to be found again. */
	putBack(id: string): void {
		this.done.delete(hashOf(id));
		this.addOpen(id, false, Infinity);
	}

	/** Takes in that an unfinished task is not there: once may be a lag of the service. */
	miss(id: string): void {
		const isMissed = this.open.get(id) === true;
		this.removeOpen(id);
		if (!isMissed) this.addOpen(id, true, Infinity);
	}

	/** The list is going to be read on at a cursor, or if there is none from where it was read the last time. */
	stay(cursor: string | undefined): void {
		this.cursorThere = cursor;
	}

	/**
	 * The list has been read up to here, and goes on: what follows was not created before.
	 *
	 * @param position where to go on
	 * @param newest creation of the last task that was read
	 */
	cutAt(position: number, newest: number): void {
		this.cursorThere = undefined;
		this.since = Math.min(position, this.heldBack);
		this.forget(newest);
	}

	/** What was there when the watch began is not told, although there was no time to read all of it. */
	leaveOut(): void {
		this.cursorThere = undefined;
		if (this.reached === undefined) return;
		this.raiseFloor(this.reached);
		this.since = this.floor;
	}

	/** The list has been read to its end; its newest task was created then. */
	readTo(newest: number | undefined): void {
		this.cursorThere = undefined;
		this.forget();
		this.since = this.floor;
		this.reached = newest;
	}

	/**
	 * Forgets ends that are not going to be read again.
	 *
	 * @param readTo what was created later has still to be read
	 */
	private forget(readTo = Infinity): void {
		const { reached, heldBack, done } = this;
		if (reached === undefined) return;
		this.raiseFloor(Math.min(Math.min(reached, heldBack) - OVERLAP_MS, readTo));
		if (done.size <= MOST_DONE) return;
		const times = [...done.values()].sort((left, right) => left - right);
		const newestToGo = times.at(-MOST_DONE - 1) ?? 0;
		// Of the last instant there may be more to come.
		this.raiseFloor(Math.min(newestToGo + 1, times.at(-1) ?? 0, heldBack, readTo));
	}

	private raiseFloor(floor: number): void {
		if (this.floor !== undefined && floor <= this.floor) return;
		this.floor = floor;
		for (const [hash, at] of this.done) if (at < floor) this.done.delete(hash);
	}

	private addOpen(id: string, isMissed = false, room = ROOM_FOR_OPEN): boolean {
		if (this.openLength + id.length > room) return false;
		this.open.set(id, isMissed);
		this.openLength += id.length + 2;
		return true;
	}

	private removeOpen(id: string): void {
		if (this.open.delete(id)) this.openLength -= id.length + 2;
	}
}

/** A time that was saved; undefined if it is none. */
function timeIn(value: unknown): number | undefined {
	return typeof value === 'number' && Math.abs(value) <= LATEST_TIME ? value : undefined;
}

/** The later one of two times; undefined is before all of them. */
export function later(left: number | undefined, right: number | undefined): number | undefined {
	if (left === undefined || right === undefined) return left ?? right;
	return Math.max(left, right);
}
