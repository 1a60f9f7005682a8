import type { INodeParameters } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { NODE_NAME } from '../../engine/engine.mts';
import { jsonOf, meanwhile, passing, useSandbox } from '../../engine/support.mts';
import { until } from '../../until.mts';
import { operate, ranTasks } from './support.mts';

const sandbox = useSandbox();

describe('Task: Get', () => {
	it('gives the short form under names that are always there', async () => {
		const [id] = await ranTasks(sandbox(), 1);
		const run = await operate(sandbox(), 'task.get', { parameters: { taskId: id ?? '' } });
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)).toEqual([
			{
				id,
				status: 'completed',
				app: 'sandbox/instant',
				output: { text: 'instant' },
				task_error: null,
				function: 'run',
				session_id: null,
				created_at: expect.any(String) as string,
				updated_at: expect.any(String) as string,
			},
		]);
		expect(run.output(NODE_NAME)[0]?.pairedItem).toEqual({ item: 0 });
	});

	it('gives all that the service knows, with the error out of the way', async () => {
		const [id = ''] = await ranTasks(sandbox(), 1, 'sandbox/manual');
		sandbox().finishTask(id, { status: 'failed', error: 'out of memory' });
		const run = await operate(sandbox(), 'task.get', {
			parameters: { taskId: id, simplify: false },
			retryOnFail: true,
		});
		const [json] = jsonOf(run);
		expect(json).toMatchObject({ id, status: 11, task_error: 'out of memory', input: { n: 0 } });
		expect(json).not.toHaveProperty('error');
	});

	it('costs one item only if a task is not there, is somebody else’s, or can be no id', async () => {
		const [id = ''] = await ranTasks(sandbox(), 1);
		const foreign = sandbox().foreignTask(403);
		const before = sandbox().requests.length;
		const ids = [id, 'nothing', foreign, '..', '', 'a/b'];
		const run = await operate(sandbox(), 'task.get', {
			items: ids.map((taskId) => ({ taskId })),
			parameters: { taskId: '={{ $json.taskId }}' },
			onError: 'continueRegularOutput',
		});
		const [first, ...failed] = jsonOf(run);
		expect(first).toMatchObject({ id });
		expect(failed.map(({ error }) => error)).toEqual([
			expect.stringContaining('It does not exist'),
			expect.stringContaining('belongs to another team'),
			'There is nothing with the ID ".."',
			'Parameter "Task ID" is empty [item 4]',
			'There is nothing with the ID "a/b"',
		]);
		// What can be no id is not asked for.
		expect(sandbox().requests.slice(before)).toHaveLength(3);
	});
});

