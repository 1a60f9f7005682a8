import { describe, expect, it } from 'vitest';
import { clock, jsonOf, objectIn, useSandbox } from '../../engine/support.mts';
import { aMoment, until } from '../../until.mts';
import { EXISTING, fromTheStart, linesOf, startManual, streamTask, updatesOf } from './support.mts';

const sandbox = useSandbox();

describe('Interval', () => {
	it('holds updates back and loses nothing', async () => {
		const { id, started, live } = await startManual(sandbox(), {
			options: { minInterval: 60, streamAs: 'json' },
		});
		await until(() => live() !== '');
		for (let step = 1; step <= 60; step += 1) {
			sandbox().pushTask(id, { logs: `step ${step}/60\n` });
			// The updates of every tenth are told before the next one.
			if (step % 10 > 0) continue;
			await aMoment();
			await clock.pass(60_000);
			await until(() => live().includes(`step ${step}/60`));
		}
		sandbox().finishTask(id);
		const updates = updatesOf(await started);
		expect(linesOf(updates)).toEqual(
			Array.from({ length: 60 }, (_, step) => `step ${step + 1}/60`),
		);
		expect(updates.at(-1)).toMatchObject({ status: 'completed' });
		expect(updates).toHaveLength(8);
		const times = updates.map(({ at }) => Date.parse(at));
		// The end is told at once.
		const gaps = times.slice(1, -1).map((time, index) => time - (times[index] ?? 0));
		for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(60_000);
	});

	it('shows what has changed even if nothing comes after it', async () => {
		const { id, started, live } = await startManual(sandbox(), {
			options: { minInterval: 60, streamAs: 'json' },
		});
		await until(() => live() !== '');
		sandbox().pushTask(id, { logs: 'first\n' });
		sandbox().pushTask(id, { status: 'preparing' });
		sandbox().pushTask(id, { status: 'uploading', logs: 'last word\n' });
		await aMoment();
		expect(live()).not.toContain('first');
		await clock.pass(60_000);
		await until(() => live().includes('last word'));
		expect(sandbox().running()).toHaveLength(1);
		sandbox().finishTask(id, { output: { done: true } });
		const updates = updatesOf(await started);
		expect(updates.at(-2)).toMatchObject({
			status: 'uploading',
			changed: ['status', 'logs'],
			logs: ['first', 'last word'],
		});
		expect(updates.at(-1)).toMatchObject({ changed: ['status', 'output'], output: { done: true } });
	});

	it('is half a second by default', async () => {
		const run = await fromTheStart(sandbox(), {
			app: 'sandbox/video',
			items: [{ prompt: 'x', steps: 20, stepMs: 1 }],
			options: { minInterval: null },
		});
		const updates = updatesOf(run);
		expect(linesOf(updates)).toHaveLength(21);
		const times = updates.slice(0, -1).map(({ at }) => Date.parse(at));
		for (const [index, time] of times.slice(1).entries()) {
			expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(500);
		}
	});
});

describe('Max Updates', () => {
	it('keeps the newest and says how many are missing', async () => {
		const run = await fromTheStart(sandbox(), {
			app: 'sandbox/video',
			items: [
				{ prompt: 'x', steps: 8, stepMs: 1 },
				{ prompt: 'x', steps: 1, stepMs: 1 },
			],
			options: { maxUpdates: 4 },
		});
		const [long, short] = jsonOf(run);
		const own = updatesOf(run).filter(({ id }) => id === long?.['id']);
		expect(own).toHaveLength(4);
		expect(own.at(-1)).toMatchObject({ status: 'completed' });
		const dropped = Number(objectIn(long, 'run')['updates_dropped']);
		expect(dropped).toBeGreaterThan(3);
		expect(own.map(({ seq }) => seq)).toEqual([1, 2, 3, 4].map((n) => n + dropped));
		const shortDropped = Number(objectIn(short, 'run')['updates_dropped'] ?? 0);
		expect(run.hints('Node').map(({ message }) => message)).toEqual([
			`Updates left out: ${dropped + shortDropped}. "Output: Max Updates" keeps the newest 4 of each item.`,
		]);
	});

	it('0 keeps all, and nothing is said if nothing is missing', async () => {
		const run = await streamTask(sandbox(), {
			app: 'sandbox/video',
			items: [{ prompt: 'x', steps: 8, stepMs: 1 }],
			options: { maxUpdates: 0 },
		});
		expect(updatesOf(run)[0]).toMatchObject({ seq: 1 });
		expect(objectIn(jsonOf(run)[0], 'run')).not.toHaveProperty('updates_dropped');
		expect(run.hints('Node')).toEqual([]);
	});
});

describe('A setting that cannot be used', () => {
	it.each([
		[
			'minInterval',
			-1,
			'Parameter "Output: Interval (Seconds)" must be a number from 0 to 604800, but is -1',
		],
		['minInterval', 'soon', 'Parameter "Output: Interval (Seconds)" must be a number'],
		['maxUpdates', 1.5, 'Parameter "Output: Max Updates" must be a whole number'],
		['maxUpdates', -1, 'Parameter "Output: Max Updates" must be a whole number from 0'],
		['streamAs', 'xml', 'Parameter "Output: Stream As" must be one of'],
	])('%s = %j is refused before anything starts', async (name, value, message) => {
		const run = await streamTask(sandbox(), { items: [{}], options: { [name]: value } });
		expect(run.error?.message).toContain(message);
		expect(sandbox().requests).toEqual([]);
	});

	it('becomes failed items if the node is set to continue', async () => {
		const run = await streamTask(sandbox(), {
			items: [{}, {}],
			options: { maxUpdates: 'x' },
			onError: 'continueRegularOutput',
		});
		expect(jsonOf(run).map((json) => objectIn(json, 'details')['code'])).toEqual([
			'invalid_parameter',
			'invalid_parameter',
		]);
		expect(updatesOf(run)).toEqual([]);
	});

	it('of the source is refused, too', async () => {
		const run = await streamTask(sandbox(), { parameters: { source: 'somewhere' } });
		expect(run.error?.message).toContain('Parameter "Source" must be one of');
	});

	it.each([
		['   ', 'Parameter "Task ID" is empty [item 0]'],
		['../apps', 'Parameter "Task ID" must be the ID of a task, but is "../apps" [item 0]'],
		['two words', 'Parameter "Task ID" must be the ID of a task'],
		['={{ [5] }}', 'Parameter "Task ID" must be text, but is [5] [item 0]'],
		['={{ $json.nothing }}', 'Parameter "Task ID" is empty [item 0]'],
		['={{ $json.a.b.c }}', 'Parameter "Task ID"'],
	])('as task id %j is refused', async (taskId, message) => {
		const run = await streamTask(sandbox(), { parameters: { ...EXISTING, taskId } });
		expect(run.error?.message).toContain(message);
		expect(run.error?.context['itemIndex']).toBe(0);
		expect(sandbox().requests).toEqual([]);
	});

	it('Max Cost starts nothing above it, and does not matter for existing tasks', async () => {
		const options = { maxCost: 0.001 };
		const items = [{ prompt: 'x' }];
		const run = await streamTask(sandbox(), { app: 'sandbox/video', items, options });
		expect(run.error?.message).toContain('more than "Limit: Max Cost (USD)" allows');
		expect(sandbox().tasks()).toEqual([]);
	});
});
