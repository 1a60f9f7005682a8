import { isJsonObject, listOf } from '../client/util/json';
import { shortened } from '../client/util/shortened';

/** End of a line; progress bars write over their line with `\r` alone. */
const LINE_END = /\r?\n|\r(?!$)/;
/** Longest line that is shown, in UTF-16 units; some apps print whole files. */
const LINE_LENGTH = 16_000;
/** A shorter end of one log is at the beginning of another one by chance. */
const LEAST_OVERLAP = 20;

/**
 * How much of the beginning of `text`, which goes on, is the end of `before`: the service may keep
 * only the end of a long log. Undefined if it is another text.
 *
 * In one pass, after Knuth, Morris and Pratt: a log may repeat itself in every line.
 */
function overlap(before: string, text: string): number | undefined {
	if (text.startsWith(before)) return before.length;
	const most = Math.min(before.length, text.length);
	/** How much of the beginning of `text` comes again just before each place in it. */
	const again = new Int32Array(most + 1);
	/** How much of the beginning there is, if there was so much of it before the next character. */
	const grown = (length: number, next: number): number => {
		let fits = length;
		while (fits > 0 && (fits === most || text.charCodeAt(fits) !== next)) fits = again[fits] ?? 0;
		return text.charCodeAt(fits) === next ? fits + 1 : 0;
	};
	for (let at = 1; at < most; at += 1) {
		again[at + 1] = grown(again[at] ?? 0, text.charCodeAt(at));
	}
	let known = 0;
	for (let at = before.length - most; at < before.length; at += 1) {
		known = grown(known, before.charCodeAt(at));
	}
	return known >= Math.min(LEAST_OVERLAP, text.length) ? known : undefined;
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
		const known = overlap(before, text);
		if (known !== undefined) return this.add(text.slice(known));
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
	/** Those with a line that has begun and may go on. */
	private readonly open = new Set<Log>();

	/** Whether a line has begun that may go on. */
	get unfinished(): boolean {
		return this.open.size > 0;
	}

	/** Takes the logs as they are now and returns the lines that are new and complete. */
	see(logs: unknown): string[] {
		return entriesOf(logs).flatMap((entry) => {
			const log = this.logOf(entry);
			const lines = log.see(entry.content);
			if (entry.closed) lines.push(...log.finish());
			if (log.unfinished) this.open.add(log);
			else this.open.delete(log);
			return lines;
		});
	}

	/** Ends the lines that have begun and returns them. What goes on after that is another line. */
	finish(): string[] {
		const lines = [...this.open].flatMap((log) => log.finish());
		this.open.clear();
		return lines;
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
