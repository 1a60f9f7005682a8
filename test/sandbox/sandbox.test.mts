/** The sandbox itself: what it serves, and that its faults do what they say. */
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { aMoment, until } from '../until.mts';
import { caller, type Json } from './caller.mts';
import { startSandbox, type Sandbox } from './index.mts';

let sandbox: Sandbox;

beforeAll(async () => {
	sandbox = await startSandbox({ heartbeatMs: 20 });
});
afterEach(() => sandbox.reset());
afterAll(() => sandbox.close());

const { call, json, dto } = caller(() => sandbox);

const run = (app: string, input: Json = {}, more: Json = {}): Promise<Response> =>
	call('POST', '/apps/run', { app: `sandbox/${app}`, input, ...more });

async function start(app: string, input: Json = {}, more: Json = {}): Promise<string> {
	return String((await dto(run(app, input, more)))['id']);
}

const NDJSON = { accept: 'application/x-ndjson' };

type Reader = ReadableStreamDefaultReader<Uint8Array>;

const readerOf = (response: Response): Reader => response.body?.getReader() as Reader;

async function read(response: Response, take: (chunk: Uint8Array) => void): Promise<void> {
	const reader = readerOf(response);
	for (let next = await reader.read(); !next.done; next = await reader.read()) take(next.value);
}

/** The raw text of a task's stream, up to its end or a broken connection. */
async function streamed(id: string, headers: Json = NDJSON): Promise<string> {
	const response = await call('GET', `/tasks/${id}/stream`, undefined, headers);
	const decoder = new TextDecoder();
	let text = '';
	try {
		await read(response, (chunk) => (text += decoder.decode(chunk, { stream: true })));
	} catch {
		text += '<broken>';
	}
	return text;
}

function lines(text: string): Json[] {
	return text
		.split('\n')
		.filter((line) => line !== '')
		.map((line) => JSON.parse(line) as Json)
		.filter((line) => line['type'] !== 'heartbeat');
}

const STREAM = 'GET /tasks/:id/stream';

const statusOf = (id: string) => sandbox.tasks().find((task) => task.id === id)?.status;

/** The whole stream of a task that goes on only when the stream is open. */
async function fromItsStart(app: string, input: Json = {}) {
	sandbox.hold();
	const id = await start(app, input);
	const before = sandbox.count('GET', /\/stream$/);
	const stream = streamed(id);
	await until(() => sandbox.count('GET', /\/stream$/) > before);
	sandbox.release();
	const text = await stream;
	return {
		id,
		text,
		get seen() {
			return lines(text);
		},
	};
}

