/**
 * The whole check, in order: lint, typecheck, build, tests, n8n's verification scan. Every vitest
 * test counts one, and so does every other stage. The last line is `N passed, N failed`.
 *
 * `npm test` runs this on the Node that the dev dependencies bring: the n8n engine needs Node 24,
 * whatever the machine has. `npm run test:all` goes on with a real n8n, with n8n in queue mode and
 * with the engines of older n8n versions.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '..');
const BIN = path.join(ROOT, 'node_modules', '.bin');
const NEEDED_NODE = 24;
const SECOND_TRY = 'N8N_INFERENCESH_REEXECUTED';

if (Number.parseInt(process.versions.node, 10) < NEEDED_NODE) {
	const bundled = path.join(BIN, 'node');
	const say = `These tests need Node ${NEEDED_NODE}, this is ${process.version}.`;
	if (!existsSync(bundled) || process.env[SECOND_TRY]) {
		console.error(`${say} Run "npm ci" (with install scripts), then "npm test".`);
		process.exit(1);
	}
	console.error(`${say} Going on with the one in node_modules.`);
	const { status } = spawnSync(bundled, process.argv.slice(1), {
		stdio: 'inherit',
		env: { ...process.env, [SECOND_TRY]: '1' },
	});
	process.exit(status ?? 1);
}

interface Counts {
	passed: number;
	failed: number;
	skipped: number;
}

interface Stage {
	name: string;
	/** The stages without which this one tells nothing. */
	needs?: string[];
	run: () => Promise<Counts>;
}

const { scripts } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8')) as {
	scripts: Record<string, string>;
};

/** Runs a command line as `npm run` does, and gives its exit code. */
async function sh(command: string, env: NodeJS.ProcessEnv = {}): Promise<number> {
	const searchPath = [BIN, process.env['PATH']].join(path.delimiter);
	return await new Promise((resolve, reject) => {
		spawn(command, {
			cwd: ROOT,
			shell: true,
			stdio: ['ignore', 'inherit', 'inherit'],
			env: { ...process.env, PATH: searchPath, ...env },
		})
			.on('error', reject)
			.on('exit', (code, signal) =>
				resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)),
			);
	});
}

/** A stage that passes or fails as a whole. */
async function command(line: string | undefined): Promise<Counts> {
	if (line === undefined) throw new Error('package.json lacks a script that npm test needs');
	const failed = (await sh(line)) === 0 ? 0 : 1;
	return { passed: 1 - failed, failed, skipped: 0 };
}

function sum(all: readonly Counts[]): Counts {
	const total: Counts = { passed: 0, failed: 0, skipped: 0 };
	for (const { passed, failed, skipped } of all) {
		total.passed += passed;
		total.failed += failed;
		total.skipped += skipped;
	}
	return total;
}

/** Vitest tests, counted one by one. */
async function tests(args = '', env: NodeJS.ProcessEnv = {}): Promise<Counts> {
	const folder = await mkdtemp(path.join(tmpdir(), 'n8n-nodes-inferencesh-report-'));
	try {
		const file = path.join(folder, 'report.json');
		const code = await sh(
			`vitest run --reporter=default --reporter=json --outputFile.json="${file}" ${args}`,
			env,
		);
		const report = existsSync(file)
			? (JSON.parse(await readFile(file, 'utf8')) as Record<string, number>)
			: {};
		const passed = report['numPassedTests'] ?? 0;
		let failed = report['numFailedTests'] ?? 0;
		// A file that cannot be loaded, or an error outside of any test, fails no test by itself.
		if (code !== 0 && failed === 0) failed = 1;
		if (passed + failed === 0) failed = 1;
		const skipped = (report['numPendingTests'] ?? 0) + (report['numTodoTests'] ?? 0);
		return { passed, failed, skipped };
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

const stages: Stage[] = [
	{
		name: 'lint and types',
		run: async () =>
			sum(await Promise.all([command(scripts['lint']), command(scripts['typecheck'])])),
	},
	{ name: 'build', run: () => command(scripts['build']) },
	// Some tests look at the built package.
	{ name: 'tests', needs: ['build'], run: () => tests() },
	{ name: 'scan of the sources', run: () => command(`${scripts['test:scan']} sources`) },
	{
		name: 'scan of the package',
		needs: ['build'],
		run: () => command(`${scripts['test:scan']} tarball`),
	},
];

if (process.argv.includes('--all')) {
	stages.push(
		{
			name: 'a real n8n',
			needs: ['build'],
			run: () => tests('--config test/e2e/vitest.config.mts'),
		},
		{
			name: 'queue mode',
			needs: ['build'],
			run: () => tests('--config test/queue/vitest.config.mts'),
		},
	);
	const { COMPAT_TESTS, HOST_VARIABLE, HOSTS, installHost } = await import('./compat/hosts.mts');
	for (const host of HOSTS) {
		stages.push({
			name: `the engine of n8n ${host.n8n}`,
			run: async () =>
				await tests(COMPAT_TESTS.join(' '), { [HOST_VARIABLE]: await installHost(host) }),
		});
	}
}

const results: Counts[] = [];
const broken = new Set<string>();
const summary: string[] = [];
for (const { name, needs = [], run } of stages) {
	console.log(`\n=== ${name} ===`);
	const start = performance.now();
	const missing = needs.find((other) => broken.has(other));
	if (missing !== undefined) console.log(`not run: "${missing}" failed`);
	const failure: Counts = { passed: 0, failed: 1, skipped: 0 };
	const counts =
		missing === undefined
			? await run().catch((error: unknown) => {
					console.error(error);
					return failure;
				})
			: failure;
	if (counts.failed > 0) broken.add(name);
	results.push(counts);
	const seconds = ((performance.now() - start) / 1000).toFixed(1);
	const line = `${counts.failed > 0 ? 'FAILED' : 'ok'}  ${name}  ${seconds} s`;
	summary.push(line);
	console.log(line);
}

console.log(`\n${summary.join('\n')}\n`);
const total = sum(results);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;
