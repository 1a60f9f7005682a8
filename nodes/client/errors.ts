/** Something that runs at the service and outlives the request that started it. */
export interface RemoteWork {
	readonly kind: 'task' | 'chat' | 'flow run';
	readonly id: string;
}

/** What is known of one failure. */
export interface ErrorFacts {
	/** HTTP status of the answer, if there was one. */
	readonly httpStatus?: number | undefined;
	/** What the error is about, so that it can be looked up or followed again. */
	readonly about?: RemoteWork | undefined;
	/** Whether something may run on at the service after it, of which nobody will hear any more. */
	readonly mayRun?: boolean | undefined;
	/** What the person at the editor can do now. */
	readonly hint?: string | undefined;
	/** How long the service asked to wait before the next attempt, ms. */
	readonly retryAfterMs?: number | undefined;
	/** What the service says about it, without any words of ours. */
	readonly reason?: string | undefined;
	/** What was asked, such as `POST /apps/run`; for the details, not for the message. */
	readonly request?: string | undefined;
	/** How an answer begins that says nothing to people, such as a web page; also for the details. */
	readonly answer?: string | undefined;
	/** Why no other item of the account can succeed either, if that is so. */
	readonly hopeless?: string | undefined;
	/** Whether it was not the service that refused, but something before it. */
	readonly byGateway?: boolean | undefined;
	readonly cause?: unknown;
}

/** A class of errors, to be made with the facts that it wants. */
export interface ErrorClass {
	new (message: string, facts: ErrorFacts): InferenceError;
}

/**
 * Base of all errors that the client throws. Each class below stands for one situation and says
 * what follows from it; whoever catches an error asks it, and keeps no list of classes. A new
 * situation is one class here, one line in `api/apiError` if an answer of the service means it, and
 * one in docs/errors.md.
 */
export abstract class InferenceError extends Error {
	/** Stable, machine-readable name of the situation; error items carry it. */
	abstract readonly code: string;
	/**
	 * Whom it concerns: this one `request`, which does not fit what is there; the `task` (or chat),
	 * which ended like this; the `account`, so that its other items are likely to fail, too; the
	 * `service` or the way to it, so that those of other accounts are as well; or the `run`, whose
	 * time is over, which tells nothing of all these.
	 */
	abstract readonly concern: 'request' | 'task' | 'account' | 'service' | 'run';
	/** Whether somebody who does the same again, unchanged, has a chance. */
	abstract readonly retryable: boolean;
	/** The entry of Retry On under which the client repeats the request; undefined for never. */
	abstract readonly repeatable: 'rateLimit' | 'network' | 'serverError' | undefined;
	/**
	 * Whether the request that ended with it may have taken effect on the service all the same.
	 * Decides if a submission can be repeated without looking for what it has created.
	 */
	abstract readonly mayHaveBeenAccepted: boolean;
	/**
	 * Whether whoever follows a task or chat gives up because of it, once it has been repeated for a
	 * while; others pass. See `api/refusals`.
	 */
	abstract readonly endsFollowing: boolean;
	/** Whether what was asked for may not exist, or not for this key. */
	readonly outOfReach: boolean = false;
	/** How the item ended, as output items call it, if there is a word for it. */
	readonly ending: string | undefined = undefined;
	/** Why no other item of the account can succeed either, if that is so. */
	readonly hopeless: string | undefined;

	readonly httpStatus: number | undefined;
	readonly about: RemoteWork | undefined;
	readonly mayRun: boolean;
	readonly hint: string | undefined;
	readonly retryAfterMs: number | undefined;
	readonly reason: string | undefined;
	readonly request: string | undefined;
	readonly answer: string | undefined;
	readonly byGateway: boolean;
	/** The class itself. */
	declare readonly ['constructor']: ErrorClass;

	/** Private to the language, too: n8n saves what it finds in an error. */
	readonly #facts: ErrorFacts;

