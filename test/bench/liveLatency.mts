/** How long after the service has said something Stream Task has made an update and a chunk of it. */
import { createRequire } from 'node:module';
import path from 'node:path';
import type { INodeType } from 'n8n-workflow';
import { NODE_NAME, runNode } from '../engine/engine.mts';
import { wallTime } from './clock.mts';
import type { Bench, Measure } from './measures.mts';
import { figure, median } from './statistics.mts';

const TASKS = 20;
const WIDTH = 5;

interface Update {
	readonly at: string;
	readonly logs?: readonly string[];
}

/** When the service wrote the lines of an update; each line is the time of its writing. */
function saidAt({ logs = [] }: Update): number[] {
	return logs.map(Number).filter((time) => time > 0);
}

export async function liveLatency({ service, dist, quick }: Bench): Promise<Measure[]> {
	const require = createRequire(import.meta.url);
	const file = path.join(dist, 'nodes/StreamTask/StreamTask.node.js');
	const { StreamTask } = require(file) as { StreamTask: new () => INodeType };
	const items: number[][] = [];
	const chunks: number[][] = [];
	for (let round = 0; round < (quick ? 1 : 3); round += 1) {
		await service.reset();
		const chunkDelays: number[] = [];
		const run = await runNode({
			node: new StreamTask(),
			mode: 'webhook',
			streaming: true,
			onChunk: ({ type, content }) => {
				if (type !== 'item') return;
				const now = wallTime();
				for (const said of saidAt(JSON.parse(content ?? '{}') as Update)) {
					chunkDelays.push(now - said);
				}
			},
			credentials: { apiKey: service.apiKey, baseUrl: service.url, maxConcurrency: 0 },
			parameters: {
				source: 'run',
				app: { __rl: true, mode: 'ref', value: 'bench/talking' },
				inputMode: 'item',
				concurrency: WIDTH,
				options: { minInterval: 0, streamAs: 'json' },
			},
			items: Array.from({ length: TASKS }, () => ({ lines: 20, everyMs: 10 })),
		});
		if (run.error) throw run.error;
		const updates = run.output(NODE_NAME, 1).map(({ json }) => json as unknown as Update);
		items.push(updates.flatMap((update) => saidAt(update).map((at) => Date.parse(update.at) - at)));
		chunks.push(chunkDelays);
	}
	const measure = (id: string, what: string, rounds: readonly number[][]): Measure => ({
		id: `latency.live.${id}`,
		what: `Service says something → Stream Task ${what}`,
		unit: 'ms',
		figure: figure(rounds.map(median)),
		target: { most: 5 },
		note: `${rounds.flat().length} log lines`,
	});
	return [
		measure('update', 'has an update of it (times in whole ms)', items),
		measure('chunk', 'has sent a chunk of it to the caller', chunks),
	];
}
