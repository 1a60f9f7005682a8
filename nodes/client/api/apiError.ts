import {
	AuthenticationError,
	BlockedError,
	PermissionError,
	ProtocolError,
	type InferenceError,
} from '../errors';
import { parseJson } from '../util/json';
import { isRateLimit, PAYMENT_CODES, PLAN_CODES } from './entitlement';
import { excerpt, isPage, readProblem, withoutFullStop, wordsOfPage } from './problem';
import {
	balanceError,
	blockedError,
	CHECK_ADDRESS,
	CHECK_GATEWAYS,
	connectionError,
	featureError,
	gatewayRefusal,
	isOfAGateway,
	isOfAWebsite,
	isOfTheAddress,
	maintenanceError,
	NOT_TAKEN,
	notFoundError,
	notTheApi,
	paymentError,
	permissionError,
	plain,
	rateLimitError,
	redirectError,
	requirementsError,
	retiredError,
	serverError,
	SESSION_ADVICE,
	sessionError,
	validationError,
	type Answer,
	type MakeError,
	type Refusal,
} from './refusalErrors';

type StatusTest = (httpStatus: number) => boolean;

/** What an answer means if it has the status, one of the codes, and meets the condition. */
interface Situation {
	/** Any if undefined. */
	readonly status?: StatusTest;
	/** In lower case; any if undefined. */
	readonly codes?: readonly string[];
	readonly when?: (answer: Answer) => boolean;
	readonly error: MakeError;
}

function is(...statuses: readonly number[]): StatusTest {
	return (httpStatus) => statuses.includes(httpStatus);
}

function not(status: number): StatusTest {
	return (httpStatus) => httpStatus !== status;
}

function between(first: number, last: number): StatusTest {
	return (httpStatus) => httpStatus >= first && httpStatus <= last;
}

/** What answers mean, in the service's words of API notes 1.5. The first line that fits counts. */
const SITUATIONS: readonly Situation[] = [
	{ codes: Object.keys(SESSION_ADVICE), error: sessionError },
	{ codes: ['app_retired', 'model_retired'], error: retiredError },
	{ codes: ['app_maintenance', 'model_maintenance'], error: maintenanceError },
	// Raised before anything is created.
	{ codes: ['entitlement_unavailable'], error: serverError(false) },
	{ status: not(404), when: ({ problem }) => isRateLimit(problem), error: rateLimitError },
	{ codes: PAYMENT_CODES, error: balanceError },
	// Whatever limit a 429 names, it passes.
	{ status: is(429), error: rateLimitError },
	{ codes: ['feature_not_available'], error: featureError },
	{ codes: PLAN_CODES, error: paymentError },
	// A page that wants a login: the API asks for no other than the key.
	{ status: is(401), when: isOfAWebsite, error: notTheApi },
	{
		status: is(401),
		error: plain(
			AuthenticationError,
			'The service does not accept the API key',
			'Check the API key in the Inference.sh credential.',
		),
	},
	{ status: is(402), error: paymentError },
	// The resource is the entitlement that is used up.
	{
		status: is(400, 403, 409, 422),
		when: ({ problem }) => 'resource' in problem.meta,
		error: paymentError,
	},
	{
		status: is(451),
		error: plain(
			BlockedError,
			'The service may not be used from where this n8n runs (HTTP 451)',
			'The country or region is decided by the public address of this n8n. Run it elsewhere, or ask the support of inference.sh.',
		),
	},
	{
		codes: ['account_deactivated', 'account_banned'],
		error: plain(
			BlockedError,
			'The account of the API key may not use the service',
			'Ask the support of inference.sh, or use the key of another account.',
		),
	},
	{
		codes: ['otp_required'],
		error: plain(
			PermissionError,
			'The service wants a one-time password, which no workflow can give',
			'Use an API key that does not need one.',
		),
	},
	{ status: is(403), when: isOfTheAddress, error: blockedError },
	{
		status: is(403),
		when: isOfAGateway,
		error: gatewayRefusal,
	},
	{ status: is(403), error: permissionError },
	{ status: is(404, 410), error: notFoundError },
	{
		status: is(407),
		error: connectionError('The proxy between this n8n and the service wants a login', {
			mayHaveBeenAccepted: false,
			hint: 'Put user and password into the proxy settings of this n8n (HTTP_PROXY, HTTPS_PROXY).',
		}),
	},
	{
		status: is(408),
		error: connectionError('The service did not receive the whole request in time', NOT_TAKEN),
	},
	{ status: is(412), when: isOfAWebsite, error: notTheApi },
	{ status: is(412), error: requirementsError },
	{
		status: is(421),
		error: connectionError('The request reached a server that does not handle it', NOT_TAKEN),
	},
	{
		status: is(425),
		error: connectionError(
			'The service refused a request that was sent too early in a connection',
			NOT_TAKEN,
		),
	},
	// nginx and AWS write them when whoever asked was gone; what lies behind them may have been asked.
	{
		status: is(460, 499),
		error: connectionError(
			'A gateway gave up on the request because its connection was closed; the service may have received it',
			{ mayHaveBeenAccepted: true, hint: CHECK_GATEWAYS },
		),
	},
	{
		status: is(503),
		when: ({ facts }) => facts.retryAfterMs !== undefined,
		error: serverError(false),
	},
	{ status: between(500, Infinity), error: serverError(true) },
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
	const { httpStatus, text, call, address, about, retryAfterMs, resetMs } = refusal;
	const body = parseJson(text);
	const problem = readProblem(body);
	const page = body === undefined && isPage(text);
	const words = page ? wordsOfPage(text) : excerpt(problem.message ?? text);
	const said = withoutFullStop(words) || 'no reason given';
	const facts = {
		httpStatus,
		about,
		retryAfterMs,
		reason: said,
		request: call,
		...(page ? { answer: excerpt(text) } : {}),
	};
	const answer: Answer = { httpStatus, text, call, address, resetMs, body, problem, said, facts };
	const situation = SITUATIONS.find((each) => fits(each, answer));
	return situation?.error(answer) ?? validationError(answer);
}

/** The error for a success status whose body is not what was promised. */
export function unexpectedAnswer({
	httpStatus,
	text,
	call,
	address,
	about,
}: Pick<Refusal, 'httpStatus' | 'text' | 'call' | 'address' | 'about'>): InferenceError {
	const facts = { httpStatus, about, request: call };
	// JSON that breaks off is the service's all the same.
	if (/^\s*[^\s{[]/.test(text) && parseJson(text) === undefined) {
		return notTheApi({ httpStatus, text, address, facts });
	}
	return new ProtocolError(
		`${address} answered in a form that inference.sh does not use (HTTP ${httpStatus}): ${excerpt(text) || 'an empty body'}`,
		{ ...facts, hint: CHECK_ADDRESS },
	);
}
