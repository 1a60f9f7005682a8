/** Equal submissions that are given up before they are answered, whose tasks are looked for then. */
import { beforeEach, describe, expect, it } from 'vitest';
import { ruleTime } from '../../ruleTime.mts';
import { TestClock } from '../../testClock.mts';
import { until } from '../../until.mts';
import { useSandbox } from '../../useSandbox.mts';
import { makeClient, passing, rejection, runOne, TRANSPORTS } from '../support.mts';

const sandbox = useSandbox();
const ON = 'POST /apps/run';
const submitted = () => sandbox().count('POST', '/apps/run');
const time = new TestClock();
beforeEach(() => ruleTime(time));

describe.each(TRANSPORTS)('over %s', (_name, makeTransport) => {
	function execution() {
		const stop = new AbortController();
		const client = makeClient(sandbox(), { transport: makeTransport(), clock: time });
		const endless = { app: 'sandbox/manual', input: { text: 'equal' } };
		return { run: () => rejection(runOne(client, endless, { signal: stop.signal })), stop };
	}

	it('of equal submissions that are given up, each names a task of its own', async () => {
		sandbox().hold();
		// The first one has not arrived yet; the second one has, and waits for its answer.
		sandbox().fault({ on: ON, kind: 'delay', ms: 1, when: 'before' });
		sandbox().fault({ on: ON, kind: 'delay', ms: 1, when: 'after', skip: 1 });
		const both = [execution(), execution()] as const;
		const first = both[0].run();
		await until(() => submitted() >= 1);
		await time.pass(5_000);
		const second = both[1].run();
		await until(() => sandbox().tasks().length === 1);
		for (const { stop } of both) stop.abort();
		await time.pass(1_000);
		await until(() => sandbox().count('POST', /\/cancel$/) === 1);
		sandbox().release();
		const errors = [await passing(first, { time }), await passing(second, { time })];
		const ids = sandbox()
			.tasks()
			.map(({ id }) => id);
		expect(ids).toHaveLength(2);
		const named = errors.map((error) => ids.filter((id) => String(error).includes(id)));
		expect(named.toSorted()).toEqual(ids.map((id) => [id]).toSorted());
	});
});
