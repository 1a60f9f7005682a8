import type { INode } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { RunApp } from '../../../nodes/RunApp/RunApp.node.ts';
import { NODE_NAME, PASSTHROUGH, runWorkflow } from '../../engine/engine.mts';
import {
	appRef,
	clock,
	credentialsOf,
	FROM_ITEM,
	jsonOf,
	meanwhile,
	objectIn,
	QUICK,
	runApp,
	submissions,
	useSandbox,
} from '../../engine/support.mts';
import { until } from '../../until.mts';

const sandbox = useSandbox();
const again = { retryOnFail: true, maxTries: 3 };

const sleepItem = (value: number, ms = 5) => ({ app: 'sandbox/sleep', input: { ms, value } });
const flakyItem = (key: string, failures = 1) => ({
	app: 'sandbox/flaky',
	input: { key, failures },
});

const MINUTE = 60_000;
const looks = () => sandbox().count('POST', '/tasks/list');

/** Settles when so many streams have been opened. */
async function followed(count: number): Promise<void> {
	await until(() => sandbox().count('GET', /\/stream$/) >= count);
}

/** Lets a minute run out as soon as so many streams have been opened. */
async function minuteOf(count: number): Promise<void> {
	await followed(count);
	await clock.runOut(MINUTE);
}

