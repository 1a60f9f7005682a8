import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import * as undici from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { letGo, readText } from '../../../nodes/client/transport/body.ts';
import { StreamBody } from '../../../nodes/client/transport/helperTransport.ts';
import { TransportError, type ResponseBody } from '../../../nodes/client/transport/transport.ts';
import { UndiciTransport } from '../../../nodes/client/transport/undiciTransport.ts';
import { rejection } from '../support.mts';

const LIMIT = 10_000;
const bytes = (text: string) => new TextEncoder().encode(text);

/** A server that answers as told, and knows its connections. */
let server: Server;
let answer: (response: ServerResponse, count: number) => void;
let sockets: Socket[];
let origin: string;

beforeEach(async () => {
	sockets = [];
	let count = 0;
	server = createServer((_request, response) => answer(response, (count += 1)));
	server.on('connection', (socket) => sockets.push(socket));
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
	server.closeAllConnections();
	await new Promise((resolve) => server.close(resolve));
});

async function get(): Promise<ResponseBody> {
	const response = await new UndiciTransport(undici).request({
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
		expect(await readText(new StreamBody(Readable.from(pieces)), LIMIT)).toBe('hé 🎈\n');
	});

	it('gives an empty text for an empty body', async () => {
		answer = (response) => response.writeHead(204).end();
		expect(await readText(await get(), LIMIT)).toBe('');
	});

	it('reads a body over the network', async () => {
		const text = 'é'.repeat(300_000);
		answer = (response) => response.end(text);
		expect(await readText(await get(), LIMIT)).toBe(text);
	});

	it('gives up an answer that drips for too long, and closes it', async () => {
		answer = (response) => {
			const drip = setInterval(() => response.write('.'), 5);
			response.on('close', () => clearInterval(drip));
		};
		const error = await rejection(readText(await get(), 50));
		expect(error).toBeInstanceOf(TransportError);
		expect(error).toMatchObject({ message: 'the answer arrives too slowly', mayHaveArrived: true });
		await closed(sockets[0]);
	});

	it('gives up an answer that does not end, and closes it', async () => {
		const megabyte = new Uint8Array(1024 * 1024);
		const endless = Readable.from(
			(function* () {
				for (;;) yield megabyte;
			})(),
		);
		const error = await rejection(readText(new StreamBody(endless), LIMIT));
		expect(error).toMatchObject({ name: 'TransportError', message: 'the answer is too large' });
		expect(endless.destroyed).toBe(true);
	});

	it('fails if the connection breaks in the middle', async () => {
		answer = (response) => {
			response.writeHead(200, { 'content-length': '100' });
			response.write('half');
			setTimeout(() => response.destroy(), 10);
		};
		const error = await rejection(readText(await get(), LIMIT));
		expect(error).toBeInstanceOf(TransportError);
		expect(error).toMatchObject({ mayHaveArrived: true });
	});

	it('fails if a body without a length breaks off', async () => {
		answer = (response) => {
			response.write('half');
			setTimeout(() => response.socket?.resetAndDestroy(), 10);
		};
		expect(await rejection(readText(await get(), LIMIT))).toBeInstanceOf(TransportError);
	});

	it('fails if the body is closed without an error', async () => {
		const body = new Readable({ read: () => {} });
		const reading = rejection(readText(new StreamBody(body), LIMIT));
		body.destroy();
		expect(await reading).toMatchObject({ message: 'the answer broke off' });
	});
});

describe('letGo', () => {
	it('keeps the connection for the next request if the body ends soon', async () => {
		answer = (response, count) => {
			response.write('first');
			if (count > 1) response.end();
			else setTimeout(() => response.end('last'), 20);
		};
		letGo(await get());
		await new Promise((resolve) => setTimeout(resolve, 100));
		expect(await readText(await get(), LIMIT)).toBe('first');
		expect(sockets).toHaveLength(1);
	});

	it('closes the connection if the body does not end', async () => {
		answer = (response) => {
			const drip = setInterval(() => response.write('.'), 5);
			response.on('close', () => clearInterval(drip));
		};
		letGo(await get());
		await closed(sockets[0]);
		expect(sockets[0]?.destroyed).toBe(true);
	});

	it('closes the connection if the body falls silent', async () => {
		answer = (response) => void response.write('first');
		letGo(await get());
		await closed(sockets[0]);
		expect(sockets[0]?.destroyed).toBe(true);
	});

	it('does not mind if the connection breaks', async () => {
		answer = (response) => {
			response.write('first');
			setTimeout(() => response.socket?.resetAndDestroy(), 10);
		};
		const body = await get();
		letGo(body);
		await closed(sockets[0]);
		expect(sockets[0]?.destroyed).toBe(true);
	});
});
