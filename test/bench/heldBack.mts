/** How late the end of a task is known behind a proxy that buffers streams and keeps them open. */
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BatchNode } from './batchNode.mts';
import type { Bench, Measure } from './measures.mts';
import { figure } from './statistics.mts';

const TASK_MS = 5_000;

/** Hands everything on, but of streams only the head. */
async function startProxy(target: string): Promise<AsyncDisposable & { readonly url: string }> {
	const server = createServer((incoming, outgoing) => {
		const { method, url = '/', headers } = incoming;
		const sent = request(new URL(url, target), {
			method,
			headers: { ...headers, host: new URL(target).host },
		});
		sent.on('error', () => incoming.socket.destroy());
		outgoing.on('close', () => sent.destroy());
		incoming.pipe(sent);
		sent.on('response', (answer) => {
			outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
			outgoing.flushHeaders();
			if (url.endsWith('/stream')) answer.resume();
			else answer.pipe(outgoing);
		});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		async [Symbol.asyncDispose]() {
			server.close();
			server.closeAllConnections();
			await once(server, 'close');
		},
	};
}

export async function heldBack({ service, dist, quick }: Bench): Promise<Measure[]> {
	const first: number[] = [];
	const next: number[] = [];
	for (let round = 0; round < (quick ? 1 : 3); round += 1) {
		await service.reset();
		// A proxy that this process has not met.
		await using proxy = await startProxy(service.url);
		const batch = new BatchNode(dist, { url: proxy.url, apiKey: service.apiKey });
		const way = batch.way('Inference.sh Batch', { timed: true });
		const late: number[] = [];
		for (let task = 0; task < 3; task += 1) {
			const inputs = [{ ms: TASK_MS }];
			const [known] = await way.run({ app: 'bench/timed', inputs, width: 1 });
			if (known) late.push(known.at - (known.output as { readonly at: number }).at);
		}
		first.push(late[0] ?? Number.NaN);
		next.push(...late.slice(1));
	}
	const what = 'Behind a proxy that holds streams back, a task of 5 s has ended → Batch knows';
	return [
		{
			id: 'heldBack.first',
			what: `${what}: the first`,
			unit: 'ms',
			figure: figure(first),
			target: { most: 5_000 },
		},
		{
			id: 'heldBack.next',
			what: `${what}: the next ones`,
			unit: 'ms',
			figure: figure(next),
			target: { most: 2_000 },
		},
	];
}