describe('answers', () => {
	it('wraps results in the current envelope, slim after a submission', async () => {
		const body = await json(run('instant', { text: 'a' }));
		expect(Object.keys(body)).toEqual(['data', 'messages']);
		expect(Object.keys(body['data'] as Json)).toEqual([
			'id',
			'short_id',
			'status',
			'status_text',
			'output',
			'created_at',
			'updated_at',
		]);
		expect(body['data']).toMatchObject({ status: 10, status_text: 'completed' });
		expect((body['data'] as Json)['created_at']).toMatch(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z$/);
	});

	it('has an empty status text right after creation', async () => {
		expect(await dto(run('manual'))).toMatchObject({ status: 1, status_text: '', output: null });
	});

	it.each([
		['v1', { success: true, status: 200 }],
		['v2', { status_text: 'completed' }],
	] as const)('speaks %s', async (envelope, shape) => {
		sandbox.configure({ envelope });
		expect(await json(run('instant'))).toMatchObject(shape);
	});

	it('reports legacy errors in v1', async () => {
		sandbox.configure({ envelope: 'v1' });
		expect(await json(call('GET', '/tasks/none'))).toEqual({
			success: false,
			status: 404,
			error: { code: 'not_found', message: 'task not found' },
		});
	});

	it.each([
		['a missing key', { authorization: '' }],
		['a wrong key', { authorization: 'Bearer inf_other' }],
	])('refuses %s', async (_name, headers) => {
		const response = await call('GET', '/scopes', undefined, headers);
		expect(response.status).toBe(401);
		expect(response.headers.get('content-type')).toMatch('application/problem+json');
		expect(await response.json()).toMatchObject({
			type: 'https://api.inference.sh/errors/unauthorized',
			status: 401,
		});
	});

	it.each([
		['secret', 412],
		['paid', 402],
		['forbidden', 403],
		['nothing-like-it', 404],
		['sleep', 422],
		['counter', 400],
	])('refuses to run %s with %i', async (app, status) => {
		const response = await run(app);
		expect(response.status).toBe(status);
		expect(sandbox.tasks()).toHaveLength(0);
	});

	it('finds an app by every spelling of its ref', async () => {
		const { version_id: version } = await dto(call('GET', '/apps/sandbox/multi'));
		for (const app of ['sandbox/multi:upper', `app/sandbox/multi@${String(version)}:upper`]) {
			const body = { app, input: { text: 'a' }, wait: true };
			expect(await dto(call('POST', '/run', body))).toMatchObject({ output: { text: 'A' } });
		}
		const old = await call('POST', '/run', { app: 'sandbox/multi@old', input: {} });
		expect(old.status).toBe(404);
	});

	it('takes JSON without a body and refuses broken JSON', async () => {
		const id = await start('manual');
		const headers = { 'content-type': 'application/json' };
		const cancelled = await call('POST', `/tasks/${id}/cancel`, undefined, headers);
		expect(await cancelled.json()).toEqual({ data: null, messages: [] });
		const broken = await fetch(`${sandbox.url}/apps/run`, {
			method: 'POST',
			headers: { ...headers, authorization: `Bearer ${sandbox.apiKey}` },
			body: '{"app":',
		});
		expect(broken.status).toBe(400);
		expect(await broken.json()).toMatchObject({ status: 400, title: 'Bad Request' });
	});

	it('waits with wait:true, and fails the request with the task', async () => {
		expect(await dto(run('sleep', { ms: 20 }, { wait: true }))).toMatchObject({ status: 10 });
		const failed = await run('fail', { message: 'oh' }, { wait: true });
		expect(failed.status).toBe(422);
		expect(await failed.json()).toMatchObject({ detail: 'oh' });
	});

	it('limits rates and says when to come back', async () => {
		const windowMs = 3_600_000;
		sandbox.configure({ rateLimit: { max: 1, windowMs } });
		expect((await run('instant')).headers.get('x-ratelimit-remaining')).toBe('0');
		const refused = await run('instant');
		expect(refused.status).toBe(429);
		expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_000);
		expect(Number(refused.headers.get('x-ratelimit-reset'))).toBeGreaterThan(Date.now() / 1000);
		sandbox.configure({ rateLimit: { max: 1, windowMs, retryAfter: 'ms' } });
		expect(Number((await run('instant')).headers.get('retry-after-ms'))).toBeGreaterThan(3_000_000);
		sandbox.configure({ rateLimit: { max: 1, windowMs, retryAfter: 'date' } });
		const date = (await run('instant')).headers.get('retry-after') ?? '';
		expect(Date.parse(date)).toBeGreaterThan(Date.now() + 3_000_000);
		expect(sandbox.tasks()).toHaveLength(1);
	});

	it('lives in its own time when told to', async () => {
		sandbox.configure({ clockSkewMs: -3_600_000 });
		const response = await run('instant');
		const { created_at: created } = ((await response.json()) as { data: Json }).data;
		for (const told of [response.headers.get('date'), created]) {
			const minutesAgo = (Date.now() - Date.parse(String(told))) / 60_000;
			expect(minutesAgo).toBeGreaterThan(50);
			expect(minutesAgo).toBeLessThan(70);
		}
	});
});

describe('keys', () => {
	const other = (key: string) => ({ authorization: `Bearer ${key}` });

	it('see the tasks and chats of their own workspace only', async () => {
		const there = sandbox.workspace('inf_sandbox_b');
		const mine = await start('manual');
		const theirs = String(
			(
				await dto(
					call('POST', '/apps/run', { app: 'sandbox/manual', input: {} }, other(there.apiKey)),
				)
			)['id'],
		);
		expect(sandbox.tasks().map(({ id }) => id)).toEqual([mine]);
		expect(there.running().map(({ id }) => id)).toEqual([theirs]);
		expect((await call('GET', `/tasks/${theirs}`)).status).toBe(404);
		expect((await call('GET', `/tasks/${theirs}`, undefined, other(there.apiKey))).status).toBe(
			200,
		);
		sandbox.finishTask(theirs);
		expect(there.running()).toEqual([]);
	});

	it('have limits of their own, and faults if they are meant for them', async () => {
		const key = 'inf_sandbox_b';
		sandbox.workspace(key);
		sandbox.configure({ rateLimit: { max: 1 } });
		expect((await run('echo')).status).toBe(200);
		expect((await run('echo')).status).toBe(429);
		const body = { app: 'sandbox/echo', input: {} };
		sandbox.fault({ on: 'POST /apps/run', kind: 'status', status: 500, key });
		expect((await run('echo')).status).toBe(429);
		expect((await call('POST', '/apps/run', body, other(key))).status).toBe(500);
		expect((await call('POST', '/apps/run', body, other(key))).status).toBe(200);
	});

	it('are unknown until somebody has asked for their workspace, and after a reset', async () => {
		const me = async () => (await call('GET', '/me', undefined, other('inf_sandbox_c'))).status;
		expect(await me()).toBe(401);
		sandbox.workspace('inf_sandbox_c');
		expect(await me()).toBe(200);
		sandbox.reset();
		expect(await me()).toBe(401);
	});
});

