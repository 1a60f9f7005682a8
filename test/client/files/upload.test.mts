/** Uploads over every transport: what arrives at the storage, and what goes wrong on the way. */
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CancelSource } from '../../../nodes/client/util/cancelSignal.ts';
import {
	NetworkError,
	PermissionError,
	ProtocolError,
	ServerError,
	StoppedError,
	ValidationError,
} from '../../../nodes/client/errors.ts';
import type { UploadSource } from '../../../nodes/client/files/upload.ts';
import { startSandbox, type Sandbox } from '../../sandbox/index.mts';
import { TestClock } from '../../testClock.mts';
import { until } from '../../until.mts';
import { makeClient, passing, rejection, TRANSPORTS, type Overrides } from '../support.mts';

const PUT = 'PUT /uploads/:id';
const content = randomBytes(300_000);
const sha256 = createHash('sha256').update(content).digest('hex');

let sandbox: Sandbox;
beforeEach(async () => {
	sandbox = await startSandbox();
});
afterEach(async () => {
	expect(sandbox.violations()).toEqual([]);
	await sandbox.close();
});

/** A source that counts how often it was opened and keeps the streams it gave. */
function streamed(bytes: Buffer = content, overrides: Partial<UploadSource> = {}) {
	const streams: Readable[] = [];
	const source: UploadSource = {
		filename: 'photo.png',
		contentType: 'image/png',
		size: bytes.length,
		open: async () => {
			const pieces = Array.from({ length: Math.ceil(bytes.length / 16_384) }, (_, index) =>
				bytes.subarray(index * 16_384, (index + 1) * 16_384),
			);
			const stream = Readable.from(pieces, { objectMode: false });
			streams.push(stream);
			return await Promise.resolve(stream);
		},
		...overrides,
	};
	return { source, streams };
}

