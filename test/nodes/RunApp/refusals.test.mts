/** What Run App does about each way in which the service says no to a submission, and what it says. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { host } from '../../engine/host.mts';
import {
	jsonOf,
	objectIn,
	runApp,
	submissions,
	type RunAppOptions,
	useSandbox,
} from '../../engine/support.mts';
import { REFUSALS } from '../../sandbox/index.mts';

vi.mock('../../../nodes/client/transport/undiciTransport.ts', async (original) => {
	const { ofHost } = await import('../../engine/host.mts');
	return await ofHost(async () => await original());
});

const sandbox = useSandbox();
const ON = 'POST /apps/run';
const lookUps = () => sandbox().count('POST', '/tasks/list');

/** Runs one item that is going to fail, and returns what its error item says. */
async function failing(options: RunAppOptions) {
	const run = await runApp(sandbox(), {
		items: [{ text: 'x' }],
		onError: 'continueRegularOutput',
		...options,
	});
	const [json] = jsonOf(run);
	return { error: String(json?.['error']), details: objectIn(json, 'details') };
}

describe.each([
	['undici', true],
	["n8n's HTTP helper", false],
])('over %s', (_name, undici) => {
	beforeEach(() => {
		host.undici = undici;
	});

	it.each([408, 421, 425])('HTTP %i cannot have been accepted: it is repeated', async (status) => {
		sandbox().fault({ on: ON, kind: 'status', status, times: 2 });
		const run = await runApp(sandbox(), { items: [{ text: 'x' }] });
		expect(jsonOf(run)).toMatchObject([{ status: 'completed', run: { attempts: 3 } }]);
		expect(submissions(sandbox())).toHaveLength(3);
		expect(sandbox().tasks()).toHaveLength(1);
		expect(lookUps()).toBe(0);
	});

	it.each([408, 421, 425])('HTTP %i is no matter of the input', async (status) => {
		sandbox().fault({ on: ON, kind: 'status', status, times: 9 });
		const { error, details } = await failing({ parameters: { maxRetries: 1 } });
		expect(details).toMatchObject({ code: 'network', http_status: status });
		expect(error).toContain(`HTTP ${status}`);
		expect(JSON.stringify(details)).not.toContain('schema');
		expect(submissions(sandbox())).toHaveLength(2);
	});

	it.each([499, 460])('HTTP %i may have been accepted: its task is looked for', async (status) => {
		sandbox().fault({ on: ON, kind: 'statusAfter', status });
		const found = await runApp(sandbox(), { items: [{ text: 'x' }] });
		expect(jsonOf(found)).toMatchObject([{ status: 'completed', id: sandbox().tasks()[0]?.id }]);
		expect(sandbox().tasks()).toHaveLength(1);
		sandbox().fault({ on: ON, kind: 'status', status });
		const again = await runApp(sandbox(), { items: [{ text: 'y' }] });
		expect(jsonOf(again)).toMatchObject([{ status: 'completed' }]);
		expect(sandbox().tasks()).toHaveLength(2);
	});

	it('402 for the rate of requests is waited for as long as asked', async () => {
		const headers = { 'retry-after-ms': '400' };
		sandbox().fault({ on: ON, kind: 'status', ...REFUSALS.ratePerMinute, headers, times: 2 });
		const run = await runApp(sandbox(), { items: [{ text: 'x' }] });
		expect(jsonOf(run)).toMatchObject([{ status: 'completed', run: { attempts: 3 } }]);
		const [first = 0, second = 0, third = 0] = sandbox()
			.requests.filter(({ path }) => path === '/apps/run')
			.map(({ at }) => at);
		// The sandbox's times are whole milliseconds.
		expect(second - first).toBeGreaterThanOrEqual(399);
		expect(third - second).toBeGreaterThanOrEqual(399);
		expect(lookUps()).toBe(0);
	});

	it('a reset header of a 402 for the rate counts as much as that of a 429', async () => {
		const headers = { 'x-ratelimit-reset': '3000' };
		sandbox().fault({ on: ON, kind: 'status', ...REFUSALS.ratePerMinute, headers });
		const { error, details } = await failing({});
		expect(details).toMatchObject({ code: 'rate_limit', http_status: 402 });
		expect(error).toContain('asks to wait 3000 s');
		expect(submissions(sandbox())).toHaveLength(1);
	});

	it.each([
		['a limit of the plan', 'sandbox/paid', 'Limit: Task executions (100 of 100 used)'],
		['a feature', 'sandbox/featured', 'The add-on GPU Pack ($12.50) includes it'],
	])('%s is a matter of payment, and is not repeated', async (_what, app, said) => {
		const { error, details } = await failing({ app });
		expect(details).toMatchObject({ code: 'payment' });
		expect(error).toContain(said);
		expect(JSON.stringify(details)).not.toContain('scope');
		expect(submissions(sandbox())).toHaveLength(1);
	});

	it('a used up quota is a matter of payment', async () => {
		sandbox().fault({ on: ON, kind: 'status', ...REFUSALS.insufficientQuota });
		expect((await failing({})).details).toMatchObject({ code: 'payment', http_status: 402 });
		expect(submissions(sandbox())).toHaveLength(1);
	});

	it('a retired app says so in its owner’s words', async () => {
		const { error, details } = await failing({ app: 'sandbox/retired' });
		expect(error).toBe(
			'The app has been retired: app is retired. Its owner says: Use sandbox/echo instead',
		);
		expect(details).toMatchObject({ code: 'app_retired', http_status: 410 });
		expect(details['hint']).not.toContain('schema');
		expect(submissions(sandbox())).toHaveLength(1);
	});

	it('an app under maintenance says so, and for how long, at once', async () => {
		const { error, details } = await failing({ app: 'sandbox/maintenance' });
		expect(error).toContain('under maintenance');
		expect(error).toContain('Back at noon');
		expect(error).toContain('asks to wait 3600 s');
		expect(details).toMatchObject({ code: 'app_maintenance', http_status: 503 });
		expect(submissions(sandbox())).toHaveLength(1);
		expect(lookUps()).toBe(0);
	});

	it('maintenance that is soon over is waited for', async () => {
		const body = { type: 'errors/app_maintenance', detail: 'back in a moment' };
		sandbox().fault({ on: ON, kind: 'status', status: 503, body });
		const run = await runApp(sandbox(), { items: [{ text: 'x' }] });
		expect(jsonOf(run)).toMatchObject([{ status: 'completed' }]);
		expect(lookUps()).toBe(0);
	});

	it('a blocked address is no matter of the key’s scopes', async () => {
		sandbox().fault({ on: '*', kind: 'status', ...REFUSALS.blockedAddress, times: 9 });
		const { error, details } = await failing({});
		expect(error).toContain('access denied');
		expect(details).toMatchObject({ code: 'blocked', http_status: 403 });
		expect(details['hint']).toContain('address');
		expect(details['hint']).not.toContain('scope');
	});

	it('a blocked region is told as that', async () => {
		sandbox().fault({ on: '*', kind: 'status', ...REFUSALS.blockedRegion, times: 9 });
		const { error, details } = await failing({});
		expect(error).toContain('Unavailable For Legal Reasons');
		expect(details).toMatchObject({ code: 'blocked', http_status: 451 });
		expect(details['hint']).toContain('region');
	});

	it.each(['check', 'fail'])(
		'a plan that could not be read is asked again, with nothing to look for (%s)',
		async (onUnclearSubmit) => {
			sandbox().fault({ on: ON, kind: 'status', ...REFUSALS.entitlementUnavailable, times: 2 });
			const run = await runApp(sandbox(), {
				items: [{ text: 'x' }],
				options: { onUnclearSubmit },
			});
			expect(jsonOf(run)).toMatchObject([{ status: 'completed', run: { attempts: 3 } }]);
			expect(lookUps()).toBe(0);
		},
	);

	it.each(['APP_MISMATCH', 'VERSION_MISMATCH'])('409 %s is about the session', async (code) => {
		const body = { type: `https://api.inference.sh/errors/${code}`, detail: 'not this one' };
		sandbox().fault({ on: ON, kind: 'status', status: 409, body });
		const { error, details } = await failing({});
		expect(error).toContain('The session cannot be used');
		expect(details).toMatchObject({ code: 'session', http_status: 409 });
		expect(details['hint']).toMatch(/session|version/);
		expect(submissions(sandbox())).toHaveLength(1);
	});

	it('an unknown app is told as that', async () => {
		const { error, details } = await failing({ app: 'sandbox/zzz' });
		expect(error).toContain('There is no such app or version');
		expect(error).toContain('sandbox/zzz');
		expect(details).toMatchObject({ code: 'not_found' });
	});

	it('a page of another web server is not taken for an unknown app', async () => {
		const body = '<html><h1>404 Not Found</h1></html>';
		sandbox().fault({ on: '*', kind: 'status', status: 404, body, times: 9 });
		const { error, details } = await failing({});
		expect(error).toBe(
			`What answers at ${sandbox().url} is not inference.sh. It sent a web page (HTTP 404): "404 Not Found"`,
		);
		expect(details).toEqual({
			code: 'protocol',
			item_index: 0,
			http_status: 404,
			request: 'POST /apps/run',
			answer: body,
			hint: expect.stringMatching(/^Correct "Base URL" in the Inference.sh credential/) as string,
		});
	});
});

describe('a task that the platform could not run', () => {
	it.each([
		['task interrupted, please retry', 'Run it again'],
		['task expired while waiting for available capacity, please retry.', 'Run it again'],
		['session worker offline', 'Start a new session'],
		['no active workers with matching resources', 'Infrastructure'],
	])('says so: %s', async (message, advice) => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/fail',
			items: [{ message }],
			onError: 'continueRegularOutput',
		});
		const [json] = jsonOf(run);
		expect(json?.['error']).toContain(message);
		const { hint } = objectIn(json, 'details');
		expect(hint).toContain('are not the cause');
		expect(hint).toContain(advice);
	});

	it('is not guessed from an app’s own words', async () => {
		const { details } = await failing({
			app: 'sandbox/fail',
			items: [{ message: 'the session worker offline flag is wrong' }],
		});
		expect(details['hint']).toContain('The reason comes from the app');
	});
});
