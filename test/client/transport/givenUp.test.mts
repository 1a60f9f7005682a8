/**
 * Whatever is given up before there is a connection leaves nothing behind that goes on connecting. n8n's
 * helper keeps the promise only by half: it does not close what it has asked a proxy for until the proxy
 * says something.
 */
import type { Socket } from 'node:net';
import { lookup } from 'node:dns';
import * as undici from 'undici';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Transport } from '../../../nodes/client/transport/transport.ts';
import { UndiciTransport } from '../../../nodes/client/transport/undiciTransport.ts';
import { aMoment, until } from '../../until.mts';
import {
	makeClient,
	networkWith,
	passing,
	rejection,
	runOne,
	SETTINGS,
	TRANSPORTS,
} from '../support.mts';
import {
	answers,
	closesAtOnce,
	closesWhenAsked,
	opensTunnels,
	saysNothing,
	serverThat,
	TUNNEL_OPEN,
	type TestServer,
} from './servers.mts';

const PATIENCE_MS = 300;
const LONG_MS = 60_000;

/** What a proxy may do with a CONNECT instead of opening a tunnel. */
const PROXIES: ReadonlyArray<readonly [does: string, act: (socket: Socket) => void]> = [
	['closes at once', closesAtOnce],
	['hangs up when it is asked', closesWhenAsked],
	['closes its half only', (socket) => void socket.once('data', () => socket.end())],
	['says nothing', saysNothing],
	['answers half a head', (socket) => void socket.once('data', () => socket.write('HTTP/1.1 20'))],
	['answers garbage', answers('\u0000\u0001 no HTTP at all\r\n\r\n')],
	['refuses', answers('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n')],
	[
		'opens a tunnel to nothing',
		(socket) => void socket.once('data', () => socket.write(TUNNEL_OPEN)),
	],
	['opens a tunnel and closes it', answers(TUNNEL_OPEN)],
];

function post(
	transport: Transport,
	url: string,
	limitMs: number,
	signal = new AbortController().signal,
) {
	return transport.request({
		method: 'POST',
		url,
		headers: {},
		body: '{}',
		signal,
		headersTimeoutMs: limitMs,
		silenceMs: limitMs,
	});
}

function throughProxy({ port }: TestServer): void {
	for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy']) {
		vi.stubEnv(name, `http://127.0.0.1:${port}`);
	}
	for (const name of ['NO_PROXY', 'no_proxy']) vi.stubEnv(name, '');
}

/** Nothing is open there, and nothing comes any more. */
async function expectQuiet(server: TestServer): Promise<void> {
	await until(() => server.open() === 0);
	const before = server.opened();
	await aMoment();
	expect(server.opened()).toBe(before);
}

afterEach(() => vi.unstubAllEnvs());

const [helper, ...pooled] = [...TRANSPORTS].reverse();

