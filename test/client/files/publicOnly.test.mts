/** What an app's output names is fetched from the public internet only, unless the service itself is elsewhere. */
import dns from 'node:dns';
import http from 'node:http';
import * as undici7 from 'undici';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CancelSource } from '../../../nodes/client/util/cancelSignal.ts';
import { NetworkError, ValidationError } from '../../../nodes/client/errors.ts';
import type { IncomingFile } from '../../../nodes/client/files/download.ts';
import { isPublicAddress, isPublicHost } from '../../../nodes/client/transport/publicHosts.ts';
import { HelperTransport } from '../../../nodes/client/transport/helperTransport.ts';
import { UndiciTransport } from '../../../nodes/client/transport/undiciTransport.ts';
import { startFileHost, type FileHost } from '../../sandbox/index.mts';
import { until } from '../../until.mts';
import { makeClient, rejection, TRANSPORTS, networkWith } from '../support.mts';

const PUBLIC_SERVICE = { url: 'https://api.inference.sh', apiKey: 'inf_sandbox_key' };
const UNLIMITED = { signal: new CancelSource(), maxBytes: undefined };

let host: FileHost;
let port: string;
beforeEach(async () => {
	host = await startFileHost();
	port = new URL(host.url).port;
	host.serve('/secret', (_request, response) => response.end('secret'));
});
afterEach(async () => {
	vi.restoreAllMocks();
	looking.atOnce = false;
	await host.close();
});

async function readAll({ stream }: IncomingFile): Promise<string> {
	let text = '';
	for await (const piece of stream) text += String(piece);
	return text;
}

/** Whether look-ups answer before they return, as from a cache. */
const looking = { atOnce: false };

/** Every look-up of a name gives these addresses, one after the other, then the last one again. */
function resolveTo(...lists: string[][]): void {
	const { atOnce } = looking;
	const found = (): Array<{ address: string; family: number }> => {
		const [list = []] = lists.length > 1 ? lists.splice(0, 1) : lists;
		return list.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
	};
	vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, options: object, done: unknown) => {
		const addresses = found();
		const [first] = addresses;
		const tell = done as (error: null, ...found: unknown[]) => void;
		const answer = () =>
			'all' in options && options.all === true
				? tell(null, addresses)
				: tell(null, first?.address, first?.family);
		if (atOnce) answer();
		else setImmediate(answer);
	}) as typeof dns.lookup);
}

const downloadOver =
	(makeTransport: (typeof TRANSPORTS)[number][1]) =>
	async (url: string, service = PUBLIC_SERVICE) =>
		await makeClient(service, { transport: makeTransport() }).files.download(
			url,
			UNLIMITED,
			readAll,
		);

/** n8n's HTTP helper does not tell which address it connects to. */
const UNDICI = TRANSPORTS.filter(([name]) => name.startsWith('undici'));

describe.each(UNDICI)('over %s, by the address that is connected to', (_name, makeTransport) => {
	const download = downloadOver(makeTransport);

	it.each([false, true])(
		'does not reach what a public name resolves to (at once: %s)',
		async (atOnce) => {
			looking.atOnce = atOnce;
			resolveTo(['127.0.0.1']);
			const error = await rejection(download(`http://files.example.com:${port}/secret`));
			expect(error).toBeInstanceOf(ValidationError);
			expect(String(error)).toContain('not on the public internet');
			expect(host.requests).toEqual([]);
		},
	);

	it('does not reach a name with one public address and one that is not', async () => {
		resolveTo(['127.0.0.1', '8.8.8.8']);
		const error = await rejection(download(`http://files.example.com:${port}/secret`));
		expect(error).toBeInstanceOf(ValidationError);
		expect(host.requests).toEqual([]);
	});

	it('checks the address that is connected to, not one looked up before', async () => {
		resolveTo(['192.0.2.1'], ['127.0.0.1']);
		for (let attempt = 0; attempt < 3; attempt += 1) {
			const error = await rejection(download(`http://rebound.example.com:${port}/secret`));
			expect(error).toBeInstanceOf(ValidationError);
		}
		expect(host.requests).toEqual([]);
	});
});

