/**
 * `npm run footprint [-- rounds]`: how long n8n takes to start, and how much memory it has then,
 * with this package and without it, in turns.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { packPackage } from '../package/pack.mts';
import { buildPackage } from './demo-instance.mts';
import { ensureN8n, N8N_VERSION } from './install.mts';
import { N8n } from './n8n.mts';
import { DEMO_FOLDER } from './paths.mts';
import { run } from './process.mts';
import { table } from './table.mts';

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
const installed = await ensureN8n(path.join(DEMO_FOLDER, `n8n-${N8N_VERSION}`), console.log);
await buildPackage();
const packed = undo.use(await packPackage());
const folder = await mkdtemp(path.join(tmpdir(), 'n8n-nodes-inferencesh-footprint-'));
undo.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
const without = await N8n.open({ installed, home: path.join(folder, 'without') });
const withNodes = await N8n.open({ installed, home: path.join(folder, 'with') });
await withNodes.link(packed.directory);

// The first start makes the database.
for (const n8n of [without, withNodes]) await once(n8n);
const rounds: Array<{ without: Round; with: Round }> = [];
for (let round = 1; round <= ROUNDS; round++) {
	rounds.push({ without: await once(without), with: await once(withNodes) });
	console.log(`round ${round} of ${ROUNDS}`);
}

const row = (name: string, of: (round: Round) => number, unit: string): readonly unknown[] => {
	const [bare, loaded] = [
		median(rounds.map((round) => of(round.without))),
		median(rounds.map((round) => of(round.with))),
	];
	return [name, Math.round(bare), Math.round(loaded), Math.round(loaded - bare), unit];
};
console.log(
	table(
		[`n8n ${N8N_VERSION}, median of ${ROUNDS}`, 'without', 'with', 'difference', ''],
		[
			row('start until it answers', ({ startMs }) => startMs, 'ms'),
			row('resident memory after it', ({ residentMb }) => residentMb, 'MB'),
		],
	),
);
