import type { ApiCall } from '../api/api';
import { readPieces } from '../transport/body';
import { connectionLimits } from '../transport/connectionLimits';
import type { CancelSignal } from '../util/cancelSignal';
import { Deadline } from '../util/deadline';
import {
	ContactLostError,
	FollowingRefusedError,
	InferenceError,
	NotFoundError,
	StoppedError,
	type RemoteWork,
} from '../errors';
import { isJsonObject, type JsonObject } from '../util/json';
import { AnswerTooLargeError, isOutOfHandles } from '../transport/transport';
import type { Release } from '../util/keyedQueue';
import { outcomeOf } from '../util/outcome';
import type { ItemContext } from '../api/itemTime';
import { isRefusal } from '../api/refusals';
import { pauseForRate } from '../api/retry';
import { backoffDelay } from '../api/retryTiming';
import { messageOf } from '../util/errorMessage';
import { StreamPulse } from './pulse';
import { EventDecoder, type StreamEvent } from './streamEvents';

/** A request of something that is followed; the follower adds the rest. */
export type Question = Pick<ApiCall, 'method' | 'path' | 'body'>;

/** Asks once; undefined if there was no usable answer, and whoever asked comes back later. */
export type Ask = <T>(
	question: Question,
	decode: (value: unknown) => T | undefined,
) => Promise<T | undefined>;

/** The events of a stream that tell something of its subject. */
export type NewsEvent = Extract<StreamEvent, { readonly kind: 'update' | 'delta' }>;

/** How something that is followed stands, as far as it is known. */
export type SubjectState =
	/** Nothing is known of it but its id, so that it is read first. */
	| 'unread'
	| 'running'
	/** What its stream has said so far may be old, so that its status is asked for at once. */
	| 'doubtful'
	/** It is over, but not all of its result is known. */
	| 'over'
	/** It is over, and all of its result is known. */
	| 'complete';

/** Answers in a row that contradict an end before it is believed anyway. */
export const DISAGREEMENTS = 5;

function isOver(state: SubjectState): boolean {
	return state === 'over' || state === 'complete';
}

/** Something at the service that is followed to its end. */
export interface Subject {
	/** What it is; errors name it. */
	readonly about: RemoteWork;
	/** Where it is; `/status` and `/stream` are below it. */
	readonly route: string;
	/** Where its status is, if not below its route. */
	readonly statusRoute?: string;
	readonly state: SubjectState;
	/** Whether the service is known to have it, so that a refusal is not believed at once. */
	readonly seen: boolean;
	/** Takes in an event of the stream. Returns whether it said anything new. */
	take(event: NewsEvent): boolean;
	/** Reads it by requests. */
	refresh(ask: Ask): Promise<void>;
	/** Whether a status answer gives reason to read it. */
	polled(status: JsonObject): boolean;
	/** Whether a status answer may mean that its stream has no more to tell. */
	mayBeOver(status: JsonObject): boolean;
	/** A stream has opened; what an earlier one would have said may be lost. */
	opened(): void;
}

/** How the end was learned. */
export interface Reached {
	readonly via: 'submit' | 'stream' | 'poll';
	/** Whether the stream failed so often that polling took over. */
	readonly fellBack: boolean;
}

/** Ends the polling of what waits for a place for its stream. */
const ITS_TURN = new StoppedError('there is a place for its stream');

/** Those that wait for a place ask this far from each other in the end, ms. */
const POLL_APART_MS = 10;

/** Ends what belongs to a stream; made once, because every stream needs it. */
const STREAM_OVER = new StoppedError('the stream is over');

/**
 * Follows something to its end: by a stream; after any end of a stream that does not tell the end,
 * by a look and then a new stream; after repeated failures of streams by polling. Nothing but the
 * item's time, a very long silence, or a refusal that has stood for a while ends this; only what
 * nobody here has seen may be refused at once.
 *
 * @throws FollowingRefusedError of what has been seen, as a clause that follows its name;
 * ContactLostError; the refusal itself of what has not been seen; what the subject throws; the abort
 * reason
 */
export function followToEnd(subject: Subject, context: ItemContext): Promise<Reached> {
	return new Follower(subject, context).run();
}

function isTooLarge(error: unknown): boolean {
	return error instanceof InferenceError && error.cause instanceof AnswerTooLargeError;
}

