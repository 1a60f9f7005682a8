/** n8n's log names every task that was started: the only trace of them if n8n dies. */
import { describe, expect, test } from 'vitest';
import { runBatch, spyOnLog } from '../../nodes/Batch/support.mts';
import { NODE_NAME } from '../../engine/engine.mts';
import { runApp, useSandbox } from '../../engine/support.mts';
import { until } from '../../until.mts';

const PREFIX = /^inference\.sh: execution/;

describe('tasks in the log', () => {
	const sandbox = useSandbox();

	test('a task is named while it runs, with its execution, node and item', async () => {
		const lines: string[] = [];
		const running = runApp(sandbox(), {
			app: 'sandbox/manual',
			executionId: '77',
			adjustContext: spyOnLog((line) => lines.push(line), PREFIX),
		});
		await until(() => lines.length > 0);
		const [task] = sandbox().running();
		expect(lines).toEqual([
			`inference.sh: execution 77, "${NODE_NAME}": started ${task?.id} (item 0)`,
		]);
		sandbox().finishTask(task?.id ?? '');
		expect((await running).status).toBe('success');
		expect(lines).toHaveLength(1);
	});

	test('however many start at once, all are named, in few lines', async () => {
		const lines: string[] = [];
		await runBatch(sandbox(), {
			app: 'sandbox/instant',
			items: Array.from({ length: 250 }, (_, index) => ({ text: String(index) })),
			parameters: { concurrency: 50 },
			adjustContext: spyOnLog((line) => lines.push(line), PREFIX),
		});
		const named = lines.filter((line) => line.includes(' started '));
		expect(named.length).toBeLessThan(25);
		const text = named.join('\n');
		for (const { id, input } of sandbox().tasks()) {
			const { text: item } = input as { text: string };
			expect(text).toContain(`${id} (item ${item})`);
		}
	});

	test('a task that is followed again by Retry On Fail is named once', async () => {
		const lines: string[] = [];
		const run = await runApp(sandbox(), {
			app: '={{ $json.app }}',
			items: [{ app: 'sandbox/sleep', ms: 60 }, { app: 'sandbox/fail' }],
			retryOnFail: true,
			maxTries: 2,
			adjustContext: spyOnLog((line) => lines.push(line), PREFIX),
		});
		expect(run.status).toBe('error');
		const sleeper = sandbox()
			.tasks()
			.filter(({ app }) => app === 'sandbox/sleep');
		expect(sleeper).toHaveLength(1);
		const named = lines.filter((line) => line.includes(sleeper[0]?.id ?? 'none'));
		expect(named).toHaveLength(1);
	});
});
