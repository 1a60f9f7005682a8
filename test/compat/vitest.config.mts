import { defineConfig } from 'vitest/config';

import config from '../../vitest.config.mts';

const excluded = [
	// Looks at the harness itself, in terms of the engine that it is written for.
	'engine',
	// Need n8n 2.39: see olderHost.test.mts.
	'batchWait',
	'webhookCallback',
	'webhookWait',
];

/** For the tests of the nodes in the engine of an older n8n. */
export default defineConfig({
	...config,
	test: {
		...config.test,
		root: `${import.meta.dirname}/../..`,
		include: ['test/{nodes,compat}/*.test.mts'],
		exclude: excluded.map((name) => `test/nodes/${name}.test.mts`),
	},
});
