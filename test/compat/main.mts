/**
 * `npm run test:compat`: the tests of the nodes in the engines of older n8n versions, each
 * installed into an ignored folder of its own.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { npmEnvironment } from '../e2e/install.mts';
import { DEMO_FOLDER, nodeForN8n, ROOT } from '../e2e/paths.mts';
import { npmCommand, run } from '../e2e/process.mts';

interface Host {
	/** The n8n whose engine it is. */
	readonly n8n: string;
	/** What that version depends on. */
	readonly packages: Readonly<Record<string, string>>;
}

const HOSTS: readonly Host[] = [
	{
		// The last line of 1.x.
		n8n: '1.123.81',
		packages: { 'n8n-core': '1.122.48', 'n8n-workflow': '1.120.31', zod: '3.25.67' },
	},
	{
		n8n: '2.0.3',
		packages: { 'n8n-core': '2.0.2', 'n8n-workflow': '2.0.1', zod: '3.25.67' },
	},
];

/** These look at the harness itself, in terms of the engine that it is written for. */
const OWN_ENGINE_ONLY = 'test/nodes/engine.test.mts';

/** Installs a host's engine unless it is there; returns its folder. */
async function install({ n8n, packages }: Host): Promise<string> {
	const folder = path.join(DEMO_FOLDER, `core-n8n-${n8n}`);
	const stamp = path.join(folder, '.done');
	const dependencies = { ...packages, 'reflect-metadata': '0.2.2' };
	const wanted = JSON.stringify(dependencies);
	if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === wanted) return folder;
	console.log(`installing the engine of n8n ${n8n}: half a minute, once`);
	await mkdir(folder, { recursive: true });
	const manifest = { name: 'n8n-engine-for-tests', private: true, dependencies };
	await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest, null, '\t'));
	const npm = npmCommand();
	await run(
		`npm install n8n-core`,
		npm.command,
		[...npm.args, 'install', '--ignore-scripts', '--no-audit', '--no-fund'],
		{ cwd: folder, env: npmEnvironment() },
	);
	await writeFile(stamp, wanted);
	return folder;
}

const broken: string[] = [];
for (const host of HOSTS) {
	const folder = await install(host);
	console.log(`\n=== the engine of n8n ${host.n8n} ===`);
	const vitest = path.join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
	const { status } = spawnSync(
		nodeForN8n(),
		[vitest, 'run', '--exclude', OWN_ENGINE_ONLY, ...process.argv.slice(2), 'test/nodes'],
		{
			cwd: ROOT,
			stdio: ['ignore', 'inherit', 'inherit'],
			env: { ...process.env, N8N_HOST: folder },
		},
	);
	if (status !== 0) broken.push(host.n8n);
}
if (broken.length > 0) {
	console.error(`\nTests failed in the engine of n8n ${broken.join(' and ')}.`);
	process.exitCode = 1;
}
