import { mergeConfig } from 'vitest/config';
import queue from '../queue/vitest.config.mts';

/** `npm run test:chaos` */
export default mergeConfig(
	{ test: { ...queue.test, include: [] } },
	{ test: { include: ['test/chaos/**/*.test.mts'], testTimeout: 3_600_000 } },
);
