/** An answer about another task than was asked for. */
import { expect, it } from 'vitest';
import { startFileHost } from '../../sandbox/index.mts';
import { makeClient, passing, runOne } from '../support.mts';

it('is not taken for the answer', async () => {
	const host = await startFileHost();
	const serve = (path: string, answer: () => object) =>
		host.serve(path, (_request, response) =>
			response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer())),
		);
	const answers = ['task2', 'task1'];
	serve('/apps/run', () => ({ id: 'task1', status: 'running' }));
	serve('/tasks/task1/status', () => ({ id: 'task1', status: 'completed' }));
	serve('/tasks/task1', () => {
		const id = answers.shift() ?? 'task1';
		return { id, status: 'completed', output: `of ${id}` };
	});
	const client = makeClient(
		{ url: host.url, apiKey: 'inf_sandbox_key' },
		{ settings: { follow: 'poll' } },
	);
	const { task } = await passing(runOne(client, { app: 'sandbox/echo', input: {} }));
	expect(task).toMatchObject({ id: 'task1', output: 'of task1' });
	await host.close();
});
