/** Answers in forms that nobody asked for: compressed, with a byte order mark, in UTF-16. */
import type { ServerResponse } from 'node:http';
import {
	brotliCompressSync,
	constants,
	createGzip,
	deflateRawSync,
	deflateSync,
	gzipSync,
	zstdCompressSync,
} from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { InferenceError } from '../../../nodes/client/errors.ts';
import { startFileHost, type FileHost } from '../../sandbox/index.mts';
import { aMoment } from '../../until.mts';
import { makeClient, passing, rejection, runOne, TRANSPORTS } from '../support.mts';

let host: FileHost;
beforeEach(async () => {
	host = await startFileHost();
});
afterEach(async () => {
	for (const { headers } of host.requests) expect(headers['accept-encoding']).toBe('identity');
	await host.close();
});

const TEXT = 'Ein Würfel 🎲';
const TASK = JSON.stringify({ id: 'task1', status: 'completed', output: { text: TEXT } });
const RUNNING = JSON.stringify({ id: 'task1', status: 'running' });

const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const bigEndian = (text: string) => utf16(text).swap16();

type Form = readonly [what: string, coding: string | undefined, encode: (text: string) => Buffer];
const FORMS: readonly Form[] = [
	['gzip', 'gzip', gzipSync],
	['gzip by its other name', 'x-gzip', gzipSync],
	['gzip in capitals', 'GZIP', gzipSync],
	['deflate', 'deflate', deflateSync],
	['deflate without its wrapping', 'deflate', deflateRawSync],
	['brotli', 'br', brotliCompressSync],
	['zstd', 'zstd', zstdCompressSync],
	['zstd in gzip', 'zstd, gzip', (text) => gzipSync(zstdCompressSync(text))],
	['gzip twice', 'gzip, gzip', (text) => gzipSync(gzipSync(text))],
	['brotli in gzip', 'br, gzip', (text) => gzipSync(brotliCompressSync(text))],
	[
		'gzip in two parts',
		'gzip',
		(text) => Buffer.concat([gzipSync(text.slice(0, 9)), gzipSync(text.slice(9))]),
	],
	[
		'gzip with something after its end',
		'gzip',
		(text) => Buffer.concat([gzipSync(text), Buffer.alloc(64)]),
	],
	['gzip beside what changes nothing', 'identity, gzip, aws-chunked', gzipSync],
	['plain text that is said to be gzip', 'gzip', (text) => Buffer.from(text)],
	['plain text with a coding that nobody knows', 'utf-8', (text) => Buffer.from(text)],
	['plain text with an empty coding', '', (text) => Buffer.from(text)],
	['a byte order mark', undefined, (text) => Buffer.from(`\uFEFF${text}`)],
	['UTF-16 with its mark', undefined, (text) => utf16(`\uFEFF${text}`)],
	['UTF-16 the other way round', undefined, (text) => bigEndian(`\uFEFF${text}`)],
	['UTF-16 without a mark', undefined, utf16],
	['UTF-16 the other way round without a mark', undefined, bigEndian],
	['UTF-16 in gzip', 'gzip', (text) => gzipSync(utf16(`\uFEFF${text}`))],
];

function send(response: ServerResponse, body: Buffer, coding: string | undefined, status = 200) {
	response.writeHead(status, {
		'content-type': 'application/json',
		'content-length': body.length,
		...(coding === undefined ? {} : { 'content-encoding': coding }),
	});
	response.end(body);
}

