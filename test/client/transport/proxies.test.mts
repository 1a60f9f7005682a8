/** Which proxy a request goes through, or none: the same as with n8n's own HTTP helper. */
import type { Socket } from 'node:net';
import fc from 'fast-check';
import * as undici6 from 'undici6';
import * as undici7 from 'undici';
import * as undici8 from 'undici8';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HelperTransport } from '../../../nodes/client/transport/helperTransport.ts';
import type { Transport } from '../../../nodes/client/transport/transport.ts';
import { UndiciTransport } from '../../../nodes/client/transport/undiciTransport.ts';
import { outcomeOf } from '../../../nodes/client/util/outcome.ts';
import { hostHttpRequest } from '../hostHelper.mts';
import { networkWith } from '../support.mts';
import { serverThat, type TestServer } from './servers.mts';

type Environment = Readonly<Record<string, string>>;

const NAMES = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'].flatMap((name) => [
	name,
	name.toUpperCase(),
]);

/** What a proxy or host is asked: the first line, and whether a login came with it. */
function asked(said: Set<string>, who: string) {
	return (socket: Socket): void =>
		void socket.once('data', (data) => {
			const text = data.toString('latin1');
			const isTls = text.charCodeAt(0) === 22;
			const login = /^proxy-authorization: (.*)$/im.exec(text)?.[1] ?? 'no login';
			said.add(`${who}: ${isTls ? 'TLS' : `${text.split('\r\n')[0]}, ${login}`}`);
			socket.destroy();
		});
}

class Network {
	readonly first: TestServer;
	readonly second: TestServer;
	readonly host: TestServer;
	private readonly saying: { current: Set<string> };

	private constructor(
		[first, second, host]: readonly [TestServer, TestServer, TestServer],
		saying: { current: Set<string> },
	) {
		this.first = first;
		this.second = second;
		this.host = host;
		this.saying = saying;
	}

	static async start(): Promise<Network> {
		const saying = { current: new Set<string>() };
		const one = async (who: string) =>
			await serverThat((socket) => asked(saying.current, who)(socket));
		return new Network([await one('first'), await one('second'), await one('host')], saying);
	}

	/** Where a request ends up in an environment. */
	async goes(transport: Transport, url: string, environment: Environment): Promise<string[]> {
		vi.unstubAllEnvs();
		for (const name of NAMES) vi.stubEnv(name, environment[name]);
		const said = new Set<string>();
		this.saying.current = said;
		const signal = AbortSignal.timeout(5_000);
		await outcomeOf(
			Promise.resolve().then(
				async () =>
					await transport.request({
						method: 'POST',
						url,
						headers: {},
						body: '{}',
						signal,
						headersTimeoutMs: 5_000,
						silenceMs: 5_000,
					}),
			),
		);
		vi.unstubAllEnvs();
		return [...said].sort();
	}
}

const makeUndici = (undici: object) => () => new UndiciTransport(networkWith(undici));
const MAJORS: ReadonlyArray<readonly [string, () => Transport]> = [
	['undici 6', makeUndici(undici6)],
	['undici 7', makeUndici(undici7)],
	['undici 8', makeUndici(undici8)],
];
const helper = () => new HelperTransport(async (request) => await hostHttpRequest(request));

afterEach(() => vi.unstubAllEnvs());

