/** The n8n that `setup.mts` has started, for a test file, with a sandbox behind its credential. */
import { afterAll, beforeAll, beforeEach, inject } from 'vitest';

import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/index.mts';
import { N8n } from './n8n.mts';
import { N8nRest } from './rest.mts';

export interface Instance {
	/** For n8n's command line; the server itself belongs to the setup. */
	readonly n8n: N8n;
	readonly rest: N8nRest;
	readonly sandbox: Sandbox;
}

/** Starts a sandbox for a test file; it is reset before each test. */
export function useInstance(options: SandboxOptions = {}): () => Instance {
	let instance: Instance | undefined;
	beforeAll(async () => {
		const { installed, home, url, cookie, sandboxPort } = inject('n8n');
		instance = {
			n8n: await N8n.open({ installed, home }),
			rest: new N8nRest(url, cookie),
			sandbox: await startSandbox({ ...options, port: sandboxPort }),
		};
	});
	beforeEach(() => instance?.sandbox.reset());
	afterAll(async () => {
		await instance?.sandbox.close();
	});
	return () => {
		if (!instance) throw new Error('The instance is there from the first test on');
		return instance;
	};
}
