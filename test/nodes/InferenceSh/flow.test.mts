import type { INodeParameters } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { NODE_NAME } from '../../engine/engine.mts';
import { appRef, clock, jsonOf, meanwhile, passing, useSandbox } from '../../engine/support.mts';
import { until } from '../../until.mts';
import { operate, type OperationOptions } from './support.mts';

const sandbox = useSandbox();

/** Runs a flow with the JSON of each item as its input. */
async function run(flow: string, options: OperationOptions = {}) {
	const { parameters, ...rest } = options;
	return await operate(sandbox(), 'flow.run', {
		...rest,
		parameters: { flow: appRef(`sandbox/${flow}`), inputMode: 'item', ...parameters },
	});
}

const starts = () => sandbox().count('POST', '/flowruns');

describe('Flow: Run', () => {
	it('waits for the result, and tells what the nodes did', async () => {
		const done = await run('greet', { items: [{ name: 'Ada' }, { name: 'Bo' }] });
		expect(done.error).toBeUndefined();
		const [first] = sandbox().flowRuns();
		expect(jsonOf(done)).toHaveLength(2);
		expect(jsonOf(done)[0]).toEqual({
			output: { text: 'Hello Ada' },
			text: 'Hello Ada',
			id: first?.id,
			status: 'completed',
			flow: 'sandbox/greet',
			task_id: first?.taskId,
			node_statuses: { write: 'completed', check: 'completed' },
			flow_run_started: expect.any(String) as string,
			flow_run_finished: expect.any(String) as string,
			run: { attempts: 1, duration_ms: expect.any(Number) as number, via: 'stream' },
		});
		expect(starts()).toBe(2);
		// The name is looked up once.
		expect(sandbox().count('GET', '/flows/sandbox/greet')).toBe(1);
	});

	it.each([
		{ envelope: 'v1', streamFormat: 'sse', statusAs: 'string' },
		{ envelope: 'v2', streamFormat: 'ndjson' },
	] as const)('is the same in every dialect of the service: %o', async (dialect) => {
		sandbox().configure(dialect);
		const done = await run('greet', { items: [{ name: 'Ada' }] });
		expect(jsonOf(done)[0]).toMatchObject({ status: 'completed', output: { text: 'Hello Ada' } });
	});

	it('polls if it is told to, or the streams keep failing', async () => {
		const polled = await run('greet', { items: [{ name: 'A' }], options: { follow: 'poll' } });
		expect(jsonOf(polled)[0]).toMatchObject({ run: { via: 'poll' } });
		expect(sandbox().count('GET', /\/stream$/)).toBe(0);
		sandbox().fault({ on: 'GET /flowruns/:id/stream', kind: 'reset', when: 'before', times: 9 });
		const broken = await run('greet', { items: [{ name: 'A' }] });
		expect(jsonOf(broken)[0]).toMatchObject({ status: 'completed' });
	});

	it('returns at once if nothing is to be waited for', async () => {
		const done = await run('manual', { parameters: { wait: 'none' } });
		const [view] = sandbox().flowRuns();
		expect(jsonOf(done)).toEqual([{ id: view?.id, status: 'running' }]);
		expect(view?.status).toBe('running');
	});

	it('does not fail because of a gate that is false', async () => {
		const done = await run('gated');
		expect(jsonOf(done)[0]).toMatchObject({
			status: 'completed',
			output: { done: true },
			node_statuses: { gate: 'failed', behind: 'skipped', beside: 'completed' },
		});
	});

	it('says why a flow failed and in which nodes, for its item only', async () => {
		const done = await operate(sandbox(), 'flow.run', {
			items: [{ flow: 'sandbox/broken' }, { flow: 'sandbox/gated' }, { flow: 'sandbox/none' }],
			parameters: { flow: '={{ $json.flow }}', inputMode: 'json' },
			onError: 'continueRegularOutput',
		});
		const [failed, fine, unknown] = jsonOf(done);
		expect(failed?.['error']).toMatch(/^Flow run \w+ failed: second: out of memory$/);
		expect(failed?.['details']).toMatchObject({
			code: 'task_failed',
			status: 'failed',
			id: sandbox()
				.flowRuns()
				.find(({ flow }) => flow === 'sandbox/broken')?.id,
			hint: expect.stringContaining('failed: second.') as string,
		});
		expect(fine).toMatchObject({ status: 'completed' });
		expect(unknown?.['error']).toContain('It does not exist');
		expect(starts()).toBe(2);
	});

	it('fills in its form, checks it, and sends what it checked', async () => {
		const fields = (value: INodeParameters) => ({
			inputMode: 'fields',
			fields: { mappingMode: 'defineBelow', value },
		});
		const done = await run('greet', { parameters: fields({ name: 'Cy', loud: 'true' }) });
		expect(done.error).toBeUndefined();
		expect(sandbox().flowRuns()[0]?.input).toEqual({ name: 'Cy', loud: true });
		const empty = await run('greet', { parameters: fields({ loud: true }) });
		expect(empty.error?.message).toBe(
			'Parameter "Name" is empty, but the flow requires it [item 0]',
		);
		const wrong = await run('greet', { parameters: fields({ name: 'x', loud: 'maybe' }) });
		expect(wrong.error?.message).toContain('"Loud" must be true or false');
		expect(starts()).toBe(1);
	});

	it('takes files, uploads them, and gives those of its output', async () => {
		const picture = { data: Buffer.from('png').toString('base64'), mimeType: 'image/png' };
		const done = await run('poster', {
			items: [{ json: {}, binary: { photo: picture } }],
			parameters: {
				inputMode: 'fields',
				fields: { mappingMode: 'defineBelow', value: { picture: 'photo' } },
				downloadFiles: true,
			},
		});
		expect(done.error).toBeUndefined();
		const [item] = done.output(NODE_NAME);
		expect(sandbox().flowRuns()[0]?.input).toEqual({ picture: { uri: sandbox().files()[0]?.uri } });
		expect(Object.values(item?.binary ?? {})).toEqual([
			expect.objectContaining({ mimeType: 'image/png' }),
		]);
		expect(sandbox().violations()).toEqual([]);
	});

	it('cancels the run at a Stop, and leaves it running if it is told to', async () => {
		for (const [onStop, status] of [
			['cancel', 'cancelled'],
			['keep', 'running'],
		] as const) {
			sandbox().reset();
			let stop = () => {};
			const cancelAfter = new Promise<void>((resolve) => (stop = resolve));
			const running = run('manual', { options: { onStop }, cancelAfter });
			const stopped = await meanwhile(running, async () => {
				await until(() => sandbox().count('GET', /\/stream$/) > 0);
				stop();
			});
			expect(stopped.status).toBe('canceled');
			expect(sandbox().flowRuns()[0]?.status).toBe(status);
		}
	});

	it('cancels the run when its time is over', async () => {
		const running = run('manual', { parameters: { timeout: 60 } });
		const late = await meanwhile(running, async () => {
			await until(() => sandbox().count('GET', /\/stream$/) > 0);
			await clock.runOut(60_000);
		});
		const [view] = sandbox().flowRuns();
		expect(late.error?.message).toBe(
			`Flow run ${view?.id} did not finish within 60 s. The run was cancelled.`,
		);
		expect(view?.status).toBe('cancelled');
	});
});

