/** With Adapt Concurrency a batch finds out how many tasks the account's plan runs at once. */
import type { INodeParameters } from 'n8n-workflow';
import { describe, expect, it } from 'vitest';
import { objectIn, passing, useSandbox } from '../../engine/support.mts';
import { resultOf, runBatch } from './support.mts';

const sandbox = useSandbox();

/** Tasks of 200 to 400 ms. */
const naps = (count: number) =>
	Array.from({ length: count }, (_, n) => ({ ms: 200 + (n % 5) * 50 }));

async function batch(count: number, options: INodeParameters, concurrency = 50) {
	const run = await passing(
		runBatch(sandbox(), {
			app: 'sandbox/sleep',
			items: naps(count),
			parameters: { concurrency },
			options,
		}),
	);
	return resultOf(run);
}

/**
 * Whoever polls learns late that a task has started, and finds out more slowly. How far
 * both come with 200 items depends on how answers of the same moment follow each other.
 */
describe.each([
	{ follow: 'stream', mostBeyond: 20, soon: 25 },
	{ follow: 'poll', mostBeyond: 25, soon: 4 },
])('followed by $follow', ({ follow, mostBeyond, soon }) => {
	const adapting = { adaptConcurrency: true, follow };

	it('keeps to the plan, and costs no request more', async () => {
		sandbox().configure({ schedulerLimit: 5 });
		await batch(60, { follow }, 5);
		const before = sandbox().requests.length;
		const { succeeded, summary } = await batch(60, adapting);
		expect(succeeded).toHaveLength(60);
		const { highest } = objectIn(summary, 'concurrency');
		expect(Number(highest)).toBeGreaterThanOrEqual(5);
		expect(Number(highest)).toBeLessThanOrEqual(5 + mostBeyond);
		if (follow === 'stream') expect(sandbox().requests.length - before).toBe(before);
	});

	it('uses a plan that is wide', async () => {
		sandbox().configure({ schedulerLimit: 1_000 });
		const { summary } = await batch(200, adapting);
		expect(summary['max_in_flight']).toBeGreaterThan(soon);
	});
});

it('Concurrency is the most', async () => {
	sandbox().configure({ schedulerLimit: 1_000 });
	const { summary } = await batch(40, { adaptConcurrency: true }, 3);
	expect(summary['max_in_flight']).toBe(3);
});

it('gives way when requests are refused for their rate', async () => {
	sandbox().configure({ schedulerLimit: 1_000 });
	const fault = { on: 'POST /apps/run', kind: 'status', status: 429 } as const;
	for (const skip of [20, 40, 60]) sandbox().fault({ ...fault, skip });
	const { succeeded, summary } = await batch(120, { adaptConcurrency: true });
	expect(succeeded).toHaveLength(120);
	expect(summary['rate_limited']).toBe(3);
	expect(Number(objectIn(summary, 'concurrency')['highest'])).toBeLessThan(50);
});
