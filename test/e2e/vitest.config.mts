import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

const require = createRequire(import.meta.url);

/** `npm run test:e2e`: one n8n for all files, one file after the other. */
export default defineConfig({
	resolve: {
		alias: [{ find: /^n8n-workflow$/, replacement: require.resolve('n8n-workflow') }],
	},
	test: {
		root: `${import.meta.dirname}/../..`,
		include: ['test/e2e/**/*.test.mts'],
		globalSetup: ['test/temporary.mts', 'test/e2e/n8n/setup.mts'],
		environment: 'node',
		pool: 'forks',
		fileParallelism: false,
		// Limits for tests that hang: n8n's command line alone takes seconds on a busy machine.
		testTimeout: 180_000,
		hookTimeout: 120_000,
		teardownTimeout: 60_000,
	},
});
