import type { CancelSignal } from './cancelSignal';
import { path, type Api, type ApiCall } from './api';
import { readPieces } from './body';
import { Deadline } from './deadline';
import {
	ContactLostError,
	InferenceError,
	NetworkError,
	ProtocolError,
	RateLimitError,
	ServerError,
	StoppedError,
} from './errors';
import { isJsonObject, type JsonObject } from './json';
import { outcomeOf } from './outcome';
import type { QuietStream, QuietWatch } from './quietWatch';
import type { RetryContext } from './retry';
import { backoffDelay } from './retryTiming';
import type { Timings } from './settings';
import { EventDecoder, type StreamEvent } from './streamEvents';
import { mergeTask, taskFromWire, updatedFields, type Task, type TaskUpdate } from './task';
import { isTerminal, parseTaskStatus } from './taskStatus';

/** How the end of a task was learned. */
export type Via = 'submit' | 'stream' | 'poll';

/** Sees a task's life while it is followed. */
export interface TaskObserver {
	/** The named fields of the task have been set; they may have the value they had before. */
	changed?(task: Task, fields: readonly string[]): void;
	/** A stream of the task has opened; what an earlier one would have said may be lost. */
	opened?(): void;
	/** A piece of a model's answer that is not yet part of the output. */
	delta?(delta: JsonObject, seq: number | undefined): void;
}

export interface FollowContext extends RetryContext {
	readonly api: Api;
	readonly timings: Timings;
	readonly quiet: QuietWatch;
	readonly observer: TaskObserver;
	/** Whether the result must be the full object of `GET /tasks/{id}`. */
	readonly full: boolean;
}

/** A task at its end. */
export interface Followed {
	readonly task: Task;
	readonly via: Via;
	/** Whether its stream failed so often that polling took over. */
	readonly fellBack: boolean;
}

/**
 * Follows a task to its end down a ladder: stream; after any end of a stream without a terminal
 * status one `GET`, then a new stream; after repeated failures polling. A running task is paid
 * for, so nothing but a clear refusal, the item's time or a very long silence ends this.
 *
 * @throws InferenceError if the service refuses (4xx); ContactLostError; ProtocolError after
 * several unreadable answers in a row; the abort reason
 */
export function follow(task: Task, context: FollowContext): Promise<Followed> {
	return new Follower(task, context).run();
}

/** Whether the service clearly said no, so that asking again is pointless. */
function isRefusal(error: unknown): boolean {
	const passing = [NetworkError, ServerError, RateLimitError, ProtocolError, StoppedError];
	return error instanceof InferenceError && !passing.some((kind) => error instanceof kind);
}

/** Ends what belongs to a stream; made once, because every stream needs it. */
const STREAM_OVER = new StoppedError('the stream is over');

/** Answers in a row that contradict a terminal status before it is believed anyway. */
const DISAGREEMENTS = 5;

/** The events of a stream that tell something of its task. */
type TaskEvent = Extract<StreamEvent, { readonly kind: 'update' | 'delta' }>;

/** How a stream ended. */
type StreamEnd =
	| { readonly kind: 'terminal' }
	/** `news` tells whether it said anything that was not known. */
	| { readonly kind: 'broken'; readonly news: boolean };

class Follower {
	private task: Task;
	/** Whether the line or answer with the terminal status also carried what comes with it. */
	private outcomeKnown: boolean;
	private lastContact: number;
	private unreadable = 0;
	/** Whether the whole task has been read, not only what a submit answer or a stream tells. */
	private fullyRead = false;

	constructor(
		task: Task,
		private readonly context: FollowContext,
	) {
		this.task = task;
		this.outcomeKnown = task.terminal && carriesOutcome(task, task.wire);
		this.lastContact = context.clock.now();
	}

	async run(): Promise<Followed> {
		if (this.task.terminal && (this.complete || (await this.settled())))
			return { task: this.task, via: 'submit', fellBack: false };
		// Of a task that somebody else has started only the id is known.
		if (this.task.status === 'unknown' && (await this.refresh()) && (await this.settled())) {
			return { task: this.task, via: 'poll', fellBack: false };
		}
		const { follow: mode } = this.context.settings;
		if (mode !== 'poll') {
			const via = await this.streaming(mode === 'stream');
			if (via) return { task: this.task, via, fellBack: false };
		}
		await this.polling();
		return { task: this.task, via: 'poll', fellBack: mode !== 'poll' };
	}