/** `FIRST`, `SECOND` and `PORT` stand for the ports of the two proxies and of the host. */
const TABLE: ReadonlyArray<readonly [url: string, environment: Environment, goes: RegExp]> = [
	['http://a.invalid/x', { HTTP_PROXY: '127.0.0.1:FIRST' }, /^first: POST http:\/\/a\.invalid\/x/],
	['http://a.invalid/x', { http_proxy: 'http://127.0.0.1:FIRST' }, /^first: POST http/],
	[
		'https://a.invalid/x',
		{ HTTPS_PROXY: 'http://127.0.0.1:FIRST' },
		/^first: CONNECT a\.invalid:443/,
	],
	// Without a scheme it is reached like what it is for.
	['https://a.invalid/x', { HTTPS_PROXY: '127.0.0.1:FIRST' }, /^first: TLS/],
	['https://a.invalid/x', { ALL_PROXY: 'http://127.0.0.1:FIRST' }, /^first: CONNECT/],
	['http://a.invalid/x', { all_proxy: '127.0.0.1:FIRST' }, /^first: POST http/],
	['https://a.invalid/x', { HTTP_PROXY: 'http://127.0.0.1:FIRST' }, /^$/],
	[
		'http://a.invalid/x',
		{ HTTP_PROXY: 'http://127.0.0.1:FIRST', ALL_PROXY: 'http://127.0.0.1:SECOND' },
		/^first/,
	],
	[
		'http://a.invalid/x',
		{ HTTP_PROXY: 'http://127.0.0.1:FIRST', http_proxy: 'http://127.0.0.1:SECOND' },
		/^second/,
	],
	['http://a.invalid/x', { HTTP_PROXY: 'http://127.0.0.1:FIRST', http_proxy: '' }, /^first/],
	['http://127.0.0.1:PORT/x', { HTTP_PROXY: '127.0.0.1:FIRST', NO_PROXY: 'localhost,*' }, /^host/],
	['http://127.0.0.1:PORT/x', { HTTP_PROXY: '127.0.0.1:FIRST', NO_PROXY: '*' }, /^host/],
	['http://127.0.0.1:PORT/x', { HTTP_PROXY: '127.0.0.1:FIRST', NO_PROXY: '127.0.0.1' }, /^host/],
	[
		'http://127.0.0.1:PORT/x',
		{ HTTP_PROXY: '127.0.0.1:FIRST', NO_PROXY: '127.0.0.1:PORT' },
		/^host/,
	],
	['http://127.0.0.1:PORT/x', { HTTP_PROXY: '127.0.0.1:FIRST', NO_PROXY: '127.0.0.1:1' }, /^first/],
	[
		'http://127.0.0.1:PORT/x',
		{ HTTP_PROXY: '127.0.0.1:FIRST', NO_PROXY: '127.0.0.1', no_proxy: 'other' },
		/^first/,
	],
	[
		'http://127.0.0.1:PORT/x',
		{ HTTP_PROXY: '127.0.0.1:FIRST', NO_PROXY: '127.0.0.1', no_proxy: '' },
		/^host/,
	],
	['http://b.a.invalid/', { HTTP_PROXY: '127.0.0.1:FIRST', NO_PROXY: '.a.invalid' }, /^$/],
	['http://b.a.invalid/', { HTTP_PROXY: '127.0.0.1:FIRST', NO_PROXY: '*.a.invalid' }, /^$/],
	['http://b.a.invalid/', { HTTP_PROXY: '127.0.0.1:FIRST', NO_PROXY: 'a.invalid' }, /^first/],
	['http://A.invalid/', { HTTP_PROXY: '127.0.0.1:FIRST', NO_PROXY: 'x a.INVALID' }, /^$/],
	['http://[::1]:8/', { HTTP_PROXY: '127.0.0.1:FIRST', NO_PROXY: '[::1]' }, /^first/],
	['https://[::1]/', { HTTPS_PROXY: 'http://127.0.0.1:FIRST' }, /^first: CONNECT \[::1\]:443/],
	['http://a.invalid/', { HTTP_PROXY: 'http://me:p%40ss@127.0.0.1:FIRST' }, /Basic bWU6cEBzcw==/],
	['https://a.invalid/', { HTTPS_PROXY: 'http://me@127.0.0.1:FIRST' }, /Basic bWU6$/],
	['http://a.invalid/', { HTTP_PROXY: 'http://not a host' }, /^$/],
	['https://a.invalid/', { HTTPS_PROXY: 'socks5://127.0.0.1:FIRST' }, /^first: CONNECT/],
	['http://127.0.0.1:PORT/x', {}, /^host: POST \/x/],
];

describe.each(MAJORS)('over %s', (_name, makeTransport) => {
	it.each(TABLE)('%s with %j', async (url, environment, goes) => {
		const network = await Network.start();
		const filled = (text: string) =>
			text
				.replaceAll('FIRST', String(network.first.port))
				.replaceAll('SECOND', String(network.second.port))
				.replaceAll('PORT', String(network.host.port));
		const values = Object.fromEntries(
			Object.entries(environment).map(([name, value]) => [name, filled(value)]),
		);
		const ours = await network.goes(makeTransport(), filled(url), values);
		expect(ours.join()).toMatch(goes);
		// The helper throws where nobody catches it if TLS to a proxy is closed.
		if (goes.source.includes('TLS')) return;
		expect(ours).toEqual(await network.goes(helper(), filled(url), values));
	});
});

const STARTS = ['http://', 'http://me:pw@', 'HTTP://'];

it('in any environment requests go where those of the helper go', async () => {
	const network = await Network.start();
	const proxy = (starts: readonly string[]) =>
		fc.oneof(
			fc.constantFrom(undefined, ''),
			fc
				.tuple(
					fc.constantFrom(...starts),
					fc.constantFrom(network.first.port, network.second.port),
					fc.constantFrom('', '/', '/path'),
				)
				.map(([start, port, end]) => `${start}127.0.0.1:${port}${end}`),
		);
	const entry = fc.constantFrom(
		...['*', 'localhost', '127.0.0.1', '.0.0.1', '*.0.0.1', `127.0.0.1:${network.host.port}`],
		...['.invalid', '*invalid', 'invalid', 'a.invalid', 'A.INVALID:443', 'a.invalid:80', ' ', ''],
	);
	const except = fc.option(fc.array(entry, { maxLength: 3 }), { nil: undefined });
	const environments = fc.record({
		...Object.fromEntries(NAMES.map((name) => [name, proxy(STARTS)])),
		...Object.fromEntries(
			['http_proxy', 'HTTP_PROXY'].map((name) => [name, proxy(['', ...STARTS])]),
		),
		no_proxy: except.map((entries) => entries?.join(',')),
		NO_PROXY: except.map((entries) => entries?.join(' ')),
	});
	const urls = fc.constantFrom(
		`http://127.0.0.1:${network.host.port}/x`,
		`https://127.0.0.1:${network.host.port}/x`,
		'http://a.invalid/x',
		'https://a.invalid/x',
		'https://b.a.invalid:8443/x',
	);
	await fc.assert(
		fc.asyncProperty(urls, environments, async (url, environment) => {
			const set = Object.fromEntries(
				Object.entries(environment).filter(([, value]) => value !== undefined),
			) as Environment;
			const ours = await network.goes(makeUndici(undici7)(), url, set);
			expect(ours).toEqual(await network.goes(helper(), url, set));
		}),
		{ numRuns: 60 },
	);
});
