/**
 * `npm run bench [-- --quick] [-- --only throughput,stop] [-- --dist folder]`: measures the
 * published form of the package against the numbers that its design sets out. It reports; nothing
 * here fails because something is slow. With `--only`, `--write` puts the new numbers into the report
 * of the last whole run.
 */
import { access } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadSdk } from '../contract/sdk.mts';
import { adapting } from './adapting.mts';
import { BatchNode } from './batchNode.mts';
import { chatModels } from './chatModels.mts';
import { deltas } from './deltas.mts';
import { files } from './files.mts';
import { following } from './following.mts';
import { forms } from './forms.mts';
import { growth } from './growth.mts';
import { heldBack } from './heldBack.mts';
import { latency } from './latency.mts';
import { liveHeap } from './liveHeap.mts';
import { liveLatency } from './liveLatency.mts';
import { loading } from './loading.mts';
import { isMet, type Bench, type Measure } from './measures.mts';
import { refusal } from './refusal.mts';
import { writeReport } from './report.mts';
import { reusing } from './reusing.mts';
import { startService } from './serviceProcess.mts';
import { slidingWindow } from './slidingWindow.mts';
import { stop } from './stop.mts';
import { table } from './table.mts';
import { throughput } from './throughput.mts';

const MEASUREMENTS: Readonly<Record<string, (bench: Bench) => Promise<Measure[]>>> = {
	throughput,
	window: slidingWindow,
	latency,
	live: liveLatency,
	models: chatModels,
	deltas,
	held: heldBack,
	growth,
	files,
	liveHeap,
	following,
	forms,
	refusal,
	stop,
	loading,
	reusing,
	adapting,
};

const { values } = parseArgs({
	options: {
		quick: { type: 'boolean', default: false },
		only: { type: 'string' },
		write: { type: 'boolean', default: false },
		dist: { type: 'string' },
	},
});
const root = path.resolve(import.meta.dirname, '../..');
const dist = path.resolve(values.dist ?? path.join(root, 'dist'));
const wanted = values.only?.split(',') ?? Object.keys(MEASUREMENTS);
const unknown = wanted.filter((name) => !(name in MEASUREMENTS));
if (unknown.length > 0) {
	console.error(`--only knows ${Object.keys(MEASUREMENTS).join(', ')}, not ${unknown.join(', ')}`);
	process.exit(1);
}
await access(path.join(dist, 'nodes')).catch(() => {
	console.error('Run "npm run build" first: the compiled package is what is measured.');
	process.exit(1);
});

async function run(): Promise<Measure[]> {
	await using service = await startService();
	const sdk = await loadSdk();
	try {
		const batch = new BatchNode(dist, service);
		const bench: Bench = { service, batch, sdk, dist, quick: values.quick };
		const measures: Measure[] = [];
		for (const name of wanted) {
			const started = performance.now();
			measures.push(...((await MEASUREMENTS[name]?.(bench)) ?? []));
			const seconds = ((performance.now() - started) / 1000).toFixed(1);
			console.error(`${name}: measured in ${seconds} s`);
		}
		return measures;
	} finally {
		await sdk.dispose();
	}
}

const measures = await run();
const verdicts = measures.map(isMet).filter((met) => met !== undefined);
const met = verdicts.filter(Boolean).length;
console.log(`\n${table(measures)}\n\n${met} of ${verdicts.length} targets met.`);
const isWhole = values.only === undefined;
if (isWhole || values.write) {
	const written = await writeReport(root, measures, { quick: values.quick, isWhole });
	console.log(`Written: ${written.map((file) => path.relative(root, file)).join(', ')}`);
}
