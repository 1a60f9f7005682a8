/** Answers in the forms that the API leaves open, or that it has had before. */
import type { INodeParameters } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { InferenceSh } from '../../../nodes/InferenceSh/InferenceSh.node.ts';
import { loadOptionsContext } from '../../engine/engine.mts';
import {
	clock,
	credentialsOf,
	jsonOf,
	meanwhile,
	passing,
	useSandbox,
} from '../../engine/support.mts';
import { until } from '../../until.mts';
import { operate } from './support.mts';

const sandbox = useSandbox();

/** What an operation gives if a request is answered so. */
async function answered(
	on: string,
	body: unknown,
	what: string,
	parameters: INodeParameters = {},
	options: INodeParameters = {},
) {
	sandbox().fault({ on, kind: 'body', body: JSON.stringify(body), times: Infinity });
	return await operate(sandbox(), what, { parameters, options });
}

const ROW = { id: 'a', name: 'a', namespace: 'my', status: 'active' };
const LISTS: ReadonlyArray<readonly [form: string, body: unknown]> = [
	['items', { items: [ROW], next_cursor: '', has_next: false }],
	['items in an envelope', { data: { items: [ROW] }, messages: [] }],
	['items in the first envelope', { success: true, status: 200, data: { items: [ROW] } }],
	['an array', [ROW]],
	['an array in an envelope', { data: [ROW], messages: null }],
	['an array beside its cursor', { data: [ROW], next_cursor: null, has_next: false }],
	['an array beside its counts', { success: true, data: [ROW], total_items: 1 }],
	['an array as data twice', { data: { data: [ROW], next_cursor: '' } }],
	['items beside a cursor outside', { data: { items: [ROW] }, next_cursor: '', has_next: false }],
];
const EMPTY: ReadonlyArray<readonly [form: string, body: unknown]> = [
	['null', null],
	['null in an envelope', { data: null, messages: [] }],
	['null as items', { data: { items: null } }],
	['null beside its cursor', { data: null, next_cursor: null }],
];
const LIST_OPERATIONS: ReadonlyArray<
	readonly [on: string, what: string, parameters: INodeParameters]
> = [
	['POST /tasks/list', 'task.getAll', {}],
	['POST /files/list', 'file.getAll', {}],
	['POST /agents/list', 'agent.getAll', {}],
	['GET /chats/:id/messages', 'chat.getMessages', { chatId: 'c' }],
	['GET /sessions', 'session.getAll', {}],
	['GET /entitlements/usage', 'account.getLimits', {}],
	['POST /search', 'knowledge.search', { query: 'x' }],
];

describe.each(LIST_OPERATIONS)('%s', (on, what, parameters) => {
	it.each(LISTS)('is read as %s', async (_form, body) => {
		expect(jsonOf(await answered(on, body, what, parameters))).toHaveLength(1);
	});

	it.each(EMPTY)('is empty as %s', async (_form, body) => {
		const run = await answered(on, body, what, parameters);
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)).toEqual([]);
	});

	it('is no list as anything else', async () => {
		const run = await answered(on, { data: { status: 'ok' } }, what, parameters);
		expect(run.error?.message).toContain('a form that inference.sh does not use');
	});
});

describe('A picker', () => {
	it.each(LISTS)('has what comes as %s', async (_form, body) => {
		sandbox().fault({ on: 'POST /flows/list', kind: 'body', body: JSON.stringify(body) });
		const node = new InferenceSh();
		const credentials = credentialsOf(sandbox());
		const context = loadOptionsContext({ node, parameters: {}, credentials });
		const { results } = await node.methods.listSearch.searchFlows.call(context);
		expect(results.map(({ value }) => value)).toEqual(['my/a']);
	});
});

describe('A list that does not say whether it goes on', () => {
	it('ends with a page that has nothing', async () => {
		const pages = [[ROW], [{ ...ROW, id: 'b' }], []];
		for (const [at, items] of pages.entries()) {
			const body = JSON.stringify({ items, next_cursor: `page-${at + 1}` });
			sandbox().fault({ on: 'POST /tasks/list', kind: 'body', body });
		}
		const run = await operate(sandbox(), 'task.getAll', { parameters: { returnAll: true } });
		expect(jsonOf(run)).toHaveLength(2);
		expect(sandbox().requests).toHaveLength(3);
		expect(run.hints('Node')).toEqual([]);
	});

	it('may have numbers for cursors', async () => {
		const first = JSON.stringify({ items: [ROW], next_cursor: 100, has_next: true });
		sandbox().fault({ on: 'POST /tasks/list', kind: 'body', body: first });
		await operate(sandbox(), 'task.getAll', { parameters: { returnAll: true } });
		expect(sandbox().requests.at(-1)?.body).toMatchObject({ cursor: '100' });
	});
});

