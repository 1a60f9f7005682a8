/**
 * Once for all end-to-end tests: n8n installed, this package packed and installed in it, a
 * credential and all examples imported, n8n started. Each test file starts a sandbox of its own at
 * the credential's address (`instance.mts`).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';

import { packPackage } from '../../package/pack.mts';
import { API_KEY } from '../../sandbox/index.mts';
import { buildPackage, CREDENTIAL } from '../demo/demoInstance.mts';
import { installedN8n, type InstalledN8n } from './install.mts';
import { freePort, N8n, type Owner } from './n8n.mts';
import { DEMO_FOLDER, EXAMPLES } from './paths.mts';

/** What the test files get to know. */
export interface SharedN8n {
	readonly installed: InstalledN8n;
	/** n8n's user folder. */
	readonly home: string;
	readonly url: string;
	readonly owner: Owner;
	/** Session of the owner. */
	readonly cookie: string;
	readonly sandboxPort: number;
}

declare module 'vitest' {
	interface ProvidedContext {
		n8n: SharedN8n;
	}
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
	await using undo = new AsyncDisposableStack();
	const say = (line: string): void => console.log(`[n8n] ${line}`);
	const installed = await installedN8n(say);
	await buildPackage();
	await using packed = await packPackage();
	const home = await mkdtemp(path.join(tmpdir(), 'n8n-nodes-inferencesh-e2e-'));
	undo.defer(() => rm(home, { recursive: true, force: true, maxRetries: 3 }));
	const n8n = await N8n.open({ installed, home, logFile: path.join(DEMO_FOLDER, 'e2e.log') });
	await n8n.link(packed.directory);
	const sandboxPort = await freePort();
	const baseUrl = `http://127.0.0.1:${sandboxPort}`;
	await n8n.importJson('credentials', [
		{ ...CREDENTIAL, data: { apiKey: API_KEY, baseUrl, maxConcurrency: 0 } },
	]);
	// As the README says.
	await n8n.cli(['import:workflow', '--separate', `--input=${EXAMPLES}`]);
	say('package and examples installed, starting');
	await n8n.start();
	undo.defer(() => n8n.stop());
	const cookie = await n8n.signIn();
	say(`started at ${n8n.url}`);
	const { url, owner } = n8n;
	project.provide('n8n', { installed, home, url, owner, cookie, sandboxPort });
	const atTheEnd = undo.move();
	return async () => await atTheEnd.disposeAsync();
}