describe('a start whose answer got lost', () => {
	const lost = () => sandbox().fault({ on: 'POST /flowruns', kind: 'reset', when: 'after' });

	it('is looked up and taken over, not repeated', async () => {
		lost();
		const done = await run('greet', { items: [{ name: 'Ada' }] });
		expect(jsonOf(done)[0]).toMatchObject({ output: { text: 'Hello Ada' } });
		expect(sandbox().flowRuns()).toHaveLength(1);
		expect(done.hints(NODE_NAME)[0]?.message).toContain('not started again');
	});

	it('is started again if it is certain that it was not', async () => {
		sandbox().fault({ on: 'POST /flowruns', kind: 'reset', when: 'before' });
		const done = await run('greet', { items: [{ name: 'Ada' }] });
		expect(jsonOf(done)[0]).toMatchObject({ output: { text: 'Hello Ada' }, run: { attempts: 2 } });
		expect(sandbox().flowRuns()).toHaveLength(1);
	});

	it('is never run a second time on a guess', async () => {
		// The service does not show what the run was asked for.
		sandbox().configure({ inputsAs: 'hidden' });
		lost();
		const done = await run('greet', { items: [{ name: 'Ada' }] });
		expect(done.error?.message).toMatch(
			/^It is not known whether the flow was started: .* does not tell for certain whether flow run \w+ is it$/,
		);
		expect(starts()).toBe(1);
	});

	it('gives each of two equal items a run of its own', async () => {
		lost();
		const done = await run('greet', { items: [{ name: 'Ada' }, { name: 'Ada' }] });
		expect(done.error).toBeUndefined();
		expect(new Set(jsonOf(done).map(({ id }) => id)).size).toBe(2);
		expect(sandbox().flowRuns()).toHaveLength(2);
	});

	it('is told if the list cannot be read', async () => {
		lost();
		sandbox().fault({ on: 'POST /flowruns/list', kind: 'status', status: 403, times: 9 });
		const done = await run('greet', { items: [{ name: 'Ada' }] });
		expect(done.error?.message).toContain('It is not known whether the flow was started');
		expect(starts()).toBe(1);
	});
});

