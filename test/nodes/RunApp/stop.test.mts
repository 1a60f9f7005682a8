import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { EngineRun } from '../../engine/engine.mts';
import { host } from '../../engine/host.mts';
import {
	clock,
	FROM_ITEM,
	jsonOf,
	meanwhile,
	objectIn,
	runApp,
	spyOnParameters,
	stopAfterFirstTry,
	useSandbox,
} from '../../engine/support.mts';
import { aMoment, nextTurn, until } from '../../until.mts';

vi.mock('../../../nodes/client/transport/undiciTransport.ts', async (original) => {
	const { ofHost } = await import('../../engine/host.mts');
	return await ofHost(async () => await original());
});

const sandbox = useSandbox();
beforeEach(() => {
	host.undici = true;
});

const forever = (count: number) => Array.from({ length: count }, (_, n) => ({ n }));
/** The task of an item of `forever`. */
const taskOf = (n: number) =>
	sandbox()
		.tasks()
		.find(({ input }) => (input as { n: number }).n === n);
const statuses = () =>
	sandbox()
		.tasks()
		.map(({ status }) => status);

/** A promise that settles when so many tasks are alive. */
async function alive(count: number): Promise<void> {
	await until(() => sandbox().running().length === count);
}

/** A promise that settles when so many streams have been opened, so that the node knows its tasks. */
async function followed(count: number): Promise<void> {
	await until(() => sandbox().count('GET', /\/stream$/) >= count);
}

const MINUTE = 60_000;

/** Lets a minute run out when so many tasks are followed. */
async function inTheMinute(run: Promise<EngineRun>, count = 1): Promise<EngineRun> {
	return await meanwhile(run, async () => {
		await followed(count);
		await clock.runOut(MINUTE);
	});
}

describe.each([
	{ name: 'undici', undici: true, hideHelpers: [] },
	{ name: 'undici and no egress policy', undici: true, hideHelpers: ['getSecureEgressFilter'] },
	{ name: "n8n's HTTP helper", undici: false, hideHelpers: [] },
])('Stop over $name', ({ undici, hideHelpers }) => {
	beforeEach(() => {
		host.undici = undici;
	});

	it('ends at once and cancels all remote tasks', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/manual',
			items: forever(60),
			parameters: { concurrency: 20 },
			cancelAfter: alive(20),
			hideHelpers,
		});
		expect(run.status).toBe('canceled');
		await until(() => sandbox().running().length === 0);
		await aMoment();
		expect(statuses()).toEqual(Array(20).fill('cancelled'));
		expect(sandbox().count('POST', '/apps/run')).toBe(20);
	});

	it('cancels tasks whose ids were still on their way', async () => {
		const late = { on: 'POST /apps/run', kind: 'delay', ms: 1, when: 'after', times: 99 } as const;
		sandbox().fault(late);
		sandbox().hold();
		const stop = alive(8);
		const running = runApp(sandbox(), {
			app: 'sandbox/manual',
			items: forever(12),
			parameters: { concurrency: 8 },
			cancelAfter: stop,
			hideHelpers,
		});
		const run = await meanwhile(running, async () => {
			await stop;
			await nextTurn();
			sandbox().release();
		});
		expect(run.status).toBe('canceled');
		await until(() => statuses().every((status) => status === 'cancelled'));
		await aMoment();
		expect(statuses()).toEqual(Array(8).fill('cancelled'));
	});
});

