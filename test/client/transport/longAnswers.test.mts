/** Answers that are longer than anybody reads, of each kind, over every transport. */
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
	ContactLostError,
	PaymentError,
	ProtocolError,
	TaskFailedError,
	ValidationError,
} from '../../../nodes/client/errors.ts';
import { startFileHost, type FileHost } from '../../sandbox/index.mts';
import { aMoment } from '../../until.mts';
import { makeClient, passing, rejection, runOne, TRANSPORTS } from '../support.mts';

const MB = 1024 * 1024;
/** What is read of a refusal, and what may lie in the buffers of sockets by then. */
const MOST_OF_A_REFUSAL = 2 * MB;
const MOST_OF_AN_ANSWER = 90 * MB;

let host: FileHost;
beforeEach(async () => {
	host = await startFileHost();
});
afterEach(async () => await host.close());

/** Goes on as long as anybody listens, and a little after each piece. */
async function pour(response: ServerResponse, piece: Uint8Array, slowly = true): Promise<void> {
	while (!response.destroyed) {
		await new Promise((resolve) => {
			response.once('close', resolve);
			response.write(piece, resolve);
		});
		if (slowly) await aMoment();
	}
}

const text = (length: number) => Buffer.from('a'.repeat(length));
/** Blocks of nothing, each with a flush behind it: five bytes that stand for none. */
const EMPTY_BLOCKS = Buffer.from('000000ffff'.repeat(30_000), 'hex');
const GZIP_HEAD = gzipSync('').subarray(0, 10);
type Headers = Readonly<Record<string, string>>;
const JSON_HEAD = { 'content-type': 'application/json' };

describe.each(TRANSPORTS)('over %s', (name, makeTransport) => {
	const isHelper = !name.startsWith('undici');
	const client = (maxRetries = 0) =>
		makeClient(
			{ url: host.url, apiKey: 'inf_sandbox_key' },
			{ transport: makeTransport(), settings: { maxRetries } },
		);
	const run = async (maxRetries = 0) =>
		await passing(runOne(client(maxRetries), { app: 'sandbox/echo', input: {} }));

	const refusals: ReadonlyArray<readonly [what: string, headers: Headers, first: Buffer]> = [
		['text', {}, text(MB / 8)],
		['JSON', JSON_HEAD, Buffer.concat([Buffer.from('{"detail":"'), text(MB / 8)])],
		['compressed text', { 'content-encoding': 'gzip' }, gzipSync(text(20 * MB))],
		[
			'what is nothing when it is not compressed any more',
			{ 'content-encoding': 'gzip' },
			Buffer.concat([GZIP_HEAD, EMPTY_BLOCKS]),
		],
	];
	// n8n's helper takes the compression off by itself, so that this is silence.
	const told = refusals.filter(([what]) => !(isHelper && what.startsWith('what is nothing')));

	it.each(told)('a refusal without end, of %s, is cut', async (_what, headers, first) => {
		host.serve('/apps/run', (_request, response) => {
			response.writeHead(422, headers);
			response.write(first);
			void pour(response, 'content-encoding' in headers ? EMPTY_BLOCKS : text(MB / 8));
		});
		const error = await rejection(run());
		expect(error).toBeInstanceOf(ValidationError);
		expect(error).toMatchObject({ httpStatus: 422 });
		expect(String(error).length).toBeLessThan(2_000);
		expect(host.bytesSent()).toBeLessThan(MOST_OF_A_REFUSAL);
	});

	it('a refusal is understood if it is long', async () => {
		const body = { error: { code: 'insufficient_balance', meta: { trace: 'a'.repeat(200_000) } } };
		host.serve('/apps/run', (_request, response) =>
			response.writeHead(402, JSON_HEAD).end(JSON.stringify(body)),
		);
		expect(await rejection(run())).toBeInstanceOf(PaymentError);
	});

	it('a stream that is refused without end is cut, and the task followed', async () => {
		host.serve('/apps/run', (_request, response) =>
			response.writeHead(200, JSON_HEAD).end('{"id":"task1","status":"running"}'),
		);
		host.serve('/tasks/task1/stream', (_request, response) => {
			response.writeHead(503);
			void pour(response, text(MB / 8));
		});
		host.serve('/tasks/task1', (_request, response) =>
			response.writeHead(200, JSON_HEAD).end('{"id":"task1","status":"completed","output":1}'),
		);
		expect((await run()).task.output).toBe(1);
		expect(host.bytesSent()).toBeLessThan(MOST_OF_A_REFUSAL);
	});

	it('a success without end is cut, and not asked for again', async () => {
		host.serve('/tasks/task1', (_request, response) => {
			response.writeHead(200, JSON_HEAD);
			void pour(response, text(MB), false);
		});
		const options = { full: false, observer: {}, signal: new AbortController().signal };
		const error = await rejection(passing(client(3).tasks.follow('task1', options)));
		expect(error).toBeInstanceOf(ProtocolError);
		expect(String(error)).toContain('GET /tasks/task1 with more than 64 MB');
		expect(host.requests).toHaveLength(1);
		expect(host.bytesSent()).toBeLessThan(MOST_OF_AN_ANSWER);
	});

	it('a result without end of a task that has ended is asked for once', async () => {
		host.serve('/apps/run', (_request, response) =>
			response.writeHead(200, JSON_HEAD).end('{"id":"task1","status":"completed"}'),
		);
		let asked = 0;
		host.serve('/tasks/task1', (_request, response) => {
			asked += 1;
			response.writeHead(200, JSON_HEAD);
			void pour(response, text(MB), false);
		});
		const error = await rejection(run());
		expect(error).toBeInstanceOf(ContactLostError);
		expect(String(error)).toContain('The result of task task1 could not be read');
		expect(asked).toBe(1);
	});

	it('an event of a stream without end is left, and the task followed', async () => {
		host.serve('/apps/run', (_request, response) =>
			response.writeHead(200, JSON_HEAD).end('{"id":"task1","status":"running"}'),
		);
		host.serve('/tasks/task1/stream', (_request, response) => {
			response.writeHead(200, { 'content-type': 'text/event-stream' });
			void pour(
				response,
				Buffer.concat([Buffer.from('data: '), text(MB), Buffer.from('\n')]),
				false,
			);
		});
		host.serve('/tasks/task1', (_request, response) =>
			response.writeHead(200, JSON_HEAD).end('{"id":"task1","status":"completed","output":1}'),
		);
		expect((await run()).task.output).toBe(1);
		expect(host.bytesSent()).toBeLessThan(MOST_OF_AN_ANSWER);
	});

	it('a large result is none of all that', async () => {
		const output = 'a'.repeat(40 * MB);
		host.serve('/apps/run', (_request, response) =>
			response
				.writeHead(200, JSON_HEAD)
				.end(JSON.stringify({ id: 'task1', status: 'completed', output })),
		);
		expect((await run()).task.output).toHaveLength(output.length);
	});

	it('a reason of 5 MB becomes a message that can be read, without the key', async () => {
		const key = 'inf_sandbox_key';
		const error = `Traceback:${` ${key}`.repeat(300_000)} OutOfMemory`;
		host.serve('/apps/run', (_request, response) =>
			response
				.writeHead(200, JSON_HEAD)
				.end(JSON.stringify({ id: 'task1', status: 'failed', error })),
		);
		const failure = await rejection(run());
		expect(failure).toBeInstanceOf(TaskFailedError);
		const said = String(failure);
		expect(said).toContain('Traceback');
		expect(said).toContain('OutOfMemory');
		expect(said).not.toContain(key.slice(0, 8));
		expect(said.length).toBeLessThan(5_000);
	});
});