describe('Retry On Fail', () => {
	it('goes on with runs that an earlier try has started, and starts none twice', async () => {
		const running = run('manual', {
			items: [{ n: 1 }, { n: 2 }],
			retryOnFail: true,
			parameters: { concurrency: 2 },
		});
		const done = await meanwhile(running, async () => {
			await until(() => sandbox().flowRuns().length === 2);
			const [first, second] = sandbox().flowRuns();
			sandbox().finishFlowRun(first?.id ?? '', 'failed');
			await until(() => sandbox().flowRuns().length === 3);
			for (const one of [second, sandbox().flowRuns()[2]]) {
				sandbox().finishFlowRun(one?.id ?? '', 'completed', { n: 'done' });
			}
		});
		expect(done.error).toBeUndefined();
		expect(jsonOf(done).map(({ output }) => output)).toEqual([{ n: 'done' }, { n: 'done' }]);
		expect(starts()).toBe(3);
	});
});

describe('Flow and flow run', () => {
	it('are listed, read and cancelled', async () => {
		await run('greet', { items: [{ name: 'Ada' }] });
		await run('manual', { parameters: { wait: 'none' } });
		const [greeted, manual] = sandbox().flowRuns();
		const output = async (what: string, parameters: INodeParameters = {}) => {
			const done = await operate(sandbox(), what, { parameters });
			expect(done.error).toBeUndefined();
			return jsonOf(done);
		};
		const [flow] = await output('flow.get', { flow: 'sandbox/greet' });
		expect(flow).toMatchObject({ flow: 'sandbox/greet', inputs: ['name', 'loud'] });
		expect(await output('flow.getAll', { search: 'poster' })).toHaveLength(1);
		const [one] = await output('flowRun.get', { flowRunId: greeted?.id ?? '' });
		expect(one).toMatchObject({
			id: greeted?.id,
			status: 'completed',
			output: { text: 'Hello Ada' },
			flow_run_error: null,
			node_statuses: { write: 'completed' },
		});
		const all = { returnAll: true };
		expect(await output('flowRun.getAll', all)).toHaveLength(2);
		const filters = { status: ['running'], flow: appRef('sandbox/manual') };
		expect(await output('flowRun.getAll', { ...all, filters })).toEqual([
			expect.objectContaining({ id: manual?.id, status: 'running' }),
		]);
		const flowRunId = manual?.id ?? '';
		const cancelled = { id: flowRunId, status: 'cancelled' };
		expect(await output('flowRun.cancel', { flowRunId })).toEqual([
			{ ...cancelled, cancelled: true },
		]);
		expect(await output('flowRun.cancel', { flowRunId })).toEqual([
			{ ...cancelled, cancelled: false },
		]);
	});

	it.each(['flowRun.get', 'flowRun.cancel'])('say so if there is no run: %s', async (what) => {
		const done = await operate(sandbox(), what, { parameters: { flowRunId: 'nothing' } });
		expect(done.error?.message).toContain('It does not exist');
	});
});

describe('a status of a run that nobody knows', () => {
	it.each(['expired', 9])(
		'ends it as failed when it has an error and stays so: %s',
		async (status) => {
			const body = { id: 'r', status, error: 'no capacity for a day', flow_run_finished: null };
			const wire = JSON.stringify({ data: body });
			sandbox().fault({ on: 'GET /flowruns/:id', kind: 'body', body: wire, times: Infinity });
			const stream = 'GET /flowruns/:id/stream';
			sandbox().fault({ on: stream, kind: 'reset', when: 'before', times: Infinity });
			const started = JSON.stringify({ data: { id: 'r', status: 2 } });
			sandbox().fault({ on: 'POST /flowruns', kind: 'body', body: started, times: Infinity });
			const done = await passing(run('greet', { items: [{ name: 'Ada' }] }));
			expect(done.error?.message).toContain(
				`no capacity for a day (its status is ${JSON.stringify(status)}`,
			);
		},
	);
});

describe('a reference in three parts', () => {
	it.each([
		['flow.get', { flow: appRef('a/b/c') }],
		['flow.run', { flow: appRef('a/b/c'), inputMode: 'item' }],
		['app.get', { app: appRef('a/b/c') }],
		['agent.get', { agent: appRef('a/b/c') }],
		['task.getAll', { filters: { app: appRef('a/b/c') } }],
	])('is not taken for its last two: %s', async (what, parameters) => {
		const { error } = await operate(sandbox(), what, { parameters });
		expect(error?.message).toMatch(/a\/b\/c/);
		expect(sandbox().requests).toEqual([]);
	});
});
