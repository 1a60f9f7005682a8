import { fastify } from 'fastify';
import type { AddressInfo } from 'node:net';
import * as undici from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Account } from '../../../nodes/client/api/account.ts';
import { Api } from '../../../nodes/client/api/api.ts';
import { monotonicNow } from '../../../nodes/client/util/clock.ts';
import { claims } from '../../../nodes/client/once/claims.ts';
import type { SearchResult } from '../../../nodes/client/once/searchRecent.ts';
import { findTask } from '../../../nodes/client/tasks/findTask.ts';
import type { RunRequest } from '../../../nodes/client/tasks/runRequest.ts';
import type { Task } from '../../../nodes/client/tasks/task.ts';
import { TaskFingerprint } from '../../../nodes/client/tasks/taskFingerprint.ts';
import { DEFAULT_TIMINGS } from '../../../nodes/client/settings.ts';
import { UndiciTransport } from '../../../nodes/client/transport/undiciTransport.ts';
import { until } from '../../until.mts';
import { useSandbox } from '../../useSandbox.mts';
import { ruleTime } from '../../ruleTime.mts';
import { clock, makeClient, rejection, runOne, networkWith } from '../support.mts';

const MINUTE = 60_000;

interface Service {
	readonly url: string;
	readonly apiKey: string;
}

/** The account of a service whose clock is known: something has just been created there. */
let account: Account;

/** Learns what the time is there from something created between two moments. */
function created(stamp: unknown, sentAt: number): void {
	account.serviceClock.createdHere(String(stamp), { sentAt, receivedAt: monotonicNow() });
}

function search(service: Service, request: RunRequest, options: Search, signal: AbortSignal) {
	const credential = { baseUrl: service.url, apiKey: service.apiKey };
	const transport = new UndiciTransport(networkWith(undici));
	const api = new Api(transport, credential, account, clock, DEFAULT_TIMINGS);
	const { since = monotonicNow() - MINUTE } = options;
	const context = { api, account, clock };
	return findTask({ fingerprint: new TaskFingerprint(request), since }, context, signal);
}

interface Search {
	/** By the monotonic clock. */
	readonly since?: number;
}

async function lookUp(
	service: Service,
	request: RunRequest,
	options: Search = {},
): Promise<SearchResult<Task>> {
	return await search(service, request, options, new AbortController().signal);
}

/** Ids are claimed for the whole process, so each test has its own. */
let tests = 0;
const own = (id: string) => (id.length === 1 ? `${id}${tests}` : id);
const found = (id = '') => ({ kind: 'found', value: { id: own(id) } });
const unclear = (id?: string) => ({ kind: 'inconclusive', candidate: id && own(id) });

beforeEach(() => {
	ruleTime(clock);
	tests += 1;
	account = new Account(clock);
});

const ECHO: RunRequest = { app: 'sandbox/echo', input: { text: 'x' } };

