/** What somebody who tries the demo finds in the lists of the editor, and what answers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SHOWCASE } from '../e2e/demo/showcase.mts';
import { agentMessage } from '../nodes/AgentMessage/support.mts';
import { jsonOf, runApp } from '../engine/support.mts';
import { startSandbox, type Sandbox } from './index.mts';

let sandbox: Sandbox;
beforeAll(async () => {
	sandbox = await startSandbox(SHOWCASE);
});
afterAll(async () => await sandbox.close());

async function listed(url: string): Promise<string[]> {
	const answer = await fetch(sandbox.url + url, {
		method: 'POST',
		headers: { authorization: `Bearer ${sandbox.apiKey}`, 'content-type': 'application/json' },
		body: JSON.stringify({ limit: 100 }),
	});
	const { data } = (await answer.json()) as { data: { items: Array<Record<string, string>> } };
	return data.items.map(({ namespace, name }) => `${namespace}/${name}`);
}

describe('the demo', () => {
	it('lists apps of the store and agents of a team, and nothing that tests use', async () => {
		expect(await listed('/apps/list')).toEqual([]);
		const store = await listed('/store/apps/list');
		expect(store).toContain('anthropic/claude-sonnet-5');
		const agents = await listed('/agents/list');
		expect([...agents].sort()).toEqual([
			'my-team/assistant',
			'my-team/painter',
			'my-team/researcher',
			'my-team/support',
		]);
		expect(JSON.stringify([store, agents])).not.toContain('sandbox');
	});

	it('answers in plain English', async () => {
		const run = await runApp(sandbox, {
			app: 'anthropic/claude-sonnet-5',
			items: [{ text: 'Hello' }],
		});
		expect(jsonOf(run)[0]?.['text']).toMatch(
			/^You said "Hello"\. This is a made-up answer: [ -~]+$/,
		);
	});

	it('has agents that answer, and runs what tests use by its reference', async () => {
		const said = await agentMessage(sandbox, {
			agent: 'my-team/assistant',
			items: [{ message: 'Hello' }],
		});
		expect(jsonOf(said)[0]).toMatchObject({ text: 'You said "Hello".', status: 'completed' });
		const run = await runApp(sandbox, {
			app: 'sandbox/echo',
			items: [{ n: 1 }],
		});
		expect(run.error).toBeUndefined();
	});
});