	constructor(message: string, facts: ErrorFacts = {}) {
		super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
		this.#facts = facts;
		this.name = new.target.name;
		// Taken again, so that the stack begins with that name and with whoever made the error.
		Error.captureStackTrace(this, new.target);
		this.httpStatus = facts.httpStatus;
		this.about = facts.about;
		this.mayRun = facts.mayRun === true;
		this.hint = facts.hint;
		this.retryAfterMs = facts.retryAfterMs;
		this.reason = facts.reason;
		this.request = facts.request;
		this.answer = facts.answer;
		this.hopeless = facts.hopeless;
		this.byGateway = facts.byGateway === true;
	}

	/** The same situation in words that fit better, with this error as the cause. */
	reworded(message: string, changes: ErrorFacts = {}): InferenceError {
		return new this.constructor(message, { ...this.#facts, cause: this, ...changes });
	}
}

/** What to do about an error; undefined for what is none of these. */
export function adviceOn(error: unknown): string | undefined {
	return error instanceof InferenceError ? error.hint : undefined;
}

/** HTTP 401: the key is missing, wrong or revoked. Nothing was created. */
export class AuthenticationError extends InferenceError {
	readonly code = 'authentication';
	readonly concern = 'account';
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = true;
	override readonly hopeless = 'the service does not accept the API key';
}

/** HTTP 403: the key is valid but may not do this. */
export class PermissionError extends InferenceError {
	readonly code = 'permission';
	readonly concern = 'account';
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = true;
	/** A gateway knows nothing of what was asked for. */
	override readonly outOfReach = !this.byGateway;
}

/**
 * Everything is refused, whatever is asked: the region (HTTP 451) or the address of this n8n (a 403
 * that is not in the API's words), or the account of the key.
 */
export class BlockedError extends InferenceError {
	readonly code = 'blocked';
	readonly concern = 'service';
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = true;
	override readonly hopeless = 'the service refuses everything from here';
}

/** HTTP 402, or a refusal that names an entitlement: plan, balance or quota. */
export class PaymentError extends InferenceError {
	readonly code = 'payment';
	readonly concern = 'account';
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = true;
}

/** HTTP 404 or 410: no such app, task or version, not any more, or not visible to this key. */
export class NotFoundError extends InferenceError {
	readonly code = 'not_found';
	readonly concern = 'request';
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = true;
	override readonly outOfReach = true;
}

/** The owner has taken the app out of service for good. */
export class AppRetiredError extends InferenceError {
	readonly code = 'app_retired';
	readonly concern = 'request';
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = true;
}

/** The owner has taken the app out of service for a while; nothing was created. */
export class AppMaintenanceError extends InferenceError {
	readonly code = 'app_maintenance';
	readonly concern = 'service';
	readonly retryable = true;
	readonly repeatable = 'serverError';
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = false;
}

/** One missing secret, integration or scope of an HTTP 412 answer. */
export interface MissingRequirement {
	readonly type: string;
	readonly key: string;
	readonly message: string;
	/** What to do about it, in words. */
	readonly fix: string;
}

/** HTTP 412: the app needs secrets, integrations or scopes that the workspace does not have. */
export class RequirementsNotMetError extends InferenceError {
	readonly code = 'requirements_not_met';
	readonly concern = 'account';
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = true;
	readonly missing: readonly MissingRequirement[];

	constructor(
		message: string,
		facts: ErrorFacts & { readonly missing: readonly MissingRequirement[] },
	) {
		super(message, facts);
		this.missing = facts.missing;
	}
}

/** HTTP 400, 409, 413, 422 and other refusals of the request as it stands. */
export class ValidationError extends InferenceError {
	readonly code = 'validation';
	readonly concern = 'request';
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = true;
}

/** HTTP 429, and what means the same in another status: too many requests; nothing was created. */
export class RateLimitError extends InferenceError {
	readonly code = 'rate_limit';
	readonly concern = 'account';
	readonly retryable = true;
	readonly repeatable = 'rateLimit';
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = false;
}

/** The session is unknown, ended, expired, leased to somebody else or of another app or version. */
export class SessionError extends InferenceError {
	readonly code = 'session';
	readonly concern = 'request';
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = true;
}

/** The time that the item or the whole run had is over. */
export class TimeoutError extends InferenceError {
	readonly code = 'timeout';
	readonly concern = 'run';
	readonly retryable = true;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = true;
	override readonly ending = 'timed_out';
}

/** The execution was stopped, or the run was given up because another item failed. */
export class StoppedError extends InferenceError {
	readonly code = 'stopped';
	readonly concern = 'run';
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = false;
}

/** Says that the run is being given up although nobody stopped it: its tasks go on. */
export class AbandonedError extends StoppedError {}

/** The task ran and ended as failed. */
export class TaskFailedError extends InferenceError {
	readonly code = 'task_failed';
	readonly concern = 'task';
	readonly retryable: boolean;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = true;
	override readonly ending = 'failed';

	/** @param facts `byPlatform` if the platform could not run it, so that app and input are not to blame */
	constructor(message: string, facts: ErrorFacts & { readonly byPlatform?: boolean } = {}) {
		super(message, facts);
		this.retryable = facts.byPlatform ?? false;
	}
}

/** The task has completed, but its output is not of the kind that is asked for. */
export class UnexpectedOutputError extends InferenceError {
	readonly code = 'unexpected_output';
	readonly concern = 'task';
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = true;
	override readonly ending = 'completed';
}

/** Somebody cancelled the task on the service. */
export class TaskCancelledError extends InferenceError {
	readonly code = 'task_cancelled';
	readonly concern = 'task';
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = true;
	override readonly ending = 'cancelled';
}

/** An agent waits for somebody, and the workflow is set not to. */
export class InputRequiredError extends InferenceError {
	readonly code = 'input_required';
	readonly concern = 'task';
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = true;
	override readonly ending = 'input_required';
}

/** It cannot be told whether a task was started. */
export class SubmissionUnknownError extends InferenceError {
	readonly code = 'submission_unknown';
	readonly concern = 'service';
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = true;
	readonly endsFollowing = true;
	override readonly mayRun = true;
	override readonly ending = 'submission_unknown';
}

/** A started task could not be reached for so long that following it was given up. */
export class ContactLostError extends InferenceError {
	readonly code = 'contact_lost';
	readonly concern = 'service';
	/** It may still be running, so that doing it again would buy it twice. */
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = true;
}

/** The service has refused for so long to show what it had accepted that following it was given up. */
export class FollowingRefusedError extends InferenceError {
	readonly code = 'following_refused';
	readonly concern = 'account';
	/** See `ContactLostError`. */
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly mayHaveBeenAccepted = false;
	readonly endsFollowing = true;
	override readonly mayRun = true;
}

/**
 * No answer: the connection failed, was cut or stayed silent. Also an answer that only says that:
 * HTTP 407, 408, 421, 425 and 499.
 */
export class NetworkError extends InferenceError {
	readonly code = 'network';
	readonly concern = 'service';
	readonly retryable = true;
	readonly repeatable = 'network';
	readonly mayHaveBeenAccepted: boolean;
	readonly endsFollowing = false;

	/** @param facts `mayHaveBeenAccepted` is `false` only if the request certainly never left this machine */
	constructor(message: string, facts: ErrorFacts & { readonly mayHaveBeenAccepted: boolean }) {
		super(message, facts);
		this.mayHaveBeenAccepted = facts.mayHaveBeenAccepted;
	}
}

/** HTTP 5xx. */
export class ServerError extends InferenceError {
	readonly code = 'server';
	readonly concern = 'service';
	readonly retryable = true;
	readonly repeatable = 'serverError';
	readonly mayHaveBeenAccepted: boolean;
	readonly endsFollowing = false;

	/**
	 * @param facts `mayHaveBeenAccepted` is `false` only for an orderly refusal; any other 5xx may
	 * come after the work was done
	 */
	constructor(message: string, facts: ErrorFacts & { readonly mayHaveBeenAccepted: boolean }) {
		super(message, facts);
		this.mayHaveBeenAccepted = facts.mayHaveBeenAccepted;
	}
}

/** The answer is not what the API promises: HTML, truncated JSON, wrong types, a redirect. */
export class ProtocolError extends InferenceError {
	readonly code = 'protocol';
	readonly concern = 'service';
	readonly retryable = false;
	readonly repeatable = undefined;
	readonly endsFollowing = true;

	/** A redirect has not been followed; a success that cannot be read may still be one. */
	get mayHaveBeenAccepted(): boolean {
		return (this.httpStatus ?? 0) < 300;
	}
}
