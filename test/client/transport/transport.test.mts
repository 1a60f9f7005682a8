/** What the transports do about connections, proxies, n8n's egress policy and the API key. */
import { lookup } from 'node:dns';
import * as undici7 from 'undici';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NetworkError } from '../../../nodes/client/errors.ts';
import { readAnswer } from '../../../nodes/client/transport/body.ts';
import { asTransportError } from '../../../nodes/client/transport/transport.ts';
import { UndiciTransport } from '../../../nodes/client/transport/undiciTransport.ts';
import type { EgressPolicy } from '../../../nodes/client/transport/connect.ts';
import { startSandbox, type Sandbox } from '../../sandbox/index.mts';
import { until } from '../../until.mts';
import { makeClient, rejection, runOne, TRANSPORTS, networkWith } from '../support.mts';

const echo = { app: 'sandbox/echo', input: { text: 'x' } };

let sandbox: Sandbox;
beforeEach(async () => {
	sandbox = await startSandbox();
});
afterEach(async () => {
	vi.unstubAllEnvs();
	await sandbox.close();
});

describe('undici', () => {
	it('keeps connections for the next request and closes them when they are idle', async () => {
		const client = makeClient(sandbox);
		for (let index = 0; index < 20; index += 1) await runOne(client, echo);
		expect(sandbox.connections().opened).toBeLessThan(10);
		await until(() => sandbox.connections().open === 0);
	});

	it('keeps them from one node run to the next, each of which imports undici anew', async () => {
		for (let index = 0; index < 20; index += 1) {
			const transport = new UndiciTransport(networkWith({ ...undici7 }));
			await runOne(makeClient(sandbox, { transport }), echo);
		}
		expect(sandbox.connections().opened).toBeLessThan(10);
	});

	it('keeps the connection of a stream that has said all', async () => {
		const client = makeClient(sandbox);
		const sleep = { app: 'sandbox/sleep', input: { ms: 5 } };
		for (let index = 0; index < 20; index += 1) await runOne(client, sleep);
		expect(sandbox.connections().opened).toBeLessThan(10);
	});

	describe("under n8n's egress policy", () => {
		const policy = (changes: Partial<EgressPolicy>): EgressPolicy => ({
			validateUrl: async () => await Promise.resolve({ ok: true, result: undefined }),
			createSecureLookup: () => lookup,
			...changes,
		});
		const under = (egress: EgressPolicy, baseUrl = sandbox.url) =>
			makeClient(sandbox, {
				transport: new UndiciTransport(networkWith(undici7), egress),
				baseUrl,
			});

		it('runs where it is allowed', async () => {
			expect((await runOne(under(policy({})), echo)).task.status).toBe('completed');
		});

		it('sends nothing to an address that is not allowed', async () => {
			const refused = policy({
				validateUrl: async () =>
					await Promise.resolve({ ok: false, error: new Error('address is blocked') }),
			});
			const error = await rejection(runOne(under(refused), echo));
			expect(error).toBeInstanceOf(NetworkError);
			expect(error).toMatchObject({ mayHaveBeenAccepted: false });
			expect(String(error)).toContain('address is blocked');
			expect(sandbox.connections().opened).toBe(0);
		});

		it('connects to no name that resolves to one', async () => {
			const refused = policy({
				createSecureLookup: () => (_host, _options, done) =>
					done(new Error('resolves to a blocked address'), '', 4),
			});
			const byName = sandbox.url.replace('127.0.0.1', 'localhost');
			const error = await rejection(runOne(under(refused, byName), echo));
			expect(error).toBeInstanceOf(NetworkError);
			expect(sandbox.connections().opened).toBe(0);
		});
	});
});

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	it('the key goes to the base URL in its header and nowhere else', async () => {
		const client = makeClient(sandbox, { transport: makeTransport() });
		await runOne(client, echo);
		for (const request of sandbox.requests) {
			expect(request.headers['authorization']).toBe(`Bearer ${sandbox.apiKey}`);
			const { authorization: _key, ...others } = request.headers;
			expect(JSON.stringify([others, request.path, request.query, request.body])).not.toContain(
				sandbox.apiKey,
			);
		}
		expect(sandbox.violations()).toEqual([]);
	});

	it('an error body that repeats the key is shown without it', async () => {
		const body = `<html>bad header: Bearer ${sandbox.apiKey}</html>`;
		sandbox.fault({ on: '*', kind: 'status', status: 500, body, times: Infinity });
		const error = await rejection(
			runOne(makeClient(sandbox, { transport: makeTransport() }), echo),
		);
		expect(String(error)).toContain('bad header');
		expect(String(error)).not.toContain(sandbox.apiKey);
	});

	it('an answer that stops arriving is given up', async () => {
		sandbox.fault({ on: '*', kind: 'stall' });
		const answer = await makeTransport().request({
			method: 'GET',
			url: `${sandbox.url}/apps/sandbox/echo`,
			headers: { Authorization: `Bearer ${sandbox.apiKey}` },
			signal: new AbortController().signal,
			headersTimeoutMs: 10_000,
			silenceMs: 200,
		});
		const error = await rejection(readAnswer(answer));
		expect(error).toMatchObject({ name: 'TransportError', mayHaveArrived: true });
		expect(String(error)).toContain('the answer stopped arriving');
		await until(() => sandbox.connections().open === 0);
	});

	it('an answer that comes slowly is read to its end', async () => {
		sandbox.fault({ on: '*', kind: 'dripBody', everyMs: 1 });
		const answer = await makeTransport().request({
			method: 'GET',
			url: `${sandbox.url}/apps/sandbox/echo`,
			headers: { Authorization: `Bearer ${sandbox.apiKey}` },
			signal: new AbortController().signal,
			headersTimeoutMs: 10_000,
			silenceMs: 1_000,
		});
		expect(JSON.parse(await readAnswer(answer))).toMatchObject({
			data: { name: 'echo' },
		});
	});

	it('an unknown host name is an error in plain words', async () => {
		const client = makeClient(sandbox, {
			transport: makeTransport(),
			baseUrl: 'http://no-such-host.invalid',
		});
		const error = await rejection(runOne(client, echo));
		expect(error).toMatchObject({ code: 'network', mayHaveBeenAccepted: false });
		expect(String(error)).not.toMatch(/ENOTFOUND|EAI_AGAIN/);
	});
});

describe('a failure is taken for one before sending', () => {
	it.each([
		['ECONNREFUSED', false],
		['ENOTFOUND', false],
		['UND_ERR_CONNECT_TIMEOUT', false],
		['CERT_HAS_EXPIRED', false],
		['ECONNRESET', true],
		['UND_ERR_SOCKET', true],
		['UND_ERR_HEADERS_TIMEOUT', true],
		['EPIPE', true],
		['SOMETHING_NEW', true],
	])('%s: %s that it may have arrived', (code, mayHaveArrived) => {
		const error = asTransportError(Object.assign(new Error('x'), { code }));
		expect(error.mayHaveArrived).toBe(mayHaveArrived);
		const wrapped = asTransportError(new AggregateError([Object.assign(new Error('y'), { code })]));
		expect(wrapped.mayHaveArrived).toBe(mayHaveArrived);
	});
});