describe('Stop', () => {
	it('leaves the tasks running if that is wanted', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/manual',
			items: forever(6),
			parameters: { concurrency: 4 },
			options: { onStop: 'keep' },
			cancelAfter: alive(4),
		});
		expect(run.status).toBe('canceled');
		await aMoment();
		expect(sandbox().running()).toHaveLength(4);
		expect(sandbox().tasks()).toHaveLength(4);
		expect(sandbox().count('POST', /\/cancel$/)).toBe(0);
	});

	it('tells which tasks were cancelled', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/manual',
			items: forever(2),
			cancelAfter: alive(2),
		});
		const said = JSON.stringify(run.raw.data.resultData);
		for (const { id } of sandbox().tasks()) expect(said).toContain(id);
		expect(said).toContain('canceled with 2 items running');
		expect(said).toContain('The task was cancelled.');
	});

	it('tells what may run on of items that have failed before', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'statusAfter', status: 502 });
		const run = await runApp(sandbox(), {
			app: 'sandbox/manual',
			items: forever(2),
			parameters: { concurrency: 1 },
			options: { onUnclearSubmit: 'fail' },
			onError: 'continueRegularOutput',
			cancelAfter: alive(2),
		});
		expect(run.status).toBe('canceled');
		expect(run.error?.message).toContain('2 items');
		expect(run.error?.description).toContain('It is not known whether the task was started');
		expect(run.error?.description).toContain('The task was cancelled.');
	});

	it.each(['continueRegularOutput', 'continueErrorOutput'] as const)(
		'ends a node set to %s, too, without looking at the rest',
		async (onError) => {
			const read: number[] = [];
			const run = await runApp(sandbox(), {
				...FROM_ITEM,
				items: forever(500).map((input) => ({ app: 'sandbox/manual', input })),
				cancelAfter: alive(5),
				onError,
				adjustContext: spyOnParameters('jsonInput', (item) => read.push(item)),
			});
			expect(run.status).toBe('canceled');
			await until(() => sandbox().running().length === 0);
			await aMoment();
			expect(sandbox().tasks()).toHaveLength(5);
			expect(read).toHaveLength(5);
		},
	);

	it('starts nothing in the further tries of Retry On Fail', async () => {
		let tries = 0;
		const run = await runApp(sandbox(), {
			app: 'sandbox/manual',
			items: forever(10),
			parameters: { concurrency: 5 },
			cancelAfter: alive(5),
			retryOnFail: true,
			maxTries: 3,
			adjustContext: () => void (tries += 1),
		});
		expect(run.status).toBe('canceled');
		await until(() => sandbox().running().length === 0);
		await aMoment();
		expect(statuses()).toEqual(Array(5).fill('cancelled'));
		expect(tries).toBeGreaterThan(0);
	});

	it('between two tries cancels what the first one left running', async () => {
		const run = await runApp(sandbox(), {
			...FROM_ITEM,
			items: [
				{ app: 'sandbox/manual', input: {} },
				{ app: 'sandbox/fail', input: {} },
				{ app: 'sandbox/manual', input: { n: 2 } },
			],
			retryOnFail: true,
			maxTries: 5,
			waitBetweenTries: 50,
			...stopAfterFirstTry(),
		});
		expect(run.status).not.toBe('success');
		await until(() => sandbox().running().length === 0);
		await aMoment();
		expect(statuses()).toEqual(['cancelled', 'failed', 'cancelled']);
	});

	it('between two tries reaches tasks behind items that will not run any more', async () => {
		sandbox().hold();
		const running = runApp(sandbox(), {
			...FROM_ITEM,
			items: [
				{ app: 'sandbox/fail', input: { ms: 1 } },
				{ app: 'sandbox/instant', input: {} },
				{ app: 'sandbox/manual', input: {} },
			],
			parameters: { ...FROM_ITEM.parameters, concurrency: 2 },
			retryOnFail: true,
			maxTries: 5,
			waitBetweenTries: 50,
			...stopAfterFirstTry(),
		});
		const run = await meanwhile(running, async () => {
			await followed(2);
			sandbox().release();
		});
		expect(run.status).not.toBe('success');
		await until(() => sandbox().running().length === 0);
		expect(statuses()).toEqual(['failed', 'completed', 'cancelled']);
	});

	it('ends waits between attempts', async () => {
		sandbox().fault({
			on: 'POST /apps/run',
			kind: 'status',
			status: 503,
			times: 99,
			headers: { 'retry-after': '60' },
		});
		const run = await runApp(sandbox(), {
			items: [{}, {}],
			cancelAfter: until(() => sandbox().count('POST', '/apps/run') >= 2),
		});
		expect(run.status).toBe('canceled');
		expect(sandbox().tasks()).toEqual([]);
	});

	it('ends a poller', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/manual',
			items: [{}],
			options: { follow: 'poll', pollInterval: 60 },
			cancelAfter: alive(1),
		});
		expect(run.status).toBe('canceled');
		await until(() => statuses()[0] === 'cancelled');
	});

	it('happens at the workflow timeout, too', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/manual',
			items: forever(3),
			timeoutAfter: alive(3),
		});
		expect(run.status).toBe('canceled');
		await until(() => sandbox().running().length === 0);
		expect(statuses()).toEqual(Array(3).fill('cancelled'));
	});
});

