/** One item that is refused at great length, in a process that does nothing else. */
import { fork } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import path from 'node:path';
import { BatchNode } from './batchNode.mts';
import { pause } from './clock.mts';
import { collectGarbage, residentMegabytes } from './garbage.mts';
import type { RefusalReport } from './refusalService.mts';
import { texts } from './work.mts';

export interface RefusalFacts {
	/** What this process has read from its connections. */
	readonly readMb: number;
	/** What the service has handed to them; buffers on the way have taken some of it. */
	readonly sentMb: number;
	/** Most resident memory meanwhile, beyond that before it. */
	readonly growthMb: number;
}

const SAMPLE_MS = 2;
const WARM_UPS = 5;

const sockets: Socket[] = [];
subscribe('net.client.socket', (message) => {
	const { socket } = message as { socket: Socket };
	sockets.push(socket);
});
const bytesRead = () => sockets.reduce((sum, socket) => sum + socket.bytesRead, 0);

const [dist = ''] = process.argv.slice(2);
const service = fork(path.join(import.meta.dirname, 'refusalService.mts'), { execArgv: [] });
const hear = async () => ((await once(service, 'message')) as [RefusalReport])[0];

const { port } = await hear();
const batch = new BatchNode(dist, { url: `http://127.0.0.1:${port}`, apiKey: 'inf_bench' });
const run = async () => {
	const { error } = await batch.execute({ app: 'bench/any', inputs: texts(1), width: 1 });
	if (error) throw error;
};
for (let warmUp = 0; warmUp < WARM_UPS; warmUp += 1) await run();
collectGarbage();
await pause(200);
const before = residentMegabytes();
let most = before;
const timer = setInterval(() => (most = Math.max(most, residentMegabytes())), SAMPLE_MS);
const readBefore = bytesRead();
await run();
const read = bytesRead() - readBefore;
most = Math.max(most, residentMegabytes());
clearInterval(timer);
service.send('report');
const { sent } = await hear();
const facts: RefusalFacts = {
	readMb: read / 1_000_000,
	sentMb: sent / 1_000_000,
	growthMb: Math.max(0, most - before),
};
process.send?.(facts, () => process.exit(0));
