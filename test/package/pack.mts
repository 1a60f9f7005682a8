/** The package as npm would publish it, unpacked beside nothing else. */
import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The repository. */
export const ROOT = path.resolve(import.meta.dirname, '../..');

/** What the tests read of package.json. */
export interface Manifest {
	version: string;
	license?: string;
	workspaces?: readonly string[];
	engines?: Record<string, string>;
	dependencies?: Record<string, string>;
	optionalDependencies?: Record<string, string>;
	bundledDependencies?: string[];
	peerDependencies?: Record<string, string>;
	scripts: Record<string, string>;
	n8n: { nodes: string[]; credentials: string[] };
}

/** An unpacked package. Disposing of it removes it. */
export interface PackedPackage extends AsyncDisposable {
	/** Where it was unpacked to. */
	directory: string;
	/** Its files, with `/` between folders, and their sizes in bytes. */
	files: Map<string, number>;
	/** Size of the tarball that was unpacked. */
	bytes: number;
	manifest: Manifest;
}

/** Reads a folder's package.json. */
export async function readManifest(directory: string): Promise<Manifest> {
	return JSON.parse(await readFile(path.join(directory, 'package.json'), 'utf8')) as Manifest;
}

/** Packs what was built and unpacks it into a folder of its own. Runs no scripts: build first. */
export async function packPackage(): Promise<PackedPackage> {
	await access(path.join(ROOT, 'dist')).catch(() => {
		throw new Error('There is no dist folder to pack: run "npm run build" first');
	});
	const temporary = await mkdtemp(path.join(tmpdir(), 'n8n-nodes-inferencesh-pack-'));
	const dispose = (): Promise<void> => rm(temporary, { recursive: true, force: true });
	try {
		await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', temporary], {
			cwd: ROOT,
		});
		const tarball = (await readdir(temporary)).find((name) => name.endsWith('.tgz'));
		if (tarball === undefined) throw new Error('npm pack wrote no tarball');
		const { size: bytes } = await stat(path.join(temporary, tarball));
		const directory = path.join(temporary, 'package');
		await mkdir(directory);
		await run('tar', ['-xzf', tarball, '-C', directory, '--strip-components=1'], {
			cwd: temporary,
		});
		const files = new Map<string, number>();
		for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
			if (!entry.isFile()) continue;
			const file = path.join(entry.parentPath, entry.name);
			const name = path.relative(directory, file).replaceAll(path.sep, '/');
			files.set(name, (await stat(file)).size);
		}
		return {
			directory,
			files,
			bytes,
			manifest: await readManifest(directory),
			[Symbol.asyncDispose]: dispose,
		};
	} catch (error) {
		await dispose();
		throw error;
	}
}