const posts = () => sandbox.count('POST', '/files');
const puts = () => sandbox.count('PUT', /^\/uploads\//);
const neverAborted = new CancelSource();

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	const client = (overrides: Overrides = {}) =>
		makeClient(sandbox, { transport: makeTransport(), ...overrides });

	it('streams the bytes to the place that the service names, without the key', async () => {
		const { source, streams } = streamed();
		const file = await client().files.upload(source, neverAborted);
		expect(file).toEqual({
			id: sandbox.files()[0]?.id,
			uri: sandbox.files()[0]?.uri,
			filename: 'photo.png',
			content_type: 'image/png',
			size: content.length,
		});
		expect(sandbox.files()).toMatchObject([
			{ filename: 'photo.png', contentType: 'image/png', size: content.length, sha256 },
		]);
		const put = sandbox.requests.find(({ method }) => method === 'PUT');
		expect(put?.headers).toMatchObject({
			'content-length': String(content.length),
			'content-type': 'image/png',
			'user-agent': expect.stringMatching(/^n8n-nodes-inferencesh/) as string,
		});
		expect(put?.headers).not.toHaveProperty('authorization');
		expect(put?.headers).not.toHaveProperty('transfer-encoding');
		expect(streams.every(({ destroyed }) => destroyed)).toBe(true);
	});

	it('uploads bytes that are in memory', async () => {
		const { source } = streamed(content, { open: async () => await Promise.resolve(content) });
		await client().files.upload(source, neverAborted);
		expect(sandbox.files()).toMatchObject([{ size: content.length, sha256 }]);
	});

	it.each([
		['a server error', { kind: 'status', status: 500 }],
		['a server error after the bytes have come', { kind: 'statusAfter', status: 503 }],
		['a request that timed out', { kind: 'status', status: 408 }],
		['a connection cut before', { kind: 'reset', when: 'before' }],
		['a connection cut after', { kind: 'reset', when: 'after' }],
	] as const)('sends a fresh stream to the same place after %s', async (_what, fault) => {
		sandbox.fault({ on: PUT, times: 2, ...fault });
		const { source, streams } = streamed();
		await client().files.upload(source, neverAborted);
		expect(sandbox.files()).toMatchObject([{ sha256 }]);
		expect([posts(), puts(), streams.length]).toEqual([1, 3, 3]);
		expect(streams.every(({ destroyed }) => destroyed)).toBe(true);
	});

	it('gives up after as many retries as it is allowed', async () => {
		sandbox.fault({ on: PUT, times: Infinity, kind: 'status', status: 500, body: 'broken disk' });
		const error = await rejection(
			client({ settings: { maxRetries: 2 } }).files.upload(streamed().source, neverAborted),
		);
		expect(error).toBeInstanceOf(ServerError);
		expect(String(error)).toContain('The upload of "photo.png" to 127.0.0.1');
		expect(String(error)).toContain('HTTP 500: broken disk');
		expect(puts()).toBe(3);
	});

	it('takes a storage that is busy for no rate limit of the service', async () => {
		const headers = { 'retry-after': '1' };
		sandbox.fault({ on: PUT, kind: 'status', status: 429, headers });
		const api = client();
		await api.files.upload(streamed().source, neverAborted);
		expect(puts()).toBe(2);
		expect(api.statistics.rateLimited).toBe(0);
	});

	it('asks for another place when the URL has expired, once', async () => {
		const body = '<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>';
		sandbox.fault({ on: PUT, kind: 'status', status: 403, body });
		await client().files.upload(streamed().source, neverAborted);
		expect(sandbox.files()).toMatchObject([{ sha256 }]);
		expect([posts(), puts()]).toEqual([2, 2]);

		sandbox.fault({ on: PUT, times: 2, kind: 'status', status: 403, body });
		const error = await rejection(client().files.upload(streamed().source, neverAborted));
		expect(error).toBeInstanceOf(PermissionError);
		expect(String(error)).toContain('was refused with HTTP 403: Request has expired');
		expect([posts(), puts()]).toEqual([4, 4]);
	});

	it('tells a page of the storage in words', async () => {
		const body = '<html><head><title>Too Large</title></head><body>…</body></html>';
		sandbox.fault({ on: PUT, kind: 'status', status: 400, body });
		const error = await rejection(client().files.upload(streamed().source, neverAborted));
		expect(String(error)).toMatch(/was refused with HTTP 400: Too Large$/);
	});

	it('does not repeat what the storage refuses for good', async () => {
		sandbox.fault({ on: PUT, kind: 'status', status: 400, body: 'EntityTooLarge' });
		const error = await rejection(client().files.upload(streamed().source, neverAborted));
		expect(error).toBeInstanceOf(ValidationError);
		expect(String(error)).toContain('EntityTooLarge');
		expect([posts(), puts()]).toEqual([1, 1]);
	});

	it('follows no redirect with the bytes', async () => {
		const headers = { location: `${sandbox.url}/elsewhere` };
		sandbox.fault({ on: PUT, kind: 'status', status: 307, headers });
		const error = await rejection(client().files.upload(streamed().source, neverAborted));
		expect(error).toBeInstanceOf(ProtocolError);
		expect(sandbox.count('PUT', '/elsewhere')).toBe(0);
	});

	it('repeats the request for a place, too', async () => {
		sandbox.fault({ on: 'POST /files', kind: 'status', status: 502 });
		await client().files.upload(streamed().source, neverAborted);
		expect([posts(), puts()]).toEqual([2, 1]);
	});

	it.each([
		['no list', { body: '{"data":{}}' }],
		['no URL', { body: '{"data":[{"uri":"https://x.test/a","upload_url":"file:///etc"}]}' }],
	])('says that the service answers nonsense: %s', async (_what, answer) => {
		sandbox.fault({ on: 'POST /files', kind: 'body', ...answer });
		const error = await rejection(client().files.upload(streamed().source, neverAborted));
		expect(error).toBeInstanceOf(ProtocolError);
		expect(puts()).toBe(0);
	});

	it('ends an upload that the storage stops reading', async () => {
		sandbox.fault({ on: PUT, times: Infinity, kind: 'hang', when: 'before' });
		const large = Buffer.alloc(20_000_000);
		const { source, streams } = streamed(large);
		const uploading = rejection(
			client({ settings: { maxRetries: 0 } }).files.upload(source, neverAborted),
		);
		await until(() => puts() >= 1);
		const error = await passing(uploading, { always: true });
		expect(error).toBeInstanceOf(NetworkError);
		expect(String(error)).toContain('no more bytes came');
		expect(streams.every(({ destroyed }) => destroyed)).toBe(true);
	});

	it('ends an upload that is never answered', async () => {
		sandbox.fault({ on: PUT, times: Infinity, kind: 'hang', when: 'after' });
		const hurried = client({ settings: { maxRetries: 0 }, impatient: { on: PUT } });
		const error = await rejection(hurried.files.upload(streamed().source, neverAborted));
		expect(error).toBeInstanceOf(NetworkError);
	});

	it('ends an upload whose own source falls silent', async () => {
		const { source } = streamed(content, {
			open: async () => await Promise.resolve(new Readable({ read: () => {} })),
		});
		const uploading = rejection(
			client({ settings: { maxRetries: 0 } }).files.upload(source, neverAborted),
		);
		await until(() => posts() >= 1);
		const error = await passing(uploading, { always: true });
		expect(String(error)).toContain('no more bytes came');
		expect(sandbox.files()).toEqual([]);
	});

	it.each([
		['shorter', content.length + 1],
		['longer', content.length - 20_000],
	])('sends no file that is %s than it was said to be', async (_what, size) => {
		const { source } = streamed(content, { size });
		const error = await rejection(
			client({ settings: { maxRetries: 0 } }).files.upload(source, neverAborted),
		);
		expect(error).toBeInstanceOf(NetworkError);
		expect(sandbox.files()).toEqual([]);
	});

	it('ends at a source that breaks', async () => {
		const { source } = streamed(content, {
			open: async () =>
				await Promise.resolve(
					new Readable({
						read() {
							this.destroy(new Error('the disk is gone'));
						},
					}),
				),
		});
		const error = await rejection(
			client({ settings: { maxRetries: 0 } }).files.upload(source, neverAborted),
		);
		expect(String(error)).toContain('the disk is gone');
	});

	it('hands on why a source cannot be opened, and does not try again', async () => {
		let opened = 0;
		const { source } = streamed(content, {
			open: async () => {
				opened += 1;
				return await Promise.reject(new Error('no such file'));
			},
		});
		expect(String(await rejection(client().files.upload(source, neverAborted)))).toBe(
			'Error: no such file',
		);
		expect([opened, puts()]).toEqual([1, 0]);
	});

	it.each([
		['while the bytes are on their way', { kind: 'hang', when: 'before' }],
		['while the answer is awaited', { kind: 'hang', when: 'after' }],
	] as const)('stops %s', async (_what, fault) => {
		sandbox.fault({ on: PUT, ...fault });
		const signal = new CancelSource();
		const { source, streams } = streamed(Buffer.alloc(5_000_000));
		const upload = rejection(client().files.upload(source, signal));
		await until(() => puts() >= 1);
		const reason = new StoppedError('stopped by the test');
		signal.abort(reason);
		expect(await upload).toBe(reason);
		await until(() => streams.every(({ destroyed }) => destroyed));
		expect(puts()).toBe(1);
	});

	it('stops between two attempts', async () => {
		sandbox.fault({ on: PUT, times: Infinity, kind: 'status', status: 500 });
		const signal = new CancelSource();
		const still = new TestClock();
		const upload = rejection(client({ clock: still }).files.upload(streamed().source, signal));
		await until(() => still.awaited);
		const reason = new StoppedError('stopped by the test');
		signal.abort(reason);
		expect(await upload).toBe(reason);
		expect(puts()).toBe(1);
	});

	it('shows no signature of a presigned URL in its errors', async () => {
		const body = 'GET /x?X-Amz-Signature=abcdef012345&X-Amz-Expires=900';
		sandbox.fault({ on: PUT, kind: 'status', status: 400, body });
		const error = await rejection(client().files.upload(streamed().source, neverAborted));
		expect(String(error)).toContain('X-Amz-Expires');
		expect(String(error)).not.toContain('abcdef012345');
	});
});