describe.each(pooled)('over %s', (_name, makeTransport) => {
	describe.each(PROXIES)('behind a proxy that %s', (_does, act) => {
		it('a request ends, has not left, and leaves nothing', async () => {
			const proxy = await serverThat(act);
			throughProxy(proxy);
			const asked = post(makeTransport(), 'https://behind.invalid/', PATIENCE_MS);
			expect(await rejection(asked)).toMatchObject({
				name: 'TransportError',
				mayHaveArrived: false,
			});
			expect(proxy.opened()).toBe(1);
			await expectQuiet(proxy);
		});

		it('an item without a timeout ends after its attempts', async () => {
			const proxy = await serverThat(act);
			throughProxy(proxy);
			const client = makeClient(
				{ url: 'https://behind.invalid', apiKey: 'key' },
				{
					transport: makeTransport(),
					settings: { timeoutMs: undefined },
				},
			);
			const item = rejection(runOne(client, { app: 'a/b', input: {} }));
			const error = await passing(item, { always: true });
			expect(error).toMatchObject({ code: 'network', mayHaveBeenAccepted: false });
			expect(proxy.opened()).toBe(1 + SETTINGS.maxRetries);
			await expectQuiet(proxy);
		});

		it('a stop leaves nothing', async () => {
			const proxy = await serverThat(act);
			throughProxy(proxy);
			const stop = new AbortController();
			const asked = rejection(
				post(makeTransport(), 'https://behind.invalid/', LONG_MS, stop.signal),
			);
			await until(() => proxy.opened() > 0);
			stop.abort(new Error('stopped'));
			await asked;
			await expectQuiet(proxy);
		});
	});

	it.each(['closes at once', 'says nothing'])(
		'a download behind a proxy that %s ends and leaves nothing',
		async (does) => {
			const proxy = await serverThat(does === 'says nothing' ? saysNothing : closesAtOnce);
			throughProxy(proxy);
			const opened = makeTransport().open({
				method: 'GET',
				url: 'https://behind.invalid/file',
				headers: {},
				signal: new AbortController().signal,
				headersTimeoutMs: PATIENCE_MS,
				silenceMs: PATIENCE_MS,
			});
			expect(await rejection(opened)).toMatchObject({ name: 'TransportError' });
			await expectQuiet(proxy);
		},
	);

	it('of many that wait for one host, those that stay are not harmed by one that leaves', async () => {
		const waiting: Socket[] = [];
		const proxy = await serverThat((socket) => void waiting.push(socket.resume()));
		const server = await serverThat(answers('HTTP/1.1 204 No Content\r\n\r\n'));
		throughProxy(proxy);
		const transport = makeTransport();
		const stop = new AbortController();
		const url = `http://127.0.0.1:${server.port}`;
		const [leaves, stays] = [
			rejection(post(transport, `${url}/leaves`, LONG_MS, stop.signal)),
			post(transport, `${url}/stays`, LONG_MS),
		];
		await until(() => waiting.length === 2);
		stop.abort(new Error('stopped'));
		await leaves;
		await until(() => proxy.open() === 1);
		waiting.find((socket) => !socket.destroyed)?.end('HTTP/1.1 204 No Content\r\n\r\n');
		expect(await stays).toMatchObject({ status: 204 });
	});

	it.each([
		['an address where nothing listens', 'http://127.0.0.1:1/'],
		['a name that nobody knows', 'http://no-such-host.invalid/'],
	])('many attempts at %s leave nothing', async (_what, url) => {
		const transport = makeTransport();
		const tried = Array.from(
			{ length: 10 },
			async () => await rejection(post(transport, url, LONG_MS)),
		);
		for (const error of await Promise.all(tried))
			expect(error).toMatchObject({ mayHaveArrived: false });
	});

	it('a host that accepts and never answers is left in time, also if it keeps sending interim answers', async () => {
		const host = await serverThat((socket) => {
			socket.resume();
			const drip = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 20);
			socket.on('close', () => clearInterval(drip));
		});
		const asked = post(makeTransport(), `http://127.0.0.1:${host.port}/`, PATIENCE_MS);
		expect(await rejection(asked)).toMatchObject({ mayHaveArrived: true });
		await expectQuiet(host);
	});
});

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	it('a host that changes the protocol is left in time', async () => {
		const host = await serverThat((socket) => {
			const answer =
				'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n';
			socket.once('data', () => socket.write(answer));
		});
		const asked = post(makeTransport(), `http://127.0.0.1:${host.port}/`, PATIENCE_MS);
		expect(await rejection(asked)).toMatchObject({ mayHaveArrived: true });
		await expectQuiet(host);
	});
});

describe("under n8n's egress policy", () => {
	const allowed = async () => await Promise.resolve({ ok: true as const, result: undefined });
	const never = async () => await new Promise<never>(() => {});

	it.each([
		['asking', { validateUrl: never, createSecureLookup: () => lookup }],
		['connecting', { validateUrl: allowed, createSecureLookup: () => () => {} }],
	])(
		'a name that is never looked up, while %s, is waited for no longer than an answer',
		async (_when, egress) => {
			const transport = new UndiciTransport(networkWith(undici), egress);
			const asked = post(transport, 'http://a-name.invalid/', PATIENCE_MS);
			expect(await rejection(asked)).toMatchObject({
				name: 'TransportError',
				mayHaveArrived: false,
			});
			const stop = new AbortController();
			const stopped = rejection(post(transport, 'http://a-name.invalid/', LONG_MS, stop.signal));
			stop.abort(new Error('stopped'));
			expect(String(await stopped)).toContain('stopped');
		},
	);
});

// It takes a refusal for the answer, because it replays it.
it.each(PROXIES.filter(([does]) => does !== 'refuses'))(
	"over n8n's helper, behind a proxy that %s, a request ends and has not left",
	async (_does, act) => {
		const proxy = await serverThat(act);
		throughProxy(proxy);
		const transport = helper?.[1]();
		if (!transport) throw new Error('there is no helper');
		const asked = post(transport, 'https://behind.invalid/', PATIENCE_MS);
		expect(await rejection(asked)).toMatchObject({ mayHaveArrived: false });
	},
);

it.each(TRANSPORTS)('over %s, a tunnel carries requests', async (_name, makeTransport) => {
	vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
	const { secureServerThat } = await import('./servers.mts');
	const server = await secureServerThat(answers('HTTP/1.1 204 No Content\r\n\r\n'));
	const heads: string[] = [];
	const proxy = await serverThat(opensTunnels(server.port, (head) => heads.push(head)));
	throughProxy(proxy);
	vi.stubEnv('HTTPS_PROXY', `http://me:p%40ss@127.0.0.1:${proxy.port}`);
	vi.stubEnv('https_proxy', `http://me:p%40ss@127.0.0.1:${proxy.port}`);
	expect(await post(makeTransport(), 'https://behind.invalid/x', LONG_MS)).toMatchObject({
		status: 204,
	});
	expect(heads).toHaveLength(1);
	expect(heads[0]).toMatch(/^CONNECT behind\.invalid:443 HTTP\/1\.1\r\n/);
	const login = Buffer.from('me:p@ss').toString('base64');
	expect(heads[0]?.toLowerCase()).toContain(`proxy-authorization: basic ${login.toLowerCase()}`);
});
