/** A large download in a process whose heap is full of what is in use: the node's, and one by hand. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Agent, request, stream } from 'undici';
import { pause } from './clock.mts';
import { DOWNLOAD, LARGE_FILE_APP, RunAppNode, storedFiles } from './fileNodes.mts';
import { collectGarbage, heldMegabytes, residentMegabytes } from './garbage.mts';

export interface LiveHeapFacts {
	readonly nodeMs: number;
	readonly byHandMs: number;
	/** Most resident memory during the first download, beyond that before it, MB. */
	readonly growthMb: number;
}

const SAMPLE_MS = 5;
const WARM_UP_BYTES = 3_000_000;
const WARM_UPS = 3;

const [dist = '', url = '', apiKey = '', size = '0', liveMb = '0', first = ''] =
	process.argv.slice(2);
const node = new RunAppNode(dist, { url, apiKey });
const folder = await mkdtemp(path.join(tmpdir(), 'n8n-bench-'));
const dispatcher = new Agent();

async function byNode(bytes: number): Promise<number | undefined> {
	const items = [{ json: { bytes }, pairedItem: { item: 0 } }];
	const [item] = await node.run(LARGE_FILE_APP, items, DOWNLOAD);
	return item?.binary?.['file']?.bytes;
}

async function byHand(bytes: number): Promise<number> {
	const { body } = await request(`${url}/apps/run`, {
		dispatcher,
		method: 'POST',
		headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
		body: JSON.stringify({ app: LARGE_FILE_APP, input: { bytes }, wait: true }),
	});
	const { data } = (await body.json()) as { data: { output: { file: string } } };
	const target = path.join(folder, 'file');
	await stream(data.output.file, { dispatcher, method: 'GET' }, () => createWriteStream(target));
	return (await stat(target)).size;
}

/** Rows as a workflow holds them, until the heap has so much more. */
function fillHeap(megabytes: number): unknown[] {
	const rows: unknown[] = [];
	const before = heldMegabytes();
	while (heldMegabytes() - before < megabytes) {
		for (let row = 0; row < 200_000; row += 1) {
			rows.push({ id: row, json: { name: `row ${row}`, values: [row, row + 0.5] } });
		}
	}
	return rows;
}

async function measured(
	way: (bytes: number) => Promise<number | undefined>,
	bytes: number,
): Promise<{ readonly ms: number; readonly growthMb: number }> {
	collectGarbage();
	await pause(200);
	const before = residentMegabytes();
	let most = before;
	const timer = setInterval(() => (most = Math.max(most, residentMegabytes())), SAMPLE_MS);
	const started = performance.now();
	const arrived = await way(bytes);
	const ms = performance.now() - started;
	most = Math.max(most, residentMegabytes());
	clearInterval(timer);
	if (arrived !== bytes) throw new Error(`${String(arrived)} of ${bytes} bytes arrived`);
	return { ms, growthMb: Math.max(0, most - before) };
}

await storedFiles(1, 1);
const live = fillHeap(Number(liveMb));
const ways = { node: byNode, byHand } as const;
const names = first === 'node' ? (['node', 'byHand'] as const) : (['byHand', 'node'] as const);
for (let round = 0; round < WARM_UPS; round += 1) {
	for (const name of names) await ways[name](WARM_UP_BYTES);
}
const ms = { node: 0, byHand: 0 };
let growthMb: number | undefined;
for (const name of names) {
	const result = await measured(ways[name], Number(size));
	ms[name] = result.ms;
	// The second one finds memory that the first one has left.
	growthMb ??= result.growthMb;
}
await dispatcher.close();
await rm(folder, { recursive: true });
if (live.length === 0) throw new Error('Nothing was in use');
const facts: LiveHeapFacts = { nodeMs: ms.node, byHandMs: ms.byHand, growthMb: growthMb ?? 0 };
process.send?.(facts, () => process.disconnect());
