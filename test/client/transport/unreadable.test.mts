/** Answers in a coding that this host cannot read: what was accepted is paid for, and not lost. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { SubmissionUnknownError, TimeoutError } from '../../../nodes/client/errors.ts';
import { TestClock } from '../../testClock.mts';
import { useSandbox } from '../../useSandbox.mts';
import { makeClient, passing, rejection, runOne, type Overrides } from '../support.mts';

const sandbox = useSandbox();

/** A proxy before the sandbox that compresses some answers as nobody does any more. */
async function compressing(which: (request: IncomingMessage) => boolean): Promise<string> {
	const server = createServer((request, response) => {
		void (async () => {
			const { method = '', url = '', headers } = request;
			const body = method === 'POST' ? { body: await text(request) } : {};
			const { authorization = '', accept = '' } = headers;
			const answer = await fetch(sandbox().url + url, {
				method,
				headers: { authorization, accept, 'content-type': 'application/json' },
				...body,
			});
			const coding = which(request) ? { 'content-encoding': 'compress' } : {};
			const [type = '', date = ''] = ['content-type', 'date'].map(
				(name) => answer.headers.get(name) ?? '',
			);
			response.writeHead(answer.status, { 'content-type': type, date, ...coding });
			response.end(Buffer.from(await answer.arrayBuffer()));
		})();
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	onTestFinished(() => {
		server.closeAllConnections();
		server.close();
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const ECHO = { app: 'sandbox/echo', input: { text: 'hi' } };
const clientOf = (url: string, more: Overrides = {}) =>
	makeClient({ url, apiKey: sandbox().apiKey }, more);
const submitted = () => sandbox().count('POST', '/apps/run');

it('a task is taken over if the answer to its submission cannot be read', async () => {
	const url = await compressing(({ method, url }) => method === 'POST' && url === '/apps/run');
	const { task } = await passing(runOne(clientOf(url), ECHO));
	expect(task).toMatchObject({ id: sandbox().tasks()[0]?.id, status: 'completed' });
	expect(submitted()).toBe(1);
});

it('a task is not started again if no answer can be read', async () => {
	const url = await compressing(() => true);
	const error = await passing(rejection(runOne(clientOf(url), ECHO)));
	expect(error).toBeInstanceOf(SubmissionUnknownError);
	expect(String(error)).toContain('(compress)');
	expect(submitted()).toBe(1);
});

it('a task whose stream cannot be read is polled', async () => {
	const url = await compressing(({ url = '' }) => url.endsWith('/stream'));
	const { task, via } = await passing(runOne(clientOf(url), ECHO));
	expect(task.status).toBe('completed');
	expect(via).toBe('poll');
});

it('a task of which nothing can be read is named, and said to be there', async () => {
	const url = await compressing(({ method }) => method === 'GET');
	const time = new TestClock();
	const client = clientOf(url, { clock: time, settings: { timeoutMs: 30_000 } });
	const error = await passing(rejection(runOne(client, ECHO)), { time });
	expect(error).toBeInstanceOf(TimeoutError);
	expect(String(error)).toContain(sandbox().tasks()[0]?.id);
	expect(submitted()).toBe(1);
});