describe.each(TRANSPORTS)('over %s', (name, makeTransport) => {
	const isHelper = !name.startsWith('undici');
	const run = async (maxRetries = 0) => {
		const service = { url: host.url, apiKey: 'inf_sandbox_key' };
		const client = makeClient(service, { transport: makeTransport(), settings: { maxRetries } });
		return await passing(runOne(client, { app: 'sandbox/echo', input: {} }));
	};
	// n8n's helper takes it for compressed, as it was told.
	const forms = FORMS.filter(([what]) => !(isHelper && what.startsWith('plain text that is said')));

	it.each(forms)('reads %s', async (_what, coding, encode) => {
		host.serve('/apps/run', (_request, response) => send(response, encode(TASK), coding));
		const { task } = await run();
		expect(task.output).toEqual({ text: TEXT });
	});

	it.each<[what: string, coding: string | undefined, encode: (text: string) => Buffer]>([
		['gzip that nobody has said', undefined, gzipSync],
		['gzip that is said to be none', 'identity', gzipSync],
		['gzip twice that is said once', 'gzip', (text) => gzipSync(gzipSync(text))],
	])('reads %s', async (_what, coding, encode) => {
		host.serve('/apps/run', (_request, response) => send(response, encode(TASK), coding));
		expect((await run()).task.output).toEqual({ text: TEXT });
		const problem = JSON.stringify({ detail: `No ${TEXT}` });
		host.serve('/apps/run', (_request, response) => send(response, encode(problem), coding, 422));
		expect(String(await rejection(run()))).toContain(`No ${TEXT}`);
	});

	it.each(forms)('reads a refusal in %s', async (_what, coding, encode) => {
		const problem = JSON.stringify({ detail: `No ${TEXT}` });
		host.serve('/apps/run', (_request, response) => send(response, encode(problem), coding, 422));
		expect(String(await rejection(run()))).toContain(`No ${TEXT}`);
	});

	const lines = [RUNNING, TASK].map((line) => `${line}\n`);
	const events = lines.map((line) => `data: ${line}\n`);
	it.each(
		forms.flatMap(([what, coding, encode]) => [
			[what, 'application/x-ndjson', coding, encode(lines.join(''))] as const,
			[what, 'text/event-stream', coding, encode(events.join(''))] as const,
		]),
	)('follows a stream in %s (%s)', async (_what, type, coding, bytes) => {
		host.serve('/apps/run', (_request, response) =>
			send(response, Buffer.from(RUNNING), undefined),
		);
		host.serve('/tasks/task1/stream', (_request, response) => {
			response.writeHead(200, {
				'content-type': type,
				...(coding === undefined ? {} : { 'content-encoding': coding }),
			});
			// In pieces that cut everything that can be cut.
			for (const byte of bytes) response.write(Buffer.from([byte]));
			response.end();
		});
		const { task, via } = await run();
		expect(task.output).toEqual({ text: TEXT });
		expect(via).toBe('stream');
	});

	it('reads brotli where Node.js has no stream of its own for it', async () => {
		const OwnStream = DecompressionStream;
		const oldStream = function (format: ConstructorParameters<typeof DecompressionStream>[0]) {
			if (format === 'brotli') throw new TypeError('invalid');
			return new OwnStream(format);
		};
		vi.stubGlobal('DecompressionStream', oldStream);
		onTestFinished(() => void vi.unstubAllGlobals());
		const compressed = brotliCompressSync(TASK);
		host.serve('/apps/run', (_request, response) => send(response, compressed, 'br'));
		expect((await run()).task.output).toEqual({ text: TEXT });
	});

	it('hears a compressed stream as it comes', async () => {
		host.serve('/apps/run', (_request, response) =>
			send(response, Buffer.from(RUNNING), undefined),
		);
		host.serve('/tasks/task1/stream', (_request, response) => {
			response.writeHead(200, {
				'content-type': 'application/x-ndjson',
				'content-encoding': 'gzip',
			});
			const gzip = createGzip();
			gzip.pipe(response);
			gzip.write(`${TASK}\n`);
			// It says all it has to say, and never ends.
			gzip.flush(constants.Z_SYNC_FLUSH);
		});
		expect((await run()).task.output).toEqual({ text: TEXT });
	});

	it.each<[what: string, coding: string, body: Buffer]>([
		['is damaged', 'gzip', Buffer.concat([gzipSync(TASK).subarray(0, 20), Buffer.alloc(50, 7)])],
		['breaks off', 'gzip', gzipSync(TASK).subarray(0, 30)],
		['breaks off in zstd', 'zstd', zstdCompressSync(TASK).subarray(0, 30)],
		['is said to be zstd', 'zstd', Buffer.from(TASK)],
		['nobody can read', 'compress', Buffer.from('~~~')],
		['is said to be Brotli', 'br', Buffer.from(TASK)],
	])('tells of an answer that %s', async (_what, coding, body) => {
		host.serve('/apps/run', (_request, response) => send(response, body, coding));
		const error = await rejection(run());
		expect(error).toBeInstanceOf(InferenceError);
		expect(String(error)).toMatch(
			/damaged: it cannot be decompressed|compressed in a way|does not use|not inference.sh/,
		);
	});

	it('cuts an answer off that grows without end when its compression is taken off', async () => {
		let sent = 0;
		host.serve('/apps/run', (_request, response) => {
			response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
			const gzip = createGzip();
			gzip.on('data', (piece: Buffer) => (sent += piece.length));
			gzip.pipe(response);
			const zeros = Buffer.alloc(1024 * 1024);
			const more = async () => {
				while (!response.destroyed) {
					if (!gzip.write(zeros)) await new Promise((resolve) => gzip.once('drain', resolve));
					await aMoment();
				}
			};
			void more();
			response.on('close', () => gzip.destroy());
		});
		expect(await rejection(run())).toBeInstanceOf(InferenceError);
		expect(sent).toBeLessThan(2_000_000);
	});
});