describe('scheduler', () => {
	it('queues what is over the limit, and starts it when a place is free', async () => {
		sandbox.configure({ schedulerLimit: 1 });
		const first = await start('manual');
		const second = await start('sleep', { ms: 1 });
		expect(await dto(call('GET', `/tasks/${second}/status`))).toMatchObject({ status: 2 });
		sandbox.finishTask(first);
		await until(() => statusOf(second) === 'completed');
	});

	it('cancels gracefully, at once by force, and never against the app’s will', async () => {
		const [stubborn, forced, stoic, queued] = [
			await start('stubborn'),
			await start('stubborn'),
			await start('cancel-completes'),
			await start('queue'),
		];
		await until(() => sandbox.running().filter(({ status }) => status === 'running').length === 3);
		sandbox.hold();
		await call('POST', `/tasks/${forced}/cancel`, { force: true });
		for (const id of [stubborn, stoic, queued]) await call('POST', `/tasks/${id}/cancel`);
		expect([stubborn, forced, stoic, queued].map(statusOf)).toEqual([
			'cancelling',
			'cancelled',
			'cancelling',
			'cancelled',
		]);
		sandbox.advance(1_000);
		expect([stubborn, stoic].map(statusOf)).toEqual(['cancelled', 'completed']);
	});

	it('deletes tasks', async () => {
		const id = await start('manual');
		expect((await call('DELETE', `/tasks/${id}`)).status).toBe(204);
		expect((await call('GET', `/tasks/${id}`)).status).toBe(404);
	});

	it('keeps a task back until run_at', async () => {
		const aMinute = new Date(Date.now() + 60_000).toISOString();
		sandbox.hold();
		const later = await start('echo', {}, { run_at: aMinute });
		const now = await start('echo');
		await until(() => statusOf(now) === 'completed');
		expect(statusOf(later)).toBe('received');
		sandbox.advance(60_000);
		await until(() => statusOf(later) === 'completed');
	});
});

describe('lists', () => {
	it('filters, sorts and pages tasks', async () => {
		const ids: string[] = [];
		for (const ms of [1, 2, 3]) ids.push(await start('sleep', { ms }));
		await start('manual');
		const { app_id: app } = await dto(call('GET', `/tasks/${ids[0]}`));
		const body = {
			filters: [
				{ field: 'app_id', operator: 'eq', value: app },
				{
					field: 'created_at',
					operator: 'gte',
					value: new Date(Date.now() - 600_000).toISOString(),
				},
			],
			sort: [{ field: 'created_at', dir: 'asc' }],
			limit: 2,
		};
		const page = await dto(call('POST', '/tasks/list', body));
		expect(page).toMatchObject({ total_items: 3, has_next: true, has_previous: false });
		expect(page['items']).toMatchObject([{ id: ids[0] }, { id: ids[1] }]);
		const next = await dto(call('POST', '/tasks/list', { ...body, cursor: page['next_cursor'] }));
		expect(next).toMatchObject({ items: [{ id: ids[2] }], has_next: false, next_cursor: '' });
	});

	it('filters by status name and refuses unknown operators', async () => {
		await start('manual');
		await start('instant');
		const of = (operator: string): Promise<Response> =>
			call('POST', '/tasks/list', { filters: [{ field: 'status', operator, value: 'completed' }] });
		expect(await dto(of('eq'))).toMatchObject({ total_items: 1 });
		expect(await dto(of('neq'))).toMatchObject({ total_items: 1 });
		expect((await of('resembles')).status).toBe(400);
	});

	it('keeps workspace and store apart', async () => {
		const names = async (path: string, term: string): Promise<unknown[]> => {
			const page = await dto(call('POST', path, { search: { term }, limit: 100 }));
			return (page['items'] as Json[]).map(({ name }) => name);
		};
		expect(await names('/apps/list', 'resize')).toEqual([]);
		expect(await names('/store/apps/list', 'resize')).toEqual(['image-resize']);
		expect(await names('/apps/list', '')).toContain('echo');
	});

	it('estimates costs', async () => {
		const { id } = await dto(call('GET', '/apps/bfl/flux-3-video'));
		const body = { input: { prompt: 'x' } };
		expect(await dto(call('POST', `/store/apps/${String(id)}/estimate`, body))).toMatchObject({
			confidence: 'range',
			min: 500_000_000,
		});
	});
});

