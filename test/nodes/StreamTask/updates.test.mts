/** What Stream Task puts out. */
import { describe, expect, it } from 'vitest';
import { StreamTask } from '../../../nodes/StreamTask/StreamTask.node.ts';
import { NODE_NAME } from '../../engine/engine.mts';
import { clock, FROM_ITEM, jsonOf, objectIn, useSandbox } from '../../engine/support.mts';
import { mostInFlight } from '../../mostInFlight.mts';
import { until } from '../../until.mts';
import { drive, fromTheStart, linesOf, startManual, streamTask, updatesOf } from './support.mts';

const sandbox = useSandbox();

describe('The node', () => {
	it('has the outputs Result and Updates and can be a tool', () => {
		const { description } = new StreamTask();
		expect(description).toMatchObject({
			displayName: 'Inference.sh Stream Task',
			name: 'streamTask',
			outputs: ['main', 'main'],
			outputNames: ['Result', 'Updates'],
			usableAsTool: true,
		});
	});

	it('says of the source of existing tasks that they are kept', () => {
		const source = new StreamTask().description.properties.find(({ name }) => name === 'source');
		expect(JSON.stringify(source)).toContain('keeps running after a stop or timeout');
	});
});

describe('Result', () => {
	it('is what Run App puts out', async () => {
		const run = await fromTheStart(sandbox(), { items: [{ text: 'a', ms: 1 }] });
		const id = sandbox().tasks()[0]?.id;
		expect(jsonOf(run)).toEqual([
			{
				id,
				status: 'completed',
				output: { echo: { text: 'a', ms: 1 } },
				app: 'sandbox/echo',
				created_at: expect.any(String) as string,
				updated_at: expect.any(String) as string,
				run: { attempts: 1, duration_ms: expect.any(Number) as number, via: 'stream' },
			},
		]);
		expect(sandbox().requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
			'POST /apps/run',
			`GET /tasks/${id}/stream`,
		]);
	});

	it('comes in the order of the items, a few at a time', async () => {
		const run = await streamTask(sandbox(), {
			app: 'sandbox/sleep',
			items: [60, 10, 40, 5, 20, 30].map((ms, value) => ({ ms, value })),
			parameters: { concurrency: 2 },
		});
		expect(jsonOf(run).map((json) => objectIn(json, 'output')['value'])).toEqual([
			0, 1, 2, 3, 4, 5,
		]);
		expect(run.output(NODE_NAME).map(({ pairedItem }) => pairedItem)).toEqual(
			[0, 1, 2, 3, 4, 5].map((item) => ({ item })),
		);
		expect(mostInFlight(sandbox())).toBe(2);
	});

	it('can be the whole task', async () => {
		const run = await streamTask(sandbox(), { items: [{}], options: { fullTask: true } });
		expect(jsonOf(run)[0]).toMatchObject({ input: {}, function: 'run', status: 'completed' });
	});

	it('can have the files as binary data', async () => {
		const run = await streamTask(sandbox(), {
			app: 'sandbox/video',
			items: [{ prompt: 'x', steps: 1 }],
			parameters: { downloadFiles: true },
		});
		expect(run.output(NODE_NAME)[0]?.binary?.['video']?.mimeType).toBe('video/mp4');
	});

	it('of no items is nothing', async () => {
		const run = await streamTask(sandbox(), { items: [] });
		expect(run.status).toBe('success');
		expect(sandbox().requests).toEqual([]);
	});
});

