/** What long token streams cost: ten times as many deltas should take ten times the CPU time. */
import { createRequire } from 'node:module';
import path from 'node:path';
import type { INodeType } from 'n8n-workflow';
import { runNode } from '../engine/engine.mts';
import { collectGarbage } from './garbage.mts';
import type { Bench, Measure } from './measures.mts';
import { figure, ratios } from './statistics.mts';

const FEW = 20_000;
const MANY = 200_000;

export async function deltas({ service, dist, quick }: Bench): Promise<Measure[]> {
	const require = createRequire(import.meta.url);
	const file = path.join(dist, 'nodes/StreamTask/StreamTask.node.js');
	const { StreamTask } = require(file) as { StreamTask: new () => INodeType };

	/** CPU time of this process for an answer of so many pieces, ms. */
	async function cpuMs(pieces: number): Promise<number> {
		await service.reset();
		collectGarbage();
		let streamed = 0;
		const before = process.cpuUsage();
		const run = await runNode({
			node: new StreamTask(),
			mode: 'webhook',
			streaming: true,
			onChunk: ({ type, content = '' }) => {
				if (type === 'item') streamed += content.length;
			},
			credentials: { apiKey: service.apiKey, baseUrl: service.url, maxConcurrency: 0 },
			parameters: {
				source: 'run',
				app: { __rl: true, mode: 'ref', value: 'bench/writing' },
				inputMode: 'item',
				options: { streamAs: 'text' },
			},
			items: [{ pieces }],
		});
		const { user, system } = process.cpuUsage(before);
		if (run.error) throw run.error;
		if (streamed < pieces) throw new Error(`${streamed} characters came of ${pieces} pieces`);
		return (user + system) / 1000;
	}

	await cpuMs(FEW);
	const few: number[] = [];
	const many: number[] = [];
	for (let round = 0; round < (quick ? 1 : 3); round += 1) {
		few.push(await cpuMs(FEW));
		many.push(await cpuMs(MANY));
	}
	return [
		{
			id: 'deltas.stream',
			what: 'Stream Task, 200,000 token deltas ÷ 20,000: CPU time',
			unit: '×',
			figure: ratios(many, few),
			target: { most: 12 },
			note: `${figure(many).median.toFixed(0)} ms for 200,000; ten is linear`,
		},
	];
}
