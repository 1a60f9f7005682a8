import { isJsonObject, listOf } from '../client/util/json';
import { shortened } from '../client/util/shortened';

/** End of a line; progress bars write over their line with `\r` alone. */
const LINE_END = /\r?\n|\r(?!$)/;
/** Longest line that is shown, in UTF-16 units; some apps print whole files. */
const LINE_LENGTH = 16_000;
/** So much of the beginning of a log is looked for in what was known of it. */
const HEAD_LENGTH = 20;

/**
 * Where `text`, which goes on, begins in `before`: the service may keep only the end of a long log.
 * Undefined if it is another text.
 */
function overlap(before: string, text: string): number | undefined {
	if (text.startsWith(before)) return 0;
	const head = text.slice(0, HEAD_LENGTH);
	for (let at = before.indexOf(head); at !== -1; at = before.indexOf(head, at + 1)) {
		if (text.startsWith(before.slice(at))) return at;
	}
	return undefined;
}

/** One log of a task; the service sends all of it again whenever it has grown. */
class Log {
	/** As it came last. */
	private text = '';
	/** The last line, as long as it may go on. */
	private tail = '';

	constructor(readonly id: unknown) {}

	get unfinished(): boolean {
		return this.tail !== '';
	}

	/** Takes the log as it is now and returns its new lines. */
	see(text: string): string[] {
		const before = this.text;
		// An older view has nothing new.
		if (before.startsWith(text)) return [];
		this.text = text;
		const at = overlap(before, text);
		if (at !== undefined) return this.add(text.slice(before.length - at));
		return [...this.finish(), ...this.add(text)];
	}

	/** Ends the last line. */
	finish(): string[] {
		const line = this.tail.replace(/\r$/, '');
		this.tail = '';
		return line === '' ? [] : [shortened(line, LINE_LENGTH)];
	}

	private add(text: string): string[] {
		const lines = (this.tail + text).split(LINE_END);
		this.tail = lines.pop() ?? '';
		return lines.filter((line) => line !== '').map((line) => shortened(line, LINE_LENGTH));
	}
}

/** A log as the wire has it. */
interface Entry {
	readonly id: unknown;
	/** Its type and its number among those of the type. */
	readonly place: string;
	readonly content: string;
	/** Whether another one of its type follows, so that its last line is over. */
	readonly closed: boolean;
}

/** Reads both forms of logs: one text, or entries by type (API notes 3.4). */
function entriesOf(logs: unknown): readonly Entry[] {
	const known = (typeof logs === 'string' ? [logs] : listOf(logs)).flatMap((entry) => {
		const { id, log_type: type, content } = isJsonObject(entry) ? entry : { content: entry };
		return typeof content === 'string' ? [{ id, type: String(type), content }] : [];
	});
	const last = new Map(known.map(({ type }, index) => [type, index]));
	const counts = new Map<string, number>();
	return known.map(({ id, type, content }, index) => {
		const number = (counts.get(type) ?? 0) + 1;
		counts.set(type, number);
		return { id, place: `${type} ${number}`, content, closed: last.get(type) !== index };
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
		return [...this.byPlace.values()].some((log) => log.unfinished);
	}

	/** Takes the logs as they are now and returns the lines that are new and complete. */
	see(logs: unknown): string[] {
		return entriesOf(logs).flatMap((entry) => {
			const log = this.logOf(entry);
			const lines = log.see(entry.content);
			return entry.closed ? [...lines, ...log.finish()] : lines;
		});
	}

	/** Ends the lines that have begun and returns them. What goes on after that is another line. */
	finish(): string[] {
		return [...this.byPlace.values()].flatMap((log) => log.finish());
	}

	/** Entries are known by their id, or else by their place: partial updates may have no ids. */
	private logOf({ id, place }: Entry): Log {
		const placed = this.byPlace.get(place);
		const fits = id === undefined || placed?.id === undefined || placed.id === id;
		const log = this.byId.get(id) ?? (fits ? placed : undefined) ?? new Log(id);
		this.byPlace.set(place, log);
		if (id !== undefined) this.byId.set(id, log);
		return log;
	}
}