class Follower {
	private readonly since: number;
	private lastContact: number;
	/** Requests without a usable answer. */
	private failedAsks = 0;
	/** Whether the last stream was let go because its subject's status was refused. */
	private refusedWhileQuiet = false;
	/** Whether this process had no file handle for the last stream. */
	private lackedHandle = false;
	/** Whether its subject was seen at work while the last stream was quiet. */
	private ranWhileQuiet = false;

	constructor(
		private readonly subject: Subject,
		private readonly context: ItemContext,
	) {
		this.since = context.clock.now();
		this.lastContact = this.since;
	}

	async run(): Promise<Reached> {
		if (this.ended || (this.isOver && (await this.fetchMissingResult()))) {
			return { via: 'submit', fellBack: false };
		}
		if (this.subject.state === 'unread') {
			await this.refresh();
			if (await this.fetchMissingResult()) return { via: 'poll', fellBack: false };
		}
		const { follow: mode } = this.context.settings;
		if (mode !== 'poll') {
			const via = await this.streaming(mode === 'stream');
			if (via) return { via, fellBack: false };
		}
		await this.polling(this.context.signal);
		return { via: 'poll', fellBack: mode !== 'poll' };
	}

	/** Streams until the end; gives up only if it may and keeps failing without news. */
	private async streaming(forever: boolean): Promise<Reached['via'] | undefined> {
		const { timings, clock, signal, log } = this.context;
		const { streams } = connectionLimits;
		let failures = 0;
		while (forever || failures < timings.streamFailures) {
			const place = streams.tryTake() ?? (await this.pollUntilPlace());
			if (!place) return 'poll';
			const news = await this.stream(place);
			if (this.ended || (await this.fetchMissingResult())) return 'stream';
			if (this.lackedHandle) {
				await clock.delay(this.backoff(1), signal);
				continue;
			}
			await this.refresh();
			if (await this.fetchMissingResult()) return 'poll';
			// What is asked while its stream is held back is known sooner than by polling.
			if (news || this.refusedWhileQuiet || this.ranWhileQuiet) failures = 1;
			// What is refused as a whole is not the stream's fault.
			else if (!this.isRefused) failures += 1;
			await clock.delay(this.backoff(failures), signal);
		}
		log.debug(`Following ${this.name}: its stream keeps failing, polling instead`);
		return undefined;
	}

	/** Polls until there is a place for a stream; undefined if the end comes first. */
	private async pollUntilPlace(): Promise<Release | undefined> {
		const waiting = new Deadline(this.context.signal);
		let place: Release | undefined;
		let isOver = false;
		void outcomeOf(connectionLimits.streams.take(waiting.signal)).then((taken) => {
			if (!taken.ok) return;
			if (isOver) return taken.value();
			place = taken.value;
			waiting.abort(ITS_TURN);
		});
		const polled = await outcomeOf(this.polling(waiting.signal));
		isOver = true;
		waiting[Symbol.dispose]();
		if (!polled.ok && polled.error === ITS_TURN) return place;
		waiting.abort(ITS_TURN);
		place?.();
		if (!polled.ok) throw polled.error;
		return undefined;
	}

	/** @param signal ends it, but for a question that is asked */
	private async polling(signal: CancelSignal): Promise<void> {
		const { settings, timings, clock } = this.context;
		let interval = settings.pollIntervalMs;
		for (;;) {
			const wait = interval * (0.9 + 0.2 * clock.random());
			await clock.delay(this.isRefused ? Math.min(wait, this.backoff(1)) : wait, signal);
			const status = await this.ask(this.get('/status'), (value) =>
				isJsonObject(value) && 'status' in value ? value : undefined,
			);
			if (status ? this.polled(status) : this.isRefused) await this.refresh();
			if (await this.fetchMissingResult()) return;
			const crowdMs = connectionLimits.streams.waiting * POLL_APART_MS;
			const cap = Math.max(settings.pollIntervalMs, timings.pollCapMs, crowdMs);
			interval = Math.min(cap, interval * 1.5);
		}
	}

	/** Such as `chat x`. */
	private get name(): string {
		const { kind, id } = this.subject.about;
		return `${kind} ${id}`;
	}

	/** Whether there is nothing left to ask, which spares the thousands of usual ends a promise. */
	private get ended(): boolean {
		return this.subject.state === 'complete';
	}

	private get isOver(): boolean {
		return isOver(this.subject.state);
	}

