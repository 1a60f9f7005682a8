import type { INodeParameters } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { jsonOf, runApp, useSandbox } from '../../engine/support.mts';
import { mostInFlight } from '../../mostInFlight.mts';

const sandbox = useSandbox();

const numbers: ReadonlyArray<readonly [name: string, displayName: string, bad: unknown[]]> = [
	['concurrency', 'Concurrency', [0, -1, 2.5, 1001, 'five', '']],
	['timeout', 'Timeout (Seconds)', [-1, 1e9, 'soon']],
	['maxRetries', 'Max Retries', [-1, 0.5, 101, 'many']],
];
const options: ReadonlyArray<readonly [name: string, displayName: string, bad: unknown[]]> = [
	['backoffBase', 'Retry: First Wait (Seconds)', [-0.1, 1e9, 'x', '={{ NaN }}']],
	['backoffCap', 'Retry: Longest Wait (Seconds)', [-1, 1e9, 'x']],
	['maxRetryAfter', 'Retry: Accepted Wait (Seconds)', [-1, 1e9, 'x']],
	['pollInterval', 'Task: Check Every (Seconds)', [0, 0.05, -2, 1e9, 'x']],
	['totalTimeout', 'Limit: Total Timeout (Seconds)', [-1, 1e9, 'x']],
	['maxCost', 'Limit: Max Cost (USD)', [-1, 1e10, 'free', '={{ Infinity }}']],
	['onTimeout', 'Task: On Timeout', ['explode', 1]],
	['onStop', 'Task: On Stop', ['explode', '']],
	['onUnclearSubmit', 'Retry: Unclear Submission', ['guess']],
	['follow', 'Task: Follow By', ['pray']],
	['retryOn', 'Retry: Which Failures', [['luck'], 'network', ['rateLimit', 7]]],
];

const cases = (table: typeof numbers) =>
	table.flatMap(([name, displayName, bad]) => bad.map((value) => ({ name, displayName, value })));

async function expectRefusal(
	bad: { parameters?: INodeParameters; options?: INodeParameters },
	displayName: string,
	value: unknown,
): Promise<void> {
	const run = await runApp(sandbox(), { ...bad, items: [{}, {}] });
	expect(run.error?.name).toBe('NodeOperationError');
	expect(run.error?.message).toContain(`Parameter "${displayName}" must be`);
	const isExpression = typeof value === 'string' && value.startsWith('={{');
	const shown = isExpression ? value.slice('={{ '.length, -' }}'.length) : JSON.stringify(value);
	expect(run.error?.message).toContain(Array.isArray(value) ? 'one of' : `is ${shown}`);
	expect(sandbox().requests).toEqual([]);
}

describe('settings that make no sense are named, printed and cost nothing', () => {
	it.each(cases(numbers))('$name = $value', async ({ name, displayName, value }) => {
		await expectRefusal({ parameters: { [name]: value as string } }, displayName, value);
	});

	it.each(cases(options))('options.$name = $value', async ({ name, displayName, value }) => {
		await expectRefusal({ options: { [name]: value as string } }, displayName, value);
	});

	it('wait', async () => {
		await expectRefusal({ parameters: { wait: 'forever' } }, 'Wait', 'forever');
	});

	it('inputMode', async () => {
		await expectRefusal({ parameters: { inputMode: 'telepathy' } }, 'App Input', 'telepathy');
	});

	it('an expression that fails, with its text', async () => {
		const expression = "={{ $('Nowhere').item.json.n }}";
		for (const bad of [
			{ parameters: { concurrency: expression } },
			{ options: { totalTimeout: expression } },
		]) {
			const run = await runApp(sandbox(), { ...bad, items: [{}] });
			expect(run.error?.name).toBe('NodeOperationError');
			expect(run.error?.message).toMatch(
				/Parameter "(Concurrency|Limit: Total Timeout \(Seconds\))" cannot be read/,
			);
			expect(run.error?.message).toContain(JSON.stringify(expression));
		}
		expect(sandbox().requests).toEqual([]);
	});

	it('and fail every item if the node is set to continue', async () => {
		const run = await runApp(sandbox(), {
			parameters: { concurrency: -1 },
			items: [{ a: 1 }, { a: 2 }],
			onError: 'continueErrorOutput',
		});
		expect(run.status).toBe('success');
		expect(run.output('Output 0')).toEqual([]);
		expect(run.output('Output 1').map(({ json }) => json)).toEqual(
			[1, 2].map((a, index) => ({
				a,
				error: 'Parameter "Concurrency" must be a whole number from 1 to 1000, but is -1',
				details: { code: 'invalid_parameter', item_index: index },
			})),
		);
		expect(sandbox().requests).toEqual([]);
	});
});

describe('settings', () => {
	it('may be numbers written as text', async () => {
		const run = await runApp(sandbox(), {
			parameters: { concurrency: '2', timeout: ' 30 ', maxRetries: '0' },
			options: { pollInterval: '0.1', backoffBase: '0' },
			items: [{ text: 'a' }],
		});
		expect(run.error).toBeUndefined();
		expect(jsonOf(run)[0]).toMatchObject({ status: 'completed' });
	});

	it('may be expressions, read from the first item', async () => {
		const items = [1, 2, 3, 4].map((n) => ({ ms: 5, value: { n }, limit: n }));
		const run = await runApp(sandbox(), {
			parameters: { concurrency: '={{ $json.limit }}' },
			items,
		});
		expect(run.error).toBeUndefined();
		expect(mostInFlight(sandbox())).toBe(1);
	});

	it('that are left empty fall back to their defaults', async () => {
		const run = await runApp(sandbox(), {
			options: { backoffBase: '={{ $json.nothing }}', follow: '={{ null }}' },
			items: [{ text: 'a' }],
		});
		expect(run.error).toBeUndefined();
	});
});