describe('streams', () => {
	it('are bare lines: a snapshot, then partials with their fields', async () => {
		const { id, seen } = await fromItsStart('sleep', { ms: 20 });
		expect(seen[0]).toMatchObject({ id, input: { ms: 20 } });
		expect(seen[0]).not.toHaveProperty('data');
		expect(seen.at(-1)).toMatchObject({
			data: { id, status: 10, output: { slept: 20 } },
			fields: ['status', 'output', 'updated_at'],
		});
	});

	it('fill partials with zero values when told to', async () => {
		sandbox.configure({ partials: 'zeroed' });
		const { id, seen } = await fromItsStart('sleep', { ms: 1, value: 1 });
		expect(seen.at(-1)).toMatchObject({ data: { id, status: 10, session_id: '', logs: null } });
	});

	it('are SSE unless NDJSON is asked for, whatever the settings insist on', async () => {
		const id = await start('instant');
		const type = async (headers: Json): Promise<string | null> => {
			const response = await call('GET', `/tasks/${id}/stream`, undefined, headers);
			await response.text();
			return response.headers.get('content-type');
		};
		expect(await type({})).toBe('text/event-stream');
		expect(await type(NDJSON)).toBe('application/x-ndjson');
		sandbox.configure({ streamFormat: 'sse' });
		expect(await type(NDJSON)).toBe('text/event-stream');
	});

	it('frame SSE plainly, or with the names of the docs', async () => {
		const id = await start('instant');
		expect(await streamed(id, {})).toMatch(/^data: \{.*\}\n\n$/);
		sandbox.configure({ sseEvents: 'named' });
		expect(await streamed(id, {})).toMatch(
			/^event: update\ndata: \{.*\}\n\nevent: done\ndata: \{\}\n\n$/,
		);
	});

	it('send heartbeats in the form of the format', async () => {
		const id = await start('manual');
		const heard = async (beat: string, headers: Json): Promise<void> => {
			const response = await call('GET', `/tasks/${id}/stream`, undefined, headers);
			const reader = readerOf(response);
			let text = '';
			while (!text.includes(beat)) text += String(Buffer.from((await reader.read()).value ?? []));
			await reader.cancel();
		};
		await heard('{"type":"heartbeat"}\n', NDJSON);
		await heard(': heartbeat\n\n', {});
	});

	it('number deltas', async () => {
		const { seen } = await fromItsStart('llm', { text: 'é', tokens: 4, delayMs: 1 });
		const deltas = seen.filter(({ event }) => event === 'delta').map(({ data }) => data as Json);
		expect(deltas.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
		const text = deltas.map(({ delta }) => (delta as Json)['response']).join('');
		expect(seen.at(-1)).toMatchObject({ data: { output: { response: text } } });
	});

	it('can be missing the output, or the reason', async () => {
		const slim = await fromItsStart('slim', { ms: 1 });
		expect(slim.seen.at(-1)?.['fields']).toEqual(['status', 'updated_at']);
		const { seen: late } = await fromItsStart('late-error', { message: 'oom', ms: 1 });
		expect(late.at(-2)).toMatchObject({ data: { error: 'oom' } });
		expect(late.at(-1)).not.toHaveProperty('data.error');
	});

	it('follow a manual task', async () => {
		const id = await start('manual');
		const text = streamed(id);
		await until(() => sandbox.count('GET', /\/stream$/) >= 1);
		sandbox.pushTask(id, { status: 'uploading', logs: 'a' });
		sandbox.pushTask(id, { logs: 'b', delta: { response: 'x' } });
		sandbox.finishTask(id, { status: 'failed', error: 'enough' });
		const seen = lines(await text);
		expect(seen.at(-4)).toMatchObject({ data: { status: 9, logs: [{ content: 'a' }] } });
		expect(seen.at(-3)).toMatchObject({
			data: { logs: [{ content: 'ab' }] },
			fields: ['logs', 'updated_at'],
		});
		expect(seen.at(-1)).toMatchObject({ data: { status: 11, error: 'enough' } });
	});

	it('have logs by type, or as one text', async () => {
		const id = await start('manual');
		sandbox.pushTask(id, { logs: 'a\n', logType: 3 });
		sandbox.pushTask(id, { logs: 'b\n' });
		sandbox.pushTask(id, { logs: 'c\n', logType: 3 });
		const logs = async () => (await dto(call('GET', `/tasks/${id}/logs`)))['logs'];
		expect(await logs()).toMatchObject([
			{ log_type: 3, content: 'a\nc\n' },
			{ log_type: 1, content: 'b\n' },
		]);
		sandbox.configure({ logsAs: 'text' });
		expect(await logs()).toBe('a\nc\nb\n');
	});

	it('of a writer have its thoughts, its call and the answer so far', async () => {
		const { seen } = await fromItsStart('writer', { text: 'x', words: 2, delayMs: 1 });
		const kinds = seen.flatMap(({ event, data, fields }) =>
			event === 'delta' ? Object.keys((data as Json)['delta'] as Json) : (fields as string[]),
		);
		for (const kind of ['reasoning', 'tool_calls', 'response', 'logs', 'output']) {
			expect(kinds).toContain(kind);
		}
	});

	it.each([403, 404] as const)('of another team are refused with %i', async (status) => {
		const id = sandbox.foreignTask(status);
		for (const path of ['', '/stream', '/status']) {
			expect((await call('GET', `/tasks/${id}${path}`)).status).toBe(status);
		}
	});

	it('serve the submission itself with stream:true', async () => {
		const response = await run('sleep', { ms: 5 }, { stream: true });
		expect(lines(await response.text().then((text) => text.replace(/^data: /gm, '')))).toHaveLength(
			3,
		);
	});
});

describe('stream faults', () => {
	const faulty = async (options: Json): Promise<string> => {
		sandbox.fault({ on: STREAM, kind: 'stream', ...options });
		return (await fromItsStart('sleep', { ms: 30 })).text;
	};

	it('close early', async () => {
		expect(lines(await faulty({ closeAfter: 1 }))).toHaveLength(1);
		expect(await faulty({ closeAfter: 0 })).toBe('');
	});

	it('reset', async () => {
		expect(await faulty({ resetAfter: 1 })).toMatch(/^\{.*\}\n<broken>$/);
	});

	it('stall, without heartbeats', async () => {
		const id = await start('manual');
		sandbox.fault({ on: STREAM, kind: 'stream', stallAfter: 1 });
		const response = await call('GET', `/tasks/${id}/stream`, undefined, NDJSON);
		const reader = readerOf(response);
		await reader.read();
		let more = false;
		void reader.read().then(({ done }) => (more = !done));
		sandbox.finishTask(id);
		await aMoment();
		expect(more).toBe(false);
		await reader.cancel();
	});

	it('insert garbage', async () => {
		const text = await faulty({ garbageAfter: 1 });
		expect(text).toContain('"cut\n\n<html>');
		expect(text).toContain('"slept":30');
	});

	it('write byte by byte without losing any', async () => {
		const id = await start('llm', { text: '👩‍💻', tokens: 2, delayMs: 1 });
		sandbox.fault({ on: STREAM, kind: 'stream', byteByByte: true });
		const response = await call('GET', `/tasks/${id}/stream`, undefined, NDJSON);
		const chunks: Uint8Array[] = [];
		await read(response, (chunk) => void chunks.push(chunk));
		expect(chunks.length).toBeGreaterThan(100);
		expect(lines(Buffer.concat(chunks).toString()).at(-1)).toHaveProperty('data.output.response');
	});

	it('use CRLF, repeat lines, or drop the last newline', async () => {
		expect(await faulty({ crlf: true })).toMatch(/\}\r\n$/);
		const twice = lines(await faulty({ duplicate: true }));
		expect(twice.at(-1)).toEqual(twice.at(-2));
		expect(await faulty({ noFinalNewline: true })).toMatch(/\}$/);
	});

	it('answer in another format than asked', async () => {
		expect(await faulty({ format: 'sse' })).toMatch(/^data: /);
	});

	it('leave out the terminal output or the whole line', async () => {
		expect(lines(await faulty({ omitTerminalOutput: true })).at(-1)).toMatchObject({
			data: { status: 10 },
			fields: ['status', 'updated_at'],
		});
		expect(lines(await faulty({ omitTerminal: true })).at(-1)).not.toHaveProperty('data.output');
	});

	it('withhold a terminal snapshot’s output too', async () => {
		const id = await start('instant');
		sandbox.fault({ on: STREAM, kind: 'stream', omitTerminalOutput: true });
		expect(lines(await streamed(id))[0]).not.toHaveProperty('output');
	});

	it('send nothing but heartbeats', async () => {
		const id = await start('instant');
		sandbox.fault({ on: STREAM, kind: 'stream', onlyHeartbeats: true, heartbeatMs: 5 });
		const response = await call('GET', `/tasks/${id}/stream`, undefined, NDJSON);
		const reader = readerOf(response);
		const { value } = await reader.read();
		expect(new TextDecoder().decode(value)).toBe('{"type":"heartbeat"}\n');
		await reader.cancel();
	});
});

