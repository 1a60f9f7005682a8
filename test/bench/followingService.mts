/** A service over TLS whose tasks all end when it is told so; in a process of its own. */
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { CERTIFICATE, KEY } from '../client/transport/certificate.mts';

/** What it is asked; it answers with `FollowingFacts`. */
export type FollowingOrder = 'facts' | 'end';

export interface FollowingFacts {
	readonly port: number;
	/** Most connections at once. */
	readonly sockets: number;
	/** Tasks so far, and streams of them that are open. */
	readonly tasks: number;
	readonly streams: number;
	readonly requests: number;
}

const HEARTBEAT_MS = 2_000;
const RUNNING = 7;
const COMPLETED = 10;

const streams = new Map<Http2ServerResponse, string>();
let open = 0;
let most = 0;
let tasks = 0;
let requests = 0;
let status = RUNNING;

const taskOf = (id: string) => ({ id, status, ...(status === COMPLETED && { output: { id } }) });

function answer({ url }: Http2ServerRequest, response: Http2ServerResponse): void {
	requests += 1;
	const [, , name = '', part] = url.split('/');
	if (part === 'stream') {
		response.writeHead(200, { 'content-type': 'application/x-ndjson' });
		response.write(`${JSON.stringify(taskOf(name))}\n`);
		streams.set(response, name);
		response.on('close', () => streams.delete(response));
		return;
	}
	if (name === 'run') tasks += 1;
	const task = taskOf(name === 'run' ? `task${tasks}` : name);
	response.writeHead(200, { 'content-type': 'application/json' });
	response.end(JSON.stringify({ success: true, data: task }));
}

const server = createSecureServer({ key: KEY, cert: CERTIFICATE, allowHTTP1: true }, (...both) =>
	answer(...both),
);
server.on('secureConnection', (socket: Socket) => {
	open += 1;
	most = Math.max(most, open);
	socket.on('close', () => (open -= 1));
});
setInterval(() => {
	for (const stream of streams.keys()) stream.write('{"type":"heartbeat"}\n');
}, HEARTBEAT_MS);

const facts = (): FollowingFacts => ({
	port: (server.address() as AddressInfo).port,
	sockets: most,
	tasks,
	streams: streams.size,
	requests,
});

process.on('message', (order: FollowingOrder) => {
	if (order === 'end') {
		status = COMPLETED;
		for (const [stream, id] of streams) stream.end(`${JSON.stringify(taskOf(id))}\n`);
	}
	process.send?.(facts());
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', 1_024, () => process.send?.(facts()));