describe('Timeout', () => {
	const runManual = async (app = 'sandbox/manual') =>
		await runApp(sandbox(), { app, items: [{}], parameters: { timeout: 60 } });

	it('counts from the start of an item, not from its wait in the queue', async () => {
		const running = runApp(sandbox(), {
			app: 'sandbox/manual',
			items: forever(3),
			parameters: { concurrency: 1, timeout: 60 },
		});
		const run = await meanwhile(running, async () => {
			for (let item = 1; item <= 3; item += 1) {
				await followed(item);
				await clock.pass(0.7 * MINUTE);
				sandbox().finishTask(sandbox().running()[0]?.id ?? '');
			}
		});
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)).toHaveLength(3);
	});

	it('cancels the task and names it', async () => {
		const running = runApp(sandbox(), {
			...FROM_ITEM,
			items: [
				{ app: 'sandbox/manual', input: {} },
				{ app: 'sandbox/instant', input: { text: 'fine' } },
			],
			parameters: { ...FROM_ITEM.parameters, timeout: 60 },
			onError: 'continueRegularOutput',
		});
		const run = await inTheMinute(running);
		const [late, fine] = jsonOf(run);
		const [task] = sandbox()
			.tasks()
			.filter(({ app }) => app === 'sandbox/manual');
		const id = task?.id;
		expect(late?.['error']).toBe(`Task ${id} did not finish within 60 s. The task was cancelled.`);
		expect(late?.['details']).toEqual({
			code: 'timeout',
			id,
			status: 'timed_out',
			item_index: 0,
			hint: expect.stringContaining('Timeout') as string,
		});
		expect(fine).toMatchObject({ status: 'completed' });
		await until(() => sandbox().running().length === 0);
		expect(statuses().toSorted()).toEqual(['cancelled', 'completed']);
	});

	it('leaves the task running if that is wanted, and says so', async () => {
		const running = runApp(sandbox(), {
			app: 'sandbox/manual',
			items: [{}],
			parameters: { timeout: 60 },
			options: { onTimeout: 'keep' },
		});
		const run = await inTheMinute(running);
		const id = sandbox().tasks()[0]?.id ?? '-';
		expect(run.error?.message).toContain(`Task ${id} did not finish within`);
		expect(run.error?.message).toContain('left running');
		expect(run.error?.description).toContain(id);
		expect(sandbox().running()).toHaveLength(1);
		expect(sandbox().count('POST', /\/cancel$/)).toBe(0);
	});

	it('says if the task could not be cancelled', async () => {
		sandbox().fault({ on: 'POST /tasks/:id/cancel', kind: 'status', status: 403, times: Infinity });
		const run = await inTheMinute(runManual());
		expect(run.error?.message).toContain('could not be cancelled');
		expect(run.error?.message).toContain('may still be running');
	});

	it('tries to cancel again when the service stumbles', async () => {
		sandbox().fault({ on: 'POST /tasks/:id/cancel', kind: 'status', status: 500 });
		const run = await inTheMinute(runManual());
		expect(run.error?.message).toContain('The task was cancelled.');
		await until(() => statuses()[0] === 'cancelled');
	});

	it('covers a task that waits for a worker', async () => {
		const run = await inTheMinute(runManual('sandbox/queue'));
		expect(run.error?.message).toContain('The task was cancelled.');
	});

	it('covers a submission that nobody answers, and still cancels its task', async () => {
		sandbox().fault({ on: 'POST /apps/run', kind: 'delay', ms: 1, when: 'after' });
		sandbox().hold();
		const run = await meanwhile(runManual(), async () => {
			await alive(1);
			await clock.runOut(MINUTE);
			sandbox().release();
		});
		expect(run.error?.message).toContain(`Task ${sandbox().tasks()[0]?.id}`);
		expect(run.error?.message).toContain('The task was cancelled.');
		await until(() => statuses()[0] === 'cancelled');
	});

	it('says that nothing was started if the service has refused all along', async () => {
		sandbox().fault({
			on: 'POST /apps/run',
			kind: 'status',
			status: 503,
			times: 99,
			headers: { 'retry-after': '30' },
		});
		const running = runApp(sandbox(), { items: [{}], parameters: { timeout: 20 } });
		const run = await meanwhile(running, async () => {
			await until(() => clock.awaited);
			await clock.runOut(20_000);
		});
		expect(run.error?.message).toBe(
			'The item did not finish within 20 s. Nothing was started for it.',
		);
		expect(sandbox().requests.map(({ path }) => path)).toEqual(['/apps/run']);
	});

	it('0 is no limit', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/sleep',
			items: [{ ms: 1 }],
			parameters: { timeout: 0 },
		});
		expect(run.error).toBeUndefined();
	});
});

