/** How long the form of a large or a recursive schema holds n8n up. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { INodeType } from 'n8n-workflow';
import { loadOptionsContext } from '../engine/engine.mts';
import { pause } from './clock.mts';
import type { Bench, Measure } from './measures.mts';
import { figure } from './statistics.mts';

const APPS = [
	['wide', 'Form of 25,000 fields, 1 MB of schema'],
	['recursive', 'Form of a type with ten references to itself'],
] as const;
const RESOLUTION_MS = 1;
/** An app is read again after two minutes only; with a key of its own, at once. */
const ROUNDS = 5;

export async function forms({ service, dist, quick }: Bench): Promise<Measure[]> {
	const require = createRequire(import.meta.url);
	const file = path.join(dist, 'nodes/RunApp/RunApp.node.js');
	const { RunApp } = require(file) as { RunApp: new () => INodeType };
	const node = new RunApp();
	const fill = node.methods?.resourceMapping?.['getInputFields'];
	if (!fill) throw new Error('Run App has no form');
	const keys = Array.from({ length: quick ? 2 : ROUNDS }, (_, round) => `inf_form_${round}`);
	await service.addWorkspaces(keys);
	const measures: Measure[] = [];
	for (const [app, what] of APPS) {
		const blocks: number[] = [];
		for (const apiKey of keys) {
			const context = loadOptionsContext({
				node,
				parameters: { app: { __rl: true, mode: 'ref', value: `bench/${app}` }, options: {} },
				credentials: { apiKey, baseUrl: service.url, maxConcurrency: 0 },
			});
			await pause(50);
			const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
			delays.enable();
			await fill.call(context);
			await pause(10);
			delays.disable();
			blocks.push(Math.max(0, delays.max / 1e6 - RESOLUTION_MS));
		}
		measures.push({
			id: `forms.${app}`,
			what: `${what}: longest block of the event loop`,
			unit: 'ms',
			figure: figure(blocks),
			target: { most: 100 },
		});
	}
	return measures;
}
