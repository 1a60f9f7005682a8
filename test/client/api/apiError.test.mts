import { describe, expect, it } from 'vitest';
import { fastify } from 'fastify';
import type { AddressInfo } from 'node:net';
import { errorFromRefusal, unexpectedAnswer } from '../../../nodes/client/api/apiError.ts';
import {
	AppMaintenanceError,
	AppRetiredError,
	AuthenticationError,
	BlockedError,
	InferenceError,
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
} from '../../../nodes/client/errors.ts';
import { useSandbox } from '../../useSandbox.mts';
import { makeClient, rejection, runOne } from '../support.mts';

function refused(
	httpStatus: number,
	body: unknown,
	retryAfterMs?: number,
	call = 'POST /apps/run',
): InferenceError {
	return errorFromRefusal({
		httpStatus,
		text: typeof body === 'string' ? body : JSON.stringify(body),
		retryAfterMs,
		call,
		address: 'https://api.example',
		about: { kind: 'task', id: 't1' },
	});
}

const unexpected = (httpStatus: number, text: string) =>
	unexpectedAnswer({
		httpStatus,
		text,
		call: 'GET /tasks/t1',
		address: 'https://api.example',
		about: { kind: 'task', id: 't1' },
	});

const problem = (code: string, detail: string, more: object = {}) => ({
	type: `https://api.inference.sh/errors/${code}`,
	title: 'A title',
	status: 400,
	detail,
	...more,
});

describe('the message of an error body', () => {
	it.each<[what: string, body: unknown, said: string]>([
		['the detail of a problem', problem('x', 'the detail'), 'the detail'],
		['the title of a problem without detail', { type: 'a/x', title: 'the title' }, 'the title'],
		['the title if the detail is empty', problem('x', ''), 'A title'],
		['an error object', { success: false, error: { code: 'x', message: 'inner' } }, 'inner'],
		['an error text', { error: 'plain error' }, 'plain error'],
		['a message', { message: 'from the middleware' }, 'from the middleware'],
		['the detail before anything else', { detail: 'a', error: 'b', message: 'c' }, 'a'],
		['the error before the message', { error: { message: 'b' }, message: 'c' }, 'b'],
		['plain text', 'upstream is down', 'upstream is down'],
		['JSON of an unknown shape', { what: 'ever' }, '{"what":"ever"}'],
		['a JSON text', '"quoted"', '"quoted"'],
		['a null', 'null', 'null'],
		['no body', '', 'no reason given'],
		['a body of blanks', ' \n ', 'no reason given'],
		['a sentence with a full stop', { error: 'It failed.' }, 'It failed'],
	])('is %s', (_what, body, said) => {
		const { message } = refused(418, body);
		expect(message.slice(message.indexOf('): ') + 3)).toBe(said);
	});

	it('of an HTML page is its title, or at most 500 characters of its words', () => {
		const page = `<html>\n<body>\n\t<h1>502</h1>${'<p>Bad Gateway</p>\n'.repeat(500)}</body></html>`;
		expect(refused(502, page).message).toBe('The service failed (HTTP 502): 502');
		const untitled = refused(502, page.replace(/<h1>.*<\/h1>/, '')).message;
		expect(untitled).toMatch(/^The service failed \(HTTP 502\): Bad Gateway Bad Gateway .*…$/);
		expect(untitled.length).toBeLessThan(540);
		expect(refused(502, page).answer).toMatch(/^<html> <body> <h1>502/);
		const odd = '<'.repeat(3_000_000);
		expect(refused(502, odd).message.length).toBeLessThan(540);
	});

	it('does not hold what was called; that is a detail', () => {
		for (const status of [301, 400, 404, 407, 408, 412, 500]) {
			const error = refused(status, problem('x', 'no'));
			expect(error.message).not.toContain('POST');
			expect(error.request).toBe('POST /apps/run');
			expect(error.reworded('other').request).toBe('POST /apps/run');
		}
	});
});

