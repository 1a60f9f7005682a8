/** Many tasks followed at once over TLS: what each way of doing it takes. */
import { fork } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CERTIFICATE } from '../client/transport/certificate.mts';
import type { FollowedFacts, FollowingWay } from './followingProcess.mts';
import type { Bench, Measure } from './measures.mts';
import { figure } from './statistics.mts';

const WAYS: ReadonlyArray<readonly [way: FollowingWay, name: string]> = [
	['http1', 'a stream each, HTTP/1.1'],
	['http2', 'a stream each, HTTP/2 of undici'],
	['batch', 'Batch: HTTP/1.1, bounded'],
];

async function followed(way: FollowingWay, dist: string, count: number): Promise<FollowedFacts> {
	const folder = await mkdtemp(path.join(tmpdir(), 'following-'));
	const trusted = path.join(folder, 'certificate.pem');
	await writeFile(trusted, CERTIFICATE);
	try {
		const child = fork(
			path.join(import.meta.dirname, 'followingProcess.mts'),
			[way, dist, String(count)],
			{
				execArgv: ['--disable-warning=UNDICI-H2'],
				env: { ...process.env, NODE_EXTRA_CA_CERTS: trusted },
				timeout: 120_000,
			},
		);
		return await new Promise<FollowedFacts>((resolve, reject) => {
			child.once('message', (facts) => resolve(facts as FollowedFacts));
			child.once('exit', (code) => reject(new Error(`Following (${way}) ended with ${code}`)));
		});
	} finally {
		await rm(folder, { recursive: true });
	}
}

export async function following({ dist, quick }: Bench): Promise<Measure[]> {
	const count = quick ? 200 : 1_000;
	const measures: Measure[] = [];
	for (const [way, name] of WAYS) {
		const facts = await followed(way, dist, count);
		const what = `${count.toLocaleString('en-US')} tasks followed at once over TLS (${name})`;
		measures.push(
			{
				id: `following.${way}.sockets`,
				what: `${what}: sockets`,
				unit: '',
				figure: figure([facts.sockets]),
				note: `${facts.requests} requests, all known after ${facts.lateMs.toFixed(0)} ms`,
			},
			{
				id: `following.${way}.memory`,
				what: `${what}: growth of resident memory`,
				unit: 'MB',
				figure: figure([facts.residentMb]),
				note: `${facts.cpuMs.toFixed(0)} ms of CPU from the first to the last of them`,
			},
		);
	}
	return measures;
}