describe('faults', () => {
	const RUN = 'POST /apps/run';

	/** An answer that takes so many ms, no less and no more. */
	async function answeredAfter(ms: number): Promise<Response> {
		sandbox.hold();
		let answered = false;
		const response = run('instant').finally(() => (answered = true));
		await until(() => sandbox.requests.length >= 1);
		sandbox.advance(ms - 1);
		await aMoment();
		expect(answered).toBe(false);
		sandbox.advance(1);
		return await response;
	}

	it('answer instead of the handler, as often as asked and after the ones let through', async () => {
		sandbox.fault({ on: RUN, kind: 'status', status: 503, body: 'busy', times: 2, skip: 1 });
		const statuses: number[] = [];
		for (let n = 0; n < 4; n++) statuses.push((await run('instant')).status);
		expect(statuses).toEqual([200, 503, 503, 200]);
		expect(sandbox.tasks()).toHaveLength(2);
	});

	it('answer wrongly after the effect', async () => {
		sandbox.fault({
			on: RUN,
			kind: 'statusAfter',
			status: 502,
			body: '<html>bad gateway</html>',
			headers: { 'retry-after': '1' },
		});
		const response = await run('instant');
		expect(response.status).toBe(502);
		expect(response.headers.get('content-type')).toMatch('text/html');
		expect(response.headers.get('retry-after')).toBe('1');
		expect(sandbox.tasks()).toHaveLength(1);
	});

	it.each([
		['reset', 'before', 0],
		['reset', 'after', 1],
		['hang', 'before', 0],
		['hang', 'after', 1],
	] as const)('%s %s the effect', async (kind, when, tasks) => {
		sandbox.fault({ on: RUN, kind, when });
		const giveUp = new AbortController();
		const attempt = fetch(`${sandbox.url}/apps/run`, {
			method: 'POST',
			headers: {
				authorization: `Bearer ${sandbox.apiKey}`,
				'content-type': 'application/json',
			},
			body: JSON.stringify({ app: 'sandbox/instant', input: {} }),
			signal: giveUp.signal,
		});
		const failed = expect(attempt).rejects.toThrow(kind === 'hang' ? 'aborted' : 'fetch failed');
		await until(() => sandbox.requests.length >= 1);
		if (kind === 'hang') giveUp.abort();
		await failed;
		expect(sandbox.tasks()).toHaveLength(tasks);
	});

	it('cut the body short', async () => {
		sandbox.fault({ on: RUN, kind: 'truncate', bytes: 10 });
		const response = await run('instant');
		expect(response.status).toBe(200);
		expect(Number(response.headers.get('content-length'))).toBeGreaterThan(10);
		await expect(response.text()).rejects.toThrow();
		expect(sandbox.tasks()).toHaveLength(1);
	});

	it('replace the body, before or after the effect', async () => {
		sandbox.fault({ on: RUN, kind: 'body', body: '<html>' });
		sandbox.fault({ on: RUN, kind: 'body', body: '{"data":', when: 'after' });
		expect(await (await run('instant')).text()).toBe('<html>');
		expect(sandbox.tasks()).toHaveLength(0);
		expect(await (await run('instant')).text()).toBe('{"data":');
		expect(sandbox.tasks()).toHaveLength(1);
	});

	it('delay, on top of another fault', async () => {
		sandbox.fault({ on: RUN, kind: 'delay', ms: 60, when: 'before' });
		sandbox.fault({ on: RUN, kind: 'status', status: 500 });
		expect((await answeredAfter(60)).status).toBe(500);
	});

	it('drip the body', async () => {
		sandbox.fault({ on: 'GET /me', kind: 'dripBody', everyMs: 0 });
		expect(await dto(call('GET', '/me'))).toHaveProperty('user');
	});

	it('add latency everywhere', async () => {
		sandbox.configure({ latencyMs: 40 });
		expect((await answeredAfter(40)).status).toBe(200);
	});

	it('are dropped on demand', async () => {
		sandbox.fault({ on: '*', kind: 'status', status: 500, times: Infinity });
		sandbox.clearFaults();
		expect((await run('instant')).status).toBe(200);
	});
});