describe('Task: Get Many', () => {
	const all = { returnAll: true };

	it('gives one item for each task, newest first, up to the limit', async () => {
		const ids = await ranTasks(sandbox(), 5);
		const run = await operate(sandbox(), 'task.getAll', { parameters: { limit: 2 } });
		expect(jsonOf(run).map(({ id }) => id)).toEqual(ids.toReversed().slice(0, 2));
		expect(run.output(NODE_NAME).map(({ pairedItem }) => pairedItem)).toEqual([
			{ item: 0 },
			{ item: 0 },
		]);
		const oldest = await operate(sandbox(), 'task.getAll', {
			parameters: { limit: 1 },
			options: { sort: 'oldest' },
		});
		expect(jsonOf(oldest)[0]?.['id']).toBe(ids[0]);
	});

	it('reads all pages', async () => {
		const ids = await ranTasks(sandbox(), 230);
		const run = await operate(sandbox(), 'task.getAll', { parameters: all });
		expect(jsonOf(run).map(({ id }) => id)).toEqual(ids.toReversed());
		expect(sandbox().count('POST', '/tasks/list')).toBe(3);
	});

	it('filters by status, app and time of creation', async () => {
		const [done] = await ranTasks(sandbox(), 1);
		await ranTasks(sandbox(), 1, 'sandbox/manual');
		const found = async (filters: INodeParameters) => {
			const run = await operate(sandbox(), 'task.getAll', { parameters: { ...all, filters } });
			expect(run.error).toBeUndefined();
			return jsonOf(run).map(({ id }) => id);
		};
		expect(await found({ status: ['completed', 'failed'] })).toEqual([done]);
		expect(await found({ app: { __rl: true, mode: 'ref', value: 'sandbox/instant' } })).toEqual([
			done,
		]);
		expect(await found({ createdAfter: '2199-01-01T00:00:00' })).toEqual([]);
		expect(await found({ createdBefore: '2199-01-01T00:00:00Z' })).toHaveLength(2);
		const other = { values: [{ field: 'id', operator: 'in', value: `${done}, x` }] };
		expect(await found({ otherFilters: other })).toEqual([done]);
	});

	it('gives nothing where nothing is, which is no failure', async () => {
		const run = await operate(sandbox(), 'task.getAll', { parameters: all });
		expect(run.status).toBe('success');
		expect(jsonOf(run)).toEqual([]);
	});

	it.each([
		['a limit of 0', { limit: 0 }, /"Limit" must be a whole number from 1 to 1000000, but is 0/],
		['half a limit', { limit: 1.5 }, /"Limit" must be a whole number/],
		['an unknown status', { filters: { status: ['done'] } }, /"Status" must be one of received/],
		[
			'a filter that the service does not know',
			{ filters: { otherFilters: { values: [{ field: 'colour', value: 'red' }] } } },
			/does not take the filter "Other Filters" \(colour eq "red"\): unknown filter field: colour/,
		],
		['a time that is none', { filters: { createdAfter: 'soon' } }, /"Created After" must be/],
	])('says what is wrong with %s', async (_what, parameters, message) => {
		await ranTasks(sandbox(), 1);
		const run = await operate(sandbox(), 'task.getAll', { parameters });
		expect(run.error?.message).toMatch(message);
	});

	it('takes a limit of a million', async () => {
		await ranTasks(sandbox(), 2);
		const run = await operate(sandbox(), 'task.getAll', { parameters: { limit: 1_000_000 } });
		expect(jsonOf(run)).toHaveLength(2);
	});

	it.each([
		['a cursor', [{ id: 'a' }], 'again'],
		['its rows', [{ id: 'a' }], undefined],
		['nothing', [], undefined],
	])('ends where a service repeats %s for ever', async (_what, items, cursor) => {
		for (let page = 0; page < 20; page += 1) {
			const body = JSON.stringify({
				data: { items, has_next: true, next_cursor: cursor ?? `c${page}` },
				messages: [],
			});
			sandbox().fault({ on: 'POST /tasks/list', kind: 'body', body });
		}
		const run = await operate(sandbox(), 'task.getAll', { parameters: all });
		expect(jsonOf(run).map(({ id }) => id)).toEqual(items.map(({ id }) => id));
		expect(run.hints(NODE_NAME).map(({ message }) => message)).toEqual([
			expect.stringContaining('repeats itself'),
		]);
		expect(sandbox().count('POST', '/tasks/list')).toBeLessThan(15);
	});

	it('does without a choice of fields where the service has none', async () => {
		await ranTasks(sandbox(), 1);
		sandbox().fault({ on: 'POST /tasks/list', kind: 'status', status: 400, body: 'fields?' });
		const run = await operate(sandbox(), 'task.getAll');
		expect(jsonOf(run)).toHaveLength(1);
		expect(sandbox().requests.at(-1)?.body).not.toHaveProperty('fields');
	});

	it('hears a Stop between two pages', async () => {
		await ranTasks(sandbox(), 150);
		sandbox().fault({ on: 'POST /tasks/list', kind: 'hang', when: 'before', skip: 1 });
		let stop = () => {};
		const cancelAfter = new Promise<void>((resolve) => (stop = resolve));
		const running = operate(sandbox(), 'task.getAll', { parameters: all, cancelAfter });
		const run = await meanwhile(running, async () => {
			await until(() => sandbox().count('POST', '/tasks/list') === 2);
			stop();
		});
		expect(run.status).toBe('canceled');
	});

	it('is repeated after a failure of the service, and by Retry On Fail not a second time', async () => {
		await ranTasks(sandbox(), 3);
		sandbox().fault({ on: 'POST /tasks/list', kind: 'status', status: 503 });
		const run = await operate(sandbox(), 'task.getAll', {
			items: [{ limit: 2 }, { limit: 0 }],
			parameters: { limit: '={{ $json.limit }}', concurrency: 1 },
			retryOnFail: true,
		});
		expect(run.error?.message).toContain('"Limit"');
		expect(sandbox().count('POST', '/tasks/list')).toBe(2);
	});
});

