import { createRequire } from 'node:module';
import { defineConfig } from 'vitest/config';

// `npm run test:compat` names the folder of another n8n.
const host = process.env['N8N_HOST'];
const require = createRequire(host === undefined ? import.meta.url : `${host}/host.js`);

export default defineConfig({
	resolve: {
		alias: [
			// n8n-workflow ships twice, as CommonJS and as ES modules. n8n-core requires the CommonJS
			// copy; sources under test that imported the other one would have error classes and an
			// expression engine of their own.
			{ find: /^n8n-workflow$/, replacement: require.resolve('n8n-workflow') },
		],
	},
	test: {
		include: ['test/**/*.test.mts'],
		exclude: ['**/node_modules/**', 'test/{chaos,compat,e2e,queue,soak}/**'],
		environment: 'node',
		globalSetup: ['test/temporary.mts'],
		setupFiles: ['test/hostModules.mts'],
		pool: 'forks',
		// On two cores: some tests wait for sockets and need no processor meanwhile.
		maxWorkers: 3,
		// A limit for tests that hang, not a measure of how fast they should be.
		testTimeout: 300_000,
		hookTimeout: 300_000,
		coverage: {
			provider: 'v8',
			include: ['nodes/**/*.ts'],
			reporter: ['text', 'json-summary'],
			reportsDirectory: 'coverage',
		},
	},
});
