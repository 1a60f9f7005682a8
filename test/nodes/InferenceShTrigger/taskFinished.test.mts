/** The event Task Finished in n8n's own polls, against the service's stand-in. */
import { describe, expect, it } from 'vitest';
import { appRef, clock, jsonOf, useSandbox } from '../../engine/support.mts';
import { activated, idOf, inactive, manualTest, start } from './support.mts';

const sandbox = useSandbox();

const lists = () => sandbox().count('POST', '/tasks/list');

describe('a task that ends', () => {
	it('starts the workflow once, with its item as Run App puts it out', async () => {
		const workflow = await activated(sandbox());
		const [id] = await start(sandbox(), 'sandbox/instant');
		expect(await workflow.poll()).toEqual([
			{
				output: { text: '0' },
				text: '0',
				id,
				status: 'completed',
				app: 'sandbox/instant',
				created_at: expect.any(String) as string,
				updated_at: expect.any(String) as string,
				run: { attempts: 0, duration_ms: expect.any(Number) as number, via: 'poll' },
			},
		]);
		expect(Object.keys(workflow.items[0] ?? {}).slice(0, 3)).toEqual(['output', 'text', 'id']);
		expect(await workflow.poll()).toBeNull();
	});

	it.each([
		{ status: 'failed', code: 'task_failed', error: /failed: out of paint/ },
		{ status: 'cancelled', code: 'task_cancelled', error: /was cancelled on inference\.sh/ },
	] as const)('that has $status comes as an error with its details', async (of) => {
		const workflow = await activated(sandbox());
		const [id = ''] = await start(sandbox(), 'sandbox/manual');
		expect(await workflow.poll()).toBeNull();
		sandbox().finishTask(id, { status: of.status, error: 'out of paint' });
		const [item] = (await workflow.poll()) ?? [];
		expect(Object.keys(item ?? {})).toEqual(['error', 'details']);
		expect(item?.['error']).toMatch(of.error);
		expect(item?.['details']).toMatchObject({
			...{ code: of.code, id, status: of.status, app: 'sandbox/manual' },
		});
		expect(item?.['details']).not.toHaveProperty('item_index');
	});

	it('counts from the activation: what had ended does not, what was running does', async () => {
		await start(sandbox(), 'sandbox/instant', 3);
		const [running = ''] = await start(sandbox(), 'sandbox/manual');
		await clock.pass(3_600_000);
		await start(sandbox(), 'sandbox/instant', 3);
		const workflow = await activated(sandbox());
		expect(await workflow.poll()).toBeNull();
		sandbox().finishTask(running);
		expect((await workflow.poll())?.map(idOf)).toEqual([running]);
	});

	it('while the workflow was inactive does not count', async () => {
		const workflow = await activated(sandbox());
		await start(sandbox(), 'sandbox/instant');
		await workflow.activate();
		expect(workflow.items).toEqual([]);
		const [id] = await start(sandbox(), 'sandbox/instant');
		expect((await workflow.poll())?.map(idOf)).toEqual([id]);
	});

	it('while n8n was down is told after the start, by the first poll', async () => {
		const workflow = await activated(sandbox());
		const [running = ''] = await start(sandbox(), 'sandbox/manual');
		await workflow.poll();
		const before = await start(sandbox(), 'sandbox/instant', 2);
		await workflow.poll();
		const meanwhile = await start(sandbox(), 'sandbox/instant', 2);
		sandbox().finishTask(running);
		await workflow.restart();
		await workflow.restart();
		await workflow.poll();
		const told = workflow.items.map(idOf);
		expect(told.toSorted()).toEqual([running, ...before, ...meanwhile].toSorted());
	});

	it('comes in the order of the ends', async () => {
		const workflow = await activated(sandbox());
		const ids = await start(sandbox(), 'sandbox/manual', 3);
		for (const id of ids.toReversed()) {
			sandbox().finishTask(id);
			await clock.pass(1_000);
		}
		expect((await workflow.poll())?.map(idOf)).toEqual(ids.toReversed());
	});

	it('is told also by a list that shows neither its output nor its app', async () => {
		sandbox().configure({ listPreloads: 'none' });
		const workflow = await activated(sandbox());
		await start(sandbox(), 'sandbox/instant', 2);
		const items = await workflow.poll();
		expect(items).toMatchObject([
			{ app: 'sandbox/instant', text: '0' },
			{ app: 'sandbox/instant', text: '1' },
		]);
	});
});

