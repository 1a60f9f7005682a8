/** Gives a test run a temporary folder of its own and takes it away at the end, workers' leftovers included. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export default async function setup(): Promise<() => Promise<void>> {
	const folder = await mkdtemp(path.join(tmpdir(), 'n8n-nodes-inferencesh-'));
	process.env['TMPDIR'] = folder;
	return async () => await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
