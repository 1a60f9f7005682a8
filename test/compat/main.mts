/** `npm run test:compat`: the tests of the nodes in the engines of older n8n versions. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { nodeForN8n, ROOT } from '../e2e/n8n/paths.mts';
import { COMPAT_TESTS, HOST_VARIABLE, HOSTS, installHost } from './hosts.mts';

const broken: string[] = [];
for (const host of HOSTS) {
	const folder = await installHost(host);
	console.log(`\n=== the engine of n8n ${host.n8n} ===`);
	const vitest = path.join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
	const { status } = spawnSync(
		nodeForN8n(),
		[vitest, 'run', ...COMPAT_TESTS, ...process.argv.slice(2)],
		{
			cwd: ROOT,
			stdio: ['ignore', 'inherit', 'inherit'],
			env: { ...process.env, [HOST_VARIABLE]: folder },
		},
	);
	if (status !== 0) broken.push(host.n8n);
}
if (broken.length > 0) {
	console.error(`\nTests failed in the engine of n8n ${broken.join(' and ')}.`);
	process.exitCode = 1;
}