describe('filters', () => {
	it('take the ends of one app', async () => {
		const workflow = await activated(sandbox(), { filters: { app: appRef('sandbox/echo') } });
		await start(sandbox(), 'sandbox/instant');
		const [id = ''] = await start(sandbox(), 'sandbox/echo');
		sandbox().keepUp(60_000);
		await workflow.poll();
		await workflow.poll();
		expect(workflow.items.map(idOf)).toEqual([id]);
	});

	it.each([
		{ name: 'a list', status: ['failed'], kinds: ['failed'] },
		{ name: 'one word', status: 'failed', kinds: ['failed'] },
		{ name: 'two', status: ['cancelled', 'completed'], kinds: ['completed', 'cancelled'] },
		{ name: 'nothing', status: [], kinds: ['completed', 'failed', 'cancelled'] },
	])('take the ends that are wanted: $name', async ({ status, kinds }) => {
		const workflow = await activated(sandbox(), { filters: { status } });
		const ids = await start(sandbox(), 'sandbox/manual', 3);
		for (const [at, how] of (['completed', 'failed', 'cancelled'] as const).entries()) {
			sandbox().finishTask(ids[at] ?? '', { status: how });
			await clock.pass(10);
		}
		await workflow.poll();
		const told = workflow.items.map(
			({ status: word, details }) => word ?? (details as { status: string }).status,
		);
		expect(told).toEqual(kinds);
	});

	it('that change begin anew, at once', async () => {
		const workflow = await activated(sandbox(), { filters: { status: ['failed'] } });
		await start(sandbox(), 'sandbox/instant');
		await workflow.change({ parameters: { filters: { status: ['completed'] } } });
		expect(workflow.items).toEqual([]);
		const [id] = await start(sandbox(), 'sandbox/instant');
		await workflow.poll();
		expect(workflow.items.map(idOf)).toEqual([id]);
	});

	it.each([
		{ filters: { app: appRef('no-namespace') }, error: /"App" must be namespace\/name/ },
		{ filters: { app: appRef('../x') }, error: /"App"/ },
		{ filters: { app: appRef('sandbox/echo@1:run') }, error: /without a version or function/ },
		{ filters: { app: appRef('sandbox/nowhere') }, error: /there is no such app/ },
		{
			filters: { status: ['done'] },
			error: /"Status" must be one of completed, failed, cancelled/,
		},
	])('that make no sense say so when the workflow is activated: %j', async ({ filters, error }) => {
		await expect(activated(sandbox(), { filters })).rejects.toThrow(error);
	});
});

describe('what is known', () => {
	it('goes on with another credential of the same workspace', async () => {
		const workflow = await activated(sandbox());
		const [first] = await start(sandbox(), 'sandbox/instant');
		await workflow.poll();
		const [second] = await start(sandbox(), 'sandbox/instant');
		const { url: baseUrl, apiKey } = sandbox();
		const other = { apiKey, baseUrl: baseUrl.replace('127.0.0.1', 'localhost'), maxConcurrency: 0 };
		await workflow.change({ credentials: other });
		expect(workflow.items.map(idOf)).toEqual([first, second]);
	});

	it('goes on with another credential although nothing of what is known was wanted', async () => {
		const workflow = await activated(sandbox(), { filters: { status: ['failed'] } });
		await start(sandbox(), 'sandbox/instant');
		await workflow.poll();
		const [id = ''] = await start(sandbox(), 'sandbox/manual');
		sandbox().finishTask(id, { status: 'failed' });
		const { url: baseUrl, apiKey } = sandbox();
		const other = { apiKey, baseUrl: baseUrl.replace('127.0.0.1', 'localhost'), maxConcurrency: 0 };
		await workflow.change({ credentials: other });
		expect(workflow.items.map(idOf)).toEqual([id]);
	});

	it('begins anew in another workspace', async () => {
		const workflow = await activated(sandbox());
		await start(sandbox(), 'sandbox/instant');
		await workflow.poll();
		const { apiKey } = sandbox().workspace('inf_sandbox_other');
		const theirs = { ...sandbox(), apiKey };
		await start(theirs, 'sandbox/instant', 2);
		await workflow.change({ credentials: { apiKey, baseUrl: sandbox().url, maxConcurrency: 0 } });
		const [id] = await start(theirs, 'sandbox/instant');
		await workflow.poll();
		expect(workflow.items.map(idOf).slice(1)).toEqual([id]);
	});

	it.each([{ clockSkewMs: 7 * 86_400_000 }, { clockSkewMs: -3_600_000 }, { stampsLateMs: 90_000 }])(
		"does not depend on n8n's clock: %j",
		async (clocks) => {
			sandbox().configure(clocks);
			await start(sandbox(), 'sandbox/instant');
			const workflow = await activated(sandbox());
			const ids: string[] = [];
			for (let minute = 0; minute < 5; minute += 1) {
				ids.push(...(await start(sandbox(), 'sandbox/instant', 2)));
				await workflow.poll();
				await clock.pass(60_000);
			}
			await workflow.restart();
			expect(workflow.items.map(idOf)).toEqual(ids);
		},
	);

	it('stays small, and so do polls', async () => {
		const workflow = await activated(sandbox());
		const ids: string[] = [];
		for (let minute = 0; minute < 10; minute += 1) {
			ids.push(...(await start(sandbox(), 'sandbox/instant', 4)));
			await workflow.poll();
			await clock.pass(60_000);
		}
		const before = lists();
		await workflow.poll();
		expect(lists() - before).toBe(1);
		expect(workflow.items.map(idOf)).toEqual(ids);
		expect(workflow.savedLength).toBeLessThan(2_000);
	});
});

