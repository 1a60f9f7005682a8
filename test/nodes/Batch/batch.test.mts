import type { IDataObject } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { addsUp, each, FROM_LIST, pairs, resultOf, runBatch, spyOnLog } from './support.mts';
import { NODE_NAME } from '../../engine/engine.mts';
import {
	clock,
	credentialsOf,
	FROM_ITEM,
	objectIn,
	spyOnParameters,
	submissions,
	useSandbox,
} from '../../engine/support.mts';
import { mostInFlight } from '../../mostInFlight.mts';
import { until } from '../../until.mts';

const sandbox = useSandbox();

const ANY_TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string;
const ANY_TEXT = expect.any(String) as string;
const ANY_NUMBER = expect.any(Number) as number;

const echo = (text: string, ms = 1) => ({ app: 'sandbox/echo', input: { text, ms } });
const numbered = (count: number) => Array.from({ length: count }, (_, n) => ({ n }));
const taskIds = () =>
	sandbox()
		.tasks()
		.map(({ id }) => id);

describe('The three outputs', () => {
	it('have the same items, whatever becomes of them, each in its own form', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'reset', when: 'after', skip: 5 });
		const items = [
			echo('fine'),
			{ app: 'sandbox/fail', input: { message: 'no luck' } },
			{ app: 'sandbox/sleep', input: { ms: 'soon' } },
			{ app: 'sandbox/echo', input: '{"broken": ' },
			{ app: 'sandbox/manual', input: {} },
			{ app: 'sandbox/manual', input: { cancel: 'from outside' } },
			echo('lost'),
		];
		const started = runBatch(sandbox(), {
			...FROM_ITEM,
			parameters: { ...FROM_ITEM.parameters, concurrency: 1, timeout: 60 },
			options: { onUnclearSubmit: 'fail' },
			items,
		});
		// The first manual one runs out of time, the second one is cancelled by somebody else.
		await until(() => sandbox().tasks().length >= 3);
		await until(() => sandbox().count('GET', `/tasks/${taskIds()[2]}/stream`) >= 1);
		await clock.runOut(60_000);
		await until(() => sandbox().tasks().length >= 4);
		sandbox().finishTask(taskIds()[3] ?? '', { status: 'cancelled' });
		const run = await started;
		const ids = taskIds();
		expect(run.status).toBe('success');
		const result = resultOf(run);
		const { succeeded, failed, summary } = result;

		expect(succeeded).toEqual([
			{
				json: {
					id: ids[0],
					status: 'completed',
					output: { echo: { text: 'fine', ms: 1 } },
					app: 'sandbox/echo',
					created_at: ANY_TIME,
					updated_at: ANY_TIME,
					run: { attempts: 1, duration_ms: ANY_NUMBER, via: ANY_TEXT },
				},
				pairedItem: { item: 0 },
			},
		]);
		const failure = (item: number, facts: IDataObject, error: IDataObject, attempts = 1) => ({
			json: {
				...facts,
				error,
				item: items[item],
				run: { attempts, duration_ms: ANY_NUMBER },
			},
			pairedItem: { item },
		});
		expect(failed).toEqual([
			failure(
				1,
				{ id: ids[1], status: 'failed' },
				{ message: `Task ${ids[1]} failed: no luck`, code: 'task_failed', retryable: false },
			),
			failure(
				2,
				{ status: 'failed' },
				{ message: ANY_TEXT, code: 'validation', http_status: 422, retryable: false },
			),
			failure(
				3,
				{ status: 'failed' },
				{
					message: expect.stringMatching(/^Parameter "Input \(JSON\)" is not valid JSON/) as string,
					code: 'invalid_parameter',
					retryable: false,
				},
				0,
			),
			failure(
				4,
				{ id: ids[2], status: 'timed_out' },
				{
					message: `Task ${ids[2]} did not finish within 60 s. The task was cancelled.`,
					code: 'timeout',
					retryable: true,
				},
			),
			failure(
				5,
				{ id: ids[3], status: 'cancelled' },
				{
					message: `Task ${ids[3]} was cancelled on inference.sh`,
					code: 'task_cancelled',
					retryable: false,
				},
			),
			failure(
				6,
				{ status: 'submission_unknown' },
				{ message: ANY_TEXT, code: 'submission_unknown', retryable: false },
			),
		]);
		expect(run.output(NODE_NAME, 2)).toEqual([
			{
				json: {
					total: 7,
					succeeded: 1,
					failed: 6,
					not_started: 0,
					duration_ms: ANY_NUMBER,
					per_second: ANY_NUMBER,
					p50_ms: ANY_NUMBER,
					p95_ms: ANY_NUMBER,
					retries: 0,
					rate_limited: 0,
					max_in_flight: 1,
					stopped_by: null,
					errors: expect.any(Array) as unknown[],
				},
				pairedItem: { item: 0 },
			},
		]);
		expect(addsUp(result)).toBe(true);
		expect(Number(summary['duration_ms'])).toBeGreaterThanOrEqual(60_000);
	});

	it('tell the counts in a hint', async () => {
		const items = [echo('a'), { app: 'sandbox/fail', input: {} }, echo('b')];
		const run = await runBatch(sandbox(), { ...FROM_ITEM, items });
		expect(run.hints(NODE_NAME).map(({ message }) => message)).toEqual([
			'2 of 3 items succeeded, 1 failed, 0 were not started.',
		]);
	});

	it('tell how long the successes took, wherever failures are between them', async () => {
		const fails = (n: number) => ({ app: 'sandbox/fail', input: { n } });
		const items = [fails(1), fails(2), echo('a'), fails(3), echo('b')];
		const result = resultOf(await runBatch(sandbox(), { ...FROM_ITEM, items }));
		const durations = result.succeeded
			.map(({ json }) => Number(objectIn(json, 'run')['duration_ms']))
			.sort((left, right) => left - right);
		expect(result.summary).toMatchObject({
			succeeded: 2,
			failed: 3,
			p50_ms: durations[0],
			p95_ms: durations[1],
		});
	});

	it('keep failures apart however the node is set to go on', async () => {
		for (const onError of [
			'stopWorkflow',
			'continueRegularOutput',
			'continueErrorOutput',
		] as const) {
			const items = [{ app: 'sandbox/fail', input: {} }, echo('fine')];
			const run = await runBatch(sandbox(), { ...FROM_ITEM, items, onError });
			expect(run.status).toBe('success');
			expect(run.output('Output 0')).toHaveLength(1);
			expect(run.output('Output 1')).toHaveLength(1);
			expect(run.output('Output 2')).toHaveLength(1);
			expect(run.output('Output 3')).toHaveLength(0);
		}
	});

	it('group the messages of failures without what differs from item to item', async () => {
		const items = Array.from({ length: 90 }, (_, n) => {
			if (n < 30) return { app: 'sandbox/fail', input: { message: 'out of memory' } };
			if (n < 60) return { app: 'sandbox/echo', input: '{"broken": ' };
			return { app: 'sandbox/fail', input: { message: `reason ${n}` } };
		});
		const run = await runBatch(sandbox(), { ...FROM_ITEM, items });
		const result = resultOf(run);
		const errors = result.summary['errors'] as Array<{ message: string; count: number }>;
		expect(errors.slice(0, 2).map(({ count }) => count)).toEqual([30, 30]);
		expect(errors.map(({ message }) => message)).toContain('Task … failed: out of memory');
		// However many reasons there are, the list stays short and still adds up.
		expect(errors.length).toBeLessThanOrEqual(21);
		expect(addsUp(result)).toBe(true);
	});
});

