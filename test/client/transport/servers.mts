/** Servers that break the rules of connections, each in its own way. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createSecureServer } from 'node:tls';
import { onTestFinished } from 'vitest';
import { aMoment, until } from '../../until.mts';
import { CERTIFICATE, KEY } from './certificate.mts';

/** A server that is there until the test is over. */
export interface TestServer {
	readonly port: number;
	/** Connections so far. */
	opened(): number;
	/** Connections that are open. */
	open(): number;
}

async function listening(server: Server): Promise<TestServer> {
	const sockets = new Set<Socket>();
	let opened = 0;
	server.on('connection', (socket: Socket) => {
		opened += 1;
		sockets.add(socket);
		socket.on('error', () => {});
		socket.on('close', () => sockets.delete(socket));
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	onTestFinished(() => {
		server.close();
		for (const socket of sockets) socket.destroy();
	});
	const address = server.address();
	return {
		port: typeof address === 'object' && address ? address.port : 0,
		opened: () => opened,
		open: () => sockets.size,
	};
}

/** Does something with every connection. */
export async function serverThat(act: (socket: Socket) => void): Promise<TestServer> {
	return await listening(createServer(act));
}

/** The same with every secure connection, as soon as it is secure. */
export async function secureServerThat(act: (socket: Socket) => void): Promise<TestServer> {
	return await listening(createSecureServer({ key: KEY, cert: CERTIFICATE }, act));
}

/** Reads what comes and says nothing. */
export const saysNothing = (socket: Socket): void => void socket.resume();
export const closesAtOnce = (socket: Socket): void => void socket.destroy();
export const closesWhenAsked = (socket: Socket): void =>
	void socket.once('data', () => socket.destroy());
/** Answers whatever comes first with a text. */
export const answers =
	(text: string) =>
	(socket: Socket): void =>
		void socket.once('data', () => socket.end(text));

/** What a proxy writes when it has opened a tunnel. */
export const TUNNEL_OPEN = 'HTTP/1.1 200 Connection established\r\n\r\n';

/** Takes whatever comes first for a CONNECT, opens the tunnel, and passes on what comes through it. */
export const opensTunnels =
	(port: number, onTunnel: (head: string) => void = () => {}) =>
	(socket: Socket): void =>
		void socket.once('data', (head) => {
			onTunnel(String(head));
			const upstream = connect(port, '127.0.0.1', () => {
				socket.write(TUNNEL_OPEN);
				socket.pipe(upstream).pipe(socket);
			});
			upstream.on('error', () => socket.destroy());
			socket.on('close', () => upstream.destroy());
		});

/** A server that takes no connection until it is told to. */
export interface BlackHole {
	readonly port: number;
	/** Takes connections from now on. */
	open(): void;
	/** Paths that it was asked for, in order. */
	asked(): readonly string[];
}

/** Answers every request, and writes down its path. */
const CHILD = `
	const http = require('node:http');
	const server = http.createServer((request, response) => {
		process.stdout.write(request.url + '\\n');
		response.writeHead(204, { connection: 'close' }).end();
	});
	server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
		process.stdout.write(server.address().port + '\\n');
	});
`;

/** A stopped process accepts nothing, and its queue of connections is short and full. */
export async function blackHole(): Promise<BlackHole> {
	const child = spawn(process.execPath, ['-e', CHILD], { stdio: ['ignore', 'pipe', 'inherit'] });
	let said = '';
	child.stdout.on('data', (chunk) => (said += String(chunk)));
	const fillers: Socket[] = [];
	onTestFinished(() => {
		for (const socket of fillers) socket.destroy();
		child.kill('SIGKILL');
	});
	const lines = () => said.split('\n').slice(0, -1);
	await until(() => lines().length > 0);
	const port = Number(lines()[0]);
	child.kill('SIGSTOP');
	// As long as one more is taken, the queue is not full.
	for (let taken = true; taken; taken = !fillers.at(-1)?.connecting) {
		const socket = connect(port, '127.0.0.1');
		socket.on('error', () => {});
		fillers.push(socket);
		await aMoment();
	}
	return {
		port,
		open() {
			for (const socket of fillers) socket.destroy();
			child.kill('SIGCONT');
		},
		asked: () => lines().slice(1),
	};
}