	/** Streams until the task is over; gives up only if it may and keeps failing without news. */
	private async streaming(forever: boolean): Promise<Via | undefined> {
		const { timings, clock, signal } = this.context;
		let failures = 0;
		while (forever || failures < timings.streamFailures) {
			const end = await this.stream();
			if (end.kind === 'terminal' && (this.complete || (await this.settled()))) return 'stream';
			if ((await this.refresh()) && (await this.settled())) return 'poll';
			failures = end.kind === 'broken' && end.news ? 1 : failures + 1;
			await clock.delay(this.backoff(failures), signal);
		}
		this.context.log.debug(`Task ${this.task.id}: its stream keeps failing, polling instead`);
		return undefined;
	}

	private async polling(): Promise<void> {
		const { settings, timings, clock, signal } = this.context;
		const cap = Math.max(settings.pollIntervalMs, timings.pollCapMs);
		let interval = settings.pollIntervalMs;
		for (;;) {
			await clock.delay(interval * (0.9 + 0.2 * clock.random()), signal);
			if ((await this.pollOnce()) && (await this.settled())) return;
			interval = Math.min(cap, interval * 1.5);
		}
	}

	/** Asks for the status, and for the task itself only if that has changed something. */
	private async pollOnce(): Promise<boolean> {
		const status = await this.attempt(this.get('status'), (value) =>
			isJsonObject(value) && 'status' in value ? value : undefined,
		);
		if (!status) return false;
		const changed =
			parseTaskStatus(status['status']) !== this.task.status ||
			(status['updated_at'] ?? this.task.updatedAt) !== this.task.updatedAt;
		const observed = this.context.observer.changed !== undefined;
		if (!changed) return this.task.terminal;
		if (observed || this.context.full) return await this.refresh();
		this.apply({ data: status, fields: ['status', 'updated_at'] });
		return this.task.terminal;
	}

	/** Reads the whole task. Returns whether it is known to be over. */
	private async refresh(): Promise<boolean> {
		const fresh = await this.attempt(this.get(), taskFromWire);
		if (fresh) {
			this.apply({ data: fresh.wire });
			if (fresh.terminal) this.outcomeKnown = true;
			this.fullyRead = true;
		}
		return this.task.terminal;
	}

	/**
	 * Whether all of the result is known; asks for what is missing once the task is over. The
	 * service may tell the end of a task before it tells its output (API notes 11, row 7), and for
	 * a moment its answers may disagree: the terminal status is trusted.
	 */
	private async settled(): Promise<boolean> {
		if (!this.task.terminal) return false;
		const end = this.task;
		for (let failures = 1; !this.complete; failures += 1) {
			await this.refresh();
			if (this.complete) break;
			if (!this.task.terminal) {
				this.task = end;
				this.outcomeKnown = failures >= DISAGREEMENTS;
			}
			await this.context.clock.delay(this.backoff(failures), this.context.signal);
		}
		return true;
	}

	private get complete(): boolean {
		return this.outcomeKnown && (this.fullyRead || !this.context.full);
	}

	private async stream(): Promise<StreamEnd> {
		const { signal, log, quiet, clock, timings } = this.context;
		const scope = new Deadline(signal);
		const watched: QuietStream = {
			lastWord: clock.now(),
			patienceMs: timings.firstQuietCheckMs,
			onQuiet: () => {
				checked = true;
				void this.checkQuiet(watched, scope);
			},
		};
		let checked = false;
		quiet.add(watched);
		let news = false;
		const take = (event: TaskEvent) => {
			watched.lastWord = clock.now();
			news = this.take(event) || news;
		};
		const read = await outcomeOf(this.readStream(scope.signal, take));
		quiet.remove(watched);
		// The stream itself has ended or been let go: aborting it would only cost its connection.
		if (checked) scope.abort(STREAM_OVER);
		scope[Symbol.dispose]();
		if (!read.ok) {
			signal.throwIfAborted();
			if (isRefusal(read.error)) throw read.error;
			this.heed(read.error);
			log.debug(`Task ${this.task.id}: its stream broke (${String(read.error)})`);
		}
		return this.task.terminal ? { kind: 'terminal' } : { kind: 'broken', news };
	}

	private async readStream(signal: CancelSignal, take: (event: TaskEvent) => void): Promise<void> {
		const { api, observer } = this.context;
		const { body, contentType } = await api.open({ ...this.get('stream'), signal });
		this.contact();
		observer.opened?.();
		const decoder = new EventDecoder(contentType);
		/** Returns whether the stream has more to say. */
		const hear = (event: StreamEvent): boolean => {
			this.contact();
			if (event.kind === 'done' || event.kind === 'error') return false;
			if (event.kind === 'update' || event.kind === 'delta') take(event);
			return !this.task.terminal;
		};
		let open = true;
		await readPieces(body, (piece) => (open = decoder.push(piece).every(hear)));
		if (open) decoder.end().every(hear);
	}