describe('Sessions', () => {
	it('go on unless they say that they are over', async () => {
		const over = { ended_at: '2026-01-01T00:00:00Z' };
		const rows = [
			{ id: 'a', status: 'ACTIVE' },
			{ id: 'b' },
			{ id: 'c', status: 'expired' },
			{ id: 'd', ...over },
			{ id: 'e', status: null },
		];
		const run = await answered('GET /sessions', { data: rows }, 'session.getAll');
		expect(jsonOf(run).map(({ id }) => id)).toEqual(['a', 'b', 'e']);
	});
});

describe('A list that is not filtered as it was asked', () => {
	const OLD = '2020-01-01T00:00:00Z';
	const NEW = '2026-06-01T00:00:00.000001Z';
	const ROWS = [
		{ id: 'a', status: 10, app_id: 'one', flow_id: 'one', created_at: OLD, content_type: 'text/a' },
		{ id: 'b', status: 'FAILED', app_id: 'two', created_at: NEW, content_type: 'Image/png' },
		{ id: 'c', status: 99, app_id: null, created_at: '0001-01-01T00:00:00Z' },
	];

	it.each<[string, string, INodeParameters, readonly string[]]>([
		['task', 'status', { status: ['failed'] }, ['b', 'c']],
		['task', 'creation', { createdAfter: '2025-01-01T00:00:00Z' }, ['b', 'c']],
		['file', 'creation', { createdBefore: '2025-01-01T00:00:00Z' }, ['a', 'c']],
		['file', 'type', { contentType: 'image/' }, ['b', 'c']],
		['flowRun', 'status', { status: ['completed'] }, ['a', 'c']],
	])('leaves out each %s that shows another %s', async (resource, _what, filters, ids) => {
		const [one, ...others] =
			resource === 'flowRun' ? [{ ...ROWS[0], status: 3 }, ...ROWS.slice(1)] : ROWS;
		const data = { items: [one, ...others], has_next: false };
		const path = resource === 'flowRun' ? 'flowruns' : `${resource}s`;
		const run = await answered(`POST /${path}/list`, { data }, `${resource}.getAll`, { filters });
		expect(run.error).toBeUndefined();
		expect(jsonOf(run).map(({ id }) => id)).toEqual(ids);
		expect(run.hints('Node').map(({ message }) => message)).toEqual([
			expect.stringContaining('do not fit the filters'),
		]);
	});

	it('is read on until there are as many as were wanted', async () => {
		for (const page of [0, 1, 2]) {
			const items = ROWS.map((row) => ({ ...row, id: `${row.id}${page}` }));
			const body = JSON.stringify({ items, has_next: page < 2, next_cursor: `${page}` });
			sandbox().fault({ on: 'POST /tasks/list', kind: 'body', body });
		}
		const parameters = {
			limit: 2,
			filters: { createdBefore: '2025-01-01T00:00:00Z', status: ['completed'] },
		};
		const run = await operate(sandbox(), 'task.getAll', { parameters });
		expect(jsonOf(run).map(({ id }) => id)).toEqual(['a0', 'c0']);
		const more = await operate(sandbox(), 'task.getAll', { parameters });
		expect(jsonOf(more)).toHaveLength(2);
	});
});

describe('The refusal of a list', () => {
	const refusal = (code: string, detail: string, status = 400) => ({
		...({ on: 'POST /tasks/list', kind: 'status', status, times: Infinity } as const),
		contentType: 'application/problem+json',
		body: JSON.stringify({ type: `https://api.inference.sh/errors/${code}`, status, detail }),
	});
	const filters = { otherFilters: { values: [{ field: 'colour', operator: 'eq', value: 'red' }] } };

	it.each([
		[
			'names its filter',
			{},
			'invalid_filter',
			'unknown: colour',
			400,
			'the filter "Other Filters"',
		],
		['names it as 422', {}, 'invalid_filter', 'unknown: colour', 422, 'the filter "Other Filters"'],
		['speaks of filters', {}, 'invalid_filter', 'no', 400, 'the filter "Other Filters"'],
		['speaks of the order', {}, 'invalid_sort', 'no', 400, 'does not sort this list by created_at'],
		['is about the limit', {}, 'invalid_request', 'limit too high', 400, 'refuses the request'],
	])('%s', async (_what, parameters, code, detail, status, message) => {
		sandbox().fault(refusal(code, detail, status));
		const run = await operate(sandbox(), 'task.getAll', { parameters: { filters, ...parameters } });
		expect(run.error?.message).toContain(message);
		expect(run.error?.message).toContain(detail);
	});

	it('does not blame an order for what is about something else', async () => {
		sandbox().fault(refusal('invalid_request', 'limit too high'));
		const run = await operate(sandbox(), 'task.getAll');
		expect(run.error?.message).toContain('refuses the request');
		expect(run.error?.message).not.toContain('sort');
	});
});

