import { isSegment, type ApiCall, type ApiReply } from '../api/api';
import type { ClientContext } from '../api/context';
import type { ServiceNotice } from '../api/envelope';
import { mayCreate, readyToCreate, retrying, waitForNextAttempt } from '../api/retry';
import { InferenceError, ProtocolError, SubmissionUnknownError } from '../errors';
import type { CancelSignal } from '../util/cancelSignal';
import { monotonicNow } from '../util/clock';
import { Grace } from '../util/deadline';
import type { JsonObject } from '../util/json';
import { outcomeOf } from '../util/outcome';
import { acceptedFor, claims } from './claims';
import type { Fingerprint } from './fingerprint';
import { lostSubmissions, type LostSubmissions } from './lostSubmissions';
import type { SearchResult } from './searchRecent';
import { submissionGate } from './submissionGate';

/** Something that a request creates, and that must not be created twice. */
export interface Creation<T> {
	readonly fingerprint: Fingerprint;
	/** What errors call it. */
	readonly words: {
		/** Such as `the task was started`. */
		readonly done: string;
		/** Where it can be looked for, such as `the task list`. */
		readonly place: string;
		/** What is found there, such as `task`. */
		readonly thing: string;
		/** What the person at the editor should do if its fate is unknown. */
		readonly hint: string;
		/** What is said if it is certain that it does not exist, in a whole sentence. */
		readonly nothing: string;
	};
	readonly path: string;
	body(): JsonObject;
	/** Reads the answer; undefined if it is none. */
	decode(value: unknown): T | undefined;
	idOf(created: T): string;
	/** When the service says that it was created. */
	createdAt(created: T): string | undefined;
	/**
	 * Looks for it after its answer was lost.
	 *
	 * @param since when its first attempt began, by the monotonic clock (ms)
	 */
	lookUp(since: number, signal: CancelSignal): Promise<SearchResult<T>>;
}

/** Something that certainly exists, once. */
export interface Created<T> {
	readonly value: T;
	/** Whether it was looked up after its answer was lost. */
	readonly adopted: boolean;
	readonly notices: readonly ServiceNotice[];
}

/** Whom a submission tells. */
export interface SubmitOptions<T> {
	/** Attempts that the item has already used up; they count against Max Retries. */
	readonly failedAttempts: number;
	/**
	 * Told before a request that may create something is sent.
	 *
	 * @param since when the first one began whose outcome is not known, by the monotonic clock (ms)
	 */
	onAttempt(since: number): void;
	/** Told when it is certain that no attempt so far has created anything. */
	onNothingStarted(): void;
	/** Told as soon as it is known, even if the run is being given up meanwhile. */
	onCreated(created: T): void;
}

/**
 * Creates something at most once with a request that has no idempotency key.
 *
 * It is repeated freely only if it cannot have been accepted. After anything else without a clear
 * answer what it creates is looked for and adopted; it is submitted again only if the search shows
 * that it is not there, once right away and once more after a while, when a slow gateway and a
 * lagging copy of the list are done too.
 *
 * When `signal` aborts while a submission is on its way, its answer is still waited for and what
 * it has created is looked for, up to `timings.cancelMs`, so that the caller learns what to cancel.
 *
 * @throws SubmissionUnknownError if it cannot be told; InferenceError of the refusal; the abort
 * reason
 */
export function createOnce<T>(
	creation: Creation<T>,
	options: SubmitOptions<T>,
	context: ClientContext,
): Promise<Created<T>> {
	return new Submission(creation, options, context).run();
}

/**
 * Looks for what an earlier try of the same item may have created, by what was sent then.
 *
 * @param since when the first attempt of that try began, by the monotonic clock (ms)
 * @returns undefined if it is certain that nothing was created
 * @throws SubmissionUnknownError if it cannot be told; the abort reason
 */
export async function findCreated<T>(
	creation: Creation<T>,
	since: number,
	options: SubmitOptions<T>,
	context: ClientContext,
): Promise<Created<T> | undefined> {
	return await new Submission(creation, options, context).findEarlier(since);
}

class Submission<T> {
	/** When the first attempt began whose outcome is not known. */
	private since: number | undefined;
	/** The attempt that may have been accepted, where another one is made all the same. */
	private unclear: InferenceError | undefined;
	private readonly lost: LostSubmissions;

	constructor(
		private readonly creation: Creation<T>,
		private readonly options: SubmitOptions<T>,
		private readonly context: ClientContext,
	) {
		this.lost = lostSubmissions(context.account);
	}

	async run(): Promise<Created<T>> {
		try {
			return await this.attempts();
		} finally {
			this.lost.leave(this.creation.fingerprint);
		}
	}