	/** Takes in an event of the stream. Returns whether it said anything new. */
	private take(event: TaskEvent): boolean {
		if (event.kind === 'delta') {
			this.context.observer.delta?.(event.delta, event.seq);
			return true;
		}
		const { id } = event.update.data;
		if (typeof id === 'string' && id !== this.task.id) return false;
		return this.apply(event.update);
	}

	/**
	 * A task that was over before its stream began may never be mentioned on it, and a stream may
	 * go on beating without a word. So the status is asked for when nothing has been heard of the
	 * task for a while; if it is over, the stream is closed. If there is no answer, the stream's own
	 * limits decide.
	 */
	private async checkQuiet(watched: QuietStream, scope: Deadline): Promise<void> {
		watched.patienceMs = this.context.timings.quietCheckMs;
		const asked = this.context.api.send({ ...this.get('status'), signal: scope.signal });
		const answer = await outcomeOf(asked);
		if (!answer.ok || !isJsonObject(answer.value.value)) return;
		if (isTerminal(parseTaskStatus(answer.value.value['status']))) scope.abort(STREAM_OVER);
	}

	/** Merges an update. Returns whether it changed anything. */
	private apply(update: TaskUpdate): boolean {
		const { observer } = this.context;
		const fields = updatedFields(update);
		const before = this.task;
		const after = mergeTask(before, update);
		this.task = after;
		if (after.terminal) {
			this.outcomeKnown ||= carriesOutcome(after, fields.includes('output') ? update.data : {});
			// Nobody compares what nobody looks at.
			if (!observer.changed) return true;
		}
		const changed = fields.filter((name) => !same(before.wire[name], after.wire[name]));
		if (changed.length > 0) observer.changed?.(after, changed);
		return changed.some((name) => name !== 'updated_at');
	}

	private get(part?: 'status' | 'stream'): ApiCall {
		const { id } = this.task;
		const route = part === undefined ? path('tasks', id) : path('tasks', id, part);
		return { method: 'GET', path: route, signal: this.context.signal, taskId: id };
	}

	/**
	 * One request that may fail: whoever calls comes back later.
	 *
	 * @returns undefined if there was no usable answer
	 */
	private async attempt<T>(
		call: ApiCall,
		decode: (value: unknown) => T | undefined,
	): Promise<T | undefined> {
		const { api, signal, timings } = this.context;
		const asked = async () => {
			const reply = await api.send(call);
			const value = decode(reply.value);
			if (value === undefined) throw api.unexpected(call, reply);
			return value;
		};
		const answer = await outcomeOf(asked());
		if (answer.ok) {
			this.contact();
			this.unreadable = 0;
			return answer.value;
		}
		const { error } = answer;
		signal.throwIfAborted();
		if (isRefusal(error)) throw error;
		this.heed(error);
		this.unreadable = error instanceof ProtocolError ? this.unreadable + 1 : 0;
		if (this.unreadable >= timings.protocolErrors) throw error;
		this.throwIfContactLost(error);
		return undefined;
	}

	/** A 429 makes the whole account wait, but never gives up a task that is running. */
	private heed(error: unknown): void {
		if (!(error instanceof RateLimitError)) return;
		const { account, settings, statistics } = this.context;
		statistics.rateLimited += 1;
		account.pause(Math.min(error.retryAfterMs ?? settings.backoffBaseMs, settings.maxRetryAfterMs));
	}

	private contact(): void {
		this.lastContact = this.context.clock.now();
	}

	/** Only without a timeout: with one, the item's time decides. */
	private throwIfContactLost(cause: unknown): void {
		const { settings, clock, timings } = this.context;
		const silentMs = clock.now() - this.lastContact;
		if (settings.timeoutMs !== undefined || silentMs < timings.contactMs) return;
		throw new ContactLostError(
			`Nothing was heard of task ${this.task.id} for ${Math.round(silentMs / 60_000)} minutes`,
			{
				taskId: this.task.id,
				cause,
				hint: 'It may still be running and is not cancelled. Follow it again by its id.',
			},
		);
	}

	private backoff(attempt: number): number {
		const { settings, clock } = this.context;
		const bounds = { baseMs: settings.backoffBaseMs, capMs: settings.backoffCapMs };
		return backoffDelay(attempt, bounds, clock);
	}
}

function same(left: unknown, right: unknown): boolean {
	return left === right || JSON.stringify(left) === JSON.stringify(right);
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