	/** Whether the last that was said of it is that it cannot be shown. */
	private get isRefused(): boolean {
		return this.context.refusals.last !== undefined;
	}

	/** Takes in a status answer. Returns whether it gives reason to read more. */
	private polled(status: JsonObject): boolean {
		// If it is over, what counts is whether its result is shown.
		if (!this.subject.mayBeOver(status)) this.shown();
		return this.subject.polled(status);
	}

	private async refresh(): Promise<void> {
		const failedBefore = this.failedAsks;
		await this.subject.refresh(this.ask);
		if (this.failedAsks === failedBefore) this.shown();
	}

	/** Of what is over, asks until all of its result is known. Returns whether it is over. */
	private async fetchMissingResult(): Promise<boolean> {
		const { subject } = this;
		for (let failures = 0; subject.state === 'over'; failures += 1) {
			if (failures > 0) await this.context.clock.delay(this.backoff(failures), this.context.signal);
			await this.refresh();
		}
		return isOver(subject.state);
	}

	/**
	 * Reads one stream to its end. Returns whether it said anything that was not known.
	 *
	 * @param place is given back when the stream is over
	 */
	private async stream(place: Release): Promise<boolean> {
		const { signal, log, quiet } = this.context;
		const scope = new Deadline(signal);
		let checked = false;
		this.refusedWhileQuiet = false;
		this.ranWhileQuiet = false;
		this.lackedHandle = false;
		const pulse = new StreamPulse(this.context, this.since, () => {
			checked = true;
			void this.checkQuiet(pulse, scope);
		});
		quiet.add(pulse);
		let news = false;
		let doubted = false;
		const take = (event: NewsEvent): boolean => {
			news = this.subject.take(event) || news;
			const { state } = this.subject;
			const doubtful = state === 'doubtful';
			if (doubtful && !doubted) pulse.onQuiet();
			doubted = doubtful;
			return !isOver(state);
		};
		const read = await outcomeOf(this.readStream(scope.signal, pulse, take));
		place();
		quiet.remove(pulse);
		scope[Symbol.dispose]();
		// The stream itself has ended or been let go: aborting it would only cost its connection.
		if (checked) scope.abort(STREAM_OVER);
		if (!read.ok) {
			signal.throwIfAborted();
			log.debug(`Following ${this.name}: its stream broke (${String(read.error)})`);
			this.lackedHandle = isOutOfHandles(read.error);
			this.pauseIfLimited(read.error);
			this.throwIfRefused(read.error);
		}
		return news;
	}

	/** @param take takes in what a stream tells; returns whether there is more to learn */
	private async readStream(
		signal: CancelSignal,
		pulse: StreamPulse,
		take: (event: NewsEvent) => boolean,
	): Promise<void> {
		const { api } = this.context;
		const { body, contentType } = await api.open({ ...this.call(this.get('/stream')), signal });
		this.subject.opened();
		const decoder = new EventDecoder(contentType);
		/** Returns whether the stream has more to say. */
		const handle = (event: StreamEvent): boolean => {
			this.contact();
			if (event.kind === 'done' || event.kind === 'error') return false;
			if (event.kind !== 'update' && event.kind !== 'delta') return true;
			this.shown();
			return take(event);
		};
		let open = true;
		await readPieces(body, (piece) => {
			const events = decoder.push(piece);
			pulse.heard(events);
			return (open = events.every(handle));
		});
		if (open) decoder.end().every(handle);
	}

	/**
	 * Asks for the status of what its stream is quiet about. If it may be over, or not be there any
	 * more, the stream is closed. Without an answer the stream's own limits decide.
	 */
	private async checkQuiet(pulse: StreamPulse, scope: Deadline): Promise<void> {
		pulse.looks();
		const call = { ...this.call(this.get('/status')), signal: scope.signal };
		const answer = await outcomeOf(this.context.api.send(call));
		const status = answer.ok ? answer.value.value : undefined;
		const mayBeOver = isJsonObject(status) && this.subject.mayBeOver(status);
		pulse.looked(mayBeOver);
		if (scope.signal.aborted) return;
		if (!answer.ok) this.pauseIfLimited(answer.error);
		this.refusedWhileQuiet = !answer.ok && isRefusal(answer.error);
		this.ranWhileQuiet = isJsonObject(status) && !mayBeOver;
		if (this.ranWhileQuiet) this.shown();
		if (mayBeOver || this.refusedWhileQuiet) scope.abort(STREAM_OVER);
	}

