/** Installs one exact n8n into a folder of its own, step by step, so that it can be interrupted. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { DEMO_FOLDER, nodeForN8n, nodeHeaders } from './paths.mts';
import { npmCommand, ProcessError, run, works } from './process.mts';
import { ShownProgress, type Progress } from './progress.mts';

/** The version that the tests are written for, unless another one is to be tried. */
export const N8N_VERSION = process.env['N8N_VERSION'] ?? '2.41.1';
/** Where the demo and the tests have it. */
export const N8N_FOLDER = path.join(DEMO_FOLDER, `n8n-${N8N_VERSION}`);
/** How many packages this version brings: what progress is measured against. */
const PACKAGES = 2370;
/** How many of them npm asks the registry about. */
const LOOK_UPS = 1800;
const PROGRESS_EVERY_MS = 1000;
/** npm's line about a request, for what is known of a package or for its tarball. */
const NPM_REQUEST = /^npm http (?:fetch GET \d+|cache) (\S+)/;

/** What is missing to go on, and how to get it. */
export class MissingToolsError extends Error {
	override readonly name = 'MissingToolsError';
}

export interface InstalledN8n {
	readonly folder: string;
	/** n8n's start script, for Node. */
	readonly script: string;
}

/**
 * Makes sure that the folder holds a working n8n. Steps that an earlier run finished are skipped;
 * a finished installation is recognised in milliseconds.
 *
 * @throws MissingToolsError if SQLite has to be compiled and the tools for it are missing
 * @throws ProcessError with the last lines of the step that failed
 */
export async function ensureN8n(
	folder: string,
	progress: Progress,
	signal?: AbortSignal,
): Promise<InstalledN8n> {
	const script = path.join(folder, 'node_modules', 'n8n', 'bin', 'n8n');
	await step(folder, 'packages', script, () => installPackages(folder, progress, signal));
	await step(folder, 'sqlite3', script, () => ensureSqlite(folder, progress, signal));
	return { folder, script };
}

/** The n8n of the demo and of the tests, installed if it is not there yet; `say` gets lines. */
export async function installedN8n(say: (line: string) => void): Promise<InstalledN8n> {
	using progress = new ShownProgress(say);
	return await ensureN8n(N8N_FOLDER, progress);
}

/** Runs a step unless its stamp says that it was finished, for this version. */
async function step(
	folder: string,
	name: string,
	proof: string,
	work: () => Promise<void>,
): Promise<void> {
	const stamp = path.join(folder, `.done-${name}`);
	const done = await readFile(stamp, 'utf8').catch(() => undefined);
	if (done?.trim() === N8N_VERSION && existsSync(proof)) return;
	await work();
	await writeFile(stamp, `${N8N_VERSION}\n`);
}

