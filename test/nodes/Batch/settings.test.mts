import type { INodeParameters } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { each, FROM_LIST, pairs, resultOf, runBatch } from './support.mts';
import { NODE_NAME } from '../../engine/engine.mts';
import { credentialsOf, objectIn, useSandbox } from '../../engine/support.mts';

const sandbox = useSandbox();
const items = [{ text: 'a' }, { text: 'b' }, { text: 'c' }];

const bad: ReadonlyArray<{
	displayName: string;
	value: unknown;
	parameters?: INodeParameters;
	options?: INodeParameters;
}> = [
	...[-1, 2.5, 1e7, 'few', '', '={{ NaN }}'].map((value) => ({
		displayName: 'Limit: Stop After Failures',
		value,
		options: { stopAfterFailures: value },
	})),
	...[-5, 0.1, 1e9, 'often'].map((value) => ({
		displayName: 'Output: Progress Every (Items)',
		value,
		options: { progressEvery: value },
	})),
	...['random', '', 3].map((value) => ({
		displayName: 'Order',
		value,
		parameters: { order: value },
	})),
	{ displayName: 'Items From', value: 'air', parameters: { itemsFrom: 'air' } },
	{ displayName: 'Concurrency', value: 0, parameters: { concurrency: 0 } },
	{ displayName: 'Timeout (Seconds)', value: -1, parameters: { timeout: -1 } },
	{ displayName: 'Max Retries', value: 'many', parameters: { maxRetries: 'many' } },
	{ displayName: 'Limit: Total Timeout (Seconds)', value: -3, options: { totalTimeout: -3 } },
	{ displayName: 'Task: On Stop', value: 'explode', options: { onStop: 'explode' } },
];

describe.each(bad)('$displayName = $value', ({ displayName, value, parameters, options }) => {
	const given = { ...(parameters && { parameters }), ...(options && { options }) };
	const shown = value === '={{ NaN }}' ? 'NaN' : JSON.stringify(value);

	it('is refused with its name and value, and nothing is sent', async () => {
		const run = await runBatch(sandbox(), { ...given, items });
		expect(run.status).toBe('error');
		expect(run.error?.name).toBe('NodeOperationError');
		expect(run.error?.message).toContain(`Parameter "${displayName}" must be`);
		expect(run.error?.message).toContain(`is ${shown}`);
		expect(sandbox().requests).toHaveLength(0);
	});

	it.each(['continueRegularOutput', 'continueErrorOutput'] as const)(
		'puts the items into Failed with %s',
		async (onError) => {
			const run = await runBatch(sandbox(), { ...given, items, onError });
			expect(run.status).toBe('success');
			expect(run.output(NODE_NAME, 0)).toEqual([]);
			const failed = run.output(NODE_NAME, 1);
			expect(pairs(failed)).toEqual([0, 1, 2]);
			expect(each(failed, 'item')).toEqual(items);
			for (const { json } of failed) {
				expect(json['status']).toBe('not_started');
				expect(objectIn(json, 'error')).toMatchObject({
					code: 'invalid_parameter',
					retryable: false,
				});
				expect(objectIn(json, 'error')['message']).toContain(`Parameter "${displayName}" must be`);
				expect(json['run']).toEqual({ attempts: 0, duration_ms: 0 });
			}
			const [summary, ...others] = run.output(NODE_NAME, 2);
			expect(others).toEqual([]);
			expect(summary?.json).toMatchObject({
				total: 3,
				succeeded: 0,
				failed: 0,
				not_started: 3,
				stopped_by: null,
				duration_ms: 0,
				per_second: 0,
				p50_ms: null,
				p95_ms: null,
				max_in_flight: 0,
				errors: [{ message: objectIn(failed[0]?.json, 'error')['message'], count: 3 }],
			});
			expect(run.output('Output 0')).toEqual([]);
			expect(run.output('Output 3')).toEqual([]);
			expect(sandbox().requests).toHaveLength(0);
		},
	);
});

describe('Settings that are left out', () => {
	it.each([
		{ how: 'absent', options: {} },
		{
			how: 'expressions without a value',
			options: {
				stopAfterFailures: '={{ $json.missing }}',
				progressEvery: '={{ null }}',
				totalTimeout: '={{ $json.missing }}',
			},
		},
	])('have their defaults ($how)', async ({ options }) => {
		const run = await runBatch(sandbox(), { items, options });
		expect(run.error).toBeUndefined();
		expect(resultOf(run).summary).toMatchObject({ succeeded: 3, stopped_by: null });
	});

	it('may be numbers in text', async () => {
		const run = await runBatch(sandbox(), {
			app: 'sandbox/featured',
			items,
			parameters: { concurrency: '1' },
			options: { stopAfterFailures: '2' },
		});
		expect(resultOf(run).summary).toMatchObject({ failed: 2, not_started: 1 });
	});
});

describe('A node that cannot run', () => {
	it.each([
		{ what: 'no app', app: '={{ "" }}', problem: 'Parameter "App" is empty' },
		{ what: 'a broken app', app: 'not an app', problem: 'Parameter "App" must be a reference' },
	])('for $what has failed items', async ({ app, problem }) => {
		const run = await runBatch(sandbox(), { app, items });
		const { succeeded, failed, summary } = resultOf(run);
		expect(succeeded).toEqual([]);
		expect(summary).toMatchObject({ total: 3, failed: 3 });
		for (const { json } of failed) {
			expect(objectIn(json, 'error')['message']).toContain(problem);
		}
		expect(sandbox().requests).toHaveLength(0);
	});

	it.each([
		{ what: 'key', credentials: { apiKey: ' ' }, problem: 'has no API key' },
		{ what: 'URL', credentials: { baseUrl: 'nowhere' }, problem: 'has a "Base URL"' },
	])('for want of a usable $what says so', async ({ credentials, problem }) => {
		const options = { credentials: { ...credentialsOf(sandbox()), ...credentials }, items };
		const stopped = await runBatch(sandbox(), options);
		expect(stopped.error?.message).toContain(`The Inference.sh credential ${problem}`);
		const run = await runBatch(sandbox(), { ...options, onError: 'continueRegularOutput' });
		expect(run.output(NODE_NAME, 0)).toEqual([]);
		expect(each(run.output(NODE_NAME, 1), 'item')).toEqual(items);
		expect(sandbox().requests).toHaveLength(0);
	});

	it('for want of a list has the incoming items in Failed', async () => {
		const run = await runBatch(sandbox(), {
			parameters: FROM_LIST,
			items: [{ rows: 'text' }],
			onError: 'continueRegularOutput',
		});
		const [failure] = run.output(NODE_NAME, 1);
		expect(failure?.json).toMatchObject({ status: 'not_started', item: { rows: 'text' } });
		expect(objectIn(failure?.json, 'error')['message']).toContain('Parameter "List"');
	});
});
