/** Downloads over every transport: from the service's storage, from anybody else's, and from bad ones. */
import { createHash, randomBytes } from 'node:crypto';
import { lookup } from 'node:dns';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import * as undici7 from 'undici';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { CancelSource } from '../../../nodes/client/util/cancelSignal.ts';
import {
	MB,
	type DownloadOptions,
	type IncomingFile,
} from '../../../nodes/client/files/download.ts';
import {
	NetworkError,
	NotFoundError,
	PermissionError,
	ProtocolError,
	ServerError,
	StoppedError,
	ValidationError,
} from '../../../nodes/client/errors.ts';
import { UndiciTransport } from '../../../nodes/client/transport/undiciTransport.ts';
import { startFileHost, startSandbox, type FileHost, type Sandbox } from '../../sandbox/index.mts';
import { aMoment, until } from '../../until.mts';
import {
	makeClient,
	passing,
	rejection,
	TRANSPORTS,
	type Overrides,
	networkWith,
} from '../support.mts';

const content = randomBytes(300_000);

let sandbox: Sandbox;
let host: FileHost;
beforeEach(async () => {
	sandbox = await startSandbox();
	host = await startFileHost();
});
afterEach(async () => {
	expect(JSON.stringify(host.requests)).not.toContain(sandbox.apiKey);
	await host.close();
	await sandbox.close();
});

/** Answers as a usual file server does. */
function sendContent(response: ServerResponse, headers: Record<string, string> = {}): void {
	response.writeHead(200, {
		'content-type': 'image/png; charset=binary',
		'content-length': String(content.length),
		...headers,
	});
	response.end(content);
}

const UNLIMITED: DownloadOptions = { signal: new CancelSource(), maxBytes: undefined };

