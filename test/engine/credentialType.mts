/**
 * The credential as it was built, for whoever runs the engine in Node itself, such as the benchmark.
 * Vitest has the source instead, see `hostModules.mts`.
 */
import { createRequire } from 'node:module';
import type { ICredentialType } from 'n8n-workflow';

const require = createRequire(import.meta.url);
const { InferenceShApi } = require('../../dist/credentials/InferenceShApi.credentials.js') as {
	InferenceShApi: new () => ICredentialType;
};

export const credentialType: ICredentialType = new InferenceShApi();