describe('a poll', () => {
	it('that has no time for all leaves the rest to the next ones', async () => {
		const workflow = await activated(sandbox());
		const ids = await start(sandbox(), 'sandbox/instant', 120);
		await workflow.change({ budgetMs: 1 });
		for (let polls = 0; polls < 8; polls += 1) await workflow.poll();
		expect(workflow.items.map(idOf).toSorted()).toEqual(ids.toSorted());
		expect(workflow.emitted.length).toBeGreaterThan(1);
	});

	it('that overlaps another one tells nothing twice', async () => {
		const workflow = await activated(sandbox());
		const ids = await start(sandbox(), 'sandbox/instant', 5);
		await Promise.all([workflow.poll(), workflow.poll(), workflow.poll()]);
		expect(workflow.items.map(idOf)).toEqual(ids);
	});

	it('that fails says why, and loses nothing', async () => {
		const workflow = await activated(sandbox());
		const [id] = await start(sandbox(), 'sandbox/instant');
		sandbox().fault({ on: 'POST /tasks/list', kind: 'status', status: 500, times: 10 });
		await expect(workflow.poll()).rejects.toThrow(/HTTP 500/);
		sandbox().clearFaults();
		expect((await workflow.poll())?.map(idOf)).toEqual([id]);
	});

	it('with a key that is refused says so already at the activation', async () => {
		const credentials = { apiKey: 'wrong', baseUrl: sandbox().url, maxConcurrency: 0 };
		sandbox().fault({ on: '*', kind: 'status', status: 401, times: 10 });
		await expect(activated(sandbox(), {}, { credentials })).rejects.toThrow(/API key/);
	});

	it('where the service refuses the filter of the app reads no more as others run', async () => {
		sandbox().configure({ unknownFilters: ['app_id'], dateHeader: false });
		await start(sandbox(), 'sandbox/echo');
		const workflow = await activated(sandbox(), { filters: { app: appRef('sandbox/echo') } });
		const costs: number[] = [];
		for (let hour = 0; hour < 7; hour += 1) {
			await clock.pass(3_600_000);
			await start(sandbox(), 'sandbox/instant', 100);
			const before = lists();
			await workflow.poll();
			costs.push(lists() - before);
		}
		expect(costs.at(-1)).toBeLessThanOrEqual(6);
		const [id] = await start(sandbox(), 'sandbox/echo');
		sandbox().keepUp(60_000);
		await workflow.poll();
		expect(workflow.items.map(idOf).at(-1)).toBe(id);
	});

	it('where the service refuses every filter reads without', async () => {
		const workflow = inactive(sandbox());
		sandbox().configure({ unknownFilters: ['created_at', 'id', 'status', 'app_id'] });
		const [running = ''] = await start(sandbox(), 'sandbox/manual');
		await start(sandbox(), 'sandbox/instant', 105);
		await workflow.activate();
		await clock.pass(10 * 60_000);
		const ids = await start(sandbox(), 'sandbox/instant', 2);
		await workflow.poll();
		await clock.pass(10 * 60_000);
		sandbox().finishTask(running);
		await workflow.poll();
		expect(workflow.items.map(idOf)).toEqual([...ids, running]);
	});

	it('is not misled by pages that shift while they are read', async () => {
		sandbox().configure({ listCursors: 'places' });
		const workflow = await activated(sandbox());
		const ids = await start(sandbox(), 'sandbox/instant', 120);
		const [polled, late] = await Promise.all([
			workflow.poll(),
			start(sandbox(), 'sandbox/instant', 20),
		]);
		expect(polled?.length).toBeGreaterThanOrEqual(120);
		await workflow.poll();
		expect(workflow.items.map(idOf).toSorted()).toEqual([...ids, ...late].toSorted());
	});
});

describe('the test in the editor', () => {
	it('gives the task that has ended last', async () => {
		const [first = '', second = ''] = await start(sandbox(), 'sandbox/manual', 2);
		sandbox().finishTask(second);
		await clock.pass(5_000);
		sandbox().finishTask(first);
		await start(sandbox(), 'sandbox/manual');
		expect(jsonOf(await manualTest(sandbox())).map(idOf)).toEqual([first]);
	});

	it('finds the one that fits behind many that do not', async () => {
		const [id = ''] = await start(sandbox(), 'sandbox/manual');
		sandbox().finishTask(id, { status: 'failed' });
		await start(sandbox(), 'sandbox/instant', 120);
		const { requests } = sandbox();
		const before = requests.length;
		const run = await manualTest(sandbox(), { filters: { status: ['failed'] } });
		expect(jsonOf(run).map(idOf)).toEqual([id]);
		expect(requests.length - before).toBe(1);
	});

	it.each([
		{ filters: {}, error: /^No task has ended yet$/ },
		{ filters: { status: ['failed'] }, error: /^No task has ended yet that fits the filters$/ },
	])('says that there is none: %j', async ({ filters, error }) => {
		await start(sandbox(), 'sandbox/manual');
		const { error: said } = await manualTest(sandbox(), { filters });
		expect(said?.message).toMatch(error);
		expect(said?.description).toContain('test again');
	});
});
