import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { NODE_NAME, type EngineRun } from '../../engine/engine.mts';
import {
	clock,
	credentialsOf,
	everythingSaid,
	jsonOf,
	meanwhile,
	objectIn,
	passing,
	runApp,
	submissions,
	useSandbox,
} from '../../engine/support.mts';
import { answers, serverThat } from '../../client/transport/servers.mts';
import { mostInFlight } from '../../mostInFlight.mts';
import { aMoment, until } from '../../until.mts';

const sandbox = useSandbox();
const other = useSandbox();
const numbered = (count: number, ms: number) =>
	Array.from({ length: count }, (_, value) => ({ ms, value }));
const hintsOf = (run: EngineRun) => run.hints(NODE_NAME).map(({ message }) => message);

describe('the credential', () => {
	it('with a wrong key is told as that, without the key', async () => {
		const run = await runApp(sandbox(), {
			items: [{}, {}],
			parameters: { concurrency: 1 },
			credentials: { ...credentialsOf(sandbox()), apiKey: 'inf_wrong_key_1234' },
		});
		expect(run.error?.name).toBe('NodeApiError');
		expect(run.error?.message).toContain('does not accept the API key');
		expect(run.error?.description).toContain('credential');
		expect(run.error).toHaveProperty('httpCode', '401');
		expect(sandbox().requests).toHaveLength(1);
		expect(everythingSaid(run)).not.toContain('inf_wrong_key_1234');
	});

	it.each(['', '   ', undefined])('without a key is not tried: %o', async (apiKey) => {
		const run = await runApp(sandbox(), {
			items: [{}],
			credentials: { ...credentialsOf(sandbox()), apiKey },
		});
		expect(run.error?.name).toBe('NodeOperationError');
		expect(run.error?.message).toBe('The Inference.sh credential has no API key [item 0]');
		expect(sandbox().requests).toEqual([]);
	});

	it.each([
		['http://api.example.com/v1', 'api.example.com'],
		['http://8.8.8.8:8080', '8.8.8.8:8080'],
	])('with the base URL %s is told to go unencrypted, once', async (baseUrl, host) => {
		const proxy = await serverThat(
			answers('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'),
		);
		onTestFinished(() => void vi.unstubAllEnvs());
		for (const name of ['HTTP_PROXY', 'http_proxy']) {
			vi.stubEnv(name, `http://127.0.0.1:${proxy.port}`);
		}
		for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '');
		const run = await runApp(sandbox(), {
			items: [{}, {}],
			onError: 'continueRegularOutput',
			credentials: { ...credentialsOf(sandbox()), baseUrl },
		});
		expect(proxy.opened()).toBeGreaterThan(0);
		const told = hintsOf(run).filter((hint) => hint.includes('unencrypted'));
		expect(told).toEqual([expect.stringContaining(`go to ${host} unencrypted`)]);
	});

	it.each(['127.0.0.1', 'localhost'])(
		'with a base URL inside the own network is not told so: %s',
		async (host) => {
			const baseUrl = sandbox().url.replace(/127\.0\.0\.1|localhost/, host);
			const run = await runApp(sandbox(), {
				items: [{}],
				credentials: { ...credentialsOf(sandbox()), baseUrl },
			});
			expect(hintsOf(run)).toEqual([]);
		},
	);

	it.each([
		'',
		'api.inference.sh',
		'ftp://api.inference.sh',
		'http://',
		'https://api.inference.sh/?a=1',
		'https://api.inference.sh/#a',
	])('with the base URL %o is refused', async (baseUrl) => {
		const run = await runApp(sandbox(), {
			items: [{}],
			credentials: { ...credentialsOf(sandbox()), baseUrl },
		});
		expect(run.error?.name).toBe('NodeOperationError');
		expect(run.error?.message).toContain('has a "Base URL" that cannot be used');
		// A query may have a key in it.
		const shown = baseUrl.replace(/([?#]).*/, '$1***');
		expect(run.error?.message).toContain(JSON.stringify(shown));
		expect(sandbox().requests).toEqual([]);
	});

	it('with a password in its base URL is refused without telling it', async () => {
		const run = await runApp(sandbox(), {
			items: [{}],
			credentials: { ...credentialsOf(sandbox()), baseUrl: 'https://user:secret@api.inference.sh' },
		});
		expect(run.error?.message).toContain('cannot be used: "https://***@api.inference.sh"');
		expect(everythingSaid(run)).not.toContain('secret');
	});

	it.each(['inf_sandbox\u200b_a', 'inf_\r\nsandbox', 'inf_ключ', 'inf_\u0000'])(
		'with the key %j, which no header can carry, is refused without telling it',
		async (apiKey) => {
			const run = await runApp(sandbox(), {
				items: [{}],
				credentials: { ...credentialsOf(sandbox()), apiKey },
			});
			expect(run.error?.name).toBe('NodeOperationError');
			expect(run.error?.message).toContain('a line break or a character that no key has');
			expect(everythingSaid(run)).not.toContain(JSON.stringify(apiKey).slice(1, -1));
			expect(sandbox().requests).toEqual([]);
		},
	);

	it.each([-1, 1.5, 'two'])('with Max Concurrency %o is refused', async (maxConcurrency) => {
		const run = await runApp(sandbox(), {
			items: [{}],
			credentials: { ...credentialsOf(sandbox()), maxConcurrency },
		});
		expect(run.error?.message).toContain('Max Concurrency');
		expect(run.error?.message).toContain(JSON.stringify(maxConcurrency));
		expect(sandbox().requests).toEqual([]);
	});

	it('that cannot be used fails each item of a node that goes on', async () => {
		const run = await runApp(sandbox(), {
			items: [{ a: 1 }, { a: 2 }],
			credentials: { ...credentialsOf(sandbox()), apiKey: '' },
			onError: 'continueErrorOutput',
		});
		expect(run.output('Output 0')).toEqual([]);
		expect(run.output('Output 1').map(({ json }) => json['a'])).toEqual([1, 2]);
	});

	it('may have spaces and slashes around', async () => {
		const run = await runApp(sandbox(), {
			items: [{ text: 'x' }],
			credentials: { apiKey: ` ${sandbox().apiKey}\n`, baseUrl: ` ${sandbox().url}// ` },
		});
		expect(jsonOf(run)[0]?.['output']).toEqual({ echo: { text: 'x' } });
		expect(sandbox().requests[0]?.path).toBe('/apps/run');
	});

	it('limits what all nodes have in flight together', async () => {
		const credentials = { ...credentialsOf(sandbox()), maxConcurrency: 2 };
		sandbox().hold();
		const running = [1, 2].map(
			async () =>
				await runApp(sandbox(), {
					app: 'sandbox/sleep',
					items: numbered(8, 10),
					parameters: { concurrency: 5 },
					credentials,
				}),
		);
		await until(() => sandbox().running().length === 2);
		await aMoment();
		expect(sandbox().tasks()).toHaveLength(2);
		sandbox().release();
		for (const run of await Promise.all(running)) {
			expect(run.error).toBeUndefined();
			expect(jsonOf(run).map((json) => objectIn(json, 'output')['value'])).toEqual(
				Array.from({ length: 8 }, (_, value) => value),
			);
		}
		expect(mostInFlight(sandbox())).toBe(2);
	});

	it('has one limit, which follows its newest number while it is busy', async () => {
		sandbox().hold();
		const started = () => submissions(sandbox()).length;
		const begin = async (maxConcurrency: number, count: number) =>
			await runApp(sandbox(), {
				app: 'sandbox/sleep',
				items: numbered(count, 1),
				parameters: { concurrency: 10 },
				credentials: { ...credentialsOf(sandbox()), maxConcurrency },
			});
		const runs = [begin(2, 5)];
		await until(() => started() >= 2);
		runs.push(begin(3, 5));
		await until(() => started() >= 3);
		await aMoment();
		expect(started()).toBe(3);
		runs.push(begin(4, 1));
		await until(() => started() >= 4);
		await aMoment();
		expect(started()).toBe(4);
		// No limit at all.
		runs.push(begin(0, 1));
		await until(() => started() >= 12);
		runs.push(begin(2, 2));
		await aMoment();
		expect(started()).toBe(12);
		sandbox().release();
		for (const run of await Promise.all(runs)) expect(run.status).toBe('success');
		expect(started()).toBe(14);
	});

	it('does not limit another account', async () => {
		const services = [sandbox(), other()];
		for (const service of services) service.hold();
		const running = services.map(
			async (service) =>
				await runApp(service, {
					app: 'sandbox/sleep',
					items: numbered(6, 1),
					credentials: { ...credentialsOf(service), maxConcurrency: 1 },
				}),
		);
		await until(() => services.every((service) => service.running().length === 1));
		for (const service of services) service.release();
		const runs = await Promise.all(running);
		expect(runs.map(({ status }) => status)).toEqual(['success', 'success']);
		expect(services.map(mostInFlight)).toEqual([1, 1]);
	});

	it('counts the timeout of an item from the end of that wait', async () => {
		const running = runApp(sandbox(), {
			app: 'sandbox/manual',
			items: numbered(4, 0),
			parameters: { concurrency: 4, timeout: 60 },
			credentials: { ...credentialsOf(sandbox()), maxConcurrency: 1 },
		});
		const run = await meanwhile(running, async () => {
			for (let item = 1; item <= 4; item += 1) {
				await until(() => sandbox().count('GET', /\/stream$/) >= item);
				await clock.pass(40_000);
				sandbox().finishTask(sandbox().running()[0]?.id ?? '');
			}
		});
		expect(run.error).toBeUndefined();
		expect(mostInFlight(sandbox())).toBe(1);
	});

	it('lets go of a place whose item is stopped while it waits', async () => {
		const credentials = { ...credentialsOf(sandbox()), maxConcurrency: 1 };
		const stopped = await runApp(sandbox(), {
			app: 'sandbox/manual',
			items: [{}, {}, {}],
			credentials,
			cancelAfter: until(() => sandbox().count('GET', /\/stream$/) >= 1),
		});
		expect(stopped.status).toBe('canceled');
		expect(sandbox().tasks()).toHaveLength(1);
		const next = await runApp(sandbox(), { items: [{ text: 'x' }], credentials });
		expect(next.error).toBeUndefined();
	});
});

describe('rate limits', () => {
	const refusal = (headers: Record<string, string>, times = 1) =>
		({
			on: 'POST /apps/run',
			kind: 'status',
			status: 429,
			body: { type: 'https://api.inference.sh/errors/rate_limited', detail: 'too many requests' },
			headers,
			times,
		}) as const;
	const submittedAt = () =>
		sandbox()
			.requests.filter(({ path }) => path === '/apps/run')
			.map(({ at }) => at);

	it('make all items wait, and all succeed', async () => {
		sandbox().fault({ ...refusal({ 'retry-after-ms': '10000' }), skip: 2 });
		sandbox().hold();
		const running = runApp(sandbox(), {
			app: 'sandbox/sleep',
			items: numbered(10, 20),
			parameters: { concurrency: 3 },
		});
		const run = await meanwhile(running, async () => {
			// The refusal has been heard, and the others end after it.
			await until(() => clock.awaited);
			sandbox().release();
			await until(() => sandbox().running().length === 0);
			await aMoment();
			await clock.pass(20_000);
		});
		expect(run.error).toBeUndefined();
		expect(jsonOf(run).map((json) => objectIn(json, 'output')['value'])).toEqual(
			numbered(10, 0).map(({ value }) => value),
		);
		expect(sandbox().tasks()).toHaveLength(10);
		expect(objectIn(jsonOf(run)[2], 'run')['attempts']).toBe(2);
		const [, , refusedAt = 0, ...later] = submittedAt();
		expect(later).toHaveLength(8);
		for (const at of later) expect(at - refusedAt).toBeGreaterThanOrEqual(10_000);
	});

	it.each([
		['in seconds', () => ({ 'retry-after': '1' })],
		['as a date', () => ({ 'retry-after': new Date(Date.now() + 2_000).toUTCString() })],
		['not at all', () => ({})],
	])('are waited for if told %s', async (_how, headers) => {
		sandbox().fault(refusal(headers()));
		const run = await runApp(sandbox(), { items: [{ text: 'x' }] });
		expect(run.error).toBeUndefined();
		expect(submissions(sandbox())).toHaveLength(2);
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it('that last too long fail at once and say how long', async () => {
		sandbox().fault(refusal({ 'retry-after': '3600' }, 9));
		const run = await runApp(sandbox(), {
			items: [{}, {}],
			parameters: { concurrency: 1 },
			options: { maxRetryAfter: 5 },
			onError: 'continueRegularOutput',
		});
		const [first, second] = jsonOf(run);
		expect(first?.['error']).toContain('3600 s');
		expect(first?.['error']).toContain('"Retry: Accepted Wait (Seconds)" allows (5 s)');
		expect(objectIn(first, 'details')).toMatchObject({ code: 'rate_limit', http_status: 429 });
		expect(second?.['error']).toContain('was not asked');
		expect(objectIn(second, 'details')).toMatchObject({ code: 'rate_limit' });
		expect(submissions(sandbox())).toHaveLength(1);
	});

	it('that end one item are heard by those of another execution', async () => {
		sandbox().fault(refusal({ 'retry-after': '20' }));
		const refused = await runApp(sandbox(), { items: [{}], parameters: { maxRetries: 0 } });
		expect(refused.error?.message).toContain('limits the request rate');
		const next = await passing(runApp(sandbox(), { items: [{ text: 'x' }] }));
		expect(next.status).toBe('success');
		const [refusedAt = 0, startedAt = 0, ...more] = submittedAt();
		expect(startedAt - refusedAt).toBeGreaterThanOrEqual(20_000);
		expect(more).toEqual([]);
	});

	it('end after Max Retries', async () => {
		sandbox().fault(refusal({ 'retry-after-ms': '1' }, 99));
		const run = await runApp(sandbox(), { items: [{}], parameters: { maxRetries: 1 } });
		expect(run.error?.name).toBe('NodeApiError');
		expect(run.error?.message).toContain('limits the request rate: too many requests');
		expect(run.error?.description).toContain('Concurrency');
		expect(submissions(sandbox())).toHaveLength(2);
	});

	it('are not retried if Retry On leaves them out', async () => {
		sandbox().fault(refusal({ 'retry-after-ms': '1' }, 99));
		const run = await runApp(sandbox(), { items: [{}], options: { retryOn: ['network'] } });
		expect(run.error?.message).toContain('limits the request rate');
		expect(submissions(sandbox())).toHaveLength(1);
	});
});

describe('hints', () => {
	it('show each notice of the service once', async () => {
		sandbox().configure({
			messages: [
				{ level: 'warning', code: 'limit', message: 'close to your limit' },
				{ level: 'info', code: 'news', message: 'a new version is out' },
			],
		});
		const run = await runApp(sandbox(), { items: numbered(7, 1) });
		expect(run.hints(NODE_NAME)).toMatchObject([
			{ message: 'inference.sh: close to your limit', type: 'warning', location: 'outputPane' },
			{ message: 'inference.sh: a new version is out', type: 'info' },
		]);
	});

	it('show a few notices only', async () => {
		sandbox().configure({
			messages: Array.from({ length: 30 }, (_, n) => ({
				level: 'info' as const,
				code: `n${n}`,
				message: `notice ${n}`,
			})),
		});
		const run = await runApp(sandbox(), { items: [{}] });
		expect(run.hints(NODE_NAME).length).toBeLessThanOrEqual(5);
		expect(hintsOf(run)[0]).toBe('inference.sh: notice 0');
	});

	it('tell of tasks that were found instead of started again', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'reset', when: 'after', times: 2 });
		const run = await runApp(sandbox(), { items: [{ text: 'a' }, { text: 'b' }, { text: 'c' }] });
		expect(run.error).toBeUndefined();
		expect(jsonOf(run).map(({ output }) => output)).toEqual(
			['a', 'b', 'c'].map((text) => ({ echo: { text } })),
		);
		expect(sandbox().tasks()).toHaveLength(3);
		expect(hintsOf(run)).toEqual([
			expect.stringMatching(/ of 2 tasks was lost; they were found in the task list/),
		]);
	});

	it('tell of streams that were given up', async () => {
		sandbox().fault({ on: 'GET /tasks/:id/stream', kind: 'status', status: 500, times: 99 });
		sandbox().hold();
		const running = runApp(sandbox(), { app: 'sandbox/sleep', items: [{ ms: 1 }] });
		const run = await meanwhile(running, async () => {
			await until(() => sandbox().count('GET', /\/status$/) > 0);
			sandbox().release();
		});
		expect(jsonOf(run)[0]?.['run']).toMatchObject({ via: 'poll' });
		expect(hintsOf(run)).toEqual([expect.stringMatching(/^The stream of 1 task kept failing/)]);
	});

	it('are there even if items fail', async () => {
		sandbox().configure({ messages: [{ level: 'warning', code: 'limit', message: 'look here' }] });
		const run = await runApp(sandbox(), {
			app: 'sandbox/flaky',
			items: [{ key: 'a', failures: 0 }, { key: 'b' }],
			parameters: { concurrency: 1 },
			onError: 'continueRegularOutput',
		});
		expect(hintsOf(run)).toEqual(['inference.sh: look here']);
	});

	it('are not there without a reason', async () => {
		const run = await runApp(sandbox(), { items: numbered(3, 1) });
		expect(hintsOf(run)).toEqual([]);
	});
});
