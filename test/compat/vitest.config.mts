import { defineConfig } from 'vitest/config';

import config from '../../vitest.config.mts';

/**
 * Waiting for callbacks needs n8n 2.39 and the chat model 2.16, see olderHost.test.mts; the combined
 * binary mode a late 2.x, too.
 */
const NEED_NEWER = [
	'nodes/AgentMessage/combinedMode',
	'nodes/Batch/waiting',
	'nodes/LmChatInferenceSh/promises',
	'nodes/LmChatInferenceSh/traps',
	'nodes/outputFormsWaiting',
	'shared/callback/webhookCallback',
	'shared/callback/webhookWait',
	'shared/files/combinedMode',
	'shared/files/foreignFiles',
];

/** For the tests of the nodes in the engine of an older n8n. */
export default defineConfig({
	...config,
	test: {
		...config.test,
		root: `${import.meta.dirname}/../..`,
		include: ['test/{nodes,shared,compat}/**/*.test.mts'],
		exclude: [
			...NEED_NEWER.map((name) => `test/${name}.test.mts`),
			// Plays for long; what it tries does not depend on the engine.
			'test/nodes/model/**',
		],
	},
});