describe('the class of an error', () => {
	type Row = readonly [
		status: number,
		code: string,
		kind: abstract new (...args: never) => InferenceError,
		code: string,
		retryable: boolean,
	];
	const ROWS: readonly Row[] = [
		[301, 'moved', ProtocolError, 'protocol', false],
		[400, 'invalid_request', ValidationError, 'validation', false],
		[401, 'unauthorized', AuthenticationError, 'authentication', false],
		[402, 'payment_required', PaymentError, 'payment', false],
		[403, 'forbidden', PermissionError, 'permission', false],
		[403, 'otp_required', PermissionError, 'permission', false],
		[403, 'account_banned', BlockedError, 'blocked', false],
		[403, 'account_deactivated', BlockedError, 'blocked', false],
		[404, 'not_found', NotFoundError, 'not_found', false],
		[409, 'name_conflict', ValidationError, 'validation', false],
		[407, 'x', NetworkError, 'network', true],
		[408, 'x', NetworkError, 'network', true],
		[409, 'APP_MISMATCH', SessionError, 'session', false],
		[410, 'gone', NotFoundError, 'not_found', false],
		[410, 'app_retired', AppRetiredError, 'app_retired', false],
		[410, 'MODEL_RETIRED', AppRetiredError, 'app_retired', false],
		[421, 'x', NetworkError, 'network', true],
		[425, 'x', NetworkError, 'network', true],
		[451, 'x', BlockedError, 'blocked', false],
		[412, 'x', RequirementsNotMetError, 'requirements_not_met', false],
		[413, 'too_large', ValidationError, 'validation', false],
		[422, 'validation_failed', ValidationError, 'validation', false],
		[429, 'rate_limited', RateLimitError, 'rate_limit', true],
		[400, 'rate_limited', RateLimitError, 'rate_limit', true],
		[402, 'limit_exceeded', PaymentError, 'payment', false],
		[403, 'feature_not_available', PaymentError, 'payment', false],
		[429, 'insufficient_quota', PaymentError, 'payment', false],
		[500, 'internal_error', ServerError, 'server', true],
		[500, 'entitlement_unavailable', ServerError, 'server', true],
		[503, 'app_maintenance', AppMaintenanceError, 'app_maintenance', true],
		[503, 'model_maintenance', AppMaintenanceError, 'app_maintenance', true],
		[502, 'x', ServerError, 'server', true],
		[503, 'x', ServerError, 'server', true],
		[504, 'x', ServerError, 'server', true],
		[599, 'x', ServerError, 'server', true],
		[400, 'APP_MISMATCH', SessionError, 'session', false],
		[400, 'VERSION_MISMATCH', SessionError, 'session', false],
		[404, 'SESSION_NOT_FOUND', SessionError, 'session', false],
		[409, 'WORKER_LEASED', SessionError, 'session', false],
		[410, 'SESSION_EXPIRED', SessionError, 'session', false],
		[410, 'SESSION_ENDED', SessionError, 'session', false],
		[500, 'WORKER_LOST', SessionError, 'session', false],
	];

	it.each(ROWS)('of HTTP %i %s', (status, name, kind, code, retryable) => {
		const error = refused(status, problem(name, 'the detail'));
		expect(error).toBeInstanceOf(kind);
		expect(error).toMatchObject({
			code,
			retryable,
			httpStatus: status,
			about: { kind: 'task', id: 't1' },
		});
		expect(error.name).toBe(kind.name);
		expect(error.message).toContain(status === 301 ? 'redirect' : 'the detail');
	});

	it.each(ROWS.filter(([status]) => status < 500).map(([status, name]) => [status, name]))(
		'of HTTP %i %s says that nothing was started',
		(status, name) => {
			expect(refused(Number(status), problem(String(name), 'x')).mayHaveBeenAccepted).toBe(false);
		},
	);

	it.each([500, 502, 503, 504])('of HTTP %i leaves open whether anything was started', (status) => {
		expect(refused(status, '').mayHaveBeenAccepted).toBe(true);
	});

	it('of HTTP 503 with Retry-After says that nothing was started', () => {
		expect(refused(503, '', 1_000).mayHaveBeenAccepted).toBe(false);
		expect(refused(500, '', 1_000).mayHaveBeenAccepted).toBe(true);
	});

	it.each([
		['entitlement_unavailable', 500],
		['app_maintenance', 503],
	])('of %s at HTTP %i says that nothing was started', (code, status) => {
		expect(refused(status, problem(code, 'x')).mayHaveBeenAccepted).toBe(false);
	});

	it.each([499, 460])('of HTTP %i leaves open whether anything was started', (status) => {
		expect(refused(status, '')).toMatchObject({
			code: 'network',
			retryable: true,
			mayHaveBeenAccepted: true,
		});
	});

	it('carries how long to wait', () => {
		expect(refused(429, '', 7_000)).toMatchObject({ retryAfterMs: 7_000 });
		expect(refused(503, '', 7_000)).toMatchObject({ retryAfterMs: 7_000 });
	});
});

