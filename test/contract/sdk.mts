/** The official SDK, made importable: its published files lack the extensions that Node wants. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'rolldown';

import type * as Sdk from '@inferencesh/sdk';

export interface LoadedSdk {
	readonly sdk: typeof Sdk;
	/** Removes the bundle. */
	dispose(): Promise<void>;
}

/** Bundles the SDK into a temporary file and imports it. */
export async function loadSdk(): Promise<LoadedSdk> {
	const directory = await mkdtemp(join(tmpdir(), 'sdk-bundle-'));
	const outfile = join(directory, 'sdk.mjs');
	await build({
		input: createRequire(import.meta.url).resolve('@inferencesh/sdk'),
		platform: 'node',
		output: { file: outfile, format: 'esm' },
		logLevel: 'silent',
	});
	const sdk = (await import(/* @vite-ignore */ pathToFileURL(outfile).href)) as typeof Sdk;
	return { sdk, dispose: () => rm(directory, { recursive: true, force: true }) };
}
