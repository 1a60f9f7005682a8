import {
	AppMaintenanceError,
	AppRetiredError,
	BlockedError,
	NetworkError,
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
import { planFacts } from './entitlement';
import { excerpt, isPage, withoutFullStop, wordsOf, wordsOfPage, type Problem } from './problem';
import { scopesFor } from './scopes';

/** An answer that is not a success. */
export interface Refusal {
	readonly httpStatus: number;
	/** Body as text, with secrets already taken out. */
	readonly text: string;
	/** How long the service asked to wait, ms. */
	readonly retryAfterMs: number | undefined;
	/** How long it takes until the limit on requests begins anew, ms. */
	readonly resetMs?: number | undefined;
	/** What was called, for example `POST /apps/run`. */
	readonly call: string;
	/** Where it was called: the base URL. */
	readonly address: string;
	readonly about?: RemoteWork | undefined;
}

/** A refusal, read. */
export interface Answer
	extends Pick<Refusal, 'httpStatus' | 'text' | 'call' | 'address' | 'resetMs'> {
	readonly body: unknown;
	readonly problem: Problem;
	/** What the service says, as the end of a sentence without its full stop. */
	readonly said: string;
	/** What every error of it says. */
	readonly facts: ErrorFacts;
}

/** Makes the error of a situation. */
export type MakeError = (answer: Answer) => InferenceError;

/** What to do if it is not the API that has answered. */
export const CHECK_ADDRESS =
	'Correct "Base URL" in the Inference.sh credential: it is https://api.inference.sh, unless you use a gateway or a server of your own. If it is right, look for a proxy in between.';
const NEW_SESSION = 'Start a new session by setting "Task: Session" to "new".';
/** What to do about a session, by the code of the refusal. */
export const SESSION_ADVICE: Readonly<Record<string, string>> = {
	session_not_found: NEW_SESSION,
	session_expired: `Its state is gone. ${NEW_SESSION}`,
	session_ended: `Its state is gone. ${NEW_SESSION}`,
	worker_lost: `The worker that held it is gone. ${NEW_SESSION}`,
	worker_leased: 'Its worker serves another session. Wait for that one to end or start a new one.',
	app_mismatch: 'A session works only with the app that it was started with.',
	version_mismatch:
		'The app has a new version. Choose the old one in "Task: Version", or start a new session.',
};

function describeRequirement(entry: unknown): MissingRequirement | undefined {
	if (!isJsonObject(entry)) return undefined;
	const type = wordsOf(entry['type']) ?? 'requirement';
	const action = isJsonObject(entry['action']) ? entry['action'] : {};
	const key = wordsOf(entry['key']) ?? wordsOf(action['secret_key']) ?? '';
	const provider = wordsOf(action['provider_name']) ?? wordsOf(action['provider']) ?? key;
	const scopes = listOf(action['scopes']).filter((scope) => typeof scope === 'string');
	const named = provider === key || key === '' ? provider : `${provider} (${key})`;
	const fixes: Readonly<Record<string, string>> = {
		add_secret: `add the secret ${key} in your inference.sh workspace settings`,
		connect: `connect ${named} in your inference.sh workspace settings`,
		add_scopes: `reconnect ${named} and grant ${excerpt(scopes.join(', ')) || 'the missing scopes'}`,
	};
	const fix =
		fixes[textOf(action['type']) ?? ''] ?? `set up ${key || type} in your inference.sh workspace`;
	const message = wordsOf(entry['message']) ?? `${`${type} ${key}`.trimEnd()} is missing`;
	return { type, key, message, fix };
}

/** What is missing, by the name under which it is set up, too. */
function named({ type, key, message }: MissingRequirement): string {
	return message.includes(key)
		? withoutFullStop(message)
		: `${withoutFullStop(message)} (${type} ${key})`;
}

/** More than an app has; a longer list would be no help. */
const MOST_REQUIREMENTS = 50;

/** Where the list is: at the top, or in whatever has been put around it. */
function requirementsIn(body: unknown): readonly unknown[] {
	if (!isJsonObject(body)) return [];
	const places = [body, body['data'], body['error'], body['meta']].filter(isJsonObject);
	return places.map((place) => listOf(place['errors'])).find((list) => list.length > 0) ?? [];
}

/** What is said, each thing once. */
function once(words: readonly string[]): string {
	return [...new Set(words)].join('; ');
}

export function requirementsError({ body, problem, said, facts }: Answer): InferenceError {
	const missing = requirementsIn(body)
		.slice(0, MOST_REQUIREMENTS)
		.map(describeRequirement)
		.filter((requirement) => requirement !== undefined);
	const list = once(missing.map(named));
	const todo = once(missing.map(({ fix }) => fix));
	return new RequirementsNotMetError(
		`The app's requirements are not met: ${list || (problem.message === undefined ? 'no details given' : said)}`,
		{
			...facts,
			missing,
			hint:
				todo === ''
					? 'The page of the app on inference.sh says which secrets and integrations it needs.'
					: `To do: ${todo}.`,
		},
	);
}

/** What the service says, and what it tells of the plan. */
function saidOfPlan({ problem, said }: Answer): string {
	return [said, ...planFacts(problem)].join('. ');
}

export function paymentError(answer: Answer): InferenceError {
	return new PaymentError(`The plan or balance does not allow this: ${saidOfPlan(answer)}`, {
		...answer.facts,
		hint: 'Check the balance and plan of the workspace on inference.sh.',
	});
}

/** Nothing that costs anything can be started any more. */
export function balanceError(answer: Answer): InferenceError {
	const hopeless = 'the balance of the workspace is used up';
	return paymentError({ ...answer, facts: { ...answer.facts, hopeless } });
}

export function featureError(answer: Answer): InferenceError {
	return new PaymentError(`The plan does not include this: ${saidOfPlan(answer)}`, {
		...answer.facts,
		hint: 'Add it to the plan of the workspace on inference.sh, or do without it.',
	});
}

export function rateLimitError(answer: Answer): InferenceError {
	const { facts, resetMs } = answer;
	return new RateLimitError(`The service limits the request rate: ${saidOfPlan(answer)}`, {
		...facts,
		retryAfterMs: facts.retryAfterMs ?? resetMs,
		hint: 'Lower "Concurrency", or set "Max Concurrency" in the credential, which all nodes share.',
	});
}

export function sessionError({ problem, said, facts }: Answer): InferenceError {
	const hint = SESSION_ADVICE[problem.code ?? ''];
	return new SessionError(`The session cannot be used: ${said}`, { ...facts, hint });
}

/** The words of the app's owner, unless the service's own sentence has them already. */
function withOwnersWords({ problem: { statusMessage }, said }: Answer): string {
	const words = withoutFullStop(excerpt(statusMessage ?? ''));
	return words === '' || said.includes(words) ? said : `${said}. Its owner says: ${words}`;
}

export function retiredError(answer: Answer): InferenceError {
	return new AppRetiredError(`The app has been retired: ${withOwnersWords(answer)}`, {
		...answer.facts,
		hint: 'It will not come back. Choose another app.',
	});
}

export function maintenanceError(answer: Answer): InferenceError {
	return new AppMaintenanceError(`The app is under maintenance: ${withOwnersWords(answer)}`, {
		...answer.facts,
		hint: 'Run it again later, or choose another app.',
	});
}

export function notFoundError(answer: Answer): InferenceError {
	const { httpStatus } = answer;
	const isOther = httpStatus === 404 ? isOfSomethingElse : isOfAWebsite;
	if (isOther(answer)) return notTheApi(answer);
	const { problem, call, said, facts } = answer;
	const similar = problem.suggestions.slice(0, 3).join(', ');
	const what = isOfAnApp(call)
		? 'There is no such app or version, or this API key cannot see it'
		: 'It does not exist, or this API key cannot see it';
	return new NotFoundError(`${what}: ${said}`, {
		...facts,
		hint: similar
			? `Did you mean ${similar}?`
			: 'Check the reference, and that the key belongs to the workspace that can see it.',
	});
}

/** Whether an answer is a web page, which the API has none of. */
export function isOfAWebsite({ body, text }: Answer): boolean {
	return body === undefined && isPage(text);
}

/**
 * Whether a 404 is of a server that does not have what was called at all: one in words for people, or
 * one that names the path. The API says in JSON what it has not found; and its lists are always there.
 */
function isOfSomethingElse({ body, text, call, problem, said }: Answer): boolean {
	const [, path = ''] = call.split(' ');
	if (LISTS.test(path) && problem.code === undefined) return true;
	if (body === undefined) return text.trim() !== '';
	const told = isJsonObject(body) ? [said, body['message'], body['path']] : [said];
	return path !== '' && told.some((words) => textOf(words)?.includes(path));
}

/** Routes that name nothing which may be missing. */
const LISTS = /^\/(?:(?:apps|agents|tasks|chats|files)\/list|sessions)$/;

/** The error for an answer of something that is not the API. */
export function notTheApi(
	answer: Pick<Answer, 'httpStatus' | 'text' | 'address' | 'facts'>,
): InferenceError {
	const { httpStatus, text, address, facts } = answer;
	const page = isPage(text);
	const words = withoutFullStop(page ? wordsOfPage(text) : excerpt(text));
	const quoted = words === '' ? '' : `: "${words}"`;
	const other = parseJson(text) === undefined ? 'text' : 'other data';
	const what = page ? 'a web page' : text.trim() === '' ? 'nothing' : other;
	return new ProtocolError(
		`What answers at ${address} is not inference.sh. It sent ${what} (HTTP ${httpStatus})${quoted}`,
		{ ...facts, answer: excerpt(text), hint: CHECK_ADDRESS },
	);
}

/** What to do if the way to the service goes wrong again and again. */
export const CHECK_GATEWAYS =
	'If it happens again, look at the proxies and gateways between this n8n and the service.';

interface ConnectionFacts {
	readonly mayHaveBeenAccepted: boolean;
	readonly hint: string;
}

/** What refuses in this way has not looked at the request. */
export const NOT_TAKEN: ConnectionFacts = { mayHaveBeenAccepted: false, hint: CHECK_GATEWAYS };

/** The error for an answer that only says that the way to the service has gone wrong. */
export function connectionError(what: string, more: ConnectionFacts): MakeError {
	return ({ httpStatus, said, facts }) =>
		new NetworkError(`${what} (HTTP ${httpStatus}): ${said}`, { ...facts, ...more });
}

/** What is wrong with a key is the API's business, in whatever shape it says it. */
const OF_THE_KEY = /\b(?:scope|permission|api key)/i;

/** Whether a 403 is that of a blocked address: a message alone, before the key is looked at. */
export function isOfTheAddress({ body, problem, said }: Answer): boolean {
	return isJsonObject(body) && !problem.fromApi && !OF_THE_KEY.test(said);
}

export function blockedError({ said, facts }: Answer): InferenceError {
	return new BlockedError(`The service blocks the address of this n8n: ${said}`, {
		...facts,
		hint: 'The API key has not been checked yet. Ask the support of inference.sh about the public address of this n8n.',
	});
}

/** Whether a 403 is a page or text of somebody before the API, such as a firewall. */
export function isOfAGateway({ body, text, said }: Answer): boolean {
	return body === undefined && text.trim() !== '' && !OF_THE_KEY.test(said);
}

export function gatewayRefusal({ said, facts }: Answer): InferenceError {
	return new PermissionError(
		`Something between this n8n and inference.sh refused the request (HTTP 403): ${said}`,
		{
			...facts,
			byGateway: true,
			hint: 'This has nothing to do with the API key. Look for a firewall or proxy between this n8n and the service that blocks the request because of its content, and check "Base URL" in the Inference.sh credential.',
		},
	);
}

/** What a key that has not all scopes lacks. */
function scopeHint(call: string): string {
	const scopes = scopesFor(call);
	return scopes === undefined
		? 'Give the key the missing scope, or use another key.'
		: `It needs the scope${/, | and /.test(scopes) ? 's' : ''} ${scopes}. Give ${/, | and /.test(scopes) ? 'them' : 'it'} to the key, or use another one.`;
}

export function permissionError({ call, problem, said, facts }: Answer): InferenceError {
	// Without a scope nothing can be started; without the right to an app, others can.
	const isScope = /scope/i.test(`${problem.code ?? ''} ${said}`);
	const hopeless =
		isScope && SUBMISSIONS.has(call) ? 'the API key lacks the scope to start anything' : undefined;
	return new PermissionError(`The API key may not do this: ${said}`, {
		...facts,
		hopeless,
		hint: scopeHint(call),
	});
}

/** Calls that start something that costs. */
const SUBMISSIONS: ReadonlySet<string> = new Set([
	'POST /apps/run',
	'POST /agents/run',
	'POST /flowruns',
]);

/** @param mayHaveBeenAccepted false for an orderly refusal */
export function serverError(mayHaveBeenAccepted: boolean): MakeError {
	return ({ httpStatus, said, facts }) =>
		new ServerError(`The service failed (HTTP ${httpStatus}): ${said}`, {
			...facts,
			mayHaveBeenAccepted,
		});
}

export function redirectError({ httpStatus, address, facts }: Answer): InferenceError {
	return new ProtocolError(
		`${address} answered with a redirect (HTTP ${httpStatus}), which is not followed because the request carries the API key`,
		{ ...facts, hint: CHECK_ADDRESS },
	);
}

/** Whether a call is about an app: runs it, asks what that would cost, or what it is like. */
function isOfAnApp(call: string): boolean {
	return isRun(call) || call.startsWith('GET /apps/');
}

/** Whether a call runs an app, or asks what that would cost. */
function isRun(call: string): boolean {
	return /^POST (?:\/apps\/run|\/store\/apps\/[^/]+\/estimate)$/.test(call);
}

/** What to do about a refusal of which nothing but its status is known. */
function validationHint({ httpStatus, call }: Answer): string | undefined {
	switch (httpStatus) {
		case 400:
		case 422:
			return isRun(call) ? 'Compare the input with the input schema of the app.' : undefined;
		case 409:
			return undefined;
		case 413:
			return 'Send large data as a file instead of as text.';
		default:
			return CHECK_ADDRESS;
	}
}

export function validationError(answer: Answer): InferenceError {
	const { httpStatus, problem, said, facts } = answer;
	if (isOfAWebsite(answer) && httpStatus !== 413) return notTheApi(answer);
	const code = problem.code ? `, ${problem.code}` : '';
	return new ValidationError(
		`The service refuses the request (HTTP ${httpStatus}${code}): ${said}`,
		{ ...facts, hint: validationHint(answer) },
	);
}

/** The error of a situation that says the same whatever the answer holds besides its message. */
export function plain(Kind: ErrorClass, what: string, hint: string): MakeError {
	return ({ said, facts }) => new Kind(`${what}: ${said}`, { ...facts, hint });
}