describe.each(TRANSPORTS)('over %s', (name, makeTransport) => {
	const isUndici = name.startsWith('undici');
	const download = downloadOver(makeTransport);

	it.each([
		'127.0.0.1',
		'127.1',
		'2130706433',
		'0x7f000001',
		'0177.0.0.1',
		'[::1]',
		'[::ffff:127.0.0.1]',
		'localhost',
		'LOCALHOST.',
		'files.localhost',
	])('does not reach %s', async (target) => {
		const error = await rejection(download(`http://${target}:${port}/secret`));
		expect(error).toBeInstanceOf(ValidationError);
		expect(String(error)).toContain('not on the public internet');
		expect(host.requests).toEqual([]);
	});

	it('reaches its own service wherever that is, and all else where that is', async () => {
		expect(await download(`${host.url}/secret`, { ...PUBLIC_SERVICE, url: host.url })).toBe(
			'secret',
		);
		const elsewhere = { ...PUBLIC_SERVICE, url: 'http://10.0.0.7:8080' };
		expect(await download(`${host.url}/secret`, elsewhere)).toBe('secret');
		const inDocker = { ...PUBLIC_SERVICE, url: 'http://gateway:8080' };
		expect(await download(`${host.url}/secret`, inDocker)).toBe('secret');
	});

	it('reaches its own service by a name that resolves to a private address', async () => {
		resolveTo(['127.0.0.1']);
		const service = { ...PUBLIC_SERVICE, url: `http://api.example.com:${port}` };
		expect(await download(`http://api.example.com:${port}/secret`, service)).toBe('secret');
		if (!isUndici) return;
		const error = await rejection(download(`http://other.example.com:${port}/secret`, service));
		expect(error).toBeInstanceOf(ValidationError);
	});

	it.each(['http://127.0.0.1', 'http://[::1]', 'http://169.254.169.254', 'http://0x7f.1'])(
		'is not led to %s by a redirect',
		async (target) => {
			resolveTo(['127.0.0.1']);
			host.serve('/start', (_request, response) =>
				response.writeHead(302, { location: `${target}:${port}/secret` }).end(),
			);
			// The service is where the redirect comes from, which is allowed; where it leads to is not.
			const service = { ...PUBLIC_SERVICE, url: `http://api.example.com:${port}` };
			const error = await rejection(download(`http://api.example.com:${port}/start`, service));
			expect(error).toBeInstanceOf(ValidationError);
			expect(String(error)).toContain('not on the public internet');
			expect(host.requests.map(({ path }) => path)).toEqual(['/start']);
		},
	);

	it('uploads to no such address either', async () => {
		const client = makeClient(
			{ ...PUBLIC_SERVICE, url: `http://api.example.com:${port}` },
			{
				transport: makeTransport(),
			},
		);
		resolveTo(['127.0.0.1']);
		host.serve('/files', (_request, response) =>
			response
				.writeHead(200, { 'content-type': 'application/json' })
				.end(JSON.stringify([{ uri: 'https://x.example/f', upload_url: `${host.url}/put` }])),
		);
		const source = {
			filename: 'a.txt',
			contentType: 'text/plain',
			size: 3,
			open: async () => Buffer.from('abc'),
		};
		const error = await rejection(client.files.upload(source, new CancelSource()));
		expect(error).toBeInstanceOf(ValidationError);
		expect(host.requests.map(({ path }) => path)).toEqual(['/files']);
	});
});

describe('an HTTP helper of n8n that hands out the answer itself', () => {
	const helper = async ({ url, abortSignal }: { url: string; abortSignal?: unknown }) =>
		await new Promise<unknown>((resolve, reject) => {
			http
				.get(url, { signal: abortSignal as AbortSignal }, (body) =>
					resolve({ statusCode: body.statusCode, headers: body.headers, body }),
				)
				.on('error', reject);
		});

	it('connects by itself, but what came from a private address goes no further', async () => {
		resolveTo(['127.0.0.1']);
		const client = makeClient(PUBLIC_SERVICE, { transport: new HelperTransport(helper) });
		const url = `http://files.example.com:${port}/secret`;
		const error = await rejection(client.files.download(url, UNLIMITED, readAll));
		expect(error).toBeInstanceOf(ValidationError);
		expect(String(error)).toContain('not on the public internet');
		expect(host.requests).toHaveLength(1);
		await until(() => host.answering() === 0);
	});
});

