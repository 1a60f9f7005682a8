import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import * as undici from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { letGo, readText, type TextLimits } from '../../../nodes/client/transport/body.ts';
import { StreamBody } from '../../../nodes/client/transport/helperTransport.ts';
import { TransportError, type ResponseBody } from '../../../nodes/client/transport/transport.ts';
import { UndiciTransport } from '../../../nodes/client/transport/undiciTransport.ts';
import { TestClock } from '../../testClock.mts';
import { until } from '../../until.mts';
import { ruleTime } from '../../ruleTime.mts';
import { rejection, networkWith } from '../support.mts';

const LIMIT = 10_000;
const MB = 1024 * 1024;
const LIMITS: TextLimits = { bytes: MB, ms: LIMIT, mayBeCut: false };
/** Longer than a body is given to end by itself, ms. */
const A_WHILE = 1_000;
const bytes = (text: string) => new TextEncoder().encode(text);

/** A server that answers as told, and knows its connections. */
let server: Server;
let answer: (response: ServerResponse) => void;
let last: ServerResponse | undefined;
let sockets: Socket[];
let origin: string;

beforeEach(async () => {
	sockets = [];
	server = createServer((_request, response) => {
		last = response;
		answer(response);
	});
	server.on('connection', (socket) => sockets.push(socket));
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
	server.closeAllConnections();
	await new Promise((resolve) => server.close(resolve));
});

async function get(): Promise<ResponseBody> {
	const response = await new UndiciTransport(networkWith(undici)).request({
		method: 'GET',
		url: origin,
		headers: {},
		signal: new AbortController().signal,
		headersTimeoutMs: 10_000,
		silenceMs: 10_000,
	});
	return response.body;
}

async function closed(socket: Socket | undefined): Promise<void> {
	if (!socket || socket.destroyed) return;
	await new Promise((resolve) => socket.on('close', resolve));
}

describe('readText', () => {
	it('puts characters together that arrive in pieces', async () => {
		const whole = bytes('hé 🎈\n');
		const pieces = Array.from(whole, (_byte, at) => whole.subarray(at, at + 1));
		expect(await readText(new StreamBody(Readable.from(pieces), LIMIT), LIMITS)).toBe('hé 🎈\n');
	});

	it('gives an empty text for an empty body', async () => {
		answer = (response) => response.writeHead(204).end();
		expect(await readText(await get(), LIMITS)).toBe('');
	});

	it('reads a body over the network', async () => {
		const text = 'é'.repeat(300_000);
		answer = (response) => response.end(text);
		expect(await readText(await get(), LIMITS)).toBe(text);
	});

	it('gives up an answer that drips for too long, and closes it', async () => {
		answer = (response) => {
			const drip = setInterval(() => response.write('.'), 5);
			response.on('close', () => clearInterval(drip));
		};
		const error = await rejection(readText(await get(), { ...LIMITS, ms: 50 }));
		expect(error).toBeInstanceOf(TransportError);
		expect(error).toMatchObject({ message: 'the answer arrives too slowly', mayHaveArrived: true });
		await closed(sockets[0]);
	});

	it('reads no more of gzip that nobody has said than of other answers', async () => {
		const bomb = new StreamBody(Readable.from([gzipSync(Buffer.alloc(2 * MB))]), LIMIT);
		const error = await rejection(readText(bomb, LIMITS));
		expect(error).toMatchObject({ message: 'the answer is too large' });
	});

	it('gives up an answer that does not end, and closes it', async () => {
		const megabyte = new Uint8Array(MB);
		const endless = Readable.from(
			(function* () {
				for (;;) yield megabyte;
			})(),
		);
		const error = await rejection(readText(new StreamBody(endless, LIMIT), LIMITS));
		expect(error).toMatchObject({ name: 'TransportError', message: 'the answer is too large' });
		expect(endless.destroyed).toBe(true);
	});

	it('takes the beginning of an answer that may be cut', async () => {
		const whole = bytes('é'.repeat(MB));
		answer = (response) => response.end(whole);
		const text = await readText(await get(), { ...LIMITS, mayBeCut: true });
		expect(text.length).toBeGreaterThan(MB / 2 - 1);
		expect(text.length).toBeLessThan(MB);
		await closed(sockets[0]);
	});

	it('takes what has come of a slow answer that may be cut', async () => {
		answer = (response) => {
			response.write('It is so ');
			const drip = setInterval(() => response.write('very '), 5);
			response.on('close', () => clearInterval(drip));
		};
		const text = await readText(await get(), { ...LIMITS, ms: 50, mayBeCut: true });
		expect(text).toContain('It is so very');
		await closed(sockets[0]);
	});

	it('fails if the connection breaks in the middle', async () => {
		answer = (response) => {
			response.writeHead(200, { 'content-length': '100' });
			response.write('half');
		};
		const body = await get();
		last?.destroy();
		const error = await rejection(readText(body, LIMITS));
		expect(error).toBeInstanceOf(TransportError);
		expect(error).toMatchObject({ mayHaveArrived: true });
	});

	it('fails if a body without a length breaks off', async () => {
		answer = (response) => void response.write('half');
		const body = await get();
		last?.socket?.resetAndDestroy();
		expect(await rejection(readText(body, LIMITS))).toBeInstanceOf(TransportError);
	});

	it('fails if the body is closed without an error', async () => {
		const body = new Readable({ read: () => {} });
		const reading = rejection(readText(new StreamBody(body, LIMIT), LIMITS));
		body.destroy();
		expect(await reading).toMatchObject({ message: 'the answer broke off' });
	});
});

describe('letGo', () => {
	const clock = new TestClock();
	beforeEach(() => ruleTime(clock));

	/** Lets go of the body, and tells when it has ended by itself. */
	function letGoOf(body: ResponseBody): () => boolean {
		let ended = false;
		letGo({
			destroy: () => body.destroy(),
			read: (reader) => {
				const end = () => {
					reader.end();
					ended = true;
				};
				body.read({
					piece: (piece) => reader.piece(piece),
					end,
					fail: (error) => reader.fail(error),
				});
			},
		});
		return () => ended;
	}

	it('keeps the connection for the next request if the body ends soon', async () => {
		answer = (response) => void response.write('first');
		const ended = letGoOf(await get());
		last?.end('last');
		await until(ended);
		answer = (response) => response.end('second');
		expect(await readText(await get(), LIMITS)).toBe('second');
		expect(sockets).toHaveLength(1);
	});

	it('closes the connection if the body does not end', async () => {
		answer = (response) => {
			const drip = setInterval(() => response.write('.'), 5);
			response.on('close', () => clearInterval(drip));
		};
		letGo(await get());
		await clock.pass(A_WHILE);
		await closed(sockets[0]);
		expect(sockets[0]?.destroyed).toBe(true);
	});

	it('closes the connection if the body falls silent', async () => {
		answer = (response) => void response.write('first');
		letGo(await get());
		await clock.pass(A_WHILE);
		await closed(sockets[0]);
		expect(sockets[0]?.destroyed).toBe(true);
	});

	it('closes the connection if the body goes on talking, without a wait', async () => {
		answer = (response) => {
			const flood = setInterval(() => response.write(new Uint8Array(MB / 8)), 1);
			response.on('close', () => clearInterval(flood));
		};
		letGo(await get());
		await closed(sockets[0]);
		expect(sockets[0]?.destroyed).toBe(true);
	});

	it('does not mind if the connection breaks', async () => {
		answer = (response) => void response.write('first');
		letGo(await get());
		last?.socket?.resetAndDestroy();
		await closed(sockets[0]);
		expect(sockets[0]?.destroyed).toBe(true);
	});
});
