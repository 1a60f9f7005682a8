import { RESUME_SPREAD_MS, type Api, type ApiCall } from './api';
import { Grace } from './deadline';
import {
	InferenceError,
	mayHaveBeenAccepted,
	ProtocolError,
	SubmissionUnknownError,
} from './errors';
import type { ServiceNotice } from './envelope';
import { canonicalJson } from './json';
import { lookUpSubmission, type LookupResult } from './lookup';
import { retrying, waitForNextAttempt, type RetryContext } from './retry';
import { runRequestBody, type RunRequest } from './runRequest';
import type { Timings } from './settings';
import type { SubmissionContent } from './submissionGate';
import { taskFromWire, type Task } from './task';

/** A task that certainly exists, once. */
export interface Submitted {
	readonly task: Task;
	/** Whether it was found in the task list after its answer was lost. */
	readonly adopted: boolean;
	readonly notices: readonly ServiceNotice[];
}

/** With what a submission is made. */
export interface SubmitContext extends RetryContext {
	readonly api: Api;
	readonly timings: Timings;
}

/** What a submission needs to know of its item and whom it tells. */
export interface SubmitOptions {
	/** Attempts that the item has already used up; they count against Max Retries. */
	readonly failedAttempts: number;
	/** Start of an earlier try whose outcome is not known, ms since the epoch. */
	readonly unclearSince: number | undefined;
	/** Told before a request that may create a task is sent, with the start of the first one. */
	onAttempt(since: number): void;
	/** Told when it is certain that no attempt so far has created a task. */
	onNothingStarted(): void;
	/** Told as soon as the task's id is known, even if the run is being given up meanwhile. */
	onTask(task: Task): void;
}

function unknownOutcome(cause: unknown, why: string): SubmissionUnknownError {
	const said = cause instanceof Error ? ` (${cause.message})` : '';
	return new SubmissionUnknownError(
		`It is not known whether the task was started: the answer was lost${said}, and ${why}`,
		{
			cause,
			httpStatus: cause instanceof InferenceError ? cause.httpStatus : undefined,
			hint: 'Look at the task list on inference.sh before running this item again, so that it is not paid twice.',
		},
	);
}

/**
 * Starts a task at most once.
 *
 * `POST /apps/run` has no idempotency key. It is repeated freely only if it cannot have been
 * accepted: no connection, 429, or 503 with Retry-After. After anything else without a clear
 * answer the task is looked for and adopted; it is submitted again only if the list shows that it
 * is not there, once right away and once more after the backoff, when a slow gateway is done too.
 *
 * When `signal` aborts while a submission is on its way, its answer is still waited for, up to
 * `timings.cancelMs`, so that the caller learns which task to cancel.
 *
 * @throws SubmissionUnknownError if it cannot be told; InferenceError of the refusal; the abort
 * reason
 */
export function submit(
	request: RunRequest,
	options: SubmitOptions,
	context: SubmitContext,
): Promise<Submitted> {
	return new Submission(request, options, context).run();
}

class Submission implements SubmissionContent {
	private readonly since: number;

	constructor(
		private readonly request: RunRequest,
		private readonly options: SubmitOptions,
		private readonly context: SubmitContext,
	) {
		this.since = options.unclearSince ?? context.clock.now();
	}

	get key(): string {
		const { app, function: entry, input } = this.request;
		return canonicalJson([app, entry, input]);
	}

	async run(): Promise<Submitted> {
		if (this.options.unclearSince !== undefined) {
			const adopted = await this.adopt(undefined);
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

	private async post(): Promise<Submitted> {
		const { api, account, signal, timings } = this.context;
		const turn = account.submissions.begin(this);
		if (turn) await turn;
		try {
			if (account.paused) await account.ready(RESUME_SPREAD_MS, signal);
			signal.throwIfAborted();
			this.options.onAttempt(this.since);
			const call: ApiCall = {
				method: 'POST',
				path: '/apps/run',
				body: runRequestBody(this.request),
				signal,
				// An answer on its way tells which task to cancel.
				graceMs: timings.cancelMs,
				headersTimeoutMs: timings.submitMs,
				urgent: true,
			};
			const reply = await api.send(call);
			const task = taskFromWire(reply.value);
			if (!task) throw api.unexpected(call, reply);
			account.claim(task.id);
			this.options.onTask(task);
			signal.throwIfAborted();
			return { task, adopted: false, notices: reply.notices };
		} finally {
			account.submissions.end(this);
		}
	}

	/** Returns an adopted task, or nothing if the next attempt may be made. */
	private async afterFailure(error: unknown, attempt: number): Promise<Submitted | undefined> {
		const { settings, signal } = this.context;
		if (error === signal.reason) signal.throwIfAborted();
		const unclear = mayHaveBeenAccepted(error);
		if (!unclear) {
			this.options.onNothingStarted();
			signal.throwIfAborted();
			await waitForNextAttempt(error, attempt, this.context);
			return undefined;
		}
		if (settings.onUnclearSubmit === 'fail') {
			throw unknownOutcome(error, 'When Submission Is Unclear is set to Fail');
		}
		if (settings.onUnclearSubmit === 'resubmit') {
			await waitForNextAttempt(error, attempt, this.context);
			return undefined;
		}
		const adopted = await this.adopt(error);
		signal.throwIfAborted();
		if (adopted) return adopted;
		await waitForNextAttempt(error, attempt, this.context);
		return await this.adopt(error);
	}

	/** Takes over the task of a submission whose answer was lost, if the list has it. */
	private async adopt(lostAnswer: unknown): Promise<Submitted | undefined> {
		const found = await this.lookUp(lostAnswer);
		if (found.kind === 'absent') {
			this.options.onNothingStarted();
			return undefined;
		}
		if (found.kind === 'inconclusive') {
			throw unknownOutcome(lostAnswer, 'the task list is too long to find it in');
		}
		this.options.onTask(found.task);
		this.context.log.debug(`Adopted task ${found.task.id}, whose submission got no answer`);
		return { task: found.task, adopted: true, notices: [] };
	}

	private async lookUp(lostAnswer: unknown): Promise<LookupResult> {
		const { account, api, signal, timings } = this.context;
		const lost = { request: this.request, since: this.since };
		const claim = (taskId: string) => account.claimFound(taskId);
		const grace = new Grace(signal, timings.cancelMs);
		const late = grace.signal;
		const look = async () =>
			await retrying(async () => await lookUpSubmission(api, lost, claim, late), {
				...this.context,
				signal: late,
			});
		try {
			return await account.submissions.lookingUp(this, look);
		} catch (error) {
			signal.throwIfAborted();
			if (lostAnswer instanceof ProtocolError && error instanceof ProtocolError) throw lostAnswer;
			throw unknownOutcome(lostAnswer ?? error, 'the task list could not be read to find out');
		} finally {
			grace[Symbol.dispose]();
		}
	}
}
