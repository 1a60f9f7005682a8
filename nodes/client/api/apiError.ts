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
	type ErrorClass,
	type ErrorFacts,
	type InferenceError,
	type MissingRequirement,
	type RemoteWork,
} from '../errors';
import { isJsonObject, listOf, parseJson, textOf } from '../util/json';
import { excerpt, readProblem, withoutFullStop, type Problem } from './problem';

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

/** A refusal, read. */
interface Answer extends Pick<Refusal, 'httpStatus' | 'call'> {
	readonly body: unknown;
	readonly problem: Problem;
	/** What the service says, as the end of a sentence without its full stop. */
	readonly said: string;
	/** What every error of it says. */
	readonly facts: ErrorFacts;
}

function requirementsError({ body, problem, facts }: Answer): InferenceError {
	const missing = listOf(isJsonObject(body) ? body['errors'] : undefined)
		.map(describeRequirement)
		.filter((requirement) => requirement !== undefined);
	const list = missing.map((each) => `${each.message} (${each.fix})`).join('; ');
	return new RequirementsNotMetError(
		`The app's requirements are not met: ${list || problem.message || 'no details given'}`,
		{
			...facts,
			missing,
			hint: missing.map((each) => `To do: ${each.fix}.`).join(' ') || undefined,
		},
	);
}

function paymentError({ problem, said, facts }: Answer): InferenceError {
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

function sessionError({ problem, said, facts }: Answer): InferenceError {
	const hint = SESSION_ADVICE[problem.code ?? ''];
	return new SessionError(`The session cannot be used: ${said}`, { ...facts, hint });
}

function notFoundError({ problem, call, said, facts }: Answer): InferenceError {
	const similar = problem.suggestions.slice(0, 3).join(', ');
	return new NotFoundError(`Not found (${call}): ${said}`, {
		...facts,
		hint: similar
			? `Did you mean ${similar}?`
			: 'Check the reference, and that the key belongs to the workspace that can see it.',
	});
}

function serverError({ httpStatus, call, said, facts }: Answer): InferenceError {
	return new ServerError(`The service failed (HTTP ${httpStatus}, ${call}): ${said}`, facts);
}

function redirectError({ httpStatus, call, facts }: Answer): InferenceError {
	return new ProtocolError(
		`The service answered ${call} with a redirect (HTTP ${httpStatus}), which is not followed because the request carries the API key`,
		{ ...facts, hint: 'Check the base URL in the Inference.sh credential.' },
	);
}

function validationError({ httpStatus, problem, said, facts }: Answer): InferenceError {
	const code = problem.code ? `, ${problem.code}` : '';
	return new ValidationError(
		`The service refuses the request (HTTP ${httpStatus}${code}): ${said}`,
		{ ...facts, hint: 'Compare the input with the input schema of the app.' },
	);
}

/** The error of a situation that says the same whatever the answer holds besides its message. */
function plain(Kind: ErrorClass, what: string, hint: string): Situation['error'] {
	return ({ said, facts }) => new Kind(`${what}: ${said}`, { ...facts, hint });
}

type StatusTest = (httpStatus: number) => boolean;

/** What an answer means if it has the status, one of the codes, and meets the condition. */
interface Situation {
	/** Any if undefined. */
	readonly status?: StatusTest;
	/** In lower case; any if undefined. */
	readonly codes?: readonly string[];
	readonly when?: (answer: Answer) => boolean;
	readonly error: (answer: Answer) => InferenceError;
}

function is(...statuses: readonly number[]): StatusTest {
	return (httpStatus) => statuses.includes(httpStatus);
}

function between(first: number, last: number): StatusTest {
	return (httpStatus) => httpStatus >= first && httpStatus <= last;
}

/** What answers mean, in the service's words of API notes 1.5. The first line that fits counts. */
const SITUATIONS: readonly Situation[] = [
	{ codes: Object.keys(SESSION_ADVICE), error: sessionError },
	{
		status: is(401),
		error: plain(
			AuthenticationError,
			'The service does not accept the API key',
			'Check the API key in the Inference.sh credential. Nothing was started.',
		),
	},
	{ status: is(402), error: paymentError },
	// The resource is the entitlement that is used up. A 429 passes, whatever its limit.
	{
		status: is(400, 403, 409, 422),
		when: ({ problem }) => 'resource' in problem.meta,
		error: paymentError,
	},
	{
		status: is(403),
		error: plain(
			PermissionError,
			'The API key may not do this',
			'Give the key the missing scope (apps:read and apps:execute for apps; agents:read, agents:execute, conversations:read and conversations:write for agents; files:read and files:write for uploads) or use another key.',
		),
	},
	{ status: is(404), error: notFoundError },
	{ status: is(412), error: requirementsError },
	{
		status: is(429),
		error: plain(
			RateLimitError,
			'The service limits the request rate',
			'Lower Concurrency, or set a limit in the credential that all nodes share.',
		),
	},
	{ status: between(500, Infinity), error: serverError },
	{ status: between(300, 399), error: redirectError },
];

function fits({ status, codes, when }: Situation, answer: Answer): boolean {
	if (status?.(answer.httpStatus) === false) return false;
	if (codes?.includes(answer.problem.code ?? '') === false) return false;
	return when?.(answer) !== false;
}

/**
 * Turns an answer outside 2xx (or a refusal in a 2xx body) into the error of its situation.
 * What fits no situation is a request that the service refuses as it stands.
 */
export function errorFromRefusal(refusal: Refusal): InferenceError {
	const { httpStatus, text, call, about, retryAfterMs } = refusal;
	const body = parseJson(text);
	const problem = readProblem(body);
	const said = withoutFullStop(excerpt(problem.message ?? text) || `HTTP ${httpStatus}`);
	const facts = { httpStatus, about, retryAfterMs };
	const answer: Answer = { httpStatus, call, body, problem, said, facts };
	const situation = SITUATIONS.find((each) => fits(each, answer));
	return situation?.error(answer) ?? validationError(answer);
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
