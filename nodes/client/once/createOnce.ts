import { RESUME_SPREAD_MS, type ApiCall } from '../api/api';
import type { CancelSignal } from '../util/cancelSignal';
import { Grace } from '../util/deadline';
import { InferenceError, ProtocolError, SubmissionUnknownError } from '../errors';
import type { ServiceNotice } from '../api/envelope';
import type { JsonObject } from '../util/json';
import type { SearchResult } from './searchRecent';
import { retrying, waitForNextAttempt } from '../api/retry';
import { gateOf, type SubmissionContent } from './submissionGate';
import type { ClientContext } from '../api/context';

/** Something that a request creates, and that must not be created twice. */
export interface Creation<T> extends SubmissionContent {
	/** What errors call it. */
	readonly words: {
		/** Such as `the task was started`. */
		readonly done: string;
		/** Where it can be looked for, such as `the task list`. */
		readonly place: string;
		/** Why looking there may not have told. */
		readonly unclear: string;
		/** What the person at the editor should do if its fate is unknown. */
		readonly hint: string;
	};
	readonly path: string;
	body(): JsonObject;
	/** Reads the answer; undefined if it is none. */
	decode(value: unknown): T | undefined;
	idOf(created: T): string;
	/**
	 * Looks for it after its answer was lost.
	 *
	 * @param since when its first attempt began, ms since the epoch by our clock
	 * @param claim takes what was found for this item; false if it already belongs to another one
	 */
	lookUp(
		since: number,
		claim: (id: string) => boolean,
		signal: CancelSignal,
	): Promise<SearchResult<T>>;
}

/** Something that certainly exists, once. */
export interface Created<T> {
	readonly value: T;
	/** Whether it was looked up after its answer was lost. */
	readonly adopted: boolean;
	readonly notices: readonly ServiceNotice[];
}

/** What a submission needs to know of its item and whom it tells. */
export interface SubmitOptions<T> {
	/** Attempts that the item has already used up; they count against Max Retries. */
	readonly failedAttempts: number;
	/** Start of an earlier try whose outcome is not known, ms since the epoch. */
	readonly unclearSince: number | undefined;
	/** Told before a request that may create something is sent, with the start of the first one. */
	onAttempt(since: number): void;
	/** Told when it is certain that no attempt so far has created anything. */
	onNothingStarted(): void;
	/** Told as soon as it is known, even if the run is being given up meanwhile. */
	onCreated(created: T): void;
}

/**
 * Creates something at most once with a request that has no idempotency key.
 *
 * It is repeated freely only if it cannot have been accepted: no connection, 429, or 503 with
 * Retry-After. After anything else without a clear answer what it creates is looked for and
 * adopted; it is submitted again only if the search shows that it is not there, once right away
 * and once more after the backoff, when a slow gateway is done too.
 *
 * When `signal` aborts while a submission is on its way, its answer is still waited for, up to
 * `timings.cancelMs`, so that the caller learns what to cancel.
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

class Submission<T> {
	private readonly since: number;

	constructor(
		private readonly creation: Creation<T>,
		private readonly options: SubmitOptions<T>,
		private readonly context: ClientContext,
	) {
		this.since = options.unclearSince ?? context.clock.now();
	}

	async run(): Promise<Created<T>> {
		if (this.options.unclearSince !== undefined) {
			const adopted = await this.adopt(undefined, 'last');
			if (adopted) return adopted;
		}
		for (let attempt = this.options.failedAttempts + 1; ; attempt += 1) {
			try {
				return await this.post();
			} catch (error) {
				const adopted = await this.afterFailure(error, attempt);
				if (adopted) return adopted;
			}
		}
	}

	private async post(): Promise<Created<T>> {
		const { creation } = this;
		const { api, account, signal, timings } = this.context;
		const turn = gateOf(account).begin(creation);
		if (turn) await turn;
		try {
			if (account.paused) await account.ready(RESUME_SPREAD_MS, signal);
			signal.throwIfAborted();
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
			const reply = await api.send(call);
			const value = creation.decode(reply.value);
			if (value === undefined) throw api.unexpected(call, reply);
			account.claim(creation.idOf(value));
			this.options.onCreated(value);
			signal.throwIfAborted();
			return { value, adopted: false, notices: reply.notices };
		} finally {
			gateOf(account).end(creation);
		}
	}

	/** Returns what was adopted, or nothing if the next attempt may be made. */
	private async afterFailure(error: unknown, attempt: number): Promise<Created<T> | undefined> {
		const { settings, signal } = this.context;
		if (error === signal.reason) signal.throwIfAborted();
		const unclear = error instanceof InferenceError && error.mayHaveBeenAccepted;
		if (!unclear) {
			this.options.onNothingStarted();
			signal.throwIfAborted();
			await waitForNextAttempt(error, attempt, this.context);
			return undefined;
		}
		if (settings.onUnclearSubmit === 'fail') {
			throw this.unknown(error, 'When Submission Is Unclear is set to Fail');
		}
		if (settings.onUnclearSubmit === 'resubmit') {
			await waitForNextAttempt(error, attempt, this.context);
			return undefined;
		}
		const adopted = await this.adopt(error, 'first');
		signal.throwIfAborted();
		if (adopted) return adopted;
		await waitForNextAttempt(error, attempt, this.context);
		return await this.adopt(error, 'last');
	}

	/** Takes over what a submission whose answer was lost has created, if it is there. */
	private async adopt(
		lostAnswer: unknown,
		look: 'first' | 'last',
	): Promise<Created<T> | undefined> {
		const { creation, options } = this;
		const found = await this.lookUp(lostAnswer);
		if (found.kind === 'absent') {
			// What a slow gateway creates may not be there yet.
			if (look === 'last') options.onNothingStarted();
			return undefined;
		}
		if (found.kind === 'inconclusive') {
			throw this.unknown(lostAnswer, creation.words.unclear);
		}
		const { value } = found;
		options.onCreated(value);
		this.context.log.debug(
			`Adopted ${creation.idOf(value)} from ${creation.words.place}: its submission got no answer`,
		);
		return { value, adopted: true, notices: [] };
	}

	private async lookUp(lostAnswer: unknown): Promise<SearchResult<T>> {
		const { creation, since } = this;
		const { account, signal, timings } = this.context;
		const claim = (id: string) => account.claimFound(id);
		using grace = new Grace(signal, timings.cancelMs);
		const late = grace.signal;
		const look = async () =>
			await retrying(async () => await creation.lookUp(since, claim, late), {
				...this.context,
				signal: late,
			});
		try {
			return await gateOf(account).lookingUp(creation, look);
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