describe('Retry On Fail', () => {
	it('returns what the first try has finished and buys the failed task only', async () => {
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			...again,
			// One after another, so that all others have finished when the last one fails.
			parameters: { ...FROM_ITEM.parameters, concurrency: 1 },
			items: [0, 1, 2, 3].map((value) => sleepItem(value)).concat([flakyItem('k') as never]),
		});
		expect(run.status).toBe('success');
		expect(jsonOf(run)).toHaveLength(5);
		expect(jsonOf(run).map((json) => objectIn(json, 'output'))).toEqual([
			...[0, 1, 2, 3].map((value) => ({ slept: 5, value })),
			{ key: 'k', attempts: 2 },
		]);
		expect(sandbox().tasks()).toHaveLength(6);
	});

	it('keeps all pairs when the failed one is in the middle', async () => {
		const items = [sleepItem(0), flakyItem('middle'), sleepItem(2), sleepItem(3), sleepItem(4)];
		const run = await runApp(sandbox(), { ...FROM_ITEM, ...again, items });
		expect(run.status).toBe('success');
		expect(run.output(NODE_NAME).map(({ pairedItem }) => pairedItem)).toEqual(
			items.map((_, item) => ({ item })),
		);
		expect(jsonOf(run).map(({ app }) => app)).toEqual(items.map(({ app }) => app));
		expect(sandbox().tasks()).toHaveLength(6);
	});

	it('buys nothing twice but the failed one when the node goes on', async () => {
		const items = [flakyItem('first', 2), sleepItem(1), sleepItem(2), sleepItem(3), sleepItem(4)];
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			...again,
			items,
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run).every(({ status }) => status === 'completed')).toBe(true);
		expect(jsonOf(run)[0]?.['output']).toEqual({ key: 'first', attempts: 3 });
		expect(sandbox().tasks()).toHaveLength(7);
	});

	it('ends with the failed item when it never succeeds', async () => {
		const items = [flakyItem('never', 99), sleepItem(1), { app: 'sandbox/echo', input: '{' }];
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			...again,
			items,
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run)[0]?.['error']).toContain('attempt 3 failed');
		expect(jsonOf(run)[1]).toMatchObject({ status: 'completed' });
		expect(objectIn(jsonOf(run)[2], 'details')['code']).toBe('invalid_parameter');
		expect(sandbox().tasks()).toHaveLength(4);
	});

	it('does not run again for a failed item that is not the first, as n8n has it', async () => {
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			...again,
			items: [sleepItem(0), flakyItem('second')],
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run)[1]?.['error']).toContain('attempt 1 failed');
		expect(sandbox().tasks()).toHaveLength(2);
	});

	it('follows what is still running instead of starting it again', async () => {
		const started = runApp(sandbox(), {
			...FROM_ITEM,
			...again,
			items: [
				{ app: 'sandbox/manual', input: { n: 1 } },
				flakyItem('k'),
				{ app: 'sandbox/manual', input: { n: 2 } },
			],
		});
		// The second try has begun when the flaky one has been bought twice.
		await until(() => sandbox().tasks().length >= 4);
		const running = sandbox().running();
		expect(running).toHaveLength(2);
		for (const { id } of running) sandbox().finishTask(id, { output: { done: id } });
		const run = await started;
		expect(run.status).toBe('success');
		expect(jsonOf(run)[0]?.['output']).toEqual({ done: running[0]?.id });
		expect(jsonOf(run)[2]?.['output']).toEqual({ done: running[1]?.id });
		expect(sandbox().tasks()).toHaveLength(4);
		expect(
			sandbox()
				.tasks()
				.every(({ cancelRequestedAt }) => cancelRequestedAt === undefined),
		).toBe(true);
	});

	it('follows a task whose submit answer was still on its way', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'delay', ms: 1, when: 'after' });
		sandbox().hold();
		const running = runApp(sandbox(), {
			...FROM_ITEM,
			...again,
			parameters: { ...FROM_ITEM.parameters, concurrency: 2 },
			items: [sleepItem(0), flakyItem('k')],
		});
		const run = await meanwhile(running, async () => {
			await until(() =>
				sandbox()
					.tasks()
					.some(({ status }) => status === 'failed'),
			);
			sandbox().release();
		});
		expect(run.status).toBe('success');
		expect(sandbox().tasks()).toHaveLength(3);
	});

	it('cancels the others when no try is left', async () => {
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			retryOnFail: true,
			maxTries: 2,
			items: [{ app: 'sandbox/manual', input: {} }, flakyItem('k', 9)],
		});
		expect(run.status).toBe('error');
		expect(run.error?.message).toContain('attempt 2 failed');
		await until(() => sandbox().running().length === 0);
		const manual = sandbox()
			.tasks()
			.filter(({ app }) => app === 'sandbox/manual');
		expect(manual).toHaveLength(1);
		expect(manual[0]?.status).toBe('cancelled');
	});

	it('looks for a submission of which nothing is known before it starts anything', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'reset', when: 'after' });
		sandbox().fault({ on: 'POST /tasks/list', kind: 'status', status: 500 });
		const run = await runApp(sandbox(), {
			...again,
			parameters: { maxRetries: 0 },
			items: [{ text: 'lost', ms: 20 }],
		});
		expect(run.status).toBe('success');
		expect(jsonOf(run)[0]?.['output']).toEqual({ echo: { text: 'lost', ms: 20 } });
		expect(submissions(sandbox())).toHaveLength(1);
		expect(looks()).toBeGreaterThanOrEqual(2);
		expect(run.hints(NODE_NAME)[0]?.message).toContain('found in the task list');
	});

	it('looks again for what a slow gateway has started meanwhile', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'status', status: 504 });
		// The first look finds nothing; the second one is not answered at once.
		const late = { on: 'POST /tasks/list', kind: 'delay', ms: 1, when: 'before', skip: 1 } as const;
		sandbox().fault(late);
		sandbox().hold();
		const started = runApp(sandbox(), {
			...again,
			parameters: { maxRetries: 0 },
			items: [{ text: 'late' }],
		});
		await until(() => looks() >= 2);
		const { url, apiKey } = sandbox();
		await fetch(`${url}/apps/run`, {
			method: 'POST',
			headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` },
			body: JSON.stringify({ app: 'sandbox/echo', input: { text: 'late' } }),
		});
		sandbox().release();
		const run = await started;
		expect(jsonOf(run)[0]?.['output']).toEqual({ echo: { text: 'late' } });
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it('asks only once what all will cost', async () => {
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			...again,
			options: { maxCost: 100 },
			items: [sleepItem(1), flakyItem('cost')],
		});
		expect(run.status).toBe('success');
		expect(sandbox().count('POST', /\/estimate$/)).toBe(2);
	});

	it('does so for an unknown submission of a node that goes on, too', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'reset', when: 'after' });
		const run = await runApp(sandbox(), {
			...again,
			options: { onUnclearSubmit: 'fail' },
			items: [{ text: 'lost' }],
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run)[0]).toMatchObject({ status: 'completed' });
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it('tells the real reason of a refusal on every try', async () => {
		const run = await runApp(sandbox(), {
			...again,
			items: [{}],
			credentials: { ...credentialsOf(sandbox()), apiKey: 'inf_wrong' },
		});
		expect(run.error?.message).toContain('does not accept the API key');
		expect(sandbox().requests.map(({ path }) => path)).toEqual(Array(3).fill('/apps/run'));
	});

	it('starts a task anew that a timeout has cancelled', async () => {
		const started = runApp(sandbox(), {
			app: 'sandbox/manual',
			retryOnFail: true,
			maxTries: 2,
			parameters: { timeout: 60 },
			items: [{}],
		});
		const run = await meanwhile(started, async () => {
			await minuteOf(1);
			await until(() => sandbox().tasks().length >= 2);
			sandbox().finishTask(sandbox().tasks()[1]?.id ?? '', { output: { done: true } });
		});
		const [first, second] = sandbox().tasks();
		expect(first?.cancelRequestedAt).toBeDefined();
		expect(jsonOf(run)[0]).toMatchObject({ id: second?.id, output: { done: true } });
		expect(sandbox().tasks()).toHaveLength(2);
	});

	it('takes the result of a task that completes although a timeout has cancelled it', async () => {
		const running = runApp(sandbox(), {
			app: 'sandbox/cancel-completes',
			retryOnFail: true,
			maxTries: 2,
			parameters: { timeout: 60 },
			items: [{}],
		});
		const run = await meanwhile(running, async () => await minuteOf(1));
		expect(jsonOf(run)[0]?.['output']).toEqual({ completed_anyway: true });
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it('follows a task on that a timeout has left running', async () => {
		const running = runApp(sandbox(), {
			app: 'sandbox/manual',
			...again,
			parameters: { timeout: 60 },
			options: { onTimeout: 'keep' },
			items: [{}],
		});
		const run = await meanwhile(running, async () => {
			await minuteOf(1);
			await followed(2);
			sandbox().finishTask(sandbox().tasks()[0]?.id ?? '', { output: { done: true } });
		});
		expect(jsonOf(run)[0]?.['output']).toEqual({ done: true });
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it('does not start tasks again that were not to be waited for', async () => {
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			...again,
			parameters: { ...FROM_ITEM.parameters, wait: 'none', concurrency: 1 },
			items: [
				{ app: 'sandbox/manual', input: { n: 1 } },
				{ app: 'sandbox/echo', input: '{"broken": ' },
			],
		});
		expect(run.status).toBe('error');
		expect(sandbox().tasks()).toHaveLength(1);
	});

	it('starts one anew that was cancelled before anybody knew of it', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'delay', ms: 1, when: 'after' });
		sandbox().hold();
		const running = runApp(sandbox(), {
			app: 'sandbox/manual',
			...again,
			parameters: { wait: 'none', timeout: 60 },
			items: [{}],
		});
		const run = await meanwhile(running, async () => {
			await until(() => sandbox().tasks().length >= 1);
			await clock.runOut(MINUTE);
			sandbox().release();
		});
		await until(() => sandbox().tasks()[0]?.status !== 'cancelling');
		const [first, second, ...more] = sandbox().tasks();
		expect(first?.status).toBe('cancelled');
		expect(jsonOf(run)).toMatchObject([{ id: second?.id }]);
		expect(more).toEqual([]);
	});

	it('buys nothing twice for a refusal that stays', async () => {
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			...again,
			items: [sleepItem(0), { app: 'sandbox/paid', input: {} }, sleepItem(2)],
		});
		expect(run.status).toBe('error');
		expect(run.error?.message).toContain('plan or balance');
		const bought = sandbox()
			.tasks()
			.map(({ input }) => JSON.stringify(input));
		expect(new Set(bought).size).toBe(bought.length);
	});

	it('shares nothing between executions', async () => {
		const both = await Promise.all(
			['a', 'b'].map(
				async (name) =>
					await runApp(sandbox(), {
						...FROM_ITEM,
						...again,
						parameters: { ...FROM_ITEM.parameters, concurrency: 1 },
						items: [
							{ app: 'sandbox/echo', input: { text: name, ms: 5 } },
							flakyItem(`execution ${name}`),
						],
					}),
			),
		);
		expect(both.map((run) => jsonOf(run)[0]?.['output'])).toEqual([
			{ echo: { text: 'a', ms: 5 } },
			{ echo: { text: 'b', ms: 5 } },
		]);
		expect(sandbox().tasks()).toHaveLength(6);
	});

	it('shares nothing between two nodes of one execution', async () => {
		const both = await Promise.all(
			['one', 'two'].map(
				async (id) =>
					await runApp(sandbox(), {
						...FROM_ITEM,
						...again,
						executionId: 'the-same',
						nodeFields: { id },
						parameters: { ...FROM_ITEM.parameters, concurrency: 1 },
						items: [{ app: 'sandbox/echo', input: { text: id } }, flakyItem(`node ${id}`)],
					}),
			),
		);
		expect(both.map((run) => jsonOf(run)[0]?.['output'])).toEqual([
			{ echo: { text: 'one' } },
			{ echo: { text: 'two' } },
		]);
	});

	it('leaves nothing behind when it has ended', async () => {
		for (const round of [1, 2]) {
			const run = await runApp(sandbox(), {
				...again,
				executionId: 'one-that-ends',
				items: [{ text: 'same' }],
			});
			expect(run.status).toBe('success');
			expect(sandbox().tasks()).toHaveLength(round);
		}
	});

	it('buys anew in every round of a loop', async () => {
		const type = 'test.runApp';
		const node = (fields: Partial<INode> & Pick<INode, 'name'>): INode => ({
			id: fields.name,
			type: PASSTHROUGH,
			typeVersion: 1,
			position: [0, 0],
			parameters: {},
			...fields,
		});
		// Both inputs of the node come from the start, so that it runs twice in one execution.
		const run = await runWorkflow({
			credentials: credentialsOf(sandbox()),
			nodeTypes: { [type]: new RunApp() },
			nodes: [
				node({ name: 'Start' }),
				node({ name: 'Left' }),
				node({ name: 'Right' }),
				node({
					name: NODE_NAME,
					type,
					retryOnFail: true,
					maxTries: 2,
					waitBetweenTries: 1,
					credentials: { inferenceShApi: { id: '1', name: 'Test' } },
					parameters: {
						app: appRef('={{ $json.app }}'),
						inputMode: 'json',
						jsonInput:
							'={{ ({ ...$json.input, ...($json.input.key && { key: `round ${$runIndex}` }) }) }}',
						concurrency: 1,
						options: QUICK,
					},
				}),
			],
			connections: {
				Start: {
					main: [
						[
							{ node: 'Left', type: 'main', index: 0 },
							{ node: 'Right', type: 'main', index: 0 },
						],
					],
				},
				Left: { main: [[{ node: NODE_NAME, type: 'main', index: 0 }]] },
				Right: { main: [[{ node: NODE_NAME, type: 'main', index: 0 }]] },
			},
			startItems: [{ json: sleepItem(7) }, { json: flakyItem('key') }],
		});
		expect(run.status).toBe('success');
		expect(run.runData[NODE_NAME]).toHaveLength(2);
		const ids = (run.runData[NODE_NAME] ?? []).map(
			({ data }) => data?.['main']?.[0]?.[0]?.json['id'],
		);
		expect(new Set(ids).size).toBe(2);
		// In each round the sleeping task once and the flaky one twice.
		expect(sandbox().tasks()).toHaveLength(6);
	});
});
