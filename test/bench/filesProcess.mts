/** One large file into or out of a task, in a process that does nothing else: its resident memory. */
import { pause } from './clock.mts';
import {
	DOWNLOAD,
	FILE_APP,
	LARGE_FILE_APP,
	RunAppNode,
	storedFiles,
	UPLOAD,
} from './fileNodes.mts';
import { collectGarbage, residentMegabytes } from './garbage.mts';

export interface FilesFacts {
	/** Most resident memory during the transfer, beyond that before it. */
	readonly growthMb: number;
	readonly ms: number;
}

const SAMPLE_MS = 5;
const WARM_UP_BYTES = 3_000_000;

const [dist = '', url = '', apiKey = '', direction = '', size = '0'] = process.argv.slice(2);
const node = new RunAppNode(dist, { url, apiKey });

async function transfer(bytes: number): Promise<() => Promise<void>> {
	if (direction === 'in') {
		const items = await storedFiles(1, bytes);
		return async () => check(bytes, (await node.run(FILE_APP, items, UPLOAD))[0]?.json['output']);
	}
	await storedFiles(1, 1);
	const items = [{ json: { bytes }, pairedItem: { item: 0 } }];
	return async () => {
		const [item] = await node.run(LARGE_FILE_APP, items, DOWNLOAD);
		check(bytes, { size: item?.binary?.['file']?.bytes });
	};
}

function check(bytes: number, output: unknown): void {
	const { size: arrived } = output as { size?: unknown };
	if (arrived !== bytes) throw new Error(`${String(arrived)} of ${bytes} bytes arrived`);
}

const warmUp = await transfer(WARM_UP_BYTES);
for (let round = 0; round < 5; round += 1) await warmUp();
const move = await transfer(Number(size));
collectGarbage();
await pause(200);
const before = residentMegabytes();
let most = before;
const timer = setInterval(() => {
	most = Math.max(most, residentMegabytes());
}, SAMPLE_MS);
const started = performance.now();
await move();
const ms = performance.now() - started;
most = Math.max(most, residentMegabytes());
clearInterval(timer);
const facts: FilesFacts = { growthMb: Math.max(0, most - before), ms };
process.send?.(facts, () => process.disconnect());
