/** Where things are, and which Node runs n8n. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** The folder of the project. */
export const ROOT = path.resolve(import.meta.dirname, '..', '..', '..');
/** Everything that the demo and the end-to-end tests keep between runs; ignored by git. */
export const DEMO_FOLDER = path.join(ROOT, '.demo');
export const EXAMPLES = path.join(ROOT, 'examples');

/** n8n 2.38 and newer run on nothing older. */
const NODE_MAJOR = 24;

/**
 * A Node that n8n runs on: the one that runs this, if it is new enough, else the project's own
 * (the `node` package among the development dependencies).
 */
export function nodeForN8n(): string {
	if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath;
	const name = process.platform === 'win32' ? 'node.exe' : 'node';
	const own = path.join(ROOT, 'node_modules', 'node', 'bin', name);
	if (existsSync(own)) return own;
	throw new Error(
		`n8n needs Node ${NODE_MAJOR} or newer, this is ${process.version}. Run "npm ci" first: it brings one.`,
	);
}

/**
 * The folder with `include/node`, the headers that native modules are compiled against. Having
 * them here saves node-gyp a download from nodejs.org.
 */
export function nodeHeaders(): string | undefined {
	const { platform, arch } = process;
	const name = `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
	const nested = createRequire(path.join(ROOT, 'node_modules', 'node', 'package.json'));
	const candidates = [path.join(path.dirname(process.execPath), '..')];
	try {
		candidates.unshift(path.dirname(nested.resolve(`${name}/package.json`)));
	} catch {
		// No such variant: the headers beside the running Node are the only choice.
	}
	return candidates.find((folder) => existsSync(path.join(folder, 'include', 'node', 'node.h')));
}
