/** A refusal with a very long body: how much of it is read, and the memory that it takes. */
import { fork } from 'node:child_process';
import path from 'node:path';
import type { Bench, Measure } from './measures.mts';
import type { RefusalFacts } from './refusalProcess.mts';
import { figure } from './statistics.mts';

async function refused(dist: string): Promise<RefusalFacts> {
	const file = path.join(import.meta.dirname, 'refusalProcess.mts');
	const child = fork(file, [dist], { execArgv: [], timeout: 120_000 });
	return await new Promise((resolve, reject) => {
		child.once('message', (facts) => resolve(facts as RefusalFacts));
		child.once('exit', (code) => reject(new Error(`The refusal ended with ${code}`)));
	});
}

export async function refusal({ dist, quick }: Bench): Promise<Measure[]> {
	const facts: RefusalFacts[] = [];
	for (let round = 0; round < (quick ? 1 : 5); round += 1) facts.push(await refused(dist));
	const what = 'Refusal with a body of 100 MB';
	const sent = figure(facts.map(({ sentMb }) => sentMb)).median.toFixed(1);
	return [
		{
			id: 'refusal.bytes',
			what: `${what}: read before the connection is closed`,
			unit: 'MB',
			figure: figure(facts.map(({ readMb }) => readMb)),
			target: { most: 1 },
			note: `${sent} MB were sent: buffers on the way have taken the rest`,
		},
		{
			id: 'refusal.memory',
			what: `${what}: growth of resident memory`,
			unit: 'MB',
			figure: figure(facts.map(({ growthMb }) => growthMb)),
			target: { most: 10 },
		},
	];
}
