import { fastify } from 'fastify';
import type { AddressInfo } from 'node:net';
import * as undici from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Account } from '../../../nodes/client/api/account.ts';
import { Api } from '../../../nodes/client/api/api.ts';
import { systemClock } from '../../../nodes/client/util/clock.ts';
import { lookUpSubmission } from '../../../nodes/client/tasks/findTask.ts';
import type { SearchResult } from '../../../nodes/client/once/searchRecent.ts';
import type { RunRequest } from '../../../nodes/client/tasks/runRequest.ts';
import type { Task } from '../../../nodes/client/tasks/task.ts';
import { DEFAULT_TIMINGS } from '../../../nodes/client/settings.ts';
import { UndiciTransport } from '../../../nodes/client/transport/undiciTransport.ts';
import { startSandbox, type Sandbox } from '../../sandbox/index.mts';
import { makeClient, rejection, runOne } from '../support.mts';

const MINUTE = 60_000;

interface Service {
	readonly url: string;
	readonly apiKey: string;
}

function apiOf(service: Service): Api {
	const credential = { baseUrl: service.url, apiKey: service.apiKey };
	const transport = new UndiciTransport(undici);
	return new Api(transport, credential, new Account(systemClock), systemClock, DEFAULT_TIMINGS);
}

interface Search {
	readonly since?: number;
	readonly claim?: (taskId: string) => boolean;
}

async function lookUp(
	service: Service,
	request: RunRequest,
	search: Search = {},
): Promise<SearchResult<Task>> {
	const { since = Date.now() - MINUTE, claim = () => true } = search;
	const { signal } = new AbortController();
	return await lookUpSubmission(apiOf(service), { request, since }, claim, signal);
}

const ECHO: RunRequest = { app: 'sandbox/echo', input: { text: 'x' } };