describe('the code of an error body', () => {
	it.each<[what: string, body: unknown]>([
		['the last part of a type', problem('session_expired', 'x')],
		['the type, if it is no address', { type: 'session_expired' }],
		['the code of an error object', { error: { code: 'session_expired', message: 'x' } }],
		['the code beside the message', { code: 'session_expired', message: 'x' }],
		['the code before the type', problem('other', 'x', { code: 'session_expired' })],
		['in capitals', { error: { code: 'SESSION_EXPIRED', message: 'x' } }],
		['in mixed case', problem('Session_Expired', 'x')],
	])('is read: %s', (_what, body) => {
		expect(refused(410, body)).toBeInstanceOf(SessionError);
	});

	it('is shown if nothing else is known of the refusal', () => {
		expect(refused(409, problem('name_conflict', 'the name is taken')).message).toBe(
			'The service refuses the request (HTTP 409, name_conflict): the name is taken',
		);
		expect(refused(413, 'too large').message).toBe(
			'The service refuses the request (HTTP 413): too large',
		);
	});
});

describe('the hint', () => {
	it.each<[what: string, error: InferenceError, hint: RegExp]>([
		['of a wrong key', refused(401, ''), /API key .* credential/],
		['of a missing scope', refused(403, ''), /apps:read and apps:execute/],
		['of a rate limit', refused(429, ''), /Lower "Concurrency"/],
		['of a redirect', refused(302, ''), /Base URL/],
		['of a bad input', refused(422, ''), /input schema/],
		['of an unknown reference', refused(404, ''), /Check the reference/],
		['of an ended session', refused(410, problem('SESSION_ENDED', 'x')), /"new"/],
		['of a leased worker', refused(409, problem('WORKER_LEASED', 'x')), /another session/],
		['of an answer that is not the API’s', unexpected(200, '<html>'), /Base URL/],
	])('%s says what to do', (_what, error, hint) => {
		expect(error.hint).toMatch(hint);
	});

	it('of an unknown app names up to three similar ones', () => {
		const similar = ['a/echo', 'b/echo', 'c/echo', 'd/echo'];
		const hint = 'Did you mean a/echo, b/echo, c/echo?';
		const legacy = {
			success: false,
			error: { code: 'not_found', message: 'x', suggestions: similar },
		};
		expect(refused(404, legacy).hint).toBe(hint);
		expect(refused(404, problem('not_found', 'x', { suggestions: similar })).hint).toBe(hint);
		const objects = similar.map((ref) => ({ ref }));
		expect(refused(404, problem('not_found', 'x', { suggestions: objects })).hint).toBe(hint);
		expect(refused(404, problem('not_found', 'x', { suggestions: [null, 7, 'a/b'] })).hint).toBe(
			'Did you mean a/b?',
		);
	});

	it('of an unknown app is the general one if null is suggested', () => {
		expect(refused(404, problem('not_found', 'x', { suggestions: null })).hint).toMatch(/Check/);
	});
});

