/** A service that refuses everything at great length; in a process of its own. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RefusalReport {
	readonly port: number;
	/** Bytes of the last body that were handed to its connection. */
	readonly sent: number;
}

const LENGTH = 100_000_000;
const PIECE = Buffer.alloc(64 * 1024, 'x');

let sent = 0;

const server = createServer((request, response) => {
	request.resume();
	sent = 0;
	response.writeHead(400, { 'content-type': 'text/plain' });
	const write = (): void => {
		while (sent < LENGTH) {
			sent += PIECE.length;
			if (!response.write(PIECE)) return void response.once('drain', write);
		}
		response.end();
	};
	write();
});

const report = (): RefusalReport => ({ port: (server.address() as AddressInfo).port, sent });

process.on('message', () => process.send?.(report()));
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => process.send?.(report()));