describe('looking for a lost submission in the sandbox', () => {
	let sandbox: Sandbox;
	beforeAll(async () => {
		sandbox = await startSandbox();
	});
	afterAll(async () => {
		await sandbox.close();
	});
	beforeEach(() => sandbox.reset());

	async function submit(app: string, input: unknown, more: object = {}): Promise<string> {
		const response = await fetch(`${sandbox.url}/apps/run`, {
			method: 'POST',
			headers: {
				'content-type': 'application/json',
				authorization: `Bearer ${sandbox.apiKey}`,
			},
			body: JSON.stringify({ app, input, wait: false, ...more }),
		});
		const body = (await response.json()) as { data: { id: string } };
		return body.data.id;
	}
	const gets = () => sandbox.count('GET', /^\/tasks\//);
	const pages = () => sandbox.count('POST', '/tasks/list');

	it('finds the task with the same app and input', async () => {
		await submit('sandbox/echo', { text: 'other' });
		const id = await submit('sandbox/echo', { text: 'x' });
		await submit('sandbox/instant', { text: 'x' });
		expect(await lookUp(sandbox, ECHO)).toMatchObject({ kind: 'found', value: { id } });
		expect(gets()).toBe(0);
	});

	it('does not care for the order of keys in the input', async () => {
		const id = await submit('sandbox/echo', { text: 'x', ms: 5 });
		const request = { app: 'sandbox/echo', input: { ms: 5, text: 'x' } };
		expect(await lookUp(sandbox, request)).toMatchObject({ kind: 'found', value: { id } });
	});

	it.each([
		'sandbox/echo',
		'sandbox/echo@latest',
		'app/sandbox/echo',
		'app/sandbox/echo@latest',
		'echo',
	])('finds the task of an app called %s', async (app) => {
		const id = await submit('sandbox/echo', { text: 'x' });
		expect(await lookUp(sandbox, { ...ECHO, app })).toMatchObject({ kind: 'found', value: { id } });
	});

	it.each<[what: string, request: RunRequest]>([
		['of another app', { ...ECHO, app: 'sandbox/instant' }],
		['of an app of the same name elsewhere', { ...ECHO, app: 'other/echo' }],
		['with another input', { ...ECHO, input: { text: 'y' } }],
		['with a part of the input', { ...ECHO, input: {} }],
		['of another function', { ...ECHO, function: 'other' }],
	])('does not match a task %s', async (_what, request) => {
		await submit('sandbox/echo', { text: 'x' });
		expect(await lookUp(sandbox, request)).toEqual({ kind: 'absent' });
	});

	it('finds the task of a named function', async () => {
		const id = await submit('sandbox/echo', { text: 'x' });
		const request = { ...ECHO, function: 'run' };
		expect(await lookUp(sandbox, request)).toMatchObject({ kind: 'found', value: { id } });
	});

	it('says absent if there are no tasks at all', async () => {
		expect(await lookUp(sandbox, ECHO)).toEqual({ kind: 'absent' });
		expect(pages()).toBe(1);
	});

	it('leaves a task alone that was there before', async () => {
		await submit('sandbox/echo', { text: 'x' });
		const since = Date.now() + MINUTE;
		expect(await lookUp(sandbox, ECHO, { since })).toEqual({ kind: 'absent' });
	});

	it('passes over tasks that belong to somebody', async () => {
		const ids = [];
		for (let count = 0; count < 3; count += 1)
			ids.push(await submit('sandbox/echo', { text: 'x' }));
		const taken = new Set([ids[1], ids[2]]);
		const claim = (id: string) => !taken.has(id);
		expect(await lookUp(sandbox, ECHO, { claim })).toMatchObject({ value: { id: ids[0] } });
		taken.add(ids[0]);
		expect(await lookUp(sandbox, ECHO, { claim })).toEqual({ kind: 'absent' });
	});

	it('claims only the task that it returns', async () => {
		const claimed: string[] = [];
		await submit('sandbox/echo', { text: 'other' });
		const id = await submit('sandbox/echo', { text: 'x' });
		await lookUp(sandbox, ECHO, { claim: (task) => claimed.push(task) > 0 });
		expect(claimed).toEqual([id]);
	});

	it('reads on until it finds the task on a later page', async () => {
		const id = await submit('sandbox/instant', { text: 'x' });
		for (let count = 0; count < 250; count += 1) await submit('sandbox/instant', { text: 'other' });
		const request = { app: 'sandbox/instant', input: { text: 'x' } };
		expect(await lookUp(sandbox, request)).toMatchObject({ kind: 'found', value: { id } });
		expect(pages()).toBe(3);
	});

	it('reads no further than needed', async () => {
		for (let count = 0; count < 150; count += 1) await submit('sandbox/instant', { text: 'old' });
		const since = Date.now() + MINUTE;
		expect(await lookUp(sandbox, ECHO, { since })).toEqual({ kind: 'absent' });
		expect(pages()).toBe(1);
	});

	describe.each([
		['behind', -3_600_000],
		['ahead', 3_600_000],
	])("with the service's clock an hour %s", (_what, clockSkewMs) => {
		it('finds the task', async () => {
			sandbox.configure({ clockSkewMs });
			const since = Date.now();
			const id = await submit('sandbox/echo', { text: 'x' });
			expect(await lookUp(sandbox, ECHO, { since })).toMatchObject({ value: { id } });
		});

		it('does not take an old task for the one', async () => {
			sandbox.configure({ clockSkewMs });
			await submit('sandbox/echo', { text: 'x' });
			const since = Date.now() + MINUTE;
			expect(await lookUp(sandbox, ECHO, { since })).toEqual({ kind: 'absent' });
		});
	});

	it('asks for a task whose app the list does not show', async () => {
		sandbox.configure({ listPreloads: 'none' });
		const id = await submit('sandbox/echo', { text: 'x' });
		expect(await lookUp(sandbox, ECHO)).toMatchObject({ kind: 'found', value: { id } });
		expect(await lookUp(sandbox, { ...ECHO, app: 'other/echo' })).toEqual({ kind: 'absent' });
	});

	it('does not ask for a task that cannot be the one', async () => {
		sandbox.configure({ listPreloads: 'none' });
		for (let count = 0; count < 5; count += 1) await submit('sandbox/echo', { text: 'other' });
		expect(await lookUp(sandbox, ECHO)).toEqual({ kind: 'absent' });
		expect(gets()).toBe(0);
	});

	it('fails if the list cannot be read', async () => {
		sandbox.fault({ on: 'POST /tasks/list', kind: 'status', status: 500 });
		expect(await rejection(lookUp(sandbox, ECHO))).toMatchObject({ code: 'server' });
		sandbox.fault({ on: 'POST /tasks/list', kind: 'body', body: '{"data":{"rows":[]}}' });
		expect(await rejection(lookUp(sandbox, ECHO))).toMatchObject({ code: 'protocol' });
	});

	it('is done after a 503 that only tells when the rate limit is reset', async () => {
		sandbox.fault({
			on: 'POST /apps/run',
			kind: 'statusAfter',
			status: 503,
			headers: { 'x-ratelimit-reset': '1' },
		});
		const run = await runOne(makeClient(sandbox), ECHO);
		expect(run.adopted).toBe(true);
		expect(sandbox.tasks()).toHaveLength(1);
	});

	it('ends at once when it is stopped', async () => {
		sandbox.fault({ on: 'POST /tasks/list', kind: 'hang', when: 'before' });
		const stop = new AbortController();
		const reason = new Error('stopped');
		const lost = { request: ECHO, since: Date.now() };
		const looking = rejection(lookUpSubmission(apiOf(sandbox), lost, () => true, stop.signal));
		setTimeout(() => stop.abort(reason), 20);
		expect(await looking).toBe(reason);
	});
});

describe('looking for a lost submission in a list that is not as expected', () => {
	type Row = Readonly<Record<string, unknown>>;
	type Page = Readonly<Record<string, unknown>>;
	let close: (() => Promise<void>) | undefined;
	let requests: Row[];
	afterEach(async () => {
		await close?.();
		close = undefined;
	});

	/** A service whose task list answers with these pages, one cursor each. */
	async function serve(
		page: (index: number) => Page,
		task: (id: string) => Row = () => ({}),
		date?: string,
	): Promise<Service> {
		requests = [];
		const server = fastify({ logger: false });
		server.post('/tasks/list', async (request, reply) => {
			const body = request.body as Row;
			requests.push(body);
			if (date !== undefined) void reply.header('date', date);
			return { data: page(Number(body['cursor'] ?? 0)), messages: [] };
		});
		server.get('/tasks/:id', async (request) => ({
			data: task((request.params as { id: string }).id),
		}));
		await server.listen({ host: '127.0.0.1', port: 0 });
		close = async () => await server.close();
		const { port } = server.server.address() as AddressInfo;
		return { url: `http://127.0.0.1:${port}`, apiKey: 'inf_local' };
	}

	const row = (id: string, agoMs: number, more: Row = {}): Row => ({
		id,
		status: 7,
		app: { namespace: 'sandbox', name: 'echo' },
		function: 'run',
		input: { text: 'other' },
		created_at: new Date(Date.now() - agoMs).toISOString(),
		...more,
	});
	const lost = { input: { text: 'x' } };
	const old = 60 * MINUTE;
	const page = (items: readonly Row[] | null, next?: number): Page => ({
		items,
		next_cursor: next === undefined ? '' : String(next),
		has_next: next !== undefined,
	});

	it('asks for the newest tasks first, a hundred at a time', async () => {
		const service = await serve(() => page([]));
		await lookUp(service, ECHO);
		expect(requests).toEqual([{ limit: 100, sort: [{ field: 'created_at', dir: 'desc' }] }]);
	});

	it('finds the task on the last page of a list that is oldest first', async () => {
		const pages = [
			page([row('a', old + 2), row('b', old + 1)], 1),
			page([row('c', old), row('d', 1_000, lost)]),
		];
		const service = await serve((index) => pages[index] ?? page([]));
		expect(await lookUp(service, ECHO)).toMatchObject({ kind: 'found', value: { id: 'd' } });
	});

	it('finds the task in a list without any order', async () => {
		const pages = [
			page([row('a', old), row('b', 5_000), row('c', old * 2)], 1),
			page([row('d', old), row('e', 1_000, lost), row('f', old)]),
		];
		const service = await serve((index) => pages[index] ?? page([]));
		expect(await lookUp(service, ECHO)).toMatchObject({ kind: 'found', value: { id: 'e' } });
	});

	it('does not take the end of an oldest-first page of one row for the end of the list', async () => {
		const pages = [page([row('a', old)], 1), page([row('b', 1_000, lost)])];
		const service = await serve((index) => pages[index] ?? page([]));
		expect(await lookUp(service, ECHO)).toMatchObject({ kind: 'found', value: { id: 'b' } });
	});

	it.each([
		['an empty', []],
		['a null', null],
	])('does not take %s page for the end of the list', async (_what, items) => {
		const pages = [page(items, 1), page([row('a', 1_000, lost)])];
		const service = await serve((index) => pages[index] ?? page([]));
		expect(await lookUp(service, ECHO)).toMatchObject({ kind: 'found', value: { id: 'a' } });
	});

	it('proves nothing with a list that goes on longer than it may', async () => {
		const service = await serve((index) => page([row(`t${index}`, 1_000)], index + 1));
		expect(await lookUp(service, ECHO)).toEqual({ kind: 'inconclusive' });
		expect(requests).toHaveLength(10);
	});

	it('proves nothing with a list that says it goes on but not where', async () => {
		const service = await serve(() => ({
			items: [row('a', 1_000)],
			next_cursor: '',
			has_next: true,
		}));
		expect(await lookUp(service, ECHO)).toEqual({ kind: 'inconclusive' });
	});

	it.each([
		['no word about a next page', { items: [] }],
		['a null cursor', { items: [], next_cursor: null, has_next: false }],
		['a cursor that leads nowhere', { items: [], next_cursor: '1', has_next: false }],
	])('ends with %s', async (_what, last) => {
		const service = await serve(() => last);
		expect(await lookUp(service, ECHO)).toEqual({ kind: 'absent' });
		expect(requests).toHaveLength(1);
	});

	it('asks for the task itself if the list does not show its input', async () => {
		const { input: _input, ...bare } = row('a', 1_000);
		const service = await serve(
			() => page([bare]),
			(id) => row(id, 1_000, lost),
		);
		expect(await lookUp(service, ECHO)).toMatchObject({
			kind: 'found',
			value: { id: 'a', wire: { input: { text: 'x' } } },
		});
	});

	it.each(['input', 'app', 'both'])(
		'asks for the task itself if the list shows null: %s',
		async (field) => {
			const hidden = field === 'both' ? { input: null, app: null } : { [field]: null };
			const service = await serve(
				() =>
					page([row('a', 1_000, { ...lost, ...hidden }), row('b', 2_000, { ...lost, ...hidden })]),
				(id) => row(id, 1_000, id === 'b' ? lost : { ...lost, app: { namespace: 'x', name: 'y' } }),
			);
			expect(await lookUp(service, ECHO)).toMatchObject({ kind: 'found', value: { id: 'b' } });
		},
	);

	it('takes a task without a time for a possible one', async () => {
		const service = await serve(() => page([row('a', 0, { ...lost, created_at: null })]));
		expect(await lookUp(service, ECHO)).toMatchObject({ kind: 'found', value: { id: 'a' } });
	});

	it('passes over rows that are no tasks', async () => {
		const rows = [null, 'text', { status: 7 }, row('a', 1_000, lost)] as Row[];
		const service = await serve(() => page(rows));
		expect(await lookUp(service, ECHO)).toMatchObject({ kind: 'found', value: { id: 'a' } });
	});

	it('goes by our clock if the service sends no date that can be read', async () => {
		const service = await serve(() => page([row('a', 1_000, lost)]), undefined, 'today');
		const since = Date.now() - MINUTE;
		expect(await lookUp(service, ECHO, { since })).toMatchObject({ value: { id: 'a' } });
	});

	it('matches an app that the list shows by its reference', async () => {
		const service = await serve(() => page([row('a', 1_000, { ...lost, app: 'sandbox/echo@v1' })]));
		expect(await lookUp(service, ECHO)).toMatchObject({ kind: 'found', value: { id: 'a' } });
		expect(await lookUp(service, { ...ECHO, app: 'sandbox/other' })).toEqual({ kind: 'absent' });
	});
});