describe('HTTP 403', () => {
	it.each<[what: string, body: unknown, code: string, hint: RegExp]>([
		['of a blocked address', { message: 'access denied' }, 'blocked', /address/],
		['of a firewall', '<html>Attention required</html>', 'permission', /firewall/],
		['of a missing scope', { message: 'missing scope: apps:execute' }, 'permission', /apps:read/],
		['of another firewall', 'Request blocked', 'permission', /firewall/],
		['without any words', '', 'permission', /apps:read/],
		['in old words', { error: 'forbidden' }, 'permission', /apps:read/],
		['of a wanted password', problem('otp_required', 'x'), 'permission', /does not need one/],
	])('%s', (_what, body, code, hint) => {
		const error = refused(403, body);
		expect(error.code).toBe(code);
		expect(error.hint).toMatch(hint);
	});

	it('of the service may be about what was asked for; of anything before it, it is not', () => {
		expect(refused(403, { error: 'forbidden' }).outOfReach).toBe(true);
		expect(refused(403, '<html>Attention required</html>').outOfReach).toBe(false);
		expect(refused(403, 'Request blocked').outOfReach).toBe(false);
		expect(refused(403, { message: 'access denied' }).outOfReach).toBe(false);
	});
});

describe('the owner’s words about an app', () => {
	it.each<[what: string, body: unknown]>([
		['beside the detail', problem('app_retired', 'gone', { status_message: 'Use v2.' })],
		['in meta', problem('app_retired', 'gone', { meta: { status_message: 'Use v2.' } })],
		['under error', { error: { code: 'app_retired', message: 'gone', status_message: 'Use v2.' } }],
	])('are shown: %s', (_what, body) => {
		expect(refused(410, body).message).toBe(
			'The app has been retired: gone. Its owner says: Use v2',
		);
	});

	it('are not said twice', () => {
		const body = problem('app_retired', 'gone: Use v2.', { status_message: 'Use v2.' });
		expect(refused(410, body).message).toBe('The app has been retired: gone: Use v2');
	});
});

describe('a page that is not the API’s', () => {
	it.each([400, 401, 404, 405])('at HTTP %i is told as that', (status) => {
		const error = refused(status, '<html>The plain HTTP request was sent to HTTPS port</html>');
		expect(error).toMatchObject({ code: 'protocol', mayHaveBeenAccepted: false });
		expect(error.hint).toContain('Base URL');
		expect(error.message).toContain('What answers at https://api.example is not inference.sh');
		expect(error.message).not.toContain('<');
	});

	it.each([
		'404 page not found',
		'Not Found',
		JSON.stringify({ message: 'Cannot POST /apps/run' }),
	])('at HTTP 404 may be text or name the path: %s', (body) => {
		expect(refused(404, body)).toMatchObject({
			code: 'protocol',
			message: expect.stringContaining('is not inference.sh') as string,
		});
	});

	it.each([
		{ message: 'Route POST:/apps/run not found', error: 'Not Found', statusCode: 404 },
		{ status: 404, error: 'Not Found', path: '/apps/run' },
	])('at HTTP 404 may be the data of another server: %j', (body) => {
		expect(refused(404, body).message).toMatch(
			/^What answers at .* is not inference\.sh\. It sent other data \(HTTP 404\): "\{.*\}"$/,
		);
	});

	it.each<[what: string, body: unknown, sent: string]>([
		['nothing', '', 'It sent nothing (HTTP 404)'],
		['other data', { detail: 'Not Found' }, 'It sent other data (HTTP 404)'],
		['another code', { code: 404, message: 'not found' }, 'It sent other data (HTTP 404)'],
	])('at HTTP 404 of a list may be %s: a list is always there', (_what, body, sent) => {
		for (const call of ['POST /apps/list', 'POST /store/apps/list', 'GET /sessions']) {
			const isStore = call.includes('store');
			const { message, hint } = refused(404, body, undefined, call);
			expect(message.includes(sent)).toBe(!isStore);
			expect(hint?.includes('Base URL')).toBe(!isStore);
		}
		expect(refused(404, problem('not_found', 'x'), undefined, 'POST /apps/list').code).toBe(
			'not_found',
		);
	});
});

