import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { INodeTypeDescription } from 'n8n-workflow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PACKAGE_VERSION } from '../../nodes/client/util/version.ts';
import { packPackage, ROOT, type PackedPackage } from './pack.mts';

const run = promisify(execFile);

/** What the loader below prints. */
interface LoadReport {
	undici: boolean;
	loaded: Array<{ file: string; ms: number; name: string; icon: INodeTypeDescription['icon'] }>;
}

// Loads files as n8n does: requires them and constructs the class that is named as the file. What
// n8n itself has loaded long before is not counted.
const LOADER = `
const { basename } = require('node:path');
require('n8n-workflow');
const loaded = process.argv.slice(1).map((file) => {
	const start = performance.now();
	const instance = new (require(file)[basename(file).split('.')[0]])();
	const { name, icon } = instance.description ?? instance;
	return { file, ms: performance.now() - start, name, icon };
});
let undici = true;
try { require.resolve('undici'); } catch { undici = false; }
process.stdout.write(JSON.stringify({ loaded, undici }));
`;

describe('the published package', () => {
	let temporary: string | undefined;
	let packed: PackedPackage;

	/** Loads everything that package.json lists, in a process that finds only these host modules. */
	async function load(hostModules: string[]): Promise<LoadReport> {
		const host = await mkdtemp(path.join(temporary ?? tmpdir(), 'host-'));
		for (const module of hostModules) {
			await symlink(path.join(ROOT, 'node_modules', module), path.join(host, module), 'junction');
		}
		const { nodes, credentials } = packed.manifest.n8n;
		const files = [...credentials, ...nodes].map((file) => path.join(packed.directory, file));
		const { stdout } = await run(process.execPath, ['-e', LOADER, ...files], {
			cwd: packed.directory,
			env: { PATH: process.env['PATH'], NODE_PATH: host },
		});
		return JSON.parse(stdout) as LoadReport;
	}

	beforeAll(async () => {
		temporary = await mkdtemp(path.join(tmpdir(), 'n8n-nodes-inferencesh-test-'));
		packed = await packPackage();
	}, 60_000);

	afterAll(async () => {
		await packed[Symbol.asyncDispose]();
		if (temporary) await rm(temporary, { recursive: true, force: true });
	});

	it('has what was built and the usual documents, nothing else', () => {
		const names = [...packed.files.keys()];
		for (const name of ['package.json', 'README.md', 'LICENSE']) {
			expect(names).toContain(name);
		}
		const others = names.filter(
			(name) =>
				!/^(package\.json|README\.md|LICENSE)$/.test(name) &&
				!/^dist\/(nodes|credentials)\/.+\.(js|json|svg|png)$/.test(name),
		);
		expect(others).toEqual([]);
	});

	it('is at most 615 kB unpacked and 185 kB packed', () => {
		const bytes = [...packed.files.values()].reduce((sum, size) => sum + size, 0);
		process.stdout.write(
			`package: ${packed.files.size} files, ${bytes} bytes unpacked, ${packed.bytes} packed\n`,
		);
		expect(bytes).toBeLessThanOrEqual(615_000);
		expect(packed.bytes).toBeLessThanOrEqual(185_000);
	});

	it('depends on nothing but the n8n that loads it', () => {
		const { dependencies, optionalDependencies, bundledDependencies } = packed.manifest;
		expect(dependencies ?? {}).toEqual({});
		expect(optionalDependencies ?? {}).toEqual({});
		expect(bundledDependencies ?? []).toEqual([]);
		expect(packed.manifest.peerDependencies).toEqual({
			'@n8n/ai-node-sdk': '*',
			'n8n-workflow': '*',
		});
	});

	it('runs no script where it is installed', () => {
		expect(Object.keys(packed.manifest.scripts)).not.toEqual(
			expect.arrayContaining([expect.stringMatching(/^(pre|post)?install$|^prepare$/)]),
		);
	});

	it('names its own version to the service', () => {
		expect(PACKAGE_VERSION).toBe(packed.manifest.version);
	});

	it('lists every node and credential it has, each with its icons and codex', async () => {
		const listed = [...packed.manifest.n8n.nodes, ...packed.manifest.n8n.credentials];
		const built = [...packed.files.keys()].filter((name) => /\.(node|credentials)\.js$/.test(name));
		expect(built.toSorted()).toEqual(listed.toSorted());
		for (const node of packed.manifest.n8n.nodes) {
			expect([...packed.files.keys()]).toContain(node.replace(/\.js$/, '.json'));
		}
		const { loaded } = await load(['n8n-workflow']);
		for (const { file, icon } of loaded) {
			const icons = typeof icon === 'string' ? [icon] : [icon?.light, icon?.dark];
			for (const name of icons) {
				expect(name).toMatch(/^file:/);
				const target = path.join(path.dirname(file), String(name).replace(/^file:/, ''));
				expect([...packed.files.keys()]).toContain(
					path.relative(packed.directory, target).replaceAll(path.sep, '/'),
				);
			}
		}
	});

	it.each([
		['has undici', ['n8n-workflow', 'undici'], true],
		['has no undici', ['n8n-workflow'], false],
	])('loads where the n8n %s', async (host, modules, undici) => {
		const report = await load(modules);
		expect(report.undici).toBe(undici);
		const { nodes, credentials } = packed.manifest.n8n;
		expect(report.loaded).toHaveLength(nodes.length + credentials.length);
		const total = report.loaded.reduce((sum, { ms }) => sum + ms, 0);
		const each = report.loaded.map(({ name, ms }) => `${name} ${ms.toFixed(1)} ms`).join(', ');
		process.stdout.write(`load where the n8n ${host}: ${total.toFixed(1)} ms (${each})\n`);
	});
});
