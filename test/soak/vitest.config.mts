import { defineConfig, mergeConfig } from 'vitest/config';
import units from '../../vitest.config.mts';

/** `npm run test:soak` */
export default mergeConfig(
	{ ...units, test: { ...units.test, include: [], exclude: [] } },
	defineConfig({
		test: {
			include: ['test/soak/**/*.test.mts'],
			fileParallelism: false,
			// Thousands of runs, on a machine that may have other work.
			testTimeout: 1_200_000,
		},
	}),
);
