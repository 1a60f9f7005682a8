import type { Clock } from '../client/util/clock';
import { DeltaAccumulator, responseText } from '../client/follow/deltas';
import type { TaskObserver } from '../client/tasks/followTask';
import { isJsonObject, sameJson, type JsonObject } from '../client/util/json';
import { outcomeOf } from '../client/util/outcome';
import type { Task } from '../client/tasks/task';
import type { TaskStatus } from '../client/tasks/taskStatus';
import { answerText } from '../shared/output/answerText';
import { LogLines } from './logLines';

/** What is new of a task. */
export interface News {
	readonly status?: TaskStatus;
	/** New lines only. */
	readonly logs?: readonly string[];
	/** All of the answer so far. */
	readonly text?: string;
	readonly output?: unknown;
}

/** What has changed of a task since the update before. */
export interface Update extends Omit<News, 'status'> {
	readonly id: string;
	/** From 1 up, without gaps. */
	readonly seq: number;
	readonly status: TaskStatus;
	/** When this was known here, ISO 8601. */
	readonly at: string;
	/** Names of the fields that are new. */
	readonly changed: ReadonlyArray<keyof News>;
}

/** Whom a feed tells. */
export interface FeedListener {
	/** At intervals of at least `minIntervalMs`, and at the end. */
	update(update: Update): void;
	/** The answer so far, which may be another one than before. */
	text(text: string): void;
	/** A piece has been added to the answer; `text` is all of it. */
	more(piece: string, text: string): void;
	/** New log lines, as soon as they are complete. */
	lines(lines: readonly string[]): void;
}

export interface FeedOptions {
	readonly minIntervalMs: number;
	/** Whether the task may have begun before anybody listened. */
	readonly late: boolean;
	readonly clock: Clock;
}

const NEWS_FIELDS = ['status', 'logs', 'text', 'output'] as const;
/** A line without an end is shown when nothing has come after it for so long. */
const LINE_PATIENCE_MS = 1_000;

/** Before completion outputs may be null or empty (API notes 3.3). */
function hasOutput({ output, status }: Task): boolean {
	if (output === undefined || output === null) return false;
	return status === 'completed' || !isJsonObject(output) || Object.keys(output).length > 0;
}

/** Makes updates of what is seen of one task. */
export class TaskFeed implements Required<TaskObserver> {
	private seq = 0;
	private publishedAt = -Infinity;
	/** The last that was published of each field. */
	private told: News = { status: 'unknown' };
	/** Lines that have not been published. */
	private lines: string[] = [];
	private loggedAt = 0;
	private streams = 0;
	private alarm: { readonly at: number; readonly off: AbortController } | undefined;
	private readonly log = new LogLines();
	private readonly deltas: DeltaAccumulator;

	constructor(
		private task: Task,
		private readonly options: FeedOptions,
		private readonly listener: FeedListener,
	) {
		this.deltas = new DeltaAccumulator(options.late ? 'late' : 'whole');
		this.changed(task, Object.keys(task.wire));
	}

	get id(): string {
		return this.task.id;
	}

	changed(task: Task, fields: readonly string[]): void {
		this.task = task;
		if (fields.includes('logs')) {
			this.loggedAt = this.options.clock.now();
			this.tellLines(this.log.see(task.wire['logs']));
		}
		if (fields.includes('output')) {
			this.deltas.reset(responseText(task.output) ?? '');
			this.tellText();
		}
		this.due();
	}

	opened(): void {
		this.streams += 1;
		if (this.streams > 1) this.deltas.resume();
	}

	delta(delta: JsonObject, seq: number | undefined): void {
		const piece = this.deltas.push(delta, seq);
		if (piece !== '') this.tellMore(piece);
		this.due();
	}

	/** Publishes what is left. Following may be taken up again after that. */
	end(): void {
		this.alarm?.off.abort();
		this.alarm = undefined;
		this.tellLines(this.log.finish());
		this.tellText();
		this.publish();
	}

	/** The final output is the authority, deltas are not. */
	private get text(): string | undefined {
		const { output, status } = this.task;
		const answer =
			status === 'completed' ? (responseText(output) ?? answerText(output)) : undefined;
		return answer ?? this.deltas.text;
	}

	private tellText(): void {
		const { text } = this;
		if (text !== undefined) this.listener.text(text);
	}

	private tellMore(piece: string): void {
		const { text } = this;
		if (text !== undefined) this.listener.more(piece, text);
	}

	private tellLines(lines: readonly string[]): void {
		if (lines.length === 0) return;
		for (const line of lines) this.lines.push(line);
		this.listener.lines(lines);
	}

	/** Publishes now or as soon as the interval allows. The end is told once, by `end`. */
	private due(): void {
		if (this.task.terminal) return;
		const { clock, minIntervalMs } = this.options;
		const now = clock.now();
		const next = this.publishedAt + minIntervalMs;
		const patience = this.loggedAt + LINE_PATIENCE_MS;
		if (patience <= now) this.tellLines(this.log.finish());
		if (next <= now) this.publish();
		else this.wake(next);
		if (this.log.unfinished) this.wake(patience);
	}

	private wake(at: number): void {
		if (this.alarm && this.alarm.at <= at) return;
		this.alarm?.off.abort();
		const { clock } = this.options;
		const alarm = { at, off: new AbortController() };
		this.alarm = alarm;
		void outcomeOf(clock.delay(at - clock.now(), alarm.off.signal)).then(() => {
			if (this.alarm !== alarm) return;
			this.alarm = undefined;
			this.due();
		});
	}

	private news(): News {
		const { task, told, text, lines } = this;
		const { status, output } = task;
		// While pieces come again after a reconnect, the text is shorter than it was.
		const grown = text !== undefined && (task.terminal || !told.text?.startsWith(text));
		return {
			...(status !== told.status && { status }),
			...(lines.length > 0 && { logs: lines }),
			...(grown && text !== told.text && { text }),
			...(hasOutput(task) && !sameJson(output, told.output) && { output }),
		};
	}

	private publish(): void {
		const news = this.news();
		const changed = NEWS_FIELDS.filter((name) => news[name] !== undefined);
		if (changed.length === 0) return;
		const { id, status } = this.task;
		this.seq += 1;
		this.publishedAt = this.options.clock.now();
		this.told = { ...this.told, ...news };
		this.lines = [];
		const at = new Date(this.publishedAt).toISOString();
		this.listener.update({ id, seq: this.seq, status, at, changed, ...news });
	}
}
