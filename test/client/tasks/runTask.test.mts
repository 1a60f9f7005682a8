import { describe, expect, it } from 'vitest';
import { useSandbox } from '../../useSandbox.mts';
import { makeClient, runOne, TRANSPORTS } from '../support.mts';

const sandbox = useSandbox();

describe.each(TRANSPORTS)('running an app over %s', (_name, makeTransport) => {
	it('returns the output with two requests', async () => {
		const client = makeClient(sandbox(), { transport: makeTransport() });
		const run = await runOne(client, { app: 'sandbox/echo', input: { text: 'hé 🎈', ms: 5 } });
		expect(run.task.output).toEqual({ echo: { text: 'hé 🎈', ms: 5 } });
		expect(run).toMatchObject({ attempts: 1, via: 'stream', adopted: false, fellBack: false });
		expect(sandbox().requests.map((request) => `${request.method} ${request.path}`)).toEqual([
			'POST /apps/run',
			`GET /tasks/${run.task.id}/stream`,
		]);
	});

	it('needs one request if the answer is already terminal', async () => {
		const client = makeClient(sandbox(), { transport: makeTransport() });
		const run = await runOne(client, { app: 'sandbox/instant', input: { text: 'x' } });
		expect(run.via).toBe('submit');
		expect(sandbox().requests).toHaveLength(1);
	});
});
