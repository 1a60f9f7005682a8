/** The engines of older n8n versions, each installed into an ignored folder of its own. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { npmEnvironment } from '../e2e/n8n/install.mts';
import { DEMO_FOLDER } from '../e2e/n8n/paths.mts';
import { npmCommand, run } from '../e2e/n8n/process.mts';

export interface Host {
	/** The n8n whose engine it is. */
	readonly n8n: string;
	/** What that version depends on. */
	readonly packages: Readonly<Record<string, string>>;
}

export const HOSTS: readonly Host[] = [
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

/** Vitest's arguments for a run in such an engine. */
export const COMPAT_TESTS = [
	'--config=test/compat/vitest.config.mts',
	'test/nodes',
	'test/shared',
	'test/compat',
] as const;

/** The variable that names the folder of the engine to use. */
export const HOST_VARIABLE = 'N8N_HOST';

/** Installs a host's engine unless it is there; returns its folder. */
export async function installHost({ n8n, packages }: Host): Promise<string> {
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