	private get(part: '/status' | '/stream'): Question {
		const { route, statusRoute } = this.subject;
		const isElsewhere = part === '/status' && statusRoute !== undefined;
		return { method: 'GET', path: isElsewhere ? statusRoute : route + part };
	}

	private call(question: Question): ApiCall {
		return { ...question, signal: this.context.signal, about: this.subject.about };
	}

	private readonly ask: Ask = async (question, decode) => {
		const { api, signal } = this.context;
		const call = this.call(question);
		const asked = async () => {
			const reply = await api.send(call);
			const value = decode(reply.value);
			if (value === undefined) throw api.unexpected(call, reply);
			return value;
		};
		const answer = await outcomeOf(asked());
		if (answer.ok) return answer.value;
		const { error } = answer;
		this.failedAsks += 1;
		signal.throwIfAborted();
		this.pauseIfLimited(error);
		this.throwIfRefused(error);
		this.throwIfContactLost(error);
		return undefined;
	};

	/** What the service has accepted it may refuse for a while; what nobody has seen, it may not. */
	private throwIfRefused(error: unknown): void {
		if (!isRefusal(error)) return;
		const { subject } = this;
		const { refusals, timings } = this.context;
		refusals.add(error);
		if (!subject.seen) {
			// It may have been created a moment ago, elsewhere.
			const isUnknown = error instanceof NotFoundError;
			if (!isUnknown || refusals.areSteady(timings.unseenMs)) throw error;
			return;
		}
		if (!refusals.areSteady()) return;
		const { about } = subject;
		const { httpStatus, hint } = error;
		const { hopeless } = refusals;
		const facts = { about, httpStatus, hopeless, cause: error };
		if (!isOver(subject.state)) {
			throw new FollowingRefusedError(`cannot be followed any longer: ${refusals.inWords}`, {
				...facts,
				hint: hopeless && hint,
			});
		}
		throw new ContactLostError(
			`The result of ${this.name} could not be read: ${refusals.inWords}`,
			{
				...facts,
				hint: `It has ended, and its result is at the service. Look it up by its id, ${about.id}.`,
			},
		);
	}

	/** A 429 makes the whole account wait, but never gives up what is running. */
	private pauseIfLimited(error: unknown): void {
		if (!(error instanceof InferenceError) || error.repeatable !== 'rateLimit') return;
		const { retryAfterMs = 0 } = error;
		pauseForRate(retryAfterMs, this.backoff(1), this.context);
	}

	/** It has been heard of. */
	private contact(): void {
		this.lastContact = this.context.clock.now();
	}

	/** It has been seen. */
	private shown(): void {
		this.contact();
		this.context.refusals.end();
	}

	/**
	 * Only without a timeout: with one, the item's time decides. A result that is too large to be read
	 * does not become smaller.
	 */
	private throwIfContactLost(cause: unknown): void {
		const { settings, clock, timings } = this.context;
		const silentMs = clock.now() - this.lastContact;
		if (isOver(this.subject.state) && isTooLarge(cause)) {
			const { about } = this.subject;
			throw new ContactLostError(
				`The result of ${this.name} could not be read: ${messageOf(cause)}`,
				{
					about,
					cause,
					hint: `It has ended, and its result is at the service. Look it up by its id, ${about.id}. If the app can, have it give large results as files.`,
				},
			);
		}
		if (settings.timeoutMs !== undefined || silentMs < timings.contactMs) return;
		const { about, state } = this.subject;
		const { name } = this;
		const ended = isOver(state);
		const what = ended
			? `The result of ${name} could not be read`
			: `Nothing was heard from ${name}`;
		const minutes = Math.round(silentMs / 60_000);
		throw new ContactLostError(`${what} for ${minutes} minutes. Last: ${messageOf(cause)}`, {
			about,
			cause,
			hint: ended
				? `It has ended. Look it up by its id, ${about.id}.`
				: `It may still be running and is not cancelled. Look it up by its id, ${about.id}.`,
		});
	}

	private backoff(attempt: number): number {
		const { settings, clock, refusals, timings } = this.context;
		if (refusals.last)
			return refusals.backoff(this.subject.seen ? undefined : timings.unseenMs / 4);
		const bounds = { baseMs: settings.backoffBaseMs, capMs: settings.backoffCapMs };
		return backoffDelay(attempt, bounds, clock);
	}
}
