/** Something that runs at the service and outlives the request that started it. */
export interface RemoteWork {
	readonly kind: 'task' | 'chat';
	readonly id: string;
}

/** What every error of the client can say about itself. */
export interface ErrorFacts {
	/** HTTP status of the answer, if there was one. */
	readonly httpStatus?: number | undefined;
	/** What the error is about, so that it can be looked up or followed again. */
	readonly about?: RemoteWork | undefined;
	/** What the person at the editor can do now. */
	readonly hint?: string | undefined;
	readonly cause?: unknown;
}

/** Stable, machine-readable names of the situations below; they appear in error items. */
export type ErrorCode =
	| 'authentication'
	| 'permission'
	| 'payment'
	| 'not_found'
	| 'requirements_not_met'
	| 'validation'
	| 'rate_limit'
	| 'session'
	| 'timeout'
	| 'stopped'
	| 'task_failed'
	| 'task_cancelled'
	| 'input_required'
	| 'submission_unknown'
	| 'contact_lost'
	| 'network'
	| 'server'
	| 'protocol';

/** Base of all errors that the client throws. */
export abstract class InferenceError extends Error {
	abstract readonly code: ErrorCode;
	/** Whether doing the same again, unchanged, has a chance. */
	abstract readonly retryable: boolean;
	readonly httpStatus: number | undefined;
	readonly about: RemoteWork | undefined;
	readonly hint: string | undefined;

	constructor(message: string, facts: ErrorFacts = {}) {
		super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
		// Names of classes are shortened in the published code.
		this.name = 'InferenceError';
		this.httpStatus = facts.httpStatus;
		this.about = facts.about;
		this.hint = facts.hint;
	}
}

/** HTTP 401: the key is missing, wrong or revoked. Nothing was created. */
export class AuthenticationError extends InferenceError {
	readonly code = 'authentication';
	readonly retryable = false;
}

/** HTTP 403: the key is valid but may not do this. */
export class PermissionError extends InferenceError {
	readonly code = 'permission';
	readonly retryable = false;
}

/** HTTP 402, or a refusal that names an entitlement: plan, balance or quota. */
export class PaymentError extends InferenceError {
	readonly code = 'payment';
	readonly retryable = false;
}

/** HTTP 404: no such app, task or version, or not visible to this key. */
export class NotFoundError extends InferenceError {
	readonly code = 'not_found';
	readonly retryable = false;
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
	readonly retryable = false;

	constructor(
		message: string,
		readonly missing: readonly MissingRequirement[],
		facts: ErrorFacts = {},
	) {
		super(message, facts);
	}
}

/** HTTP 400, 409, 413, 422 and other refusals of the request as it stands. */
export class ValidationError extends InferenceError {
	readonly code = 'validation';
	readonly retryable = false;
}

/** HTTP 429: refused because of the request rate; nothing was created. */
export class RateLimitError extends InferenceError {
	readonly code = 'rate_limit';
	readonly retryable = true;

	constructor(
		message: string,
		/** How long the service asked to wait, ms. */
		readonly retryAfterMs: number | undefined,
		facts: ErrorFacts = {},
	) {
		super(message, facts);
	}
}

/** The session is unknown, ended, expired, leased to somebody else or of another app or version. */
export class SessionError extends InferenceError {
	readonly code = 'session';
	readonly retryable = false;
}

/** The time that the item or the whole run had is over. */
export class TimeoutError extends InferenceError {
	readonly code = 'timeout';
	readonly retryable = true;
}

/** The execution was stopped, or the run was given up because another item failed. */
export class StoppedError extends InferenceError {
	readonly code = 'stopped';
	readonly retryable = false;
}

/** Says that the run is being given up although nobody stopped it: its tasks go on. */
export class AbandonedError extends StoppedError {}

/** The task ran and ended as failed. */
export class TaskFailedError extends InferenceError {
	readonly code = 'task_failed';
	readonly retryable = false;
}

/** Somebody cancelled the task on the service. */
export class TaskCancelledError extends InferenceError {
	readonly code = 'task_cancelled';
	readonly retryable = false;
}

/** An agent waits for somebody, and the workflow is set not to. */
export class InputRequiredError extends InferenceError {
	readonly code = 'input_required';
	readonly retryable = false;
}

/** It cannot be told whether a task was started. */
export class SubmissionUnknownError extends InferenceError {
	readonly code = 'submission_unknown';
	readonly retryable = false;
}

/** A started task could not be reached for so long that following it was given up. */
export class ContactLostError extends InferenceError {
	readonly code = 'contact_lost';
	readonly retryable = true;
}

/** No answer: the connection failed, was cut or stayed silent. */
export class NetworkError extends InferenceError {
	readonly code = 'network';
	readonly retryable = true;

	constructor(
		message: string,
		/** `false` only if the request certainly never left this machine. */
		readonly mayHaveArrived: boolean,
		facts: ErrorFacts = {},
	) {
		super(message, facts);
	}
}

/** HTTP 5xx. */
export class ServerError extends InferenceError {
	readonly code = 'server';
	readonly retryable = true;

	constructor(
		message: string,
		/** How long the service asked to wait, ms. */
		readonly retryAfterMs: number | undefined,
		facts: ErrorFacts = {},
	) {
		super(message, facts);
	}

	/** 503 with Retry-After is an orderly refusal; any other 5xx may come after the work was done. */
	get refused(): boolean {
		return this.httpStatus === 503 && this.retryAfterMs !== undefined;
	}
}

/** The answer is not what the API promises: HTML, truncated JSON, wrong types, a redirect. */
export class ProtocolError extends InferenceError {
	readonly code = 'protocol';
	readonly retryable = false;
}

/**
 * Whether a request that ended with `error` may nevertheless have taken effect on the service.
 * Decides if a submission can be repeated without looking for the task first.
 */
export function mayHaveBeenAccepted(error: unknown): boolean {
	if (error instanceof NetworkError) return error.mayHaveArrived;
	if (error instanceof ServerError) return !error.refused;
	return error instanceof ProtocolError && (error.httpStatus ?? 0) < 300;
}
