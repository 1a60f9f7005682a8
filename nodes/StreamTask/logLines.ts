import { isJsonObject, listOf } from '../client/json';

/** One log of a task; the service sends the whole of it again whenever it has grown. */
interface Log {
	readonly id: unknown;
	/** All of it, as it came last. */
	text: string;
	/** Its last line, as long as that may go on. */
	tail: string;
}

/** A log entry of the wire with the place it has among those of its type. */
interface Entry {
	readonly id: unknown;
	readonly place: string;
	readonly content: string;
	/** Whether another one of its type follows, so that its last line is over. */
	readonly closed: boolean;
}

/** End of a line; progress bars write over their line with `\r` alone. */
const LINE_END = /\r?\n|\r(?!$)/;
/** So much of the end of a log is looked for in one that no longer begins as it did. */
const ANCHOR_LENGTH = 500;

/** What a log has gained. Of an older view it has gained nothing. */
function gained(before: string, now: string): string {
	if (now.startsWith(before)) return now.slice(before.length);
	if (before.startsWith(now)) return '';
	// The service may keep only the end of a long log.
	const anchor = before.slice(-ANCHOR_LENGTH);
	const at = now.lastIndexOf(anchor);
	return at === -1 ? now : now.slice(at + anchor.length);
}

/** Reads both forms of logs: one text, or entries by type (API notes 3.4). */
function entriesOf(logs: unknown): readonly Entry[] {
	if (typeof logs === 'string') return [{ id: undefined, place: '', content: logs, closed: false }];
	const known = listOf(logs).flatMap((entry) => {
		const { id, log_type: type, content } = isJsonObject(entry) ? entry : { content: entry };
		return typeof content === 'string' ? [{ id, type: String(type), content }] : [];
	});
	const counts = new Map<string, number>();
	return known.map(({ id, type, content }, index) => {
		const number = (counts.get(type) ?? 0) + 1;
		counts.set(type, number);
		const closed = known.slice(index + 1).some((later) => later.type === type);
		return { id, place: `${type} ${number}`, content, closed };
	});
}

/**
 * Makes lines of a task's logs, each one once, although the service sends what it has sent before:
 * grown logs, and snapshots after every reconnect.
 */
export class LogLines {
	private readonly byPlace = new Map<string, Log>();
	private readonly byId = new Map<unknown, Log>();

	/** Whether a line has begun that may go on. */
	get unfinished(): boolean {
		return [...this.byPlace.values()].some(({ tail }) => tail !== '');
	}

	/** Takes the logs as they are now and returns the lines that are new and complete. */
	see(logs: unknown): string[] {
		return entriesOf(logs).flatMap((entry) => {
			const log = this.logOf(entry);
			const pieces = (log.tail + gained(log.text, entry.content)).split(LINE_END);
			if (!entry.content.startsWith(log.text) && log.text.startsWith(entry.content)) return [];
			log.text = entry.content;
			log.tail = entry.closed ? '' : (pieces.pop() ?? '');
			return pieces.filter((line) => line !== '');
		});
	}

	/** Ends the lines that have begun and returns them. What goes on after that is another line. */
	finish(): string[] {
		const lines: string[] = [];
		for (const log of this.byPlace.values()) {
			const line = log.tail.replace(/\r$/, '');
			if (line !== '') lines.push(line);
			log.tail = '';
		}
		return lines;
	}

	/** Entries are known by their id, or else by their place: partial updates may have no ids. */
	private logOf({ id, place }: Entry): Log {
		const placed = this.byPlace.get(place);
		const sameId = placed && (id === undefined || placed.id === undefined || placed.id === id);
		const log = (id === undefined ? undefined : this.byId.get(id)) ??
			(sameId ? placed : undefined) ?? { id, text: '', tail: '' };
		this.byPlace.set(place, log);
		if (id !== undefined) this.byId.set(id, log);
		return log;
	}
}
