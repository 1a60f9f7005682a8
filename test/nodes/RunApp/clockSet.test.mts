/** What becomes of a run while somebody, or a time server, sets the clock of its machine. */
import { describe, expect, it, vi } from 'vitest';
import {
	clock,
	jsonOf,
	objectIn,
	passing,
	QUICK,
	runApp,
	useSandbox,
} from '../../engine/support.mts';
import { until } from '../../until.mts';
import { runBatch } from '../Batch/support.mts';

const sandbox = useSandbox();
const HOUR = 3_600_000;
const submitted = () => sandbox().count('POST', '/apps/run');

/** Sets the machine's clock; the time that passes is the same. */
function setClock(byMs: number): void {
	vi.mocked(Date.now).mockImplementation(() => clock.now() + byMs);
}

/** A run, and how long it took, ms. */
async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
	const before = clock.now();
	const result = await passing(work);
	return { result, ms: clock.now() - before };
}

describe.each([
	['back an hour', -HOUR],
	['forward an hour', HOUR],
	['forward a year', 24 * 365 * HOUR],
])('the clock is set %s', (_how, byMs) => {
	it.each([
		['seconds', () => '2'],
		['a date', () => new Date(clock.now() + 2_000).toUTCString()],
	])('in a pause of 2 s that the service asks for in %s: it takes 2 s', async (_form, value) => {
		sandbox().fault({
			on: 'POST /apps/run',
			kind: 'status',
			status: 429,
			headers: { 'retry-after': value(), date: new Date(clock.now()).toUTCString() },
		});
		const run = runApp(sandbox(), { items: [{ text: 'a' }, { text: 'b' }, { text: 'c' }] });
		await until(() => submitted() > 0);
		setClock(byMs);
		const { result, ms } = await timed(run);
		expect(jsonOf(result)).toHaveLength(3);
		expect(ms).toBeLessThan(10_000);
	});

	it('while a task is followed without a timeout, and requests fail: it is followed on', async () => {
		sandbox().fault({ on: 'GET /tasks/:id/stream', kind: 'reset', when: 'before', times: 2 });
		sandbox().fault({ on: 'GET /tasks/:id', kind: 'reset', when: 'before', times: 2 });
		const run = runApp(sandbox(), { app: 'sandbox/manual', parameters: { timeout: 0 } });
		await until(() => sandbox().count('GET', /\/stream$/) >= 1);
		setClock(byMs);
		await until(() => sandbox().count('GET', /\/stream$/) >= 3);
		const [task] = sandbox().running();
		sandbox().finishTask(task?.id ?? 'none', { output: 1 });
		const { result, ms } = await timed(run);
		expect(result.error).toBeUndefined();
		expect(jsonOf(result)).toMatchObject([{ output: 1, status: 'completed' }]);
		expect(ms).toBeLessThan(120_000);
	});

	it('while a task runs: it has its whole timeout, and no more', async () => {
		const run = runApp(sandbox(), { app: 'sandbox/manual', parameters: { timeout: 20 } });
		await until(() => sandbox().count('GET', /\/stream$/) >= 1);
		const before = clock.now();
		setClock(byMs);
		await clock.pass(19_000);
		expect(sandbox().running()).toHaveLength(1);
		await clock.runOut(2_000);
		const { result } = await timed(run);
		expect(result.error?.message).toContain('did not finish within 20 s');
		expect(clock.now() - before).toBeLessThan(40_000);
	});

	it('between two tries of Retry On Fail: what the first one has bought is not bought again', async () => {
		let first = true;
		const run = await passing(
			runApp(sandbox(), {
				app: '={{ $json.app }}',
				parameters: { inputMode: 'json', jsonInput: '={{ $json.input }}', concurrency: 1 },
				items: [
					{ app: 'sandbox/sleep', input: { ms: 5, value: 1 } },
					{ app: 'sandbox/flaky', input: { key: 'k', failures: 1 } },
				],
				retryOnFail: true,
				maxTries: 3,
				onNodeEnd() {
					if (first) setClock(byMs);
					first = false;
				},
			}),
		);
		expect(jsonOf(run).map((json) => objectIn(json, 'output'))).toEqual([
			{ slept: 5, value: 1 },
			{ key: 'k', attempts: 2 },
		]);
		expect(sandbox().tasks()).toHaveLength(3);
	});

	it('in a batch: its durations are those that have passed', async () => {
		const run = runBatch(sandbox(), { app: 'sandbox/manual', options: QUICK });
		await until(() => sandbox().running().length === 1);
		setClock(byMs);
		const [task] = sandbox().running();
		sandbox().finishTask(task?.id ?? 'none', { output: 1 });
		const { result } = await timed(run);
		const [summary] = jsonOf(result, 2);
		for (const figure of ['duration_ms', 'p50_ms', 'p95_ms']) {
			expect(summary?.[figure]).toBeGreaterThanOrEqual(0);
			expect(summary?.[figure]).toBeLessThan(60_000);
		}
	});
});