	private async attempts(): Promise<Created<T>> {
		for (let attempt = this.options.failedAttempts + 1; ; attempt += 1) {
			if (!this.isAdmitted()) await this.admission();
			try {
				return await this.send();
			} catch (error) {
				const adopted = await this.afterFailure(error, attempt);
				if (adopted) return adopted;
			}
		}
	}

	async findEarlier(since: number): Promise<Created<T> | undefined> {
		const { fingerprint } = this.creation;
		this.since = since;
		this.lost.add(fingerprint);
		try {
			const adopted = await this.adopt(undefined);
			if (!adopted) this.nothingStarted();
			return adopted;
		} finally {
			this.lost.leave(fingerprint);
		}
	}

	/** Whether there is nothing to wait for, which spares thousands of submissions a promise. */
	private isAdmitted(): boolean {
		const { context, creation } = this;
		if (!mayCreate(context) || context.signal.aborted) return false;
		return submissionGate.tryBegin(creation.fingerprint);
	}

	/** Waits for the end of a rate limit's pause, and while something equal is being looked for. */
	private async admission(): Promise<void> {
		const { context } = this;
		const { signal } = context;
		const { fingerprint } = this.creation;
		for (;;) {
			if (!mayCreate(context)) await readyToCreate(context);
			signal.throwIfAborted();
			await submissionGate.begin(fingerprint, signal);
			if (mayCreate(context) && !signal.aborted) return;
			// Nobody else has to wait for this one's pause.
			submissionGate.end(fingerprint);
		}
	}

	private async send(): Promise<Created<T>> {
		const { creation, context } = this;
		const { api, signal, timings } = context;
		try {
			this.since ??= monotonicNow();
			this.options.onAttempt(this.since);
			const call: ApiCall = {
				method: 'POST',
				path: creation.path,
				body: creation.body(),
				signal,
				// An answer on its way tells what to cancel.
				graceMs: timings.cancelMs,
				headersTimeoutMs: timings.submitMs,
				urgent: true,
			};
			return this.accepted(call, await this.orFoundLate(api.send(call)));
		} finally {
			submissionGate.end(creation.fingerprint);
		}
	}

	private accepted(call: ApiCall, reply: ApiReply): Created<T> {
		const { creation, context } = this;
		const value = creation.decode(reply.value);
		const id = value && creation.idOf(value);
		// By an id that leads elsewhere nothing could be followed or cancelled: it has to be looked for.
		if (value === undefined || id === undefined || !isSegment(id)) {
			throw context.api.unexpected(call, reply);
		}
		this.lost.found(creation.fingerprint);
		claims.add(id);
		acceptedFor(context.account).add(id);
		context.account.serviceClock.createdHere(creation.createdAt(value), reply.exchange);
		this.options.onCreated(value);
		context.signal.throwIfAborted();
		return { value, adopted: false, notices: reply.notices };
	}

	/**
	 * The answer to a submission. If the run is given up before it is there, and it does not come
	 * soon after, what it has created is looked for meanwhile, so that it can be cancelled.
	 *
	 * @throws what `answer` rejects with; the abort reason, after `onCreated` if something was found
	 */
	private orFoundLate(answer: Promise<ApiReply>): Promise<ApiReply> {
		const { creation } = this;
		const { signal, settings, timings } = this.context;
		if (settings.onUnclearSubmit !== 'check') return answer;
		return new Promise((resolve, reject) => {
			let grace: Grace | undefined;
			const look = () => {
				grace = new Grace(signal, timings.cancelMs);
				void this.lookLate(grace.signal).finally(() => reject(signal.reason));
			};
			const end = () => {
				signal.removeEventListener('abort', look);
				grace?.end();
			};
			signal.addEventListener('abort', look);
			answer.then(
				(reply) => {
					const created = creation.decode(reply.value);
					// An equal one that is given up has taken it, and left its own to this one.
					if (grace && created !== undefined && claims.has(creation.idOf(created))) return;
					end();
					resolve(reply);
				},
				(error: unknown) => {
					const mayExist = !(error instanceof InferenceError) || error.mayHaveBeenAccepted;
					// It is being looked for, and that may still find it.
					if (grace && (mayExist || error === signal.reason)) return;
					end();
					reject(error);
				},
			);
		});
	}

	/** Looks until something is found or the time for cancelling is over. */
	private async lookLate(late: CancelSignal): Promise<void> {
		const { creation, since } = this;
		const { clock, timings } = this.context;
		this.lost.add(creation.fingerprint);
		while (since !== undefined && !late.aborted) {
			await outcomeOf(clock.delay(timings.lateLookMs, late));
			if (late.aborted) return;
			// Of those that are given up, one looks after the other.
			submissionGate.end(creation.fingerprint);
			const look = async () => await creation.lookUp(since, late);
			const found = await outcomeOf(submissionGate.lookingUp(creation.fingerprint, late, look));
			if (!found.ok || found.value.kind !== 'found') continue;
			this.lost.found(creation.fingerprint);
			this.options.onCreated(found.value.value);
			return;
		}
	}

