import {
	AuthenticationError,
	NotFoundError,
	PaymentError,
	PermissionError,
	ProtocolError,
	RateLimitError,
	RequirementsNotMetError,
	ServerError,
	SessionError,
	ValidationError,
	type ErrorFacts,
	type InferenceError,
	type MissingRequirement,
	type RemoteWork,
} from '../errors';
import { isJsonObject, listOf, parseJson, textOf, type JsonObject } from '../util/json';

/** Longest piece of an unexpected answer that an error shows. */
const EXCERPT_LENGTH = 500;

/** An answer that is not a success. */
export interface Refusal {
	readonly httpStatus: number;
	/** Body as text, with secrets already taken out. */
	readonly text: string;
	/** How long the service asked to wait, ms. */
	readonly retryAfterMs: number | undefined;
	/** What was called, for example `POST /apps/run`. */
	readonly call: string;
	readonly about?: RemoteWork | undefined;
}

/** The first 500 characters of `text`, on one line. */
export function excerpt(text: string): string {
	const line = text.replace(/\s+/g, ' ').trim();
	return line.length > EXCERPT_LENGTH ? `${line.slice(0, EXCERPT_LENGTH)}…` : line;
}

/** Statuses whose `meta.resource` may name an entitlement. A 429 passes, whatever its limit. */
const ENTITLEMENT_STATUSES: ReadonlySet<number> = new Set([400, 403, 409, 422]);

interface Problem {
	/** In lower case: general codes come in snake case, session codes in capitals. */
	readonly code: string | undefined;
	readonly message: string | undefined;
	readonly suggestions: readonly string[];
	readonly meta: JsonObject;
}

/** Reads every error shape of API notes 1.4. */
function readProblem(body: unknown): Problem {
	if (!isJsonObject(body))
		return { code: undefined, message: undefined, suggestions: [], meta: {} };
	const inner = isJsonObject(body['error']) ? body['error'] : {};
	const type = textOf(body['type']);
	const code =
		textOf(inner['code']) ?? textOf(body['code']) ?? type?.slice(type.lastIndexOf('/') + 1);
	const message =
		textOf(body['detail']) ??
		textOf(body['title']) ??
		textOf(inner['message']) ??
		textOf(body['error']) ??
		textOf(body['message']);
	const meta = [body['meta'], inner['meta']].find(isJsonObject) ?? {};
	const suggestions = [...listOf(body['suggestions']), ...listOf(inner['suggestions'])]
		.map((entry) => (isJsonObject(entry) ? textOf(entry['ref'] ?? entry['name']) : textOf(entry)))
		.filter((entry) => entry !== undefined);
	return { code: code?.toLowerCase(), message, suggestions, meta };
}

const NEW_SESSION = 'Start a new session by setting Session to "new".';
const SESSION_ADVICE: Readonly<Record<string, string>> = {
	session_not_found: NEW_SESSION,
	session_expired: `Its state is gone. ${NEW_SESSION}`,
	session_ended: `Its state is gone. ${NEW_SESSION}`,
	worker_lost: `The worker that held it is gone. ${NEW_SESSION}`,
	worker_leased: 'Its worker serves another session. Wait for that one to end or start a new one.',
	app_mismatch: 'A session works only with the app that it was started with.',
	version_mismatch: 'The app has a new version. Pin the old one in the reference or start anew.',
};

function describeRequirement(entry: unknown): MissingRequirement | undefined {
	if (!isJsonObject(entry)) return undefined;
	const type = textOf(entry['type']) ?? 'requirement';
	const action = isJsonObject(entry['action']) ? entry['action'] : {};
	const key = textOf(entry['key']) ?? textOf(action['secret_key']) ?? '';
	const provider = textOf(action['provider_name']) ?? textOf(action['provider']) ?? key;
	const scopes = listOf(action['scopes']).filter((scope) => typeof scope === 'string');
	const fixes: Readonly<Record<string, string>> = {
		add_secret: `add the secret ${key} in your inference.sh workspace settings`,
		connect: `connect ${provider} in your inference.sh workspace settings`,
		add_scopes: `reconnect ${provider} and grant ${scopes.join(', ') || 'the missing scopes'}`,
	};
	const fix =
		fixes[textOf(action['type']) ?? ''] ?? `set up ${key || type} in your inference.sh workspace`;
	return { type, key, message: textOf(entry['message']) ?? `${type} ${key} is missing`, fix };
}

