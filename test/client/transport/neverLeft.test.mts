/** Requests that never left this machine are known as that; what may have left is not. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
	TransportError,
	type Transport,
	type TransportRequest,
} from '../../../nodes/client/transport/transport.ts';
import { makeClient, passing, rejection, runOne, SETTINGS, TRANSPORTS } from '../support.mts';
import { aMoment } from '../../until.mts';
import {
	answers,
	blackHole,
	closesAtOnce,
	closesWhenAsked,
	saysNothing,
	secureServerThat,
	serverThat,
	type TestServer,
} from './servers.mts';

const KEY = 'inf_key_of_this_test';
const PATIENCE_MS = 400;
const never = new AbortController().signal;

function post(transport: Transport, url: string, changes: Partial<TransportRequest> = {}) {
	return transport.request({
		method: 'POST',
		url,
		headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
		body: '{}',
		signal: never,
		headersTimeoutMs: PATIENCE_MS,
		silenceMs: PATIENCE_MS,
		...changes,
	});
}

/** What a server at a port is reached by, and what is behind it. */
interface Trouble {
	readonly what: string;
	readonly scheme: 'http' | 'https';
	server(): Promise<Pick<TestServer, 'port'>>;
	readonly said: RegExp;
}

const NEVER_LEFT: readonly Trouble[] = [
	{
		what: 'nothing listens',
		scheme: 'http',
		server: async () => await Promise.resolve({ port: 1 }),
		said: /nothing accepts connections/,
	},
	{
		what: 'no connection is accepted',
		scheme: 'http',
		server: blackHole,
		said: /no connection could be made in time/,
	},
	{
		what: 'a connection is closed before it is secure',
		scheme: 'https',
		server: async () => await serverThat(closesAtOnce),
		said: /closed before it was ready/,
	},
	{
		what: 'a connection is closed in the middle of its handshake',
		scheme: 'https',
		server: async () => await serverThat(closesWhenAsked),
		said: /closed before it was ready/,
	},
	{
		what: 'the handshake is not answered',
		scheme: 'https',
		server: async () => await serverThat(saysNothing),
		said: /no connection could be made in time/,
	},
	{
		what: 'something else than TLS is spoken',
		scheme: 'https',
		server: async () => await serverThat(answers('HTTP/1.1 400 Bad Request\r\n\r\n')),
		said: /does not speak TLS/,
	},
	{
		what: 'the certificate is not trusted',
		scheme: 'https',
		server: async () => await secureServerThat(saysNothing),
		said: /certificate of the server/,
	},
];

const MAY_HAVE_LEFT: ReadonlyArray<Omit<Trouble, 'said'>> = [
	{
		what: 'a connection is closed when it was asked',
		scheme: 'http',
		server: async () => await serverThat(closesWhenAsked),
	},
	{
		what: 'nothing is answered',
		scheme: 'http',
		server: async () => await serverThat(saysNothing),
	},
	{
		what: 'a secure connection is closed when it was asked',
		scheme: 'https',
		server: async () => await secureServerThat(closesWhenAsked),
	},
	{
		what: 'nothing is answered over a secure connection',
		scheme: 'https',
		server: async () => await secureServerThat(saysNothing),
	},
];