describe('missing requirements (HTTP 412)', () => {
	const SECRET = {
		type: 'secret',
		key: 'OPENAI_API_KEY',
		message: 'OPENAI_API_KEY is not set',
		action: { type: 'add_secret', secret_key: 'OPENAI_API_KEY' },
	};
	const INTEGRATION = {
		type: 'integration',
		key: 'google',
		message: 'Google is not connected',
		action: { type: 'connect', provider: 'google', provider_name: 'Google Sheets' },
	};
	const SCOPE = {
		type: 'scope',
		key: 'google',
		message: 'Google lacks a scope',
		action: { type: 'add_scopes', provider: 'google', scopes: ['drive.read', 'drive.write'] },
	};

	it('are listed one by one, each with its fix', () => {
		const error = refused(412, { satisfied: false, errors: [SECRET, INTEGRATION, SCOPE] });
		const fixes = [
			'add the secret OPENAI_API_KEY in your inference.sh workspace settings',
			'connect Google Sheets (google) in your inference.sh workspace settings',
			'reconnect google and grant drive.read, drive.write',
		];
		expect(error).toMatchObject({
			missing: [
				{ type: 'secret', key: 'OPENAI_API_KEY', message: SECRET.message, fix: fixes[0] },
				{ type: 'integration', key: 'google', message: INTEGRATION.message, fix: fixes[1] },
				{ type: 'scope', key: 'google', message: SCOPE.message, fix: fixes[2] },
			],
		});
		expect(error.message).toBe(
			"The app's requirements are not met: OPENAI_API_KEY is not set; Google is not connected (integration google); Google lacks a scope (scope google)",
		);
		expect(error.hint).toBe(`To do: ${fixes.join('; ')}.`);
	});

	it('are read without the word satisfied', () => {
		expect(refused(412, { errors: [SECRET] })).toMatchObject({ missing: [{ key: SECRET.key }] });
	});

	it('of an unknown type get a general fix', () => {
		const error = refused(412, { errors: [{ type: 'credential', key: 'slack' }] });
		expect(error).toMatchObject({
			missing: [
				{
					type: 'credential',
					key: 'slack',
					message: 'credential slack is missing',
					fix: 'set up slack in your inference.sh workspace',
				},
			],
		});
	});

	it('of which nothing is told are still an error of this kind', () => {
		const error = refused(412, { errors: [{}, null, 'x'] });
		expect(error.hint).toContain('set up requirement');
		expect(error).toMatchObject({ missing: [{ type: 'requirement', key: '' }] });
	});

	it.each<[what: string, body: unknown]>([
		['an envelope', { data: { satisfied: false, errors: [SECRET] } }],
		['an error', { success: false, error: { code: 'requirements', errors: [SECRET] } }],
		['a problem', problem('requirements', 'not met', { meta: { errors: [SECRET] } })],
	])('are found in %s as well', (_what, body) => {
		expect(refused(412, body)).toMatchObject({ missing: [{ key: SECRET.key }] });
	});

	it('are said once each, and well', () => {
		const error = refused(412, { errors: [SECRET, SECRET, {}] });
		expect(error.message).toBe(
			"The app's requirements are not met: OPENAI_API_KEY is not set; requirement is missing",
		);
		expect(error.hint?.match(/add the secret/g)).toHaveLength(1);
		expect(refused(412, { detail: 'Set a key first.' }).message).toBe(
			"The app's requirements are not met: Set a key first",
		);
	});

	it('are none if a web page says so', () => {
		expect(refused(412, '<h1>Precondition Failed</h1>').message).toContain('is not inference.sh');
	});

	it.each([
		['no list', { satisfied: false }],
		['a null list', { satisfied: false, errors: null }],
		['no JSON', 'precondition failed'],
	])('that come with %s are still an error of this kind', (_what, body) => {
		const error = refused(412, body);
		expect(error).toBeInstanceOf(RequirementsNotMetError);
		expect(error).toMatchObject({ missing: [] });
		expect(error.hint).toContain('page of the app');
	});

	it('of a scope without names ask for the missing scopes', () => {
		const scope = { ...SCOPE, action: { type: 'add_scopes', provider: 'google', scopes: null } };
		expect(refused(412, { errors: [scope] }).hint).toBe(
			'To do: reconnect google and grant the missing scopes.',
		);
	});
});