describe('files', () => {
	const create = (): Promise<Json> =>
		dto(
			call('POST', '/files', { files: [{ filename: 'a.txt', content_type: 'text/plain' }] }),
		).then((files) => (files as unknown as Json[])[0] as Json);

	it('refuse uploads with the key, without a length or of another type', async () => {
		const { upload_url: url } = await create();
		const put = (
			headers: Record<string, string>,
			body: string | ReadableStream,
		): Promise<Response> => fetch(String(url), { method: 'PUT', headers, body, duplex: 'half' });
		const type = { 'content-type': 'text/plain' };
		const withKey = await put({ ...type, authorization: 'Bearer inf_sandbox' }, 'x');
		expect(withKey.status).toBe(403);
		expect(await withKey.text()).toContain('<Code>AccessDenied</Code>');
		expect((await put(type, new Blob(['x']).stream())).status).toBe(411);
		expect((await put({ 'content-type': 'image/png' }, 'x')).status).toBe(403);
		expect(sandbox.violations()).toHaveLength(3);
	});

	it('refuse downloads with the key', async () => {
		const { output } = await dto(run('image', { prompt: 'x' }, { wait: true }));
		const { image } = output as { image: string };
		expect((await call('GET', image.slice(sandbox.url.length))).status).toBe(400);
		expect(sandbox.violations()).toHaveLength(1);
		const picture = Buffer.from(await (await fetch(image)).arrayBuffer());
		expect(picture.subarray(1, 4).toString()).toBe('PNG');
	});

	it('refuse uploads of another size than announced, and keys in any header or URL', async () => {
		const [file] = (await dto(
			call('POST', '/files', { files: [{ content_type: 'text/plain', size: 3 }] }),
		)) as unknown as Json[];
		const url = String(file?.['upload_url']);
		const put = async (to: string, body: string, headers = {}): Promise<number> =>
			(
				await fetch(to, {
					method: 'PUT',
					headers: { 'content-type': 'text/plain', ...headers },
					body,
				})
			).status;
		expect(await put(url, 'four')).toBe(403);
		expect(await put(url, 'abc', { cookie: 'key=inf_sandbox' })).toBe(403);
		expect(await put(`${url}&token=inf_sandbox`, 'abc')).toBe(403);
		expect(sandbox.violations()).toHaveLength(3);
		expect(sandbox.files()).toEqual([]);
		expect(await put(url, 'abc')).toBe(200);
		expect(sandbox.files()).toMatchObject([
			{ size: 3, sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' },
		]);
	});

	it('break off and fall silent on demand', async () => {
		const { output } = await dto(run('large-file', { bytes: 1_000 }, { wait: true }));
		const { file } = output as { file: string };
		for (const chunked of [false, true]) {
			sandbox.fault({ on: 'GET /app/files/*', kind: 'truncate', bytes: 10, chunked });
			const cut = await fetch(file);
			expect(cut.headers.get('content-length')).toBe(chunked ? null : '1000');
			await expect(cut.arrayBuffer()).rejects.toThrow();
		}
		sandbox.fault({ on: 'GET /app/files/*', kind: 'stall', bytes: 10 });
		const giveUp = new AbortController();
		const silent = await fetch(file, { signal: giveUp.signal });
		const reader = readerOf(silent);
		expect((await reader.read()).value).toHaveLength(10);
		const more = expect(reader.read()).rejects.toThrow(/aborted/);
		await aMoment();
		giveUp.abort();
		await more;
	});

	it('move large files without keeping them in memory', async () => {
		const bytes = Buffer.alloc(6 * 1024 * 1024, 'z');
		const { upload_url: url, uri } = await create();
		await fetch(String(url), {
			method: 'PUT',
			headers: { 'content-type': 'text/plain' },
			body: bytes,
		});
		const back = await (await fetch(String(uri))).arrayBuffer();
		expect(Buffer.from(back).equals(bytes)).toBe(true);
		const { output } = await dto(run('large-file', { bytes: 200_000 }, { wait: true }));
		const large = await fetch((output as { file: string }).file);
		expect((await large.arrayBuffer()).byteLength).toBe(200_000);
	});
});

describe('sessions', () => {
	it('know every way to be unusable', async () => {
		const session = String((await dto(run('counter', {}, { session: 'new' })))['session_id']);
		const code = async (id: string, app = 'counter'): Promise<string | undefined> =>
			String((await json(run(app, {}, { session: id })))['type'])
				.split('/')
				.at(-1);
		expect(await code('sess_none')).toBe('SESSION_NOT_FOUND');
		expect(await code(session, 'echo')).toBe('APP_MISMATCH');
		for (const [state, expected] of [
			['leased', 'WORKER_LEASED'],
			['lost', 'WORKER_LOST'],
			['expired', 'SESSION_EXPIRED'],
			['ended', 'SESSION_ENDED'],
		] as const) {
			sandbox.setSession(session, state);
			expect(await code(session)).toBe(expected);
		}
	});

	it('are null while there are none, as Go writes it', async () => {
		expect(await json(call('GET', '/sessions'))).toEqual({ data: null, messages: [] });
	});
});

describe('webhooks', () => {
	let receiver: Server;
	let received: Json[] = [];
	let failures = 0;

	beforeAll(async () => {
		receiver = createServer((request, response) => {
			let body = '';
			request.on('data', (chunk) => (body += String(chunk)));
			request.on('end', () => {
				response.statusCode = failures-- > 0 ? 500 : 200;
				if (response.statusCode === 200) received.push(JSON.parse(body) as Json);
				response.end();
			});
		});
		await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
	});
	afterEach(() => {
		received = [];
		failures = 0;
	});
	afterAll(() => receiver.close());

	const url = (): string => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;

	it('are sent when the task ends, and again when the receiver was down', async () => {
		failures = 1;
		sandbox.configure({ webhookRetriesMs: [10] });
		const id = await start('echo', { text: 'a' }, { webhook: url() });
		await until(() => received.length >= 1);
		expect(received[0]).toMatchObject({
			event: 'task.completed',
			data: { id, status: 10, output: { echo: { text: 'a' } } },
		});
	});

	it('come late, twice or not at all, as asked, and every attempt is noted', async () => {
		sandbox.configure({ webhookDelayMs: 20, webhookCopies: 2 });
		sandbox.hold();
		const twice = await start('instant', {}, { webhook: url() });
		await aMoment();
		expect(received).toEqual([]);
		sandbox.release();
		await until(() => sandbox.webhookDeliveries().length >= 2);
		expect(received).toHaveLength(2);
		sandbox.configure({ webhookDelayMs: 0, webhookCopies: 0 });
		await start('instant', {}, { webhook: url() });
		failures = 1;
		sandbox.configure({ webhookCopies: 1, webhookRetriesMs: [] });
		const lost = await start('instant', {}, { webhook: url() });
		await until(() => sandbox.webhookDeliveries().length >= 3);
		expect(sandbox.webhookDeliveries()).toEqual([
			{ taskId: twice, status: 200 },
			{ taskId: twice, status: 200 },
			{ taskId: lost, status: 500 },
		]);
	});

	it('never leave this machine', async () => {
		await start('instant', {}, { webhook: 'https://example.com/hook' });
		expect(sandbox.violations()).toHaveLength(1);
	});
});

describe('time', () => {
	it('is held: what takes time stays where it is, and what takes none does not', async () => {
		sandbox.hold();
		const slow = await start('sleep', { ms: 1 });
		const quick = await start('echo');
		await until(() => statusOf(quick) === 'completed');
		await aMoment();
		expect(statusOf(slow)).toBe('running');
		sandbox.release();
		await until(() => statusOf(slow) === 'completed');
	});

	it('passes as far as it is told to, and everything happens in its order', async () => {
		sandbox.hold();
		const ids: string[] = [];
		for (const ms of [30, 10, 20]) ids.push(await start('sleep', { ms }));
		await until(() => ids.every((id) => statusOf(id) === 'running'));
		sandbox.advance(20);
		expect(ids.map(statusOf)).toEqual(['running', 'completed', 'completed']);
		sandbox.advance(9);
		expect(statusOf(ids[0] ?? '')).toBe('running');
		sandbox.advance(1);
		expect(statusOf(ids[0] ?? '')).toBe('completed');
	});

	it('passes in steps that follow from each other', async () => {
		sandbox.hold();
		const id = await start('video', { prompt: 'x', steps: 3, stepMs: 10 });
		await until(() => statusOf(id) === 'running');
		sandbox.advance(50);
		expect((await dto(call('GET', `/tasks/${id}`)))['logs']).toMatchObject([
			{ content: 'loading model\nstep 1/3\nstep 2/3\n' },
		]);
	});

	it('keeps up with somebody who does not wait, unless it is held', async () => {
		const id = await start('sleep', { ms: 3_600_000 });
		await until(() => statusOf(id) === 'running');
		sandbox.hold();
		sandbox.keepUp(3_600_000);
		expect(statusOf(id)).toBe('running');
		sandbox.release();
		sandbox.keepUp(3_600_000);
		expect(statusOf(id)).toBe('completed');
	});

	it('can only be advanced while it is held, and runs again after a reset', async () => {
		expect(() => sandbox.advance(1)).toThrow('unless it is held');
		sandbox.hold();
		sandbox.reset();
		const id = await start('sleep', { ms: 1 });
		await until(() => statusOf(id) === 'completed');
	});
});

describe('the sandbox', () => {
	it('records requests and counts connections', async () => {
		await call('GET', '/me?x=1');
		const [request] = sandbox.requests;
		expect(request).toMatchObject({ method: 'GET', path: '/me', query: 'x=1', body: undefined });
		expect(sandbox.count('GET', '/me')).toBe(1);
		expect(sandbox.count('GET', /^\/m/)).toBe(1);
		expect(sandbox.connections().opened).toBeGreaterThan(0);
		sandbox.configure({ recordBodies: false });
		await run('instant');
		expect(sandbox.requests[1]?.body).toBeUndefined();
	});

	it('closes at once in spite of open streams and hanging requests', async () => {
		const other = await startSandbox();
		other.fault({ on: 'GET /me', kind: 'hang', when: 'before' });
		const { port } = new URL(other.url);
		const socket = connect(Number(port), '127.0.0.1');
		const closed = new Promise((resolve) => socket.on('close', resolve));
		socket.on('error', () => undefined);
		socket.write('GET /me HTTP/1.1\r\nHost: x\r\n\r\n');
		await until(() => other.requests.length >= 1);
		await other.close();
		await closed;
	});
});