async function readAll({ stream }: IncomingFile): Promise<Buffer> {
	const pieces: Buffer[] = [];
	for await (const piece of stream) pieces.push(Buffer.from(piece as Uint8Array));
	return Buffer.concat(pieces);
}

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	const client = (overrides: Overrides = {}) =>
		makeClient(sandbox, { transport: makeTransport(), ...overrides });
	const download = async (path: string, options: Partial<DownloadOptions> = {}, maxRetries = 3) =>
		await client({ settings: { maxRetries } }).files.download(
			host.url + path,
			{ ...UNLIMITED, ...options },
			readAll,
		);

	it('streams a file from any host, without the key', async () => {
		host.serve('/photos/cat.png', (_request, response) => sendContent(response));
		const file = await client().files.download(
			`${host.url}/photos/cat.png?v=2`,
			UNLIMITED,
			(incoming) => {
				const { contentType, filename } = incoming;
				return readAll(incoming).then((bytes) => ({ bytes, contentType, filename }));
			},
		);
		expect(file.bytes.equals(content)).toBe(true);
		expect(file).toMatchObject({ contentType: 'image/png', filename: 'cat.png' });
		expect(host.requests).toHaveLength(1);
		expect(host.requests[0]).toMatchObject({ method: 'GET', path: '/photos/cat.png?v=2' });
		expect(host.requests[0]?.headers).not.toHaveProperty('authorization');
		expect(host.requests[0]?.headers).not.toHaveProperty('cookie');
		// Without one, some hosts answer 403.
		expect(host.requests[0]?.headers['user-agent']).toMatch(/^n8n-nodes-inferencesh/);
	});

	it('reads no more than its reader does, and takes no memory beside', async () => {
		let sent = 0;
		let blocked = false;
		const piece = Buffer.alloc(MB);
		const all = 100;
		host.serve('/large', (_request, response) => {
			response.writeHead(200, { 'content-length': String(all * MB) });
			const send = () => {
				while (sent < all && !blocked) {
					sent += 1;
					blocked = !response.write(piece);
				}
				if (sent === all) response.end();
			};
			response.on('drain', () => {
				blocked = false;
				send();
			});
			send();
		});
		const asked: number[] = [];
		class Counted extends ArrayBuffer {
			constructor(size: number) {
				super(size);
				asked.push(size);
			}
		}
		vi.stubGlobal('ArrayBuffer', Counted);
		onTestFinished(() => void vi.unstubAllGlobals());
		const size = await client().files.download(
			`${host.url}/large`,
			UNLIMITED,
			async ({ stream }) => {
				let read = 0;
				for await (const part of stream) {
					if (read === 0) {
						await until(() => blocked);
						await aMoment();
						expect(sent).toBeLessThan(all / 2);
					}
					read += Buffer.from(part as Uint8Array).length;
				}
				return read;
			},
		);
		expect(size).toBe(all * MB);
		expect(Math.max(0, ...asked)).toBeLessThan(MB);
	});

	it('hands on a file of no bytes', async () => {
		host.serve('/empty', (_request, response) => response.end());
		expect((await download('/empty')).length).toBe(0);
	});

	it.each([
		[`attachment; filename="my \\"cat\\".png"`, 'my "cat".png'],
		[`attachment; filename=cat.png; size=5`, 'cat.png'],
		[`attachment; filename="x.png"; filename*=UTF-8''%E7%8C%AB.png`, '猫.png'],
		[`inline`, 'plain%20name.png'],
		[`attachment; filename="猫 über.png"`, '猫 über.png'],
		[`attachment; filename=猫.png`, '猫.png'],
		[`attachment; filename*=iso-8859-1'en'%A3%20rates.png`, '£ rates.png'],
		[`attachment; filename*=ISO-8859-1''caf%E9.png; filename="cafe.png"`, 'café.png'],
		[`attachment; filename*=windows-1252''%80.png`, '€.png'],
		[`attachment; filename*="UTF-8''%C3%BC.png"`, 'ü.png'],
		[`attachment; filename*=utf8''%C3%BC.png`, 'ü.png'],
		[`attachment; filename=my cat.png; size=5`, 'my cat.png'],
		[`attachment; filename=my cat.png`, 'my cat.png'],
		[`attachment; filename="cat.png`, 'cat.png'],
		[`attachment; size=5;filename = cat.png`, 'cat.png'],
		[`attachment; filename*=UTF-8''%E7%8C.png`, '%E7%8C.png'],
	])('names a file by Content-Disposition %s', async (disposition, expected) => {
		// By hand: Node.js sends no raw UTF-8.
		host.serve('/plain%2520name.png', ({ socket }) =>
			socket.end(
				`HTTP/1.1 200 OK\r\ncontent-disposition: ${disposition}\r\ncontent-length: 2\r\n\r\nok`,
			),
		);
		const filename = await client().files.download(
			`${host.url}/plain%2520name.png`,
			UNLIMITED,
			async (incoming) => {
				await readAll(incoming);
				return incoming.filename;
			},
		);
		expect(filename).toBe(expected);
	});

	describe('tries again after', () => {
		const failures: ReadonlyArray<readonly [string, (response: ServerResponse) => void]> = [
			['a server error', (response) => response.writeHead(503).end()],
			['a busy server', (response) => response.writeHead(429, { 'retry-after': '1' }).end()],
			['a cut connection', (response) => response.socket?.resetAndDestroy()],
			[
				'an answer that is cut short',
				(response) => {
					response.writeHead(200, { 'content-length': content.length });
					response.write(content.subarray(0, 1000), () => response.socket?.destroySoon());
				},
			],
			[
				'an answer of unknown length that is cut short',
				(response) => {
					response.writeHead(200);
					response.write(content.subarray(0, 1000), () => response.socket?.destroySoon());
				},
			],
			[
				'an answer that is reset',
				(response) => {
					response.writeHead(200, { 'content-length': content.length });
					response.write(content.subarray(0, 1000), () => response.socket?.resetAndDestroy());
				},
			],
			[
				'an answer that stops coming',
				(response) => {
					response.writeHead(200, { 'content-length': content.length });
					response.write(content.subarray(0, 1000));
				},
			],
		];

		it.each(failures)('%s', async (_what, fail) => {
			let requests = 0;
			host.serve('/file', (_request, response) => {
				requests += 1;
				if (requests <= 2) fail(response);
				else sendContent(response);
			});
			expect((await passing(download('/file'))).equals(content)).toBe(true);
			expect(requests).toBe(3);
		});

		it.each(failures)('%s, but not for ever', async (_what, fail) => {
			host.serve('/file', (_request, response) => fail(response));
			const error = await passing(rejection(download('/file', {}, 1)));
			expect(error instanceof NetworkError || error instanceof ServerError).toBe(true);
			expect(String(error)).toContain(`The download from ${new URL(host.url).host}`);
			expect(host.requests).toHaveLength(2);
		});
	});

	it('waits for the head of an answer only so long', async () => {
		host.serve('/file', () => {});
		const slow = client({ settings: { maxRetries: 0 }, timings: { headersMs: 300 } });
		const error = await rejection(slow.files.download(`${host.url}/file`, UNLIMITED, readAll));
		expect(error).toBeInstanceOf(NetworkError);
	});

	it.each([
		[404, NotFoundError],
		[410, NotFoundError],
		[403, PermissionError],
		[400, ValidationError],
		[304, ProtocolError],
	])('takes HTTP %i for final', async (status, kind) => {
		host.serve('/file', (_request, response) => response.writeHead(status).end());
		const error = await rejection(download('/file'));
		expect(error).toBeInstanceOf(kind);
		expect(String(error)).toContain(`HTTP ${status}`);
		expect(host.requests).toHaveLength(1);
	});

	describe('redirects', () => {
		const redirect = (from: string, to: string, status = 302) =>
			host.serve(from, (_request, response) =>
				response.writeHead(status, { location: to }).end('moved'),
			);

		it('are followed, five of them, to other hosts and without the key', async () => {
			sandbox.fault({ on: '*', times: 0, kind: 'status', status: 500 });
			const other = await startFileHost();
			redirect('/1', '/2');
			redirect('/2', `${host.url}/3`, 301);
			redirect('/3', '3b/../4', 307);
			redirect('/4', '/5', 308);
			redirect('/5', `${other.url}/file.png`, 303);
			other.serve('/file.png', (_request, response) => sendContent(response));
			expect((await download('/1')).equals(content)).toBe(true);
			expect(other.requests).toHaveLength(1);
			expect(other.requests[0]?.headers).not.toHaveProperty('authorization');
			expect(JSON.stringify(other.requests)).not.toContain(sandbox.apiKey);
			await other.close();
		});

		it('name the file by where they end', async () => {
			redirect('/short', '/real/picture.png');
			host.serve('/real/picture.png', (_request, response) => sendContent(response));
			const names = await client().files.download(
				`${host.url}/short`,
				UNLIMITED,
				async (incoming) => {
					await readAll(incoming);
					return incoming.filename;
				},
			);
			expect(names).toBe('picture.png');
		});

		it('lead to names in UTF-8, however they are written', async () => {
			host.serve('/%C3%BCber/%E7%8C%AB.png', (_request, response) => sendContent(response));
			redirect('/raw', Buffer.from('/über/猫.png').toString('latin1'));
			redirect('/encoded', '/%C3%BCber/%E7%8C%AB.png');
			for (const start of ['/raw', '/encoded']) {
				expect((await download(start)).equals(content)).toBe(true);
			}
		});

		it('are given up when they go round in circles', async () => {
			redirect('/a', '/b');
			redirect('/b', '/a');
			const error = await rejection(download('/a'));
			expect(error).toBeInstanceOf(ProtocolError);
			expect(String(error)).toContain('is redirected more than 5 times');
			expect(host.requests).toHaveLength(6);
		});

		it.each(['file:///etc/passwd', 'ftp://127.0.0.1/x', 'http://', 'javascript:alert(1)'])(
			'lead nowhere but to the web: %s',
			async (location) => {
				redirect('/a', location);
				const error = await rejection(download('/a'));
				expect(error).toBeInstanceOf(ProtocolError);
				expect(host.requests).toHaveLength(1);
			},
		);

		it('carry no name and password', async () => {
			const { host: address } = new URL(host.url);
			redirect('/a', `http://user:secret@${address}/b`);
			host.serve('/b', (_request, response) => sendContent(response));
			await download('/a');
			expect(host.requests[1]?.headers).not.toHaveProperty('authorization');
		});
	});

	describe('of limited size', () => {
		it('are not begun if the answer says that they are larger', async () => {
			host.serve('/file', (_request, response) => sendContent(response));
			const error = await rejection(download('/file', { maxBytes: 0.25 * MB }));
			expect(error).toBeInstanceOf(ValidationError);
			expect(String(error)).toContain('the file is larger than 0.25 MB');
			expect(host.requests).toHaveLength(1);
		});

		it('are broken off if it does not', async () => {
			let sent = 0;
			host.serve('/file', (_request, response) => {
				const more = () => {
					for (let ok = true; ok && !response.destroyed; sent += 1) {
						ok = response.write(Buffer.alloc(100_000));
					}
				};
				response.on('drain', more);
				more();
			});
			const error = await rejection(download('/file', { maxBytes: 1 * MB }));
			expect(error).toBeInstanceOf(ValidationError);
			expect(host.requests).toHaveLength(1);
			await until(() => host.answering() === 0);
		});

		it('may be as large as the limit', async () => {
			host.serve('/file', (_request, response) => sendContent(response));
			expect((await download('/file', { maxBytes: content.length })).length).toBe(content.length);
		});
	});

	it('never has more in hand than a slow reader takes', async () => {
		const size = 100 * 1024 * 1024;
		host.serve('/file', (_request, response) => {
			response.writeHead(200, { 'content-length': size });
			let left = size;
			Readable.from(
				(function* () {
					for (; left > 0; left -= 65_536) yield Buffer.alloc(Math.min(left, 65_536));
				})(),
				{ objectMode: false },
			).pipe(response);
		});
		const stop = new CancelSource();
		const slow = rejection(
			client().files.download(
				`${host.url}/file`,
				{ ...UNLIMITED, signal: stop },
				async ({ stream }) => {
					for await (const _piece of stream) await aMoment();
				},
			),
		);
		let before = -1;
		// Until nothing more is sent: all buffers between here and there are full.
		await until(async () => {
			await aMoment();
			const now = host.bytesSent();
			const settled = now > 0 && now - before < 200_000;
			before = now;
			return settled;
		});
		expect(host.bytesSent()).toBeLessThan(30_000_000);
		stop.abort(new StoppedError('enough'));
		await slow;
	});

	it('stops while a file is arriving', async () => {
		host.serve('/file', (_request, response) => {
			response.writeHead(200, { 'content-length': content.length });
			response.write(content.subarray(0, 1000));
		});
		const signal = new CancelSource();
		let stream: Readable | undefined;
		const stopped = rejection(
			client().files.download(`${host.url}/file`, { ...UNLIMITED, signal }, async (incoming) => {
				stream = incoming.stream;
				return await readAll(incoming);
			}),
		);
		await until(() => stream !== undefined);
		const reason = new StoppedError('stopped by the test');
		signal.abort(reason);
		expect(await stopped).toBe(reason);
		expect(stream?.destroyed).toBe(true);
		await until(() => host.answering() === 0);
	});

	it('stops while the answer is awaited', async () => {
		host.serve('/file', () => {});
		const signal = new CancelSource();
		const stopped = rejection(download('/file', { signal }));
		await until(() => host.requests.length >= 1);
		const reason = new StoppedError('stopped by the test');
		signal.abort(reason);
		expect(await stopped).toBe(reason);
	});

	it('hands on why a file cannot be stored, and does not try again', async () => {
		host.serve('/file', (_request, response) => sendContent(response));
		const error = await rejection(
			client().files.download(`${host.url}/file`, UNLIMITED, async () => {
				return await Promise.reject(new Error('no space left'));
			}),
		);
		expect(String(error)).toBe('Error: no space left');
		expect(host.requests).toHaveLength(1);
		await until(() => host.answering() === 0);
	});

	describe('that is kept compressed', () => {
		const serve = (coding: string | string[], bytes: Buffer) =>
			host.serve('/file', (request, response) => {
				expect(request.headers['accept-encoding']).toBe('identity');
				response.setHeader('content-encoding', coding).setHeader('content-length', bytes.length);
				response.end(bytes);
			});

		it.each<[what: string, coding: string | string[], bytes: Buffer]>([
			['gzip', 'gzip', gzipSync(content)],
			['gzip of AWS', 'aws-chunked, gzip', gzipSync(content)],
			['gzip in headers that come twice', ['gzip', 'aws-chunked'], gzipSync(content)],
			['deflate', 'deflate', deflateSync(content)],
			['brotli', 'br', brotliCompressSync(content)],
			['zstd', 'zstd', zstdCompressSync(content)],
			['gzip twice', 'gzip,gzip', gzipSync(gzipSync(content))],
			['nothing, as AWS says it', 'aws-chunked', content],
			['nothing', 'identity', content],
			['nothing, said twice', ['identity', 'identity'], content],
			['nothing at all', '', content],
			['something that is no compression', 'binary', content],
		])('arrives as it was: %s', async (_what, coding, bytes) => {
			serve(coding, bytes);
			expect((await download('/file')).equals(content)).toBe(true);
			expect(host.requests).toHaveLength(1);
		});

		it('has the limit of the file that it is', async () => {
			serve('gzip', gzipSync(Buffer.alloc(50 * MB)));
			const error = await rejection(download('/file', { maxBytes: 1 * MB }));
			expect(error).toBeInstanceOf(ValidationError);
			expect(String(error)).toContain('larger than 1 MB');
			expect(host.requests).toHaveLength(1);
			await until(() => host.answering() === 0);
		});

		it('is no file if it is damaged', async () => {
			serve('gzip', gzipSync(content).fill(7, 1000, 2000));
			const error = await passing(rejection(download('/file', {}, 1)));
			expect(error).toBeInstanceOf(Error);
			expect(host.requests).toHaveLength(2);
		});
	});

	it('says in plain words that a host does not exist', async () => {
		const error = await rejection(
			client({ settings: { maxRetries: 0 } }).files.download(
				'http://no-such-host.invalid/a.png',
				UNLIMITED,
				readAll,
			),
		);
		expect(error).toBeInstanceOf(NetworkError);
		expect(String(error)).toContain('no-such-host.invalid');
		expect(String(error)).not.toMatch(/ENOTFOUND|EAI_AGAIN/);
	});

	it('gets what was uploaded', async () => {
		const sha256 = createHash('sha256').update(content).digest('hex');
		const api = client();
		const file = await api.files.upload(
			{
				filename: 'a.bin',
				contentType: 'application/octet-stream',
				size: content.length,
				open: async () => await Promise.resolve(content),
			},
			new CancelSource(),
		);
		const back = await api.files.download(file.uri, UNLIMITED, readAll);
		expect(createHash('sha256').update(back).digest('hex')).toBe(sha256);
		expect(sandbox.violations()).toEqual([]);
	});
});

describe("under n8n's egress policy", () => {
	it('reaches no address that is not allowed, also not by a redirect', async () => {
		const forbidden = await startFileHost();
		const asked: string[] = [];
		const transport = new UndiciTransport(networkWith(undici7), {
			validateUrl: async (url) => {
				asked.push(String(url));
				return await Promise.resolve(
					String(url).startsWith(forbidden.url)
						? { ok: false, error: new Error('address is blocked') }
						: { ok: true, result: undefined },
				);
			},
			createSecureLookup: () => lookup,
		});
		host.serve('/a', (_request, response) =>
			response.writeHead(302, { location: `${forbidden.url}/secret` }).end(),
		);
		const client = makeClient(sandbox, { transport, settings: { maxRetries: 0 } });
		for (const url of [`${forbidden.url}/secret`, `${host.url}/a`]) {
			const error = await rejection(client.files.download(url, UNLIMITED, readAll));
			expect(error).toMatchObject({ mayHaveBeenAccepted: false });
			expect(String(error)).toContain('address is blocked');
		}
		expect(forbidden.requests).toEqual([]);
		expect(asked).toContain(host.url);
		await forbidden.close();
	});
});