describe('Updates', () => {
	it('tell a video step by step', async () => {
		const run = await fromTheStart(sandbox(), {
			app: 'sandbox/video',
			items: [{ prompt: 'waves', steps: 3, stepMs: 1 }],
		});
		const updates = updatesOf(run);
		const [task] = sandbox().tasks();
		expect(linesOf(updates)).toEqual(['loading model', 'step 1/3', 'step 2/3', 'step 3/3']);
		expect(updates.map(({ seq }) => seq)).toEqual(updates.map((_, index) => index + 1));
		expect(new Set(updates.map(({ id }) => id))).toEqual(new Set([task?.id]));
		for (const { at } of updates) expect(new Date(at).toISOString()).toBe(at);
		expect(updates.map(({ at }) => at)).toEqual(updates.map(({ at }) => at).toSorted());
		expect(run.output(NODE_NAME, 1).map(({ pairedItem }) => pairedItem)).toEqual(
			updates.map(() => ({ item: 0 })),
		);
	});

	it('have exactly what has changed', async () => {
		const run = await drive(sandbox());
		for (const update of updatesOf(run)) {
			const { id: _id, seq: _seq, at: _at, status: _status, changed, ...fields } = update;
			expect(changed.filter((name) => name !== 'status')).toEqual(Object.keys(fields));
			expect(changed.length).toBeGreaterThan(0);
		}
		const statuses = updatesOf(run).map(({ status }) => status);
		for (const [index, { changed, status }] of updatesOf(run).entries()) {
			expect(changed.includes('status')).toBe(status !== statuses[index - 1]);
		}
	});

	it('have the answer as it grows, and at last the output', async () => {
		const run = await fromTheStart(sandbox(), {
			app: 'sandbox/llm',
			items: [{ text: 'hi', tokens: 5, delayMs: 1 }],
		});
		const updates = updatesOf(run);
		const texts = updates.flatMap(({ text }) => text ?? []);
		expect(texts).toHaveLength(5);
		for (const [index, text] of texts.slice(1).entries()) expect(text).toContain(texts[index]);
		expect(updates.at(-1)).toMatchObject({ status: 'completed', changed: ['status', 'output'] });
		expect(updates.at(-1)?.['output']).toEqual(jsonOf(run)[0]?.['output']);
		expect(objectIn(updates.at(-1), 'output')['response']).toBe(texts.at(-1));
	});

	it('correct the text if the final output is another one', async () => {
		const { id, started, live } = await startManual(sandbox());
		sandbox().pushTask(id, { delta: { response: 'Helo' } });
		await until(() => live() === 'Helo');
		sandbox().finishTask(id, { output: { response: 'Hello' } });
		const run = await started;
		expect(updatesOf(run).flatMap(({ text }) => text ?? [])).toEqual(['Helo', 'Hello']);
		expect(jsonOf(run)[0]?.['output']).toEqual({ response: 'Hello' });
	});

	it('of a task that is over at once are one', async () => {
		const run = await streamTask(sandbox(), { app: 'sandbox/instant', items: [{ text: 'x' }] });
		expect(updatesOf(run)).toMatchObject([
			{ seq: 1, status: 'completed', changed: ['status', 'text', 'output'], text: 'x' },
		]);
	});

	it('of several tasks come in the order of time, each task’s own numbered from 1', async () => {
		const run = await fromTheStart(sandbox(), {
			app: 'sandbox/video',
			items: [30, 10, 20].map((stepMs) => ({ prompt: 'x', steps: 4, stepMs })),
		});
		const updates = updatesOf(run);
		expect(updates.map(({ at }) => at)).toEqual(updates.map(({ at }) => at).toSorted());
		const ids = jsonOf(run).map(({ id }) => id);
		for (const [item, id] of ids.entries()) {
			const own = updates.filter((update) => update.id === id);
			expect(own.map(({ seq }) => seq)).toEqual(own.map((_, index) => index + 1));
			expect(linesOf(own)).toHaveLength(5);
			const pairs = run.output(NODE_NAME, 1).filter(({ json }) => json['id'] === id);
			expect(
				pairs.every(({ pairedItem }) => JSON.stringify(pairedItem) === `{"item":${item}}`),
			).toBe(true);
		}
		expect(updates.slice(0, -1).some(({ id }, index) => id !== updates[index + 1]?.id)).toBe(true);
	});

	it('show a line without an end when nothing comes after it', async () => {
		const { id, started, live } = await startManual(sandbox());
		sandbox().pushTask(id, { logs: 'uploading …' });
		await until(() => clock.awaited);
		expect(live()).toBe('');
		await clock.pass(1_000);
		await until(() => live() === 'uploading …\n');
		sandbox().pushTask(id, { logs: ' done\n' });
		await until(() => live().includes('done'));
		sandbox().finishTask(id);
		expect(linesOf(updatesOf(await started))).toEqual(['uploading …', ' done']);
	});

	it('and failed items have outputs of their own', async () => {
		const items = [
			{ app: 'sandbox/echo', input: {} },
			{ app: 'sandbox/fail', input: { message: 'bad picture', ms: 1 } },
			{ app: '', input: {} },
		];
		const run = await fromTheStart(
			sandbox(),
			{ ...FROM_ITEM, items, onError: 'continueErrorOutput' },
			2,
		);
		const [failed, refused] = run.output('Output 2').map(({ json }) => json);
		const [task] = sandbox()
			.tasks()
			.filter(({ app }) => app === 'sandbox/fail');
		const id = task?.id;
		expect(run.output('Output 0')).toHaveLength(1);
		expect(failed).toMatchObject({
			error: `Task ${id} failed: bad picture`,
			details: { code: 'task_failed', id, status: 'failed', item_index: 1 },
		});
		expect(refused?.['error']).toBe('Parameter "App" is empty [item 2]');
		const own = updatesOf(run).filter((update) => update.id === id);
		expect(own.at(-1)).toMatchObject({ status: 'failed', changed: ['status'] });
		expect(run.output('Output 1')).toHaveLength(updatesOf(run).length);
	});
});