describe('Task: Cancel', () => {
	it('cancels what runs, and leaves alone what has ended', async () => {
		const [running = ''] = await ranTasks(sandbox(), 1, 'sandbox/manual');
		const [, ended = ''] = await ranTasks(sandbox(), 1);
		const run = await operate(sandbox(), 'task.cancel', {
			items: [{ id: running }, { id: ended }, { id: 'nothing' }],
			parameters: { taskId: '={{ $json.id }}' },
			onError: 'continueRegularOutput',
		});
		const [first, second, third] = jsonOf(run);
		expect(first).toMatchObject({ id: running, cancelled: true });
		expect(first?.['status']).toMatch(/^cancell(ed|ing)$/);
		expect(second).toEqual({ id: ended, status: 'completed', cancelled: false });
		expect(third?.['error']).toContain('It does not exist');
		expect(sandbox().count('POST', /\/cancel$/)).toBe(1);
	});
});

describe('Task: Get Logs', () => {
	it.each(['entries', 'text'] as const)('gives them however they come: %s', async (logsAs) => {
		sandbox().configure({ logsAs });
		const [id = ''] = await ranTasks(sandbox(), 1, 'sandbox/manual');
		sandbox().pushTask(id, { logs: 'step 1\n', status: 'running' });
		const run = await operate(sandbox(), 'task.getLogs', { parameters: { taskId: id } });
		expect(jsonOf(run)[0]).toMatchObject({ id, status: 'running', text: 'step 1\n' });
		expect(jsonOf(run)[0]?.['logs']).toEqual([expect.objectContaining({ text: 'step 1\n' })]);
	});

	it('gives none of a task that has logged nothing', async () => {
		const [id = ''] = await ranTasks(sandbox(), 1);
		const run = await operate(sandbox(), 'task.getLogs', { parameters: { taskId: id } });
		expect(jsonOf(run)).toEqual([{ id, status: 'completed', text: '', logs: [] }]);
	});
});

describe('Task: Get Cost', () => {
	it.each([
		['numbers', { total: 12_000_000, charged: 10_000_000, discount: 2_000_000 }, 0.12, 0.1],
		['text', { total: '12000000', charged: null }, 0.12, null],
		['null', { total: null, charged: null }, null, null],
	])('gives US dollars, whether the amounts are %s', async (_what, body, usd, charged) => {
		const [id = ''] = await ranTasks(sandbox(), 1);
		const text = JSON.stringify({ data: body, messages: [] });
		sandbox().fault({ on: 'GET /usage/tasks/:id/cost', kind: 'body', body: text, times: 9 });
		const run = await passing(operate(sandbox(), 'task.getCost', { parameters: { taskId: id } }));
		expect(jsonOf(run)[0]).toMatchObject({ id, usd, charged_usd: charged, refunded_usd: null });
	});

	it('does not wait for the cost of what has not ended', async () => {
		const [id = ''] = await ranTasks(sandbox(), 1, 'sandbox/manual');
		const run = await operate(sandbox(), 'task.getCost', { parameters: { taskId: id } });
		expect(jsonOf(run)[0]).toMatchObject({ id, usd: null });
		expect(run.hints(NODE_NAME)[0]?.message).toContain('it has not ended');
	});

	it('says so if there is no task', async () => {
		const run = await operate(sandbox(), 'task.getCost', { parameters: { taskId: 'nothing' } });
		expect(run.error?.message).toContain('It does not exist');
	});
});
