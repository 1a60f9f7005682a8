import { NodeApiError, type INodeListSearchResult } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { AgentMessage } from '../../../nodes/AgentMessage/AgentMessage.node.ts';
import { loadOptionsContext } from '../../engine/engine.mts';
import { credentialsOf, useSandbox } from '../../engine/support.mts';

const sandbox = useSandbox();
const node = new AgentMessage();

async function search(filter?: string, token?: string): Promise<INodeListSearchResult> {
	const credentials = credentialsOf(sandbox());
	const context = loadOptionsContext({ node, parameters: {}, credentials });
	return await node.methods.listSearch.searchAgents.call(context, filter, token);
}

describe('the agent picker', () => {
	it('lists the agents of the workspace', async () => {
		const { results, paginationToken } = await search();
		expect(results).toContainEqual({
			name: 'Assistant (sandbox/assistant)',
			value: 'sandbox/assistant',
		});
		expect(results.map(({ value }) => value)).toContain('sandbox/support');
		expect(paginationToken).toBeUndefined();
	});

	it('searches them', async () => {
		const { results } = await search('researcher');
		expect(results.map(({ value }) => value)).toEqual(['sandbox/researcher']);
	});

	it('goes on where the page before ended', async () => {
		sandbox().fault({
			on: 'POST /agents/list',
			kind: 'body',
			body: JSON.stringify({ items: [{ name: 'only' }], next_cursor: 'abc', has_next: true }),
		});
		const first = await search();
		expect(first).toMatchObject({ results: [{ value: 'only' }], paginationToken: 'abc' });
		await search(undefined, 'abc').catch(() => {});
		expect(sandbox().requests.at(-1)?.body).toMatchObject({ cursor: 'abc' });
	});

	it('says why it cannot list any', async () => {
		sandbox().fault({ on: 'POST /agents/list', kind: 'status', status: 403, times: 9 });
		const failure: unknown = await search().catch((error: unknown) => error);
		expect(failure).toBeInstanceOf(NodeApiError);
		expect(String(failure)).toContain('The agents cannot be listed');
	});

	it('offers apps as the core of an agent, too', async () => {
		const credentials = credentialsOf(sandbox());
		const context = loadOptionsContext({ node, parameters: {}, credentials });
		const { results } = await node.methods.listSearch.searchApps.call(context, 'echo');
		expect(results.map(({ value }) => value)).toContain('sandbox/echo');
	});
});