describe('a redirect from https to http', () => {
	it('is not followed', async () => {
		const inner = new UndiciTransport(networkWith(undici7));
		const service = { ...PUBLIC_SERVICE, url: host.url };
		host.serve('/start', (_request, response) =>
			response.writeHead(302, { location: `${host.url}/secret` }).end(),
		);
		// The certificate of a test server is trusted by nobody, so the first request goes without one.
		const transport = {
			name: 'plain',
			request: inner.request.bind(inner),
			open: async (request: Parameters<typeof inner.open>[0]) =>
				await inner.open({ ...request, url: request.url.replace('https:', 'http:') }),
		};
		const client = makeClient(service, { transport });
		const start = `${host.url.replace('http:', 'https:')}/start`;
		const error = await rejection(client.files.download(start, UNLIMITED, readAll));
		expect(error).toBeInstanceOf(ValidationError);
		expect(String(error)).toContain('from https to http');
		expect(host.requests.map(({ path }) => path)).toEqual(['/start']);
	});
});

describe('an address', () => {
	it.each([
		'0.0.0.0',
		'10.1.2.3',
		'100.64.0.1',
		'100.100.100.200',
		'100.127.255.255',
		'127.0.0.1',
		'127.255.255.255',
		'168.63.129.16',
		'169.254.169.254',
		'172.16.0.1',
		'172.31.255.255',
		'192.0.0.192',
		'192.0.2.1',
		'192.88.99.1',
		'192.168.255.255',
		'198.18.0.1',
		'198.19.255.255',
		'198.51.100.7',
		'203.0.113.9',
		'224.0.0.1',
		'239.255.255.255',
		'240.0.0.1',
		'255.255.255.255',
		'::',
		'::1',
		'::127.0.0.1',
		'::ffff:10.0.0.1',
		'::ffff:a9fe:a9fe',
		'::ffff:0:127.0.0.1',
		'64:ff9b::a00:1',
		'64:ff9b:1::1',
		'100::1',
		'2001::1',
		'2001:20::1',
		'2001:db8::1',
		'2002:7f00:1::',
		'3fff::1',
		'5f00::1',
		'fc00::1',
		'fd00:ec2::254',
		'fe80::1',
		'fe80::1%eth0',
		'febf::1',
		'fec0::1',
		'ff02::1',
		'not an address',
		'',
	])('%s is not public', (address) => expect(isPublicAddress(address)).toBe(false));

	it.each([
		'1.1.1.1',
		'8.8.8.8',
		'9.255.255.255',
		'11.0.0.0',
		'100.63.255.255',
		'100.128.0.0',
		'126.0.0.1',
		'128.0.0.1',
		'169.253.0.1',
		'172.15.255.255',
		'172.32.0.0',
		'192.167.0.1',
		'192.169.0.1',
		'198.17.0.1',
		'198.20.0.1',
		'223.255.255.255',
		'::ffff:8.8.8.8',
		'64:ff9b::808:808',
		'2606:4700::1111',
		'2001:4860:4860::8888',
		'2a00:1450::1',
	])('%s is public', (address) => expect(isPublicAddress(address)).toBe(true));

	it.each([
		'http://017700000001',
		'http://0xa9fea9fe',
		'http://2852039166',
		'http://169.254.43518',
		'http://①②⑦.⓪.⓪.①',
		'http://127。0。0。1',
		'http://[0:0:0:0:0:ffff:7f00:1]',
		'http://redis',
		'http://metadata.google.internal',
		'http://nas.local.',
		'http://x.home.arpa',
		'http://127.0.0.1.',
		'http://localhost..',
		'http://kubernetes.default.svc',
		'http://vault.service.consul',
		'http://wiki.intra',
	])('%s is not public', (url) => expect(isPublicHost(new URL(url).hostname)).toBe(false));

	it.each([
		'https://api.inference.sh',
		'https://storage.googleapis.com',
		'https://1.1.1.1',
		'https://local.example.com',
		'https://[2606:4700::1111]',
	])('%s is public', (url) => expect(isPublicHost(new URL(url).hostname)).toBe(true));
});

describe('a name that does not exist', () => {
	it('is a matter of the network', async () => {
		const client = makeClient(PUBLIC_SERVICE, { settings: { maxRetries: 0 } });
		const error = await rejection(
			client.files.download('http://no-such-host.invalid/a.png', UNLIMITED, readAll),
		);
		expect(error).toBeInstanceOf(NetworkError);
	});
});