describe('What was not done', () => {
	it.each([
		['false', false],
		['false in an envelope', { data: false, messages: [] }],
		['that nothing was deleted', { data: { deleted: false } }],
	])('is not called done where a deletion is answered with %s', async (_what, body) => {
		const run = await answered('DELETE /files/:id', body, 'file.delete', { file: 'f1' });
		expect(run.error?.message).toContain('has deleted nothing');
		const end = await answered('DELETE /sessions/:id', body, 'session.end', { sessionId: 's1' });
		expect(end.error?.message).toContain('has deleted nothing');
	});

	it('is what is gone already: that is as it should be', async () => {
		const fault = { kind: 'status', status: 410, body: '{"message":"deleted already"}' } as const;
		sandbox().fault({ ...fault, on: 'DELETE /files/:id' });
		const file = await operate(sandbox(), 'file.delete', { parameters: { file: 'f1' } });
		expect(jsonOf(file)).toEqual([{ id: 'f1', deleted: true }]);
		sandbox().fault({ ...fault, on: 'DELETE /sessions/:id' });
		const session = await operate(sandbox(), 'session.end', { parameters: { sessionId: 's1' } });
		expect(jsonOf(session)).toEqual([{ id: 's1', ended: true }]);
	});

	it.each([
		['task.cancel', 'tasks', { taskId: 'x' }],
		['flowRun.cancel', 'flowruns', { flowRunId: 'x' }],
	])('is not called cancelled by %s', async (what, path, parameters) => {
		const running = { data: { id: 'x', status: path === 'tasks' ? 7 : 2 } };
		sandbox().fault({
			...({ on: `GET /${path}/*`, kind: 'body', times: Infinity } as const),
			body: JSON.stringify(running),
		});
		const no = { data: { id: 'x', cancelled: false } };
		const run = await passing(answered(`POST /${path}/x/cancel`, no, what, parameters));
		expect(run.error?.message).toContain('could not be cancelled (the service answers that');
	});

	it.each([
		['task.cancel', 'tasks', { taskId: 'x' }, 'apps:execute'],
		['flowRun.cancel', 'flowruns', { flowRunId: 'x' }, 'flows:execute'],
	])('for want of a scope names it: %s', async (what, path, parameters, scope) => {
		sandbox().fault({
			...({ on: `GET /${path}/*`, kind: 'body', times: Infinity } as const),
			body: JSON.stringify({ data: { id: 'x', status: path === 'tasks' ? 7 : 2 } }),
		});
		sandbox().fault({
			...({ on: `POST /${path}/x/cancel`, kind: 'status', status: 403, times: Infinity } as const),
			body: { type: 'https://api.inference.sh/errors/forbidden', detail: 'no' },
		});
		const run = await passing(operate(sandbox(), what, { parameters }));
		expect(run.error).toMatchObject({ description: expect.stringContaining(scope) as string });
	});

	it('is not known of an upload that was given up', async () => {
		sandbox().fault({ on: 'PUT *', kind: 'hang', when: 'before', times: Infinity });
		const data = Buffer.from('hello').toString('base64');
		const binary = { data: { data, mimeType: 'text/plain', fileName: 'a.txt' } };
		const upload = operate(sandbox(), 'file.upload', {
			parameters: { timeout: 60 },
			items: [{ json: {}, binary }],
		});
		const run = await meanwhile(upload, async () => {
			await until(() => sandbox().requests.some(({ method }) => method === 'PUT'));
			await clock.runOut(60_000);
		});
		expect(run.error?.message).toContain('It is not known whether');
	});
});

describe('Money', () => {
	it('is what is named so, and counts stay counts', async () => {
		const part = { model: 'm', total_cost: '1000000', total_tasks: 5, price: 'on request' };
		const data = { total_cost: 1, per_model: { m: part }, timeseries: [{ at: 'x', cost: null }] };
		const run = await answered('GET /usage/breakdown', { data }, 'account.getSpending');
		const { total_cost: _cost, ...others } = part;
		expect(jsonOf(run)[0]).toMatchObject({
			per_model: [{ key: 'm', ...others, total_cost_usd: 0.01 }],
			timeseries: [{ at: 'x', cost_usd: null }],
		});
	});
});

describe('The nodes of a flow', () => {
	it.each([
		['by their ids', { one: 'failed', two: 'completed' }],
		['in objects', { one: { status: 'Failed' }, two: { status: 'completed' } }],
		[
			'as a list',
			[
				{ node_id: 'one', status: 'failed' },
				{ id: 'two', status: 'completed' },
			],
		],
	])('are told %s', async (_what, nodes) => {
		const data = { id: 'x', status: 4, error: 'boom', node_statuses: nodes };
		const run = await answered('GET /flowruns/:id', { data }, 'flowRun.get', { flowRunId: 'x' });
		const [{ node_statuses: told } = {}] = jsonOf(run);
		expect(Object.keys(told as object)).toEqual(['one', 'two']);
		expect(Object.values(told as object)).toEqual([expect.stringMatching(/failed/i), 'completed']);
	});
});

describe('A file', () => {
	it.each([{}, { uri: null }, { uri: '/somewhere' }])('without an address: %j', async (facts) => {
		const data = { id: 'f1', ...facts };
		const run = await answered('GET /files/:id', { data }, 'file.download', { file: 'f1' });
		expect(run.error?.message).toBe('The service gives no address for file f1');
	});
});