describe('Order', () => {
	/** Nine tasks that end in the order given; the even ones fail. */
	async function endingIn(order: 'input' | 'completion', ends: readonly number[]) {
		let done = 0;
		const started = runBatch(sandbox(), {
			app: 'sandbox/manual',
			items: numbered(ends.length),
			parameters: { order, concurrency: ends.length },
			options: { progressEvery: 1 },
			adjustContext: spyOnLog(() => (done += 1)),
		});
		await until(() => sandbox().running().length === ends.length);
		const byNumber = new Map(
			sandbox()
				.tasks()
				.map(({ id, input }) => [(input as { n: number }).n, id]),
		);
		for (const [index, n] of ends.entries()) {
			sandbox().finishTask(byNumber.get(n) ?? '', {
				status: n % 2 === 0 ? 'failed' : 'completed',
				output: { n },
			});
			await until(() => done > index);
		}
		const { succeeded, failed } = resultOf(await started);
		return { succeeded: pairs(succeeded), failed: pairs(failed) };
	}

	const ends = [8, 3, 5, 0, 1, 7, 2, 6, 4];

	it('is that of the items', async () => {
		expect(await endingIn('input', ends)).toEqual({
			succeeded: [1, 3, 5, 7],
			failed: [0, 2, 4, 6, 8],
		});
	});

	it('is that of their ends', async () => {
		expect(await endingIn('completion', ends)).toEqual({
			succeeded: [3, 5, 1, 7],
			failed: [8, 0, 2, 6, 4],
		});
	});
});