afterEach(() => vi.unstubAllEnvs());

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	it.each(NEVER_LEFT)('$what: never left', async ({ scheme, server, said }) => {
		const { port } = await server();
		const error = await rejection(post(makeTransport(), `${scheme}://127.0.0.1:${port}/`));
		expect(error).toBeInstanceOf(TransportError);
		expect(error).toMatchObject({ mayHaveArrived: false });
		expect(String(error)).toMatch(said);
	});

	it.each(MAY_HAVE_LEFT)('$what: may have left', async ({ scheme, server }) => {
		vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
		const { port } = await server();
		const error = await rejection(post(makeTransport(), `${scheme}://127.0.0.1:${port}/`));
		expect(error).toBeInstanceOf(TransportError);
		expect(error).toMatchObject({ mayHaveArrived: true });
	});

	it('an error does not carry the request with its key', async () => {
		const { port } = await serverThat(closesWhenAsked);
		const error = await rejection(post(makeTransport(), `http://127.0.0.1:${port}/`));
		const seen = new Set<unknown>();
		const text = JSON.stringify(error, (_key, value: unknown) => {
			if (typeof value !== 'object' || value === null) return value;
			if (seen.has(value)) return undefined;
			seen.add(value);
			return value instanceof Error ? { ...value, cause: value.cause } : value;
		});
		expect(text).not.toContain(KEY);
	});

	it('what is given up before it is connected never goes out', async () => {
		const hole = await blackHole();
		const transport = makeTransport();
		const stop = new AbortController();
		const url = `http://127.0.0.1:${hole.port}`;
		const sent = rejection(
			post(transport, `${url}/too-late`, {
				signal: stop.signal,
				graceMs: 5_000,
				headersTimeoutMs: 30_000,
			}),
		);
		await aMoment();
		stop.abort(new Error('stopped'));
		expect(await sent).toMatchObject({ mayHaveArrived: false });
		hole.open();
		const other = { headersTimeoutMs: 30_000, silenceMs: 30_000 };
		await post(transport, `${url}/other`, other);
		// What waited for a connection gets one within the next seconds.
		await post(transport, `${url}/another`, other);
		await aMoment();
		expect(hole.asked()).toEqual(['/other', '/another']);
	});

	it('a submission that never left is repeated freely, also if unclear ones fail', async () => {
		const server = await serverThat(closesAtOnce);
		const client = makeClient(
			{ url: `https://127.0.0.1:${server.port}`, apiKey: KEY },
			{ transport: makeTransport(), settings: { onUnclearSubmit: 'fail' } },
		);
		const error = await rejection(runOne(client, { app: 'a/b', input: {} }));
		expect(error).toMatchObject({ code: 'network', mayHaveBeenAccepted: false });
		// Its attempts, and no look-up.
		expect(server.opened()).toBe(1 + SETTINGS.maxRetries);
	});

	it('an item that is stopped while it connects has started nothing', async () => {
		const hole = await blackHole();
		const stop = new AbortController();
		const client = makeClient(
			{ url: `http://127.0.0.1:${hole.port}`, apiKey: KEY },
			{ transport: makeTransport() },
		);
		const item = rejection(runOne(client, { app: 'a/b', input: {} }, { signal: stop.signal }));
		await aMoment();
		stop.abort();
		expect(String(await passing(item, { always: true }))).toContain('Nothing was started for it');
		hole.open();
		await aMoment();
		expect(hole.asked()).toEqual([]);
	});
});

describe.each(TRANSPORTS.filter(([name]) => name.startsWith('undici')))(
	'through a proxy, over %s',
	(_name, makeTransport) => {
		it.each([
			['502 Bad Gateway', /refuses to connect \(HTTP 502\)/],
			['407 Proxy Authentication Required', /refuses to connect \(HTTP 407\)/],
		])('that says %s', async (status, said) => {
			const proxy = await serverThat(answers(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`));
			throughProxy(proxy.port);
			const url = `https://behind-proxy-${proxy.port}.invalid/`;
			const error = await rejection(post(makeTransport(), url));
			expect(error).toMatchObject({ mayHaveArrived: false });
			expect(String(error)).toMatch(said);
		});
	},
);

describe.each(TRANSPORTS)('through a proxy, over %s', (_name, makeTransport) => {
	it('that is not there', async () => {
		throughProxy(1);
		const error = await rejection(post(makeTransport(), 'https://behind-no-proxy.invalid/'));
		expect(error).toMatchObject({ mayHaveArrived: false });
	});

	it('that does not answer', async () => {
		const proxy = await serverThat(saysNothing);
		throughProxy(proxy.port);
		const url = `https://behind-silence-${proxy.port}.invalid/`;
		const error = await rejection(post(makeTransport(), url));
		expect(error).toMatchObject({ mayHaveArrived: false });
	});
});

function throughProxy(port: number): void {
	for (const name of ['HTTP_PROXY', 'HTTPS_PROXY']) {
		vi.stubEnv(name, `http://127.0.0.1:${port}`);
		vi.stubEnv(name.toLowerCase(), `http://127.0.0.1:${port}`);
	}
	vi.stubEnv('NO_PROXY', '');
	vi.stubEnv('no_proxy', '');
}
