/** The list of models, with what each of them can do. */
import { NodeApiError, type INodeListSearchResult } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { LmChatInferenceSh } from '../../../nodes/LmChatInferenceSh/LmChatInferenceSh.node.ts';
import { loadOptionsContext } from '../../engine/engine.mts';
import { credentialsOf, meanwhile, clock, useSandbox } from '../../engine/support.mts';
import { until } from '../../until.mts';

const sandbox = useSandbox();
const node = new LmChatInferenceSh();
const MODELS = 'GET /models/openai/models';

async function search(filter?: string): Promise<INodeListSearchResult> {
	const credentials = credentialsOf(sandbox());
	const context = loadOptionsContext({ node, parameters: {}, credentials });
	return await node.methods.listSearch.searchModels.call(context, filter);
}

describe('the picker of models', () => {
	it('lists what speaks the contract, with what it can do', async () => {
		expect(await search()).toEqual({
			results: [
				{
					name: 'anthropic/claude-sonnet-5',
					value: 'anthropic/claude-sonnet-5',
					url: 'https://app.inference.sh/apps/anthropic/claude-sonnet-5',
					description: 'tools, images, files, reasoning · 200,000 tokens of context',
				},
				{
					name: 'openrouter/claude-sonnet-46',
					value: 'openrouter/claude-sonnet-46',
					url: 'https://app.inference.sh/apps/openrouter/claude-sonnet-46',
					description: 'tools, images, files, reasoning · 200,000 tokens of context',
				},
				{
					name: 'sandbox/chat',
					value: 'sandbox/chat',
					url: 'https://app.inference.sh/apps/sandbox/chat',
					description: 'tools, images, files, reasoning · 200,000 tokens of context',
				},
				{
					name: 'sandbox/chat-plain',
					value: 'sandbox/chat-plain',
					url: 'https://app.inference.sh/apps/sandbox/chat-plain',
					description: 'text only · 8,192 tokens of context',
				},
			],
		});
	});

	it('searches them', async () => {
		const refs = async (filter: string) => (await search(filter)).results.map(({ value }) => value);
		expect(await refs(' Claude-S ')).toEqual([
			'anthropic/claude-sonnet-5',
			'openrouter/claude-sonnet-46',
		]);
		expect(await refs('sandbox/')).toEqual(['sandbox/chat', 'sandbox/chat-plain']);
		expect(await refs('no such model')).toEqual([]);
	});

	it('lists the chat apps of the store where there is no such list', async () => {
		sandbox().fault({ on: MODELS, kind: 'status', status: 404, times: 9 });
		expect((await search()).results.map(({ value }) => value)).toEqual([
			'anthropic/claude-sonnet-5',
			'openrouter/claude-sonnet-46',
		]);
	});

	it.each([
		['bare, as a gateway gives it', [{ id: 'a/b' }]],
		['in the service’s envelope', { data: [{ id: 'a/b' }], messages: [] }],
		['with rows that are none', { object: 'list', data: [null, {}, { id: 'a/b' }, { id: 3 }] }],
	])('takes the list %s', async (_how, body) => {
		sandbox().fault({ on: MODELS, kind: 'body', body: JSON.stringify(body) });
		expect((await search()).results).toEqual([
			{ name: 'a/b', value: 'a/b', url: 'https://app.inference.sh/apps/a/b' },
		]);
	});

	it('lists those whose schema cannot be read, too', async () => {
		sandbox().fault({ on: 'GET /apps/:ns/:name', kind: 'status', status: 403, times: 9 });
		const { results } = await search('sandbox/chat-plain');
		expect(results).toMatchObject([{ value: 'sandbox/chat-plain' }]);
		expect(results[0]).not.toHaveProperty('description');
	});

	it('does not wait long for schemas', async () => {
		sandbox().fault({ on: 'GET /apps/:ns/:name', kind: 'hang', when: 'before', times: 9 });
		const { results } = await meanwhile(search(), async () => {
			await until(() => sandbox().count('GET', /^\/apps\//) === 4);
			await clock.runOut(6_000);
		});
		expect(results).toHaveLength(4);
	});

	it('says why nothing can be listed', async () => {
		sandbox().fault({ on: MODELS, kind: 'status', status: 403, times: 9 });
		const error: unknown = await search().catch((reason: unknown) => reason);
		expect(error).toBeInstanceOf(NodeApiError);
		expect((error as NodeApiError).message).toContain('The models cannot be listed');
		expect((error as NodeApiError).description).toContain('You can still enter it by hand');
	});
});
