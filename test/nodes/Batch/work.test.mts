/** What Batch does for each item, counted: its time depends on the machine, this does not. */
import { createHook } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { bareUndici } from '../../bench/rivals.mts';
import { texts } from '../../bench/work.mts';
import { useSandbox } from '../../useSandbox.mts';
import { resultOf, runBatch } from './support.mts';

const sandbox = useSandbox({ record: false });

/** Promises that are made while `job` runs, here and in the sandbox, which is in this process. */
async function promisesOf(job: () => Promise<unknown>): Promise<number> {
	let made = 0;
	const hook = createHook({
		init: (_id, type) => {
			if (type === 'PROMISE') made += 1;
		},
	});
	hook.enable();
	await job();
	hook.disable();
	return made;
}

test('an item costs few promises more than its requests do', async () => {
	const inputs = texts(400);
	const bare = bareUndici(sandbox());
	const half = inputs.slice(0, 200);
	/** Promises for each of the second 200 inputs, so that what a run as a whole needs is left out. */
	const each = async (run: (some: typeof inputs) => Promise<unknown>): Promise<number> => {
		await run(inputs);
		const less = await promisesOf(() => run(half));
		return ((await promisesOf(() => run(inputs))) - less) / half.length;
	};

	const ofNode = await each(async (items) => {
		const { succeeded } = resultOf(
			await runBatch(sandbox(), { items, parameters: { concurrency: 20 } }),
		);
		expect(succeeded).toHaveLength(items.length);
	});
	const ofBare = await each(async (some) => {
		await bare.run({ app: 'sandbox/echo', inputs: some, width: 20 });
	});

	expect(ofNode - ofBare).toBeLessThan(50);
});
