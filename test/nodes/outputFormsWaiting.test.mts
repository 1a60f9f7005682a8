/** What comes out of a wait for callbacks has the form that Output says. */
import { describe, expect, it } from 'vitest';
import { Batch } from '../../nodes/Batch/Batch.node.ts';
import { RunApp } from '../../nodes/RunApp/RunApp.node.ts';
import { credentialsOf, jsonOf, runApp, useSandbox } from '../engine/support.mts';
import { WaitingExecution } from '../engine/waitingEngine.mts';
import { runBatch } from './Batch/support.mts';

const sandbox = useSandbox({ webhookCopies: 0 });

describe('the form', () => {
	it('of a batch is kept while the execution waits for the callback', async () => {
		const run = await runBatch(sandbox(), {
			app: 'sandbox/manual',
			items: [{ json: { n: 1 } }, { json: { n: 2 } }],
			mode: 'webhook',
			parameters: { output: 'text', wait: 'webhook', order: 'completion', concurrency: 1 },
		});
		const credentials = credentialsOf(sandbox());
		const execution = new WaitingExecution(run, new Batch(), { credentials });
		const [first = '', second = ''] = sandbox()
			.tasks()
			.map(({ id }) => id);
		sandbox().finishTask(second, { output: { response: 'Hi' } });
		sandbox().finishTask(first, { output: { n: 1 } });
		const { run: rest } = await execution.callBack({});
		if (!rest) throw new Error('It still waits');
		expect(jsonOf(rest)).toMatchObject([{ text: 'Hi' }]);
		expect(jsonOf(rest)[0]).not.toHaveProperty('id');
		expect(jsonOf(rest, 1)).toMatchObject([{ id: first, error: { code: 'unexpected_output' } }]);
	});

	it('of what 0.1.0 has put to wait is known', async () => {
		const run = await runApp(sandbox(), {
			app: 'sandbox/manual',
			items: [{}],
			mode: 'webhook',
			parameters: { wait: 'webhook' },
		});
		// Its tasks had `fullTask` instead of `form`.
		run.raw.data = JSON.parse(
			JSON.stringify(run.raw.data).replaceAll('"form":"task"', '"fullTask":true'),
		) as typeof run.raw.data;
		const credentials = credentialsOf(sandbox());
		const execution = new WaitingExecution(run, new RunApp(), { credentials });
		sandbox().finishTask(sandbox().tasks()[0]?.id ?? '', { output: { response: 'Hi' } });
		const { run: rest } = await execution.callBack({});
		if (!rest) throw new Error('It still waits');
		expect(jsonOf(rest)[0]).toMatchObject({ function: 'run', output: { response: 'Hi' } });
	});
});