describe('Total Timeout', () => {
	it('shortens the time of items, and nothing starts after it', async () => {
		const read: number[] = [];
		const running = runApp(sandbox(), {
			...FROM_ITEM,
			items: forever(40).map((input) => ({ app: 'sandbox/manual', input })),
			parameters: { ...FROM_ITEM.parameters, concurrency: 2, timeout: 600 },
			options: { totalTimeout: 60 },
			onError: 'continueRegularOutput',
			adjustContext: spyOnParameters('jsonInput', (item) => read.push(item)),
		});
		const run = await inTheMinute(running, 2);
		expect(run.status).toBe('success');
		const output = jsonOf(run);
		expect(output).toHaveLength(40);
		for (const [index, json] of output.slice(0, 2).entries()) {
			const id = taskOf(index)?.id;
			expect(json['error']).toBe(
				`Task ${id} did not finish within the 60 s of "Limit: Total Timeout (Seconds)". The task was cancelled.`,
			);
			expect(objectIn(json, 'details')).toMatchObject({ code: 'timeout', status: 'timed_out', id });
		}
		for (const [index, json] of output.slice(2).entries()) {
			expect(json['error']).toBe(
				'The item did not finish within the 60 s of "Limit: Total Timeout (Seconds)". Nothing was started for it.',
			);
			expect(objectIn(json, 'details')).toMatchObject({ code: 'timeout', item_index: index + 2 });
			expect(objectIn(json, 'details')).not.toHaveProperty('id');
		}
		expect(sandbox().tasks()).toHaveLength(2);
		expect(read).toEqual([0, 1]);
	});

	it('does not touch what has been finished', async () => {
		const running = runApp(sandbox(), {
			...FROM_ITEM,
			items: [
				{ app: 'sandbox/instant', input: { text: 'done' } },
				{ app: 'sandbox/manual', input: {} },
			],
			parameters: { ...FROM_ITEM.parameters, concurrency: 1 },
			options: { totalTimeout: 60 },
			onError: 'continueErrorOutput',
		});
		const run = await inTheMinute(running);
		expect(run.output('Output 0').map(({ json }) => json['output'])).toEqual([{ text: 'done' }]);
		expect(run.output('Output 1')).toHaveLength(1);
	});

	it('ends a node that stops at errors with the task it was at', async () => {
		const running = runApp(sandbox(), {
			app: 'sandbox/manual',
			items: forever(3),
			parameters: { concurrency: 1 },
			options: { totalTimeout: 60 },
		});
		const run = await inTheMinute(running);
		expect(run.error?.context['itemIndex']).toBe(0);
		expect(run.error?.message).toContain(sandbox().tasks()[0]?.id);
		expect(sandbox().tasks()).toHaveLength(1);
	});
});
