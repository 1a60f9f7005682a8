import { defineConfig } from 'vitest/config';

/** `npm run test:queue` */
export default defineConfig({
	test: {
		root: `${import.meta.dirname}/../..`,
		include: ['test/queue/**/*.test.mts'],
		environment: 'node',
		pool: 'forks',
		fileParallelism: false,
		// Limits for tests that hang.
		testTimeout: 240_000,
		hookTimeout: 120_000,
		teardownTimeout: 60_000,
	},
});
