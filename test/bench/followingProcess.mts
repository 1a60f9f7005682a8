/** Many tasks followed at once over TLS in one way, in a process that does nothing else. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { Client } from 'undici';
import { BatchNode } from './batchNode.mts';
import { pause } from './clock.mts';
import type { FollowingFacts, FollowingOrder } from './followingService.mts';
import { collectGarbage, residentMegabytes } from './garbage.mts';
import { texts } from './work.mts';

/** How tasks are followed: each by a stream, over one of two protocols; or as the node does it. */
export type FollowingWay = 'http1' | 'http2' | 'batch';

export interface FollowedFacts {
	readonly sockets: number;
	readonly residentMb: number;
	readonly cpuMs: number;
	/** From the end of all tasks until all of them are known to have ended. */
	readonly lateMs: number;
	readonly requests: number;
}

/** How long all are followed. */
const FOLLOWED_MS = 5_000;
const HTTP2_CONNECTIONS = 10;

const [way = '', dist = '', count = '0'] = process.argv.slice(2);
const total = Number(count);

const service = fork(path.join(import.meta.dirname, 'followingService.mts'), { execArgv: [] });

async function hear(): Promise<FollowingFacts> {
	const [facts] = (await once(service, 'message')) as [FollowingFacts];
	return facts;
}

async function ask(order: FollowingOrder): Promise<FollowingFacts> {
	service.send(order);
	return await hear();
}

/** Follows every task by a stream of its own. */
async function byStreams(url: string, allowH2: boolean): Promise<void> {
	const open = () => new Client(url, { allowH2, ...(allowH2 && { pipelining: total }) });
	const shared = allowH2 ? Array.from({ length: HTTP2_CONNECTIONS }, open) : [];
	await Promise.all(
		Array.from({ length: total }, async (_, index) => {
			const client = shared[index % HTTP2_CONNECTIONS] ?? open();
			const submitted = await client.request({ method: 'POST', path: '/apps/run', body: '{}' });
			const { data } = (await submitted.body.json()) as { data: { id: string } };
			const { body } = await client.request({ method: 'GET', path: `/tasks/${data.id}/stream` });
			for await (const chunk of body) void chunk;
			if (!allowH2) await client.close();
		}),
	);
}

async function follow(url: string): Promise<void> {
	if (way !== 'batch') return await byStreams(url, way === 'http2');
	const batch = new BatchNode(dist, { url, apiKey: 'inf_bench' });
	const { error } = await batch.execute({ app: 'bench/any', inputs: texts(total), width: total });
	if (error) throw error;
}

const { port } = await hear();
collectGarbage();
const before = residentMegabytes();
const cpu = process.cpuUsage();
const following = follow(`https://localhost:${port}`);
while ((await ask('facts')).tasks < total) await pause(50);
await pause(FOLLOWED_MS);
collectGarbage();
const residentMb = residentMegabytes() - before;
const endedAt = performance.now();
service.send('end');
await following;
const lateMs = performance.now() - endedAt;
const { user, system } = process.cpuUsage(cpu);
const { sockets, requests } = await ask('facts');
const facts: FollowedFacts = {
	sockets,
	residentMb,
	cpuMs: (user + system) / 1000,
	lateMs,
	requests,
};
process.send?.(facts, () => process.exit(0));
