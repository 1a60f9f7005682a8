/**
 * `npm run footprint [-- rounds]`: how long n8n takes to start, and how much memory it has then,
 * without community packages, with one that does nothing, and with this one, in turns.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { packPackage } from '../../package/pack.mts';
import { buildPackage } from '../demo/demoInstance.mts';
import { installedN8n, N8N_VERSION } from '../n8n/install.mts';
import { N8n } from '../n8n/n8n.mts';
import { run } from '../n8n/process.mts';
import { table } from '../demo/table.mts';

const ROUNDS = Number(process.argv[2] ?? 5);
/** Until what n8n does after its start is done. */
const REST_MS = 5000;

interface Round {
	readonly startMs: number;
	readonly residentMb: number;
}

async function once(n8n: N8n): Promise<Round> {
	const startedAt = performance.now();
	await n8n.start();
	const startMs = performance.now() - startedAt;
	try {
		await delay(REST_MS);
		const kilobytes = Number(await run('ps', 'ps', ['-o', 'rss=', '-p', String(n8n.pid)]));
		return { startMs, residentMb: kilobytes / 1024 };
	} finally {
		await n8n.stop();
	}
}

function median(values: readonly number[]): number {
	const sorted = values.toSorted((left, right) => left - right);
	const middle = Math.floor(sorted.length / 2);
	const [low = 0, high = 0] = [sorted[sorted.length % 2 ? middle : middle - 1], sorted[middle]];
	return (low + high) / 2;
}

await using undo = new AsyncDisposableStack();
const installed = await installedN8n(console.log);
await buildPackage();
const packed = undo.use(await packPackage());
const folder = await mkdtemp(path.join(tmpdir(), 'n8n-nodes-inferencesh-footprint-'));
undo.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));

/** A package with one node that does nothing: what n8n pays for any community package. */
async function emptyPackage(target: string): Promise<string> {
	const nodes = path.join(target, 'dist', 'nodes');
	await mkdir(nodes, { recursive: true });
	const manifest = {
		name: 'n8n-nodes-nothing',
		version: '1.0.0',
		n8n: { n8nNodesApiVersion: 1, nodes: ['dist/nodes/Nothing.node.js'] },
	};
	const description = {
		name: 'nothing',
		displayName: 'Nothing',
		description: 'Does nothing',
		version: 1,
		group: ['transform'],
		inputs: ['main'],
		outputs: ['main'],
		properties: [],
		defaults: { name: 'Nothing' },
	};
	const code = `exports.Nothing = class { description = ${JSON.stringify(description)} };`;
	await writeFile(path.join(target, 'package.json'), JSON.stringify(manifest));
	await writeFile(path.join(nodes, 'Nothing.node.js'), code);
	return target;
}

async function open(name: string, packageFolder?: string): Promise<N8n> {
	const n8n = await N8n.open({ installed, home: path.join(folder, name) });
	if (packageFolder !== undefined) await n8n.link(packageFolder);
	return n8n;
}

const hosts = [
	await open('without'),
	await open('nothing', await emptyPackage(path.join(folder, 'package'))),
	await open('with', packed.directory),
];
// The first start makes the database.
for (const n8n of hosts) await once(n8n);
const rounds: Round[][] = [];
for (let count = 1; count <= ROUNDS; count++) {
	const round: Round[] = [];
	for (const n8n of hosts) round.push(await once(n8n));
	rounds.push(round);
	console.log(`round ${count} of ${ROUNDS}`);
}

const row = (name: string, of: (round: Round) => number): readonly unknown[] => [
	name,
	...hosts.map((_host, index) =>
		Math.round(median(rounds.flatMap((round) => round[index] ?? []).map(of))),
	),
];
console.log(
	table(
		[`n8n ${N8N_VERSION}, median of ${ROUNDS}`, 'no package', 'an empty one', 'this one'],
		[
			row('start until it answers, ms', ({ startMs }) => startMs),
			row('resident memory after it, MB', ({ residentMb }) => residentMb),
		],
	),
);
