/** A service that reads requests well and answers each of them by a script. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { nextTurn } from '../../until.mts';
import { bytesOf, type Answer } from './answers.mts';

/** Pieces that an answer comes in at most. */
const MOST_PIECES = 100;
const HEAD_END = '\r\n\r\n';

export interface RandomService {
	readonly url: string;
	/** Answers by this from now on, over and over. */
	play(script: readonly Answer[]): void;
	/** What has happened here so far: connections, pieces that have come or gone. */
	happened(): number;
	/** Connections that are open. */
	open(): number;
}

/** Starts it; it is gone when the test is over. */
export async function startRandomService(): Promise<RandomService> {
	const sockets = new Set<Socket>();
	let script: readonly Answer[] = [];
	let asked = 0;
	let happened = 0;

	const server = createServer((socket) => {
		sockets.add(socket);
		happened += 1;
		let received = Buffer.alloc(0);
		let talks = false;
		let deaf = false;
		socket.on('error', () => {});
		socket.on('close', () => sockets.delete(socket));
		socket.on('data', (piece) => {
			happened += 1;
			if (deaf) return;
			received = Buffer.concat([received, Buffer.from(piece)]);
			if (!talks) void talk();
		});

		/** Answers what has come, one request after the other. */
		async function talk(): Promise<void> {
			talks = true;
			for (let request = nextRequest(); request; request = nextRequest()) await answer(request);
			talks = false;
		}

		function nextRequest(): { readonly answer: Answer; readonly id: string } | undefined {
			const head = received.indexOf(HEAD_END);
			const next = script[asked % script.length];
			if (deaf || head === -1 || !next) return undefined;
			const lines = received.subarray(0, head).toString('latin1');
			const start = head + HEAD_END.length;
			const length = Number(/^content-length: *(\d+)/im.exec(lines)?.[1] ?? 0);
			const chunked = /^transfer-encoding:/im.test(lines);
			const end = chunked ? received.indexOf('0\r\n\r\n', start) : start + length;
			const complete = end !== -1 && received.length >= end;
			if (!complete && !next.early) return undefined;
			received = complete ? received.subarray(chunked ? end + 5 : end) : Buffer.alloc(0);
			// What is left of it would look like a request.
			if (!complete) deaf = true;
			asked += 1;
			const [, id = `x${asked}`] = /^\w+ [^ ]*\/(?:tasks|chats)\/([\w-]+)/.exec(lines) ?? [];
			return { answer: next, id };
		}

		async function answer(request: {
			readonly answer: Answer;
			readonly id: string;
		}): Promise<void> {
			const { pieces, ending } = request.answer;
			const bytes = bytesOf(request.answer, { id: request.id, url: urlOf() });
			const size = Math.max(pieces, Math.ceil(bytes.length / MOST_PIECES));
			for (let at = 0; at < bytes.length && !socket.destroyed; at += size) {
				happened += 1;
				socket.write(bytes.subarray(at, at + size));
				await nextTurn();
			}
			if (ending === 'stall') deaf = true;
			else if (ending === 'reset') socket.resetAndDestroy();
			else if (ending === 'close' || deaf) socket.end();
		}
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	onTestFinished(() => {
		server.close();
		for (const socket of sockets) socket.destroy();
	});

	function urlOf(): string {
		const address = server.address();
		return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
	}

	return {
		url: urlOf(),
		play(next) {
			script = next;
			asked = 0;
		},
		happened: () => happened,
		open: () => sockets.size,
	};
}