describe('a refusal that names an entitlement', () => {
	const meta = {
		resource: 'task_executions',
		resource_label: 'Task executions per month',
		limit: 100,
		current: 100,
		upgrade_available: true,
	};

	it.each([
		[402, problem('payment_required', 'quota used up.', { meta })],
		[403, problem('forbidden', 'quota used up', { meta })],
		[402, { error: { code: 'quota', message: 'quota used up', meta } }],
		[403, { error: { code: 'quota', message: 'quota used up', meta } }],
	])('at HTTP %i is a payment matter and says which limit', (status, body) => {
		const error = refused(status, body);
		expect(error).toBeInstanceOf(PaymentError);
		expect(error.message).toBe(
			'The plan or balance does not allow this: quota used up. Limit: Task executions per month (100 of 100 used)',
		);
		expect(error.hint).toContain('balance and plan');
	});

	it('goes by the name of the resource if there is no label', () => {
		const { message } = refused(402, { error: { message: 'no', meta: { resource: 'seats' } } });
		expect(message).toBe('The plan or balance does not allow this: no. Limit: seats');
	});

	it('says so if the usage is not told', () => {
		const few = { resource: 'seats', limit: 3, current: null };
		expect(refused(402, { error: { message: 'no', meta: few } }).message).toContain(
			'(? of 3 used)',
		);
	});

	it('at HTTP 402 is a payment matter without any details', () => {
		expect(refused(402, '').message).toBe(
			'The plan or balance does not allow this: no reason given',
		);
	});

	it('at HTTP 429 is a rate limit, which passes', () => {
		const rate = { resource: 'rate_per_min', limit: 60, current: 61 };
		expect(refused(429, problem('rate_limited', 'too fast', { meta: rate }), 5_000)).toMatchObject({
			code: 'rate_limit',
			retryable: true,
			retryAfterMs: 5_000,
		});
	});

	it.each<[what: string, status: number, body: unknown]>([
		['in meta', 402, problem('limit_exceeded', 'x', { meta: { resource: 'rate_per_min' } })],
		[
			'with any code',
			402,
			problem('payment_required', 'x', { meta: { resource: 'rate_per_min' } }),
		],
		['in capitals', 402, problem('LIMIT_EXCEEDED', 'x', { meta: { resource: 'RATE_PER_MIN' } })],
		[
			'under error',
			402,
			{ error: { code: 'x', message: 'x', meta: { resource: 'rate_per_min' } } },
		],
		['as a member of the problem', 402, problem('x', 'x', { resource: 'rate_per_min' })],
		['as a member of the error', 402, { error: { message: 'x', resource: 'rate_per_min' } }],
		[
			'at another status',
			403,
			problem('limit_exceeded', 'x', { meta: { resource: 'rate_per_min' } }),
		],
		['spelled out', 402, problem('x', 'x', { meta: { resource: 'requests_per_minute' } })],
		['as a label', 402, problem('x', 'x', { meta: { resource_label: 'Requests per minute' } })],
		['in the sentence alone', 402, problem('limit_exceeded', 'rate_per_min limit reached')],
		['as a code', 403, { error: 'rate_limited', message: 'slow down' }],
		[
			'in a refusal of the first generation',
			200,
			{ success: false, error: { code: 'RATE_LIMITED' } },
		],
	])('is a rate limit if it is one of requests in a time: %s', (_what, status, body) => {
		expect(refused(status, body)).toMatchObject({
			code: 'rate_limit',
			repeatable: 'rateLimit',
			mayHaveBeenAccepted: false,
		});
	});

	it.each([
		'task_executions',
		'storage_mb',
		'seats',
		'feature:webhooks',
		'rate_per_month',
		'private_apps',
	])('is a payment matter if it is another one: %s', (resource) => {
		const error = refused(402, problem('limit_exceeded', 'x', { meta: { resource } }));
		expect(error).toMatchObject({ code: 'payment', retryable: false });
	});

	it.each<[price: unknown, shown: string]>([
		[1_250, 'The add-on Pack ($12.50) includes it'],
		['900', 'The add-on Pack ($9.00) includes it'],
		[0, 'The add-on Pack ($0.00) includes it'],
		[undefined, 'The add-on Pack includes it'],
		['free', 'The add-on Pack includes it'],
		[-1, 'The add-on Pack includes it'],
	])('names what can be bought, in dollars: %o', (price, shown) => {
		const meta = { addon_plan_name: 'Pack', addon_plan_price: price };
		for (const status of [402, 403]) {
			expect(refused(status, problem('feature_not_available', 'no', { meta })).message).toContain(
				shown,
			);
		}
	});

	it('does not make a payment matter of what is not found', () => {
		const body = problem('not_found', 'no such app', { meta: { resource: 'app' } });
		expect(refused(404, body)).toBeInstanceOf(NotFoundError);
	});
});

