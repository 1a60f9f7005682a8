/** How long n8n takes to load the nodes, and how large the package is. */
import { fork } from 'node:child_process';
import path from 'node:path';
import { packPackage } from '../package/pack.mts';
import type { Bench, Measure } from './measures.mts';
import { figure } from './statistics.mts';

/** One load in a fresh process, ms. */
async function load(dist: string): Promise<number> {
	const child = fork(path.join(import.meta.dirname, 'loadingProcess.mts'), [dist], {
		execArgv: [],
		timeout: 30_000,
	});
	return await new Promise((resolve, reject) => {
		child.once('message', resolve);
		child.once('exit', (code) => reject(new Error(`Loading the nodes exited with ${code}`)));
	});
}

export async function loading({ dist, quick }: Bench): Promise<Measure[]> {
	const times: number[] = [];
	// The first one reads the files from the disk.
	await load(dist);
	for (let round = 0; round < (quick ? 5 : 15); round += 1) times.push(await load(dist));
	await using packed = await packPackage();
	const bytes = [...packed.files.values()].reduce((total, size) => total + size, 0);
	return [
		{
			id: 'load',
			what: 'Load of all nodes and the credential, fresh process',
			unit: 'ms',
			figure: figure(times),
			target: { most: 40 },
		},
		{
			id: 'size',
			what: `Unpacked package, ${packed.files.size} files`,
			unit: 'kB',
			figure: figure([bytes / 1000]),
			target: { most: 400 },
		},
	];
}
