/** In an n8n without the SDK for models every other node runs, and the chat model says what it needs. */
import { expect, it, vi } from 'vitest';
import { jsonOf, runApp, useSandbox } from '../../engine/support.mts';
import { askModel, MODEL } from './asking.mts';

vi.mock('../../../nodes/client/transport/hostModule.ts', () => ({ hostModule: () => undefined }));

const sandbox = useSandbox();

it('the chat model says which n8n it needs, and nothing is asked of the service', async () => {
	const run = await askModel(sandbox(), async () => ({}));
	expect(run.status).toBe('error');
	expect(run.error?.message).toBe('The chat model needs n8n 2.16 or newer');
	expect(run.error?.description).toContain('Update n8n. Until then, Run App runs the same model');
	expect(run.error).toMatchObject({ node: { name: MODEL } });
	expect(sandbox().requests).toEqual([]);
});

it('Run App runs', async () => {
	const run = await runApp(sandbox(), { items: [{ text: 'hello' }] });
	expect(jsonOf(run)).toMatchObject([{ output: { echo: { text: 'hello' } } }]);
});
