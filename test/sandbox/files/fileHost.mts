/** A host that has nothing to do with the service, to which the URLs of files may lead. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface FileHostRequest {
	readonly method: string;
	/** With the query. */
	readonly path: string;
	readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface FileHost {
	/** `http://127.0.0.1:<port>` */
	readonly url: string;
	readonly requests: readonly FileHostRequest[];
	/** Answers a path from now on; any other one is not found. */
	serve(path: string, answer: (request: IncomingMessage, response: ServerResponse) => void): void;
	/** Bytes sent so far, by the counters of the sockets. */
	bytesSent(): number;
	/** Answers that are neither complete nor broken off. */
	answering(): number;
	close(): Promise<void>;
}

/** Starts such a host on a port of its own. */
export async function startFileHost(): Promise<FileHost> {
	const requests: FileHostRequest[] = [];
	const answers = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>();
	const sockets = new Set<Socket>();
	let sentBefore = 0;
	let answering = 0;
	const server = createServer((request, response) => {
		const { method = '', url: path = '', headers } = request;
		requests.push({ method, path, headers });
		answering += 1;
		response.on('close', () => (answering -= 1));
		const answer = answers.get(path.replace(/\?.*$/, ''));
		if (answer) answer(request, response);
		else response.writeHead(404).end('nothing here');
	});
	server.on('connection', (socket) => {
		sockets.add(socket);
		socket.on('close', () => {
			sockets.delete(socket);
			sentBefore += socket.bytesWritten;
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		requests,
		serve: (path, answer) => void answers.set(path, answer),
		bytesSent: () =>
			[...sockets].reduce(
				(sum, socket) => sum + socket.bytesWritten - socket.writableLength,
				sentBefore,
			),
		answering: () => answering,
		async close() {
			for (const socket of sockets) socket.destroy();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}