describe('an answer that is not what was promised', () => {
	it('is shown in part', () => {
		const error = unexpected(200, '{"hello":"world"}');
		expect(error).toMatchObject({
			code: 'protocol',
			httpStatus: 200,
			about: { kind: 'task', id: 't1' },
			request: 'GET /tasks/t1',
		});
		expect(error.message).toBe(
			'https://api.example answered in a form that inference.sh does not use (HTTP 200): {"hello":"world"}',
		);
	});

	it('is a web page of something else, told in words', () => {
		const error = unexpected(200, '<html>\n<title>Sign in &amp; go</title><p>…</p>');
		expect(error.message).toBe(
			'What answers at https://api.example is not inference.sh. It sent a web page (HTTP 200): "Sign in & go"',
		);
		expect(error.answer).toBe('<html> <title>Sign in &amp; go</title><p>…</p>');
		expect(error.hint).toMatch(/^Correct "Base URL" .* https:\/\/api\.inference\.sh/);
		expect(unexpected(200, '{"data":{"id":').message).toContain('in a form that');
		expect(unexpected(200, 'OK').message).toMatch(/It sent text \(HTTP 200\): "OK"$/);
		expect(unexpected(200, '<html></html>').message).toMatch(/a web page \(HTTP 200\)$/);
	});

	it('is called empty if it is', () => {
		expect(unexpected(200, '').message).toContain('an empty body');
	});
});

describe('the API key', () => {
	const sandbox = useSandbox();

	const KEY = 'inf_verysecretkey';
	const texts = (error: unknown): string[] => {
		if (!(error instanceof Error)) return [String(error)];
		const own = Object.values(error).map((value) => JSON.stringify(value) ?? '');
		return [error.message, error.stack ?? '', ...own, ...texts(error.cause)];
	};

	it.each([
		[401, 'application/json', (auth: string) => JSON.stringify({ detail: `bad header "${auth}"` })],
		[400, 'text/html', (auth: string) => `<pre>Authorization: ${auth}</pre>`],
		[412, 'application/json', (auth: string) => JSON.stringify({ errors: [{ message: auth }] })],
		[200, 'text/html', (auth: string) => `<html>${auth}</html>`],
	])('is in no part of an error, even if HTTP %i %s echoes it', async (status, type, body) => {
		const server = fastify({ logger: false });
		server.post('/apps/run', async (request, reply) =>
			reply
				.code(status)
				.type(type)
				.send(body(request.headers.authorization ?? '')),
		);
		server.post('/tasks/list', async () => ({ items: [] }));
		await server.listen({ host: '127.0.0.1', port: 0 });
		try {
			const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
			const client = makeClient({ url, apiKey: KEY }, { settings: { maxRetries: 0 } });
			const error = await rejection(runOne(client, { app: 'a/b', input: {} }));
			expect(error).toBeInstanceOf(InferenceError);
			expect(texts(error).join('\n')).not.toContain(KEY);
			expect(texts(error).join('\n')).toContain('***');
		} finally {
			await server.close();
		}
	});

	it('is not in the error of a server that cannot be reached', async () => {
		const client = makeClient(sandbox(), {
			baseUrl: 'http://127.0.0.1:1',
			apiKey: KEY,
			settings: { maxRetries: 0 },
		});
		const error = await rejection(runOne(client, { app: 'a/b', input: {} }));
		expect(error).toMatchObject({ code: 'network' });
		expect(texts(error).join('\n')).not.toContain(KEY);
	});

	it('that is wrong gives an authentication error, with nothing started', async () => {
		const client = makeClient(sandbox(), { apiKey: KEY });
		const error = await rejection(runOne(client, { app: 'sandbox/echo', input: { text: 'x' } }));
		expect(error).toBeInstanceOf(AuthenticationError);
		expect(sandbox().tasks()).toHaveLength(0);
		expect(sandbox().requests).toHaveLength(1);
	});
});
