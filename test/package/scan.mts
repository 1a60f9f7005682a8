/**
 * n8n's verification scan, with the rules and file patterns of the scanner itself: once over the
 * sources, once over the package as it would be published. What the scanner does besides (provenance,
 * downloads) needs a published package and is left out; this uses no network.
 *
 * Usage: node test/package/scan.mts [sources] [tarball]     (default: both)
 */
import {
	analyzePackage,
	SOURCE_FILE_PATTERNS,
} from '@n8n/scan-community-package/scanner/scanner.mjs';
import { packPackage, ROOT } from './pack.mts';

// As the scanner calls it for a published package.
const TARBALL_FILE_PATTERNS = ['**/*.js', 'package.json'];

const legs: Record<string, () => ReturnType<typeof analyzePackage>> = {
	sources: () => analyzePackage(ROOT, SOURCE_FILE_PATTERNS),
	tarball: async () => {
		await using packed = await packPackage();
		return await analyzePackage(packed.directory, TARBALL_FILE_PATTERNS);
	},
};

const wanted = process.argv.slice(2);
for (const name of wanted.length > 0 ? wanted : Object.keys(legs)) {
	const leg = legs[name];
	if (!leg) throw new Error(`No such scan: ${JSON.stringify(name)}. Known: sources, tarball`);
	const { passed, message, details } = await leg();
	console.log(`scan of ${name}: ${passed ? 'passed' : 'FAILED'}${message ? ` (${message})` : ''}`);
	if (details) console.log(details);
	if (!passed) process.exitCode = 1;
}
