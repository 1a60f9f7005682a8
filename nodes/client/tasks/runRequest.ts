import type { JsonObject } from '../util/json';

/** What to run, in the words of `POST /apps/run` (API notes 2.1). */
export interface RunRequest {
	/** `namespace/name[@version]`, without a function. */
	readonly app: string;
	readonly input: JsonObject;
	readonly function?: string | undefined;
	/** Parameters of the app's instance; changing them causes a cold start. */
	readonly setup?: JsonObject | undefined;
	readonly infra?: 'cloud' | 'private' | 'private_first' | undefined;
	/** Ids of private workers. */
	readonly workers?: readonly string[] | undefined;
	/** `new` or the id of a session. */
	readonly session?: string | undefined;
	/** Idle time after which a new session ends, seconds, 1 to 3600. */
	readonly sessionTimeout?: number | undefined;
	/** URL that the service calls when the task has ended. */
	readonly webhook?: string | undefined;
	/** When to start, RFC 3339. */
	readonly runAt?: string | undefined;
}

/** The request's wire form. Not waiting is said explicitly: the default has changed over time. */
export function runRequestBody(request: RunRequest): JsonObject {
	return {
		app: request.app,
		input: request.input,
		function: request.function,
		setup: request.setup,
		infra: request.infra,
		workers: request.workers,
		session: request.session,
		session_timeout: request.sessionTimeout,
		webhook: request.webhook,
		run_at: request.runAt,
		wait: false,
	};
}
