/** What is in `dist`, and when that is something else. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Looking, instead of being told by the system: a build takes the folder away and makes it again. */
const LOOK_EVERY_MS = 200;

/** The parts of a manifest that say what a complete build has. */
interface Manifest {
	readonly n8n: { readonly nodes: readonly string[]; readonly credentials: readonly string[] };
}

/**
 * A digest of everything that is built.
 *
 * @returns nothing while something is missing that package.json lists
 */
async function digestOf(root: string): Promise<string | undefined> {
	try {
		const { n8n } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as Manifest;
		const entries = await readdir(path.join(root, 'dist'), {
			recursive: true,
			withFileTypes: true,
		});
		const files = entries
			.filter((entry) => entry.isFile())
			.map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
			.sort();
		const needed = [...n8n.nodes, ...n8n.credentials, 'dist/nodes/inferencesh.js'];
		if (needed.some((file) => !files.includes(path.normalize(file)))) return undefined;
		const hash = createHash('sha256');
		for (const file of files) {
			hash.update(`${file}\0`).update(await readFile(path.join(root, file)));
		}
		return hash.digest('hex');
	} catch {
		// In the middle of a build.
		return undefined;
	}
}

/**
 * Waits until a whole build lies in `dist` that is another one than before and no longer changes.
 *
 * @param before the digest of the last one, if there was one
 * @returns its digest
 * @throws AbortError once the signal is aborted
 */
export async function nextBuild(
	root: string,
	before: string | undefined,
	signal: AbortSignal,
): Promise<string> {
	let last = await digestOf(root);
	for (;;) {
		await delay(LOOK_EVERY_MS, undefined, { signal });
		const now = await digestOf(root);
		if (now !== undefined && now !== before && now === last) return now;
		last = now;
	}
}