function requirementsError(body: unknown, problem: Problem, facts: ErrorFacts): InferenceError {
	const missing = listOf(isJsonObject(body) ? body['errors'] : undefined)
		.map(describeRequirement)
		.filter((requirement) => requirement !== undefined);
	const list = missing.map((each) => `${each.message} (${each.fix})`).join('; ');
	return new RequirementsNotMetError(
		`The app's requirements are not met: ${list || problem.message || 'no details given'}`,
		missing,
		{ ...facts, hint: missing.map((each) => `To do: ${each.fix}.`).join(' ') || undefined },
	);
}

function paymentError(problem: Problem, said: string, facts: ErrorFacts): InferenceError {
	const { meta } = problem;
	const resource = textOf(meta['resource_label']) ?? textOf(meta['resource']);
	const usage =
		typeof meta['limit'] === 'number'
			? ` (${String(meta['current'] ?? '?')} of ${String(meta['limit'])} used)`
			: '';
	const about = resource === undefined ? '' : ` Limit: ${resource}${usage}.`;
	return new PaymentError(`The plan or balance does not allow this: ${said}.${about}`, {
		...facts,
		hint: 'Check the balance and plan of the workspace on inference.sh. Nothing was started.',
	});
}

/** Ends a sentence of the service without a double full stop. */
function withoutFullStop(text: string): string {
	return text.replace(/[.\s]+$/, '');
}

/**
 * Turns an answer outside 2xx (or a refusal in a 2xx body) into the error of its situation.
 * Statuses and code strings: API notes 1.5.
 */
export function errorFromRefusal(refusal: Refusal): InferenceError {
	const { httpStatus, call, about, retryAfterMs } = refusal;
	const body = parseJson(refusal.text);
	const problem = readProblem(body);
	const said = withoutFullStop(excerpt(problem.message ?? refusal.text) || `HTTP ${httpStatus}`);
	const facts = { httpStatus, about };
	const code = problem.code ?? '';

	const sessionAdvice = SESSION_ADVICE[code];
	if (sessionAdvice !== undefined) {
		return new SessionError(`The session cannot be used: ${said}`, {
			...facts,
			hint: sessionAdvice,
		});
	}
	if (httpStatus === 401) {
		return new AuthenticationError(`The service does not accept the API key: ${said}`, {
			...facts,
			hint: 'Check the API key in the Inference.sh credential. Nothing was started.',
		});
	}
	if (httpStatus === 402 || ('resource' in problem.meta && ENTITLEMENT_STATUSES.has(httpStatus))) {
		return paymentError(problem, said, facts);
	}
	if (httpStatus === 403) {
		return new PermissionError(`The API key may not do this: ${said}`, {
			...facts,
			hint: 'Give the key the missing scope (apps:read and apps:execute; for agents agents:… and conversations:…, for uploads files:…) or use another key.',
		});
	}
	if (httpStatus === 404) {
		const similar = problem.suggestions.slice(0, 3).join(', ');
		return new NotFoundError(`Not found (${call}): ${said}`, {
			...facts,
			hint: similar
				? `Did you mean ${similar}?`
				: 'Check the reference, and that the key belongs to the workspace that can see it.',
		});
	}
	if (httpStatus === 412) return requirementsError(body, problem, facts);
	if (httpStatus === 429) {
		return new RateLimitError(`The service limits the request rate: ${said}`, retryAfterMs, {
			...facts,
			hint: 'Lower Concurrency, or set a limit in the credential that all nodes share.',
		});
	}
	if (httpStatus >= 500) {
		return new ServerError(
			`The service failed (HTTP ${httpStatus}, ${call}): ${said}`,
			retryAfterMs,
			facts,
		);
	}
	if (httpStatus >= 300 && httpStatus < 400) {
		return new ProtocolError(
			`The service answered ${call} with a redirect (HTTP ${httpStatus}), which is not followed because the request carries the API key`,
			{ ...facts, hint: 'Check the base URL in the Inference.sh credential.' },
		);
	}
	return new ValidationError(
		`The service refuses the request (HTTP ${httpStatus}${code ? `, ${code}` : ''}): ${said}`,
		{ ...facts, hint: 'Compare the input with the input schema of the app.' },
	);
}

/** The error for a success status whose body is not what was promised. */
export function unexpectedAnswer(
	call: string,
	httpStatus: number,
	text: string,
	about?: RemoteWork,
): ProtocolError {
	return new ProtocolError(
		`The service answered ${call} with something that is not the API's format (HTTP ${httpStatus}): ${excerpt(text) || 'an empty body'}`,
		{
			httpStatus,
			about,
			hint: 'Check the base URL in the Inference.sh credential, and any proxy in between.',
		},
	);
}
