/** Loads everything that the package registers, as n8n does, and says how long that took. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Manifest } from '../package/pack.mts';

const root = path.resolve(import.meta.dirname, '../..');
const [dist = path.join(root, 'dist')] = process.argv.slice(2);
const text = readFileSync(path.join(root, 'package.json'), 'utf8');
const { n8n } = JSON.parse(text) as Manifest;
const files = [...n8n.credentials, ...n8n.nodes].map((file) =>
	path.join(dist, path.relative('dist', file)),
);

const require = createRequire(import.meta.url);
// What n8n itself has loaded long before.
require('n8n-workflow');

const started = performance.now();
for (const file of files) {
	const name = path.basename(file).replace(/\..*$/, '');
	const exported = require(file) as Record<string, new () => unknown>;
	const Kind = exported[name];
	if (!Kind) throw new Error(`${file} exports no ${name}`);
	new Kind();
}
const took = performance.now() - started;
process.send?.(took, () => process.disconnect());
