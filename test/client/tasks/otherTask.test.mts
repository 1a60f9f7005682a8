/** An answer about another task than was asked for. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ProtocolError, SubmissionUnknownError } from '../../../nodes/client/errors.ts';
import type { RunSettings } from '../../../nodes/client/settings.ts';
import { startFileHost, type FileHost } from '../../sandbox/index.mts';
import { makeClient, passing, rejection, runOne } from '../support.mts';

let host: FileHost;
beforeEach(async () => {
	host = await startFileHost();
});
afterEach(async () => await host.close());

const serve = (path: string, answer: () => object) =>
	host.serve(path, (_request, response) =>
		response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer())),
	);

async function run(settings: Partial<RunSettings> = {}) {
	const client = makeClient({ url: host.url, apiKey: 'inf_sandbox_key' }, { settings });
	return await passing(runOne(client, { app: 'sandbox/echo', input: {} }));
}

it('is not taken for the answer', async () => {
	const answers = ['task2', 'task1'];
	serve('/apps/run', () => ({ id: 'task1', status: 'running' }));
	serve('/tasks/task1/status', () => ({ id: 'task1', status: 'completed' }));
	serve('/tasks/task1', () => {
		const id = answers.shift() ?? 'task1';
		return { id, status: 'completed', output: `of ${id}` };
	});
	const { task } = await run({ follow: 'poll' });
	expect(task).toMatchObject({ id: 'task1', output: 'of task1' });
});

it('is not taken for its status', async () => {
	let read = 0;
	serve('/apps/run', () => ({ id: 'task1', status: 'running' }));
	serve('/tasks/task1/status', () => ({ id: 'task2', status: 'completed' }));
	serve('/tasks/task1', () => {
		read += 1;
		return read < 10
			? { id: 'task1', status: 'running' }
			: { id: 'task1', status: 'completed', output: 'its own' };
	});
	const { task } = await run({ follow: 'poll' });
	expect(task).toMatchObject({ id: 'task1', output: 'its own' });
});

it.each([2, 'task2'])('is not taken from its stream: %j', async (id) => {
	serve('/apps/run', () => ({ id: 'task1', status: 'running' }));
	host.serve('/tasks/task1/stream', (_request, response) => {
		response.writeHead(200, { 'content-type': 'application/x-ndjson' });
		response.end(`${JSON.stringify({ id, status: 'completed', output: 'of another' })}\n`);
	});
	serve('/tasks/task1', () => ({ id: 'task1', status: 'completed', output: 'its own' }));
	expect((await run()).task.output).toBe('its own');
});

it.each(['..', 'a/b', 'task1/cancel', '%2e'])(
	'that leads elsewhere does not pass for one that was not started: %s',
	async (id) => {
		serve('/apps/run', () => ({ id, status: 'running' }));
		const error = await rejection(run());
		expect([ProtocolError, SubmissionUnknownError].some((one) => error instanceof one)).toBe(true);
		expect(error).toMatchObject({ mayHaveBeenAccepted: true });
		expect(String(error)).not.toContain('There is nothing with');
		expect(host.requests.some(({ path }) => path.endsWith('/cancel'))).toBe(false);
	},
);