describe('looking for a lost submission in the sandbox', () => {
	const sandbox = useSandbox();

	async function submit(app: string, input: unknown, more: object = {}): Promise<string> {
		const sentAt = monotonicNow();
		const response = await fetch(`${sandbox().url}/apps/run`, {
			method: 'POST',
			headers: {
				'content-type': 'application/json',
				authorization: `Bearer ${sandbox().apiKey}`,
			},
			body: JSON.stringify({ app, input, wait: false, ...more }),
		});
		const body = (await response.json()) as { data: { id: string; created_at: string } };
		created(body.data.created_at, sentAt);
		return body.data.id;
	}
	const gets = () => sandbox().count('GET', /^\/tasks\//);
	const pages = () => sandbox().count('POST', '/tasks/list');

	it('finds the task with the same app and input', async () => {
		await submit('sandbox/echo', { text: 'other' });
		const id = await submit('sandbox/echo', { text: 'x' });
		await submit('sandbox/instant', { text: 'x' });
		expect(await lookUp(sandbox(), ECHO)).toMatchObject(found(id));
		expect(gets()).toBe(0);
	});

	it('does not care for the order of keys in the input', async () => {
		const id = await submit('sandbox/echo', { text: 'x', ms: 5 });
		const request = { app: 'sandbox/echo', input: { ms: 5, text: 'x' } };
		expect(await lookUp(sandbox(), request)).toMatchObject(found(id));
	});

	it.each([
		'sandbox/echo',
		'sandbox/echo@latest',
		'app/sandbox/echo',
		'app/sandbox/echo@latest',
		'echo',
	])('finds the task of an app called %s', async (app) => {
		const id = await submit('sandbox/echo', { text: 'x' });
		expect(await lookUp(sandbox(), { ...ECHO, app })).toMatchObject(found(id));
	});

	it.each<[what: string, request: RunRequest]>([
		['of another app', { ...ECHO, app: 'sandbox/instant' }],
		['of an app of the same name elsewhere', { ...ECHO, app: 'other/echo' }],
		['with another input', { ...ECHO, input: { text: 'y' } }],
		['of another function', { ...ECHO, function: 'other' }],
	])('does not match a task %s', async (_what, request) => {
		await submit('sandbox/echo', { text: 'x' });
		expect(await lookUp(sandbox(), request)).toEqual({ kind: 'absent' });
	});

	it('finds the task of a named function', async () => {
		const id = await submit('sandbox/echo', { text: 'x' });
		const request = { ...ECHO, function: 'run' };
		expect(await lookUp(sandbox(), request)).toMatchObject(found(id));
	});

	it('says absent if there are no tasks at all', async () => {
		expect(await lookUp(sandbox(), ECHO)).toEqual({ kind: 'absent' });
		expect(pages()).toBe(1);
	});

	it('leaves a task alone that was there before', async () => {
		await submit('sandbox/echo', { text: 'x' });
		const since = monotonicNow() + MINUTE;
		expect(await lookUp(sandbox(), ECHO, { since })).toEqual({ kind: 'absent' });
	});

	it('does not guess whether a part of an input is all that was sent', async () => {
		const id = await submit('sandbox/echo', { text: 'x', ms: 1 });
		expect(await lookUp(sandbox(), ECHO)).toEqual(unclear(id));
	});

	it('takes every task once, and none that belongs to somebody', async () => {
		const ids = [];
		for (let count = 0; count < 3; count += 1)
			ids.push(await submit('sandbox/echo', { text: 'x' }));
		claims.add(ids[2] ?? '');
		claims.add(ids[1] ?? '');
		expect(await lookUp(sandbox(), ECHO)).toMatchObject(found(ids[0]));
		expect(await lookUp(sandbox(), ECHO)).toEqual({ kind: 'absent' });
	});

	it('takes the oldest of several equal ones: whoever has sent first looks first', async () => {
		const first = await submit('sandbox/echo', { text: 'x' });
		clock.tick();
		await submit('sandbox/echo', { text: 'x' });
		expect(await lookUp(sandbox(), ECHO)).toMatchObject(found(first));
	});

	it('claims only the task that it returns', async () => {
		const other = await submit('sandbox/echo', { text: 'other' });
		const id = await submit('sandbox/echo', { text: 'x' });
		await lookUp(sandbox(), ECHO);
		expect([claims.has(id), claims.has(other)]).toEqual([true, false]);
	});

	it('reads on until it finds the task on a later page', async () => {
		const id = await submit('sandbox/instant', { text: 'x' });
		for (let count = 0; count < 250; count += 1) await submit('sandbox/instant', { text: 'other' });
		const request = { app: 'sandbox/instant', input: { text: 'x' } };
		expect(await lookUp(sandbox(), request)).toMatchObject(found(id));
		expect(pages()).toBe(3);
	});

	it('reads no further than needed', async () => {
		for (let count = 0; count < 150; count += 1) await submit('sandbox/instant', { text: 'old' });
		const since = monotonicNow() + MINUTE;
		expect(await lookUp(sandbox(), ECHO, { since })).toEqual({ kind: 'absent' });
		expect(pages()).toBe(1);
	});

	describe.each([
		['behind', -3_600_000],
		['ahead', 3_600_000],
	])("with the service's clock an hour %s", (_what, clockSkewMs) => {
		it('finds the task', async () => {
			sandbox().configure({ clockSkewMs });
			const since = monotonicNow();
			const id = await submit('sandbox/echo', { text: 'x' });
			expect(await lookUp(sandbox(), ECHO, { since })).toMatchObject(found(id));
		});

		it('does not take an old task for the one', async () => {
			sandbox().configure({ clockSkewMs });
			await submit('sandbox/echo', { text: 'x' });
			const since = monotonicNow() + MINUTE;
			expect(await lookUp(sandbox(), ECHO, { since })).toEqual({ kind: 'absent' });
		});
	});

	it('asks for a task whose app the list does not show', async () => {
		sandbox().configure({ listPreloads: 'none' });
		const id = await submit('sandbox/echo', { text: 'x' });
		expect(await lookUp(sandbox(), { ...ECHO, app: 'other/echo' })).toEqual({ kind: 'absent' });
		expect(await lookUp(sandbox(), ECHO)).toMatchObject(found(id));
	});

	it('does not ask for a task that cannot be the one', async () => {
		sandbox().configure({ listPreloads: 'none' });
		for (let count = 0; count < 5; count += 1) await submit('sandbox/echo', { text: 'other' });
		expect(await lookUp(sandbox(), ECHO)).toEqual({ kind: 'absent' });
		expect(gets()).toBe(0);
	});

	it('fails if the list cannot be read', async () => {
		sandbox().fault({ on: 'POST /tasks/list', kind: 'status', status: 500 });
		expect(await rejection(lookUp(sandbox(), ECHO))).toMatchObject({ code: 'server' });
	});

	it.each([
		'null',
		'{}',
		'{"data":null}',
		'{"data":{"rows":[]}}',
		'{"data":{"results":null}}',
		'{"data":{"items":{}}}',
		'{"data":{"items":"none","has_next":false}}',
		'false',
	])(
		'fails if %s comes instead of a list, which does not say that the task is not there',
		async (body) => {
			sandbox().fault({ on: 'POST /tasks/list', kind: 'body', body });
			expect(await rejection(lookUp(sandbox(), ECHO))).toMatchObject({ code: 'protocol' });
		},
	);

	it('is done after a 503 that only tells when the rate limit is reset', async () => {
		await runOne(makeClient(sandbox()), { app: 'sandbox/instant', input: {} });
		sandbox().fault({
			on: 'POST /apps/run',
			kind: 'statusAfter',
			status: 503,
			headers: { 'x-ratelimit-reset': '1' },
		});
		const run = await runOne(makeClient(sandbox()), ECHO);
		expect(run.adopted).toBe(true);
		expect(sandbox().tasks()).toHaveLength(2);
	});

	it('ends at once when it is stopped', async () => {
		sandbox().fault({ on: 'POST /tasks/list', kind: 'hang', when: 'before' });
		const stop = new AbortController();
		const reason = new Error('stopped');
		const looking = rejection(search(sandbox(), ECHO, {}, stop.signal));
		await until(() => pages() >= 1);
		stop.abort(reason);
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
		created(new Date(Date.now()).toISOString(), monotonicNow());
		close = async () => await server.close();
		const { port } = server.server.address() as AddressInfo;
		return { url: `http://127.0.0.1:${port}`, apiKey: 'inf_local' };
	}

	const row = (id: string, agoMs: number, more: Row = {}): Row => ({
		id: own(id),
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
		expect(await lookUp(service, ECHO)).toMatchObject(found('d'));
	});

	it('finds the task in a list without any order', async () => {
		const pages = [
			page([row('a', old), row('b', 5_000), row('c', old * 2)], 1),
			page([row('d', old), row('e', 1_000, lost), row('f', old)]),
		];
		const service = await serve((index) => pages[index] ?? page([]));
		expect(await lookUp(service, ECHO)).toMatchObject(found('e'));
	});

	it('does not take the end of an oldest-first page of one row for the end of the list', async () => {
		const pages = [page([row('a', old)], 1), page([row('b', 1_000, lost)])];
		const service = await serve((index) => pages[index] ?? page([]));
		expect(await lookUp(service, ECHO)).toMatchObject(found('b'));
	});

	it.each([
		['an empty', []],
		['a null', null],
	])('does not take %s page for the end of the list', async (_what, items) => {
		const pages = [page(items, 1), page([row('a', 1_000, lost)])];
		const service = await serve((index) => pages[index] ?? page([]));
		expect(await lookUp(service, ECHO)).toMatchObject(found('a'));
	});

	it('proves nothing with a list that goes on longer than it may', async () => {
		const service = await serve((index) => page([row(`t${index}`, 1_000)], index + 1));
		expect(await lookUp(service, ECHO)).toEqual(unclear(undefined));
		expect(requests).toHaveLength(10);
	});

	it('proves nothing with a list that says it goes on but not where', async () => {
		const service = await serve(() => ({
			items: [row('a', 1_000)],
			next_cursor: '',
			has_next: true,
		}));
		expect(await lookUp(service, ECHO)).toEqual(unclear(undefined));
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
			value: { id: own('a'), wire: { input: { text: 'x' } } },
		});
	});

	it.each(['input', 'app', 'both'])(
		'asks for the task itself if the list shows null: %s',
		async (field) => {
			const hidden = field === 'both' ? { input: null, app: null } : { [field]: null };
			const service = await serve(
				() =>
					page([row('a', 1_000, { ...lost, ...hidden }), row('b', 2_000, { ...lost, ...hidden })]),
				(id) =>
					row(id, 1_000, id === own('b') ? lost : { ...lost, app: { namespace: 'x', name: 'y' } }),
			);
			expect(await lookUp(service, ECHO)).toMatchObject(found('b'));
		},
	);

	it('does not take a task that does not tell when it was created', async () => {
		const service = await serve(() => page([row('a', 0, { ...lost, created_at: null })]));
		expect(await lookUp(service, ECHO)).toEqual(unclear('a'));
	});

	it.each(['today', undefined])(
		'does not take a task of a service whose clock is not known: date %j',
		async (date) => {
			const service = await serve(() => page([row('a', 1_000, lost)]), undefined, date ?? '');
			account = new Account(clock);
			expect(await lookUp(service, ECHO)).toEqual(unclear('a'));
		},
	);

	it('knows without a clock that nothing like it is in a whole list', async () => {
		const service = await serve(() => page([row('a', 1_000)]), undefined, 'today');
		account = new Account(clock);
		expect(await lookUp(service, ECHO)).toEqual({ kind: 'absent' });
	});

	it('passes over rows that are no tasks', async () => {
		const rows = [null, 'text', { status: 7 }, row('a', 1_000, lost)] as Row[];
		const service = await serve(() => page(rows));
		expect(await lookUp(service, ECHO)).toMatchObject(found('a'));
	});

	it('matches an app that the list shows by its reference', async () => {
		const service = await serve(() => page([row('a', 1_000, { ...lost, app: 'sandbox/echo@v1' })]));
		expect(await lookUp(service, { ...ECHO, app: 'sandbox/other' })).toEqual({ kind: 'absent' });
		expect(await lookUp(service, { ...ECHO, app: 'sandbox/echo@v2' })).toEqual({ kind: 'absent' });
		const pinned = { ...ECHO, app: 'sandbox/echo@v1' };
		expect(await lookUp(service, pinned)).toMatchObject(found('a'));
	});
});
