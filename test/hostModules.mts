/** Sources that tests import have been loaded by no n8n: this stands for the one that would have. */
import { createRequire } from 'node:module';
import { vi } from 'vitest';

const host = process.env['N8N_HOST'];
const require = createRequire(host === undefined ? import.meta.url : `${host}/host.js`);

function hostModule(name: string): unknown {
	// Above the folder of an older host are the modules of this project.
	if (host !== undefined && name.startsWith('@n8n/ai-')) return undefined;
	try {
		return require(name);
	} catch {
		return undefined;
	}
}

vi.mock('../nodes/client/transport/hostModule.ts', () => ({ hostModule }));
vi.mock('./engine/credentialType.mts', async () => {
	const { InferenceShApi } = await import('../credentials/InferenceShApi.credentials.ts');
	return { credentialType: new InferenceShApi() };
});