describe('Items from a list', () => {
	it('are its elements', async () => {
		const rows = numbered(25).map(({ n }) => ({ text: `row ${n}` }));
		const run = await runBatch(sandbox(), { parameters: FROM_LIST, items: [{ rows }] });
		const result = resultOf(run);
		expect(each(result.succeeded, 'output')).toEqual(rows.map((row) => ({ echo: row })));
		expect(pairs(result.succeeded)).toEqual(Array(25).fill(0));
		expect(result.summary['total']).toBe(25);
	});

	it('may come from an expression that makes them', async () => {
		const run = await runBatch(sandbox(), {
			parameters: {
				...FROM_LIST,
				list: '={{ $json.names.split(",").map((text) => ({ text })) }}',
			},
			items: [{ names: 'ada,grace,mary' }],
		});
		expect(each(resultOf(run).succeeded, 'output')).toEqual(
			['ada', 'grace', 'mary'].map((text) => ({ echo: { text } })),
		);
	});

	it('come from all incoming items, each with its own app and pair', async () => {
		const items = [
			{ app: 'sandbox/echo', rows: [{ text: 'a' }, { text: 'b' }] },
			{ app: 'sandbox/echo', rows: [] },
			{ app: 'sandbox/fail', rows: [{ message: 'c' }] },
			{ app: 'sandbox/instant', rows: [{ text: 'd' }, { text: 'e' }] },
			{ app: 'sandbox/echo', rows: [] },
		];
		const run = await runBatch(sandbox(), {
			app: '={{ $json.app }}',
			parameters: FROM_LIST,
			items,
		});
		const { succeeded, failed, summary } = resultOf(run);
		expect(summary['total']).toBe(5);
		expect(pairs(succeeded)).toEqual([0, 0, 3, 3]);
		expect(each(succeeded, 'app')).toEqual([
			'sandbox/echo',
			'sandbox/echo',
			'sandbox/instant',
			'sandbox/instant',
		]);
		expect(each(succeeded, 'output')).toEqual([
			{ echo: { text: 'a' } },
			{ echo: { text: 'b' } },
			{ text: 'd' },
			{ text: 'e' },
		]);
		expect(pairs(failed)).toEqual([2]);
		expect(each(failed, 'item')).toEqual([{ message: 'c' }]);
	});

	it.each([
		{ rows: 'text', shown: '"text"' },
		{ rows: { a: 1 }, shown: '{"a":1}' },
		{ rows: 7, shown: '7' },
		{ rows: null, shown: 'null' },
		{ shown: 'nothing' },
	])('must be a list, not $shown', async ({ shown, ...item }) => {
		const run = await runBatch(sandbox(), { parameters: FROM_LIST, items: [item, item] });
		expect(run.status).toBe('error');
		expect(run.error?.name).toBe('NodeOperationError');
		const [problem, gives] = (run.error?.message ?? '').split(', but gives ');
		expect(problem).toBe('Parameter "List" must be an expression that gives a list');
		expect(gives).toBe(`${shown} [item 0]`);
		expect(run.error?.context['itemIndex']).toBe(0);
		expect(sandbox().requests).toHaveLength(0);
	});

	it('may be given as JSON', async () => {
		const rows = '[{"text": "a"}, {"text": "b"}]';
		const run = await runBatch(sandbox(), { parameters: FROM_LIST, items: [{ rows }] });
		expect(each(resultOf(run).succeeded, 'output')).toEqual([
			{ echo: { text: 'a' } },
			{ echo: { text: 'b' } },
		]);
	});

	it('that are none cost only their own item', async () => {
		const items = [{ rows: [{ text: 'a' }] }, { rows: 'none' }, { rows: [{ text: 'b' }] }];
		const run = await runBatch(sandbox(), { parameters: FROM_LIST, items });
		const { succeeded, failed, summary } = resultOf(run);
		expect(each(succeeded, 'output')).toEqual([{ echo: { text: 'a' } }, { echo: { text: 'b' } }]);
		expect(pairs(succeeded)).toEqual([0, 2]);
		expect(pairs(failed)).toEqual([1]);
		expect(failed[0]?.json).toMatchObject({
			status: 'failed',
			item: { rows: 'none' },
			error: {
				code: 'invalid_parameter',
				message: expect.stringContaining('gives a list, but gives "none"') as string,
			},
		});
		expect(summary).toMatchObject({ total: 3, succeeded: 2, failed: 1 });
	});

	it('do not have to be objects for the others to run', async () => {
		const rows = [{ text: 'a' }, 'plain', 7, null, [1, 2], true, { text: 'b' }];
		const run = await runBatch(sandbox(), { parameters: FROM_LIST, items: [{ rows }] });
		const result = resultOf(run);
		expect(each(result.succeeded, 'output')).toEqual([
			{ echo: { text: 'a' } },
			{ echo: { text: 'b' } },
		]);
		expect(each(result.failed, 'item')).toEqual(rows.slice(1, 6));
		expect(each(result.failed, 'status')).toEqual(Array(5).fill('failed'));
		for (const [index, { json }] of result.failed.entries()) {
			expect(objectIn(json, 'error')).toMatchObject({ code: 'invalid_parameter' });
			expect(objectIn(json, 'error')['message']).toContain(`List element ${index + 1}"`);
		}
		expect(sandbox().tasks()).toHaveLength(2);
		expect(addsUp(result)).toBe(true);
	});

	it('are named by their place in their own list', async () => {
		const run = await runBatch(sandbox(), {
			parameters: FROM_LIST,
			items: [{ rows: [{ text: 'a' }, { text: 'b' }] }, { rows: [{ text: 'c' }, 5] }],
		});
		const [failure] = resultOf(run).failed;
		expect(objectIn(failure?.json, 'error')['message']).toMatch(/List element 1".*\[item 1\]/);
	});

	it('may be none', async () => {
		const run = await runBatch(sandbox(), { parameters: FROM_LIST, items: [{ rows: [] }] });
		expect(run.status).toBe('success');
		const { succeeded, failed, summary } = resultOf(run);
		expect([succeeded, failed]).toEqual([[], []]);
		expect(summary).toEqual({
			total: 0,
			succeeded: 0,
			failed: 0,
			not_started: 0,
			duration_ms: ANY_NUMBER,
			per_second: 0,
			p50_ms: null,
			p95_ms: null,
			retries: 0,
			rate_limited: 0,
			max_in_flight: 0,
			stopped_by: null,
			errors: [],
		});
		expect(sandbox().requests).toHaveLength(0);
	});
});

describe('No items at all', () => {
	it('give nothing', async () => {
		const run = await runBatch(sandbox(), {
			adjustContext: (context) => void Object.assign(context, { getInputData: () => [] }),
		});
		expect(run.status).toBe('success');
		expect([0, 1, 2].map((output) => run.output(NODE_NAME, output))).toEqual([[], [], []]);
		expect(sandbox().requests).toHaveLength(0);
	});
});

describe('The window', () => {
	it('is full, and never more than that', async () => {
		const items = numbered(60).map(({ n }) => ({ ms: 3 + ((n * 7) % 20), value: n }));
		const run = await runBatch(sandbox(), {
			app: 'sandbox/sleep',
			items,
			parameters: { concurrency: 6 },
		});
		const { succeeded, summary } = resultOf(run);
		expect(succeeded).toHaveLength(60);
		expect(mostInFlight(sandbox())).toBeLessThanOrEqual(6);
		expect(summary['max_in_flight']).toBe(6);
	});

	it('is no larger than the items', async () => {
		const run = await runBatch(sandbox(), {
			items: numbered(3),
			parameters: { concurrency: 1000 },
		});
		expect(resultOf(run).summary['max_in_flight']).toBe(3);
	});

	it('lets a slow item hold up its own place only', async () => {
		const slow = { app: 'sandbox/manual', input: {} };
		const quick = Array.from({ length: 30 }, (_, n) => echo(`quick ${n}`));
		const started = runBatch(sandbox(), {
			...FROM_ITEM,
			items: [slow, ...quick],
			parameters: { ...FROM_ITEM.parameters, concurrency: 2 },
		});
		await until(
			() =>
				sandbox()
					.tasks()
					.filter(({ status }) => status === 'completed').length === 30,
		);
		expect(sandbox().running()).toHaveLength(1);
		sandbox().finishTask(sandbox().running()[0]?.id ?? '', { output: { at: 'last' } });
		const { succeeded } = resultOf(await started);
		expect(succeeded).toHaveLength(31);
		expect(succeeded[0]?.json['output']).toEqual({ at: 'last' });
		expect(mostInFlight(sandbox())).toBeLessThanOrEqual(2);
	});

	it('keeps to the limit of the credential', async () => {
		const run = await runBatch(sandbox(), {
			credentials: { ...credentialsOf(sandbox()), maxConcurrency: 3 },
			items: numbered(20).map(({ n }) => ({ text: `${n}`, ms: 10 })),
			parameters: { concurrency: 12 },
		});
		expect(resultOf(run).succeeded).toHaveLength(20);
		expect(mostInFlight(sandbox())).toBe(3);
	});
});

describe('Parameters', () => {
	it('are evaluated when a worker takes the item, not before', async () => {
		const read: number[] = [];
		const started = runBatch(sandbox(), {
			app: '={{ $json.app }}',
			parameters: {
				inputMode: 'json',
				jsonInput: '={{ ({ number: $json.n }) }}',
				concurrency: 3,
			},
			items: numbered(8).map(({ n }) => ({ app: 'sandbox/manual', n })),
			adjustContext: spyOnParameters('jsonInput', (item) => read.push(item)),
		});
		for (let ended = 0; ended <= 5; ended += 1) {
			await until(() => sandbox().tasks().length >= ended + 3);
			expect(read).toEqual(Array.from({ length: ended + 3 }, (_, item) => item));
			sandbox().finishTask(sandbox().running()[0]?.id ?? '');
		}
		for (const { id } of sandbox().running()) sandbox().finishTask(id);
		expect(resultOf(await started).summary['succeeded']).toBe(8);
		expect(read).toHaveLength(8);
	});

	it('of list elements are, too', async () => {
		let read = 0;
		const started = runBatch(sandbox(), {
			app: "={{ 'sandbox/manual' }}",
			parameters: { ...FROM_LIST, concurrency: 2 },
			items: [{ rows: numbered(50) }],
			cancelAfter: until(() => sandbox().tasks().length >= 4),
			adjustContext: spyOnParameters('app', () => (read += 1)),
		});
		await until(() => sandbox().running().length === 2);
		expect(read).toBe(2);
		for (const { id } of sandbox().running()) sandbox().finishTask(id);
		expect((await started).status).toBe('canceled');
		expect(read).toBe(4);
	});

	it('that fail for one item fail this item', async () => {
		const run = await runBatch(sandbox(), {
			parameters: {
				inputMode: 'json',
				jsonInput: '={{ $json.n === 2 ? $json.no.such.path : { text: `${$json.n}` } }}',
			},
			items: numbered(5),
		});
		const { succeeded, failed } = resultOf(run);
		expect(pairs(succeeded)).toEqual([0, 1, 3, 4]);
		expect(pairs(failed)).toEqual([2]);
		expect(objectIn(failed[0]?.json, 'error')).toMatchObject({ code: 'invalid_parameter' });
		expect(failed[0]?.json['item']).toEqual({ n: 2 });
	});

	it('may say something else for each item', async () => {
		const run = await runBatch(sandbox(), {
			app: 'sandbox/multi',
			parameters: { inputMode: 'json', jsonInput: '={{ ({ text: $json.text }) }}' },
			options: { function: '={{ $json.fn }}' },
			items: [
				{ text: 'Ada', fn: 'upper' },
				{ text: 'Ada', fn: 'lower' },
				{ text: 'Ada', fn: 'sideways' },
			],
		});
		const { succeeded, failed } = resultOf(run);
		expect(each(succeeded, 'app')).toEqual(['sandbox/multi:upper', 'sandbox/multi:lower']);
		expect(each(succeeded, 'output')).toEqual([{ text: 'ADA' }, { text: 'ada' }]);
		expect(objectIn(failed[0]?.json, 'error')).toMatchObject({ code: 'validation' });
	});

	it('may start sessions', async () => {
		const run = await runBatch(sandbox(), {
			app: 'sandbox/counter',
			parameters: { inputMode: 'json', jsonInput: '={{ ({ by: $json.n }) }}' },
			options: { session: 'new', sessionTimeout: 120 },
			items: [{ n: 2 }, { n: 3 }],
		});
		const { succeeded } = resultOf(run);
		expect(each(succeeded, 'output')).toEqual([{ count: 2 }, { count: 3 }]);
		const sessions = each(succeeded, 'session_id');
		expect(sessions).toEqual(
			sandbox()
				.tasks()
				.map(({ sessionId }) => sessionId)
				.sort((a, b) => sessions.indexOf(a) - sessions.indexOf(b)),
		);
		expect(new Set(sessions).size).toBe(2);
		expect(submissions(sandbox()).every((body) => body['session_timeout'] === 120)).toBe(true);
	});
});

describe('Full Task', () => {
	it('gives the whole task', async () => {
		const run = await runBatch(sandbox(), {
			items: [{ text: 'a', ms: 1 }],
			options: { fullTask: true },
		});
		const [item] = resultOf(run).succeeded;
		expect(item?.json).toMatchObject({
			id: sandbox().tasks()[0]?.id,
			status: 'completed',
			input: { text: 'a', ms: 1 },
			output: { echo: { text: 'a', ms: 1 } },
			run: { attempts: 1 },
		});
		expect(item?.json).toHaveProperty('events');
		expect(item?.json).not.toHaveProperty('error');
	});
});

describe('Max Cost', () => {
	const items = numbered(10).map(({ n }) => ({ text: `${n}` }));

	it('refuses to start what costs more', async () => {
		const run = await runBatch(sandbox(), { items, options: { maxCost: 0.05 } });
		expect(run.error?.message).toContain(
			'estimated to cost $0.1000, more than "Limit: Max Cost (USD)" allows ($0.05)',
		);
		expect(sandbox().tasks()).toHaveLength(0);
	});

	it('counts the elements of a list, and lets pass what costs less', async () => {
		const list = { parameters: FROM_LIST, items: [{ rows: items }] };
		const refused = await runBatch(sandbox(), { ...list, options: { maxCost: 0.09 } });
		expect(refused.error?.message).toContain('$0.1000');
		const run = await runBatch(sandbox(), { ...list, options: { maxCost: 0.11 } });
		expect(resultOf(run).summary['succeeded']).toBe(10);
	});

	it('puts all items into Failed if the node is to go on', async () => {
		const run = await runBatch(sandbox(), {
			items,
			options: { maxCost: 0.05 },
			onError: 'continueRegularOutput',
		});
		expect(run.status).toBe('success');
		expect(run.output(NODE_NAME, 0)).toEqual([]);
		const failed = run.output(NODE_NAME, 1);
		expect(each(failed, 'status')).toEqual(Array(10).fill('not_started'));
		expect(each(failed, 'item')).toEqual(items);
		expect(sandbox().tasks()).toHaveLength(0);
	});
});