async function installPackages(
	folder: string,
	progress: Progress,
	signal: AbortSignal | undefined,
): Promise<void> {
	await mkdir(folder, { recursive: true });
	const manifest = { name: 'n8n-for-the-demo', private: true, dependencies: { n8n: N8N_VERSION } };
	await writeFile(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, '\t')}\n`);
	progress.note(`n8n ${N8N_VERSION} takes 2.8 GB on disk and 3 to 10 minutes, once`);
	const npm = npmCommand();
	const modules = path.join(folder, 'node_modules');
	let lookedUp = 0;
	let unpacking = false;
	await withProgress(
		async () => {
			if (!unpacking) progress.doing('looking packages up', `${lookedUp} of about ${LOOK_UPS}`);
			else
				progress.doing(
					'unpacking packages',
					`${await countPackages(modules)} of about ${PACKAGES}`,
				);
		},
		// No install scripts: of all native modules n8n only needs SQLite's here, and the script of
		// its Kafka client fails wherever GitHub cannot be reached.
		() =>
			run(
				'npm install n8n',
				npm.command,
				[
					...[...npm.args, 'install', '--ignore-scripts', '--no-audit', '--no-fund'],
					...['--no-progress', '--loglevel=http'],
				],
				{
					cwd: folder,
					env: npmEnvironment(),
					signal,
					isNoise: (line) => NPM_REQUEST.test(line),
					onLine: (line) => {
						const [, address] = NPM_REQUEST.exec(line) ?? [];
						if (address?.endsWith('.tgz')) unpacking = true;
						else if (address !== undefined) lookedUp += 1;
					},
				},
			),
	);
}

/**
 * The environment for npm in the private folder. Settings that `npm run` exports for the project
 * it runs in would otherwise be taken for this folder's.
 */
export function npmEnvironment(): NodeJS.ProcessEnv {
	const env: NodeJS.ProcessEnv = { ...process.env };
	for (const name of Object.keys(env)) {
		// Registry, proxy and cache settings stay: they are how the user reaches npm at all.
		if (
			/^npm_(package|lifecycle)_|^npm_config_(local_prefix|prefix|workspaces?|omit)$/i.test(name)
		) {
			delete env[name];
		}
	}
	const patient = { npm_config_fetch_retries: '5' };
	return { ...env, ...patient, npm_config_yes: 'true', NODE_ENV: 'development' };
}

/** Packages in a flat `node_modules`, nested ones included. */
async function countPackages(modules: string): Promise<number> {
	const names = await readdir(modules).catch((): string[] => []);
	const counts = await Promise.all(
		names.map(async (name) => {
			const inside = path.join(modules, name);
			if (name.startsWith('@')) return await countPackages(inside);
			// npm makes all folders first; a package is there when its manifest is.
			const own = existsSync(path.join(inside, 'package.json')) ? 1 : 0;
			return own + (await countPackages(path.join(inside, 'node_modules')));
		}),
	);
	return counts.reduce((sum, count) => sum + count, 0);
}

/** SQLite is n8n's database here. Its native part may be there, may be downloaded, or is compiled. */
async function ensureSqlite(
	folder: string,
	progress: Progress,
	signal: AbortSignal | undefined,
): Promise<void> {
	const node = nodeForN8n();
	const sqlite = path.join(folder, 'node_modules', 'sqlite3');
	const loads = (): Promise<boolean> => works(node, ['-e', `require(${JSON.stringify(sqlite)})`]);
	if (await loads()) return;

	const missing = await missingBuildTools();
	if (missing.length === 0) {
		const gyp = await nodeGyp(folder);
		const headers = nodeHeaders();
		await withProgress(
			() => progress.doing('compiling SQLite', 'takes 1 to 2 minutes'),
			() =>
				run(
					'Compiling SQLite',
					node,
					[gyp, 'rebuild', '--release', ...(headers === undefined ? [] : [`--nodedir=${headers}`])],
					{ cwd: sqlite, env: { ...npmEnvironment(), npm_config_nodedir: headers }, signal },
				),
		);
	} else {
		progress.note(`no ${missing.join(', ')} to compile SQLite with: trying a ready-made binary`);
		const download = path.join(folder, 'node_modules', 'prebuild-install', 'bin.js');
		try {
			await run('Downloading SQLite', node, [download, '-r', 'napi'], { cwd: sqlite, signal });
		} catch (error) {
			signal?.throwIfAborted();
			throw new MissingToolsError(howToGetBuildTools(missing), { cause: error });
		}
	}
	if (!(await loads())) {
		throw new ProcessError('SQLite was built, but Node cannot load it.', [
			`Remove ${path.relative(process.cwd(), folder)} and run this again.`,
		]);
	}
}

/** The tools that node-gyp needs and that are not there. */
async function missingBuildTools(): Promise<readonly string[]> {
	// Visual Studio cannot be found by looking along the PATH; a ready-made binary exists for Windows.
	if (process.platform === 'win32') return ['known compiler'];
	const tools: ReadonlyArray<readonly [string, readonly string[]]> = [
		['C++ compiler', ['c++', 'g++', 'clang++']],
		['make', ['make']],
		['python3', ['python3']],
	];
	const missing: string[] = [];
	for (const [name, commands] of tools) {
		const found = await Promise.all(commands.map((command) => works(command, ['--version'])));
		if (!found.includes(true)) missing.push(name);
	}
	return missing;
}

function howToGetBuildTools(missing: readonly string[]): string {
	return [
		`n8n's database (SQLite) has no ready-made binary for this machine, and there is no ${missing.join(', ')} to compile it.`,
		'Install the tools and run this again, it goes on from here:',
		'  Debian, Ubuntu   sudo apt-get install -y build-essential python3',
		'  Fedora, RHEL     sudo dnf install -y gcc-c++ make python3',
		'  Alpine           apk add build-base python3',
		'  macOS            xcode-select --install',
		'  Windows          winget install Python.Python.3.12 Microsoft.VisualStudio.2022.BuildTools,',
		'                   with the workload "Desktop development with C++"',
	].join('\n');
}

/**
 * npm's own node-gyp where there is one: the 8.x that sqlite3 brings needs a Python module
 * (distutils) that Python 3.12 no longer has.
 */
async function nodeGyp(folder: string): Promise<string> {
	const inNpm = path.join('node_modules', 'node-gyp', 'bin', 'node-gyp.js');
	const npm = process.env['npm_execpath'];
	const candidates = [path.join(folder, inNpm)];
	if (npm !== undefined && existsSync(npm)) {
		candidates.unshift(path.join(path.dirname(await realpath(npm)), '..', inNpm));
	}
	const found = candidates.find((file) => existsSync(file));
	if (found === undefined) throw new Error('node-gyp was not found, neither in npm nor in n8n.');
	return found;
}

/** Says how far the work is, again and again until it is done. */
async function withProgress<T>(
	tell: () => void | Promise<void>,
	work: () => Promise<T>,
): Promise<T> {
	let telling: Promise<void> | undefined;
	const tick = (): void => {
		telling ??= (async () => await tell())()
			// Not worth failing for.
			.catch(() => {})
			.finally(() => (telling = undefined));
	};
	tick();
	const timer = setInterval(tick, PROGRESS_EVERY_MS);
	try {
		return await work();
	} finally {
		clearInterval(timer);
		await telling;
	}
}