	/** Returns what was adopted, or nothing if the next attempt may be made. */
	private async afterFailure(error: unknown, attempt: number): Promise<Created<T> | undefined> {
		const { settings, signal } = this.context;
		if (error === signal.reason) signal.throwIfAborted();
		if (!(error instanceof InferenceError && error.mayHaveBeenAccepted)) {
			this.nothingStarted();
			signal.throwIfAborted();
			const next = await outcomeOf(waitForNextAttempt(error, attempt, this.context));
			if (!next.ok) throw this.refused(next.error);
			return undefined;
		}
		if (settings.onUnclearSubmit === 'fail') {
			throw this.unknown(error, '"Retry: Unclear Submission" is set to "Fail"');
		}
		if (settings.onUnclearSubmit === 'resubmit') {
			this.unclear ??= error;
			const next = await outcomeOf(waitForNextAttempt(error, attempt, this.context));
			if (!next.ok) throw this.refused(next.error);
			return undefined;
		}
		this.lost.add(this.creation.fingerprint);
		return await this.lookTwice(error, attempt);
	}

	/** Looks right away, and again when whoever is slow must be done. */
	private async lookTwice(error: unknown, attempt: number): Promise<Created<T> | undefined> {
		const { signal, clock, timings } = this.context;
		const lostAt = clock.now();
		const adopted = await this.adopt(error);
		signal.throwIfAborted();
		if (adopted) return adopted;
		const next = await outcomeOf(waitForNextAttempt(error, attempt, this.context));
		signal.throwIfAborted();
		const left = lostAt + timings.lookAgainMs - clock.now();
		if (left > 0) await clock.delay(left, signal);
		const late = await this.adopt(error);
		if (late) return late;
		this.nothingStarted();
		if (!next.ok) throw this.refused(next.error);
		return undefined;
	}

	/** No attempt so far has created anything, unless an unclear one has. */
	private nothingStarted(): void {
		if (this.unclear) return;
		this.lost.found(this.creation.fingerprint);
		this.since = undefined;
		this.options.onNothingStarted();
	}

	/** The error of the last attempt, with what is known of all of them. */
	private refused(error: unknown): unknown {
		if (!(error instanceof InferenceError) || error === this.context.signal.reason) return error;
		if (this.unclear) {
			return this.unknown(this.unclear, `the next attempt failed (${error.message})`);
		}
		const { nothing } = this.creation.words;
		const hint = error.hint === undefined ? nothing : `${error.hint} ${nothing}`;
		return error.reworded(error.message, { hint });
	}

	/** Takes over what a submission whose answer was lost has created, if it is there. */
	private async adopt(lostAnswer: unknown): Promise<Created<T> | undefined> {
		const { creation, options } = this;
		const found = await this.lookUp(lostAnswer);
		if (found.kind === 'absent') return undefined;
		if (found.kind === 'inconclusive') {
			throw this.unknown(lostAnswer, this.whyInconclusive(found.candidate));
		}
		const { value } = found;
		this.lost.found(creation.fingerprint);
		options.onCreated(value);
		this.context.log.debug(
			`Adopted ${creation.idOf(value)} from ${creation.words.place}: its submission got no answer`,
		);
		return { value, adopted: true, notices: [] };
	}

	private whyInconclusive(candidate: string | undefined): string {
		const { place, thing } = this.creation.words;
		return candidate === undefined
			? `${place} is too long to find it in`
			: `${place} does not tell for certain whether ${thing} ${candidate} is it`;
	}

	private async lookUp(lostAnswer: unknown): Promise<SearchResult<T>> {
		const { creation, since = 0 } = this;
		const { signal, timings } = this.context;
		using grace = new Grace(signal, timings.cancelMs);
		const late = grace.signal;
		const look = async () =>
			await retrying(async () => await creation.lookUp(since, late), {
				...this.context,
				signal: late,
			});
		try {
			return await submissionGate.lookingUp(creation.fingerprint, late, look);
		} catch (error) {
			signal.throwIfAborted();
			if (lostAnswer instanceof ProtocolError && error instanceof ProtocolError) throw lostAnswer;
			const why = `${creation.words.place} could not be read to find out`;
			throw this.unknown(lostAnswer ?? error, why);
		}
	}

	private unknown(cause: unknown, why: string): SubmissionUnknownError {
		const { done, hint } = this.creation.words;
		const said = cause instanceof Error ? ` (${cause.message})` : '';
		return new SubmissionUnknownError(
			`It is not known whether ${done}: the answer was lost${said}, and ${why}`,
			{ cause, httpStatus: cause instanceof InferenceError ? cause.httpStatus : undefined, hint },
		);
	}
}
