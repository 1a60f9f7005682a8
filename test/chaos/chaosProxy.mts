/** A proxy on a bad day: what it does to each request is drawn from a seed. */
import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What can happen to a request, and how often of a thousand. */
const WEATHER = {
	/** Refused before it gets anywhere. */
	badGateway: 40,
	tooMany: 40,
	hangUp: 30,
	/** It arrives; its answer does not. */
	lostAnswer: 40,
	/** Only the beginning of its answer arrives. */
	cutAnswer: 60,
	/** Arrives late, or its answer does. */
	late: 100,
	/** Pieces of its answer arrive twice, of a stream; anything else that only reads is sent twice. */
	twice: 40,
} as const;
type Trouble = keyof typeof WEATHER | 'none';

const LONGEST_DELAY_MS = 1_500;
/** So much of an answer that is cut arrives at most. */
const LONGEST_BEGINNING = 2_000;

export interface ChaosProxy extends AsyncDisposable {
	readonly url: string;
	/** What has happened so far, by its name. */
	readonly counts: ReadonlyMap<Trouble, number>;
	/** From now on everything arrives. */
	calm(): void;
}

/**
 * Starts a proxy in front of a service.
 *
 * @param random between 0 and 1, as Math.random
 */
export async function startChaosProxy(target: string, random: () => number): Promise<ChaosProxy> {
	const agent = new Agent({ keepAlive: true });
	const counts = new Map<Trouble, number>();
	let isCalm = false;

	function draw(): Trouble {
		let left = random() * 1_000;
		for (const [trouble, weight] of Object.entries(WEATHER)) {
			left -= weight;
			if (left < 0 && !isCalm) return trouble as keyof typeof WEATHER;
		}
		return 'none';
	}

	async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
		const trouble = draw();
		counts.set(trouble, (counts.get(trouble) ?? 0) + 1);
		const body = await bodyOf(incoming);
		switch (trouble) {
			case 'badGateway':
				outgoing.writeHead(502, { 'content-type': 'text/html' }).end('<h1>502 Bad Gateway</h1>');
				return;
			case 'tooMany':
				outgoing.writeHead(429, { 'retry-after': '1' }).end('{"error":"too many requests"}');
				return;
			case 'hangUp':
				incoming.socket.destroy();
				return;
			case 'late':
				await pause(random() * LONGEST_DELAY_MS);
		}
		if (trouble === 'twice' && incoming.method === 'GET') {
			(await forward(incoming, body)).destroy();
		}
		const answer = await forward(incoming, body);
		if (trouble === 'lostAnswer') {
			answer.destroy();
			incoming.socket.destroy();
			return;
		}
		outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
		outgoing.on('close', () => answer.destroy());
		const isStream = incoming.url?.includes('/stream') === true;
		let left = trouble === 'cutAnswer' ? random() * LONGEST_BEGINNING : Infinity;
		for await (const chunk of answer as AsyncIterable<Buffer>) {
			outgoing.write(chunk.subarray(0, Math.ceil(left)));
			if (trouble === 'twice' && isStream) outgoing.write(chunk);
			left -= chunk.length;
			if (left <= 0) {
				// What was written goes out first.
				outgoing.write('', () => incoming.socket.destroy());
				return;
			}
		}
		outgoing.end();
	}

	async function forward({ method, url, headers }: IncomingMessage, body: Buffer) {
		const sent = request(new URL(url ?? '/', target), {
			agent,
			method,
			headers: { ...headers, host: new URL(target).host },
		});
		sent.end(body);
		const [answer] = (await once(sent, 'response')) as [IncomingMessage];
		return answer;
	}

	const server = createServer((incoming, outgoing) => {
		handle(incoming, outgoing).catch(() => incoming.socket.destroy());
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}`,
		counts,
		calm: () => (isCalm = true),
		async [Symbol.asyncDispose]() {
			server.close();
			server.closeAllConnections();
			agent.destroy();
			await once(server, 'close');
		},
	};
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
	const pieces: Buffer[] = [];
	for await (const piece of incoming as AsyncIterable<Buffer>) pieces.push(piece);
	return Buffer.concat(pieces);
}

async function pause(ms: number): Promise<void> {
	await new Promise((resolve) => setTimeout(resolve, ms));
}
