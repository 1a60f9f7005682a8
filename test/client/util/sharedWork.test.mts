/** Work that is done once for all who ask for it. */
import { describe, expect, it } from 'vitest';
import { CancelSource, type CancelSignal } from '../../../nodes/client/util/cancelSignal.ts';
import { SharedWork } from '../../../nodes/client/util/sharedWork.ts';
import { rejection } from '../support.mts';

/** Work that ends when the test says so. */
function manual() {
	const begun: Array<{
		signal: CancelSignal;
		done(value: string): void;
		fail(error: Error): void;
	}> = [];
	const job = async (signal: CancelSignal) =>
		await new Promise<string>((done, fail) => {
			begun.push({ signal, done, fail });
			signal.addEventListener('abort', () => fail(signal.reason as Error));
		});
	return { begun, job };
}
const never = () => new CancelSource();

describe('shared work', () => {
	it('is done once for those who ask meanwhile and later', async () => {
		const { begun, job } = manual();
		const work = new SharedWork<string>();
		const waits = [work.get('a', never(), job), work.get('a', never(), job)];
		begun[0]?.done('result');
		expect(await Promise.all(waits)).toEqual(['result', 'result']);
		expect(await work.get('a', never(), job)).toBe('result');
		expect(begun).toHaveLength(1);
	});

	it('is done for each key', async () => {
		const work = new SharedWork<string>();
		const job = (value: string) => async () => await Promise.resolve(value);
		expect(await work.get('a', never(), job('1'))).toBe('1');
		expect(await work.get('b', never(), job('2'))).toBe('2');
	});

	it('fails for all who wait, and is begun again by the next', async () => {
		const { begun, job } = manual();
		const work = new SharedWork<string>();
		const waits = [work.get('a', never(), job), work.get('a', never(), job)].map(rejection);
		const error = new Error('broken');
		begun[0]?.fail(error);
		expect(await Promise.all(waits)).toEqual([error, error]);
		const again = work.get('a', never(), job);
		begun[1]?.done('result');
		expect(await again).toBe('result');
	});

	it('goes on when one of several stops waiting', async () => {
		const { begun, job } = manual();
		const work = new SharedWork<string>();
		const [first, second] = [never(), never()];
		const stopped = rejection(work.get('a', first, job));
		const goesOn = work.get('a', second, job);
		const reason = new Error('stopped');
		first.abort(reason);
		expect(await stopped).toBe(reason);
		expect(begun[0]?.signal.aborted).toBe(false);
		begun[0]?.done('result');
		expect(await goesOn).toBe('result');
	});

	it('stops when nobody waits any more, and does not disturb the next', async () => {
		const { begun, job } = manual();
		const work = new SharedWork<string>();
		const signals = [never(), never()];
		const stopped = signals.map((signal) => rejection(work.get('a', signal, job)));
		const reason = new Error('stopped');
		for (const signal of signals) signal.abort(reason);
		const next = work.get('a', never(), job);
		expect(await Promise.all(stopped)).toEqual([reason, reason]);
		expect(begun.map(({ signal }) => signal.aborted)).toEqual([true, false]);
		begun[1]?.done('result');
		expect(await next).toBe('result');
		expect(await work.get('a', never(), job)).toBe('result');
	});

	it('is done again if its result does not hold any more', async () => {
		const { begun, job } = manual();
		const work = new SharedWork<string>();
		const waits = ['a', 'b', 'c'].map(async (key) => await work.get(key, never(), job));
		begun[0]?.done('old');
		begun[1]?.done('good');
		await Promise.all(waits.slice(0, 2));
		work.dropDone((result) => result !== 'good');
		const again = work.get('a', never(), job);
		begun[3]?.done('new');
		expect(await again).toBe('new');
		expect(await work.get('b', never(), job)).toBe('good');
		// What is under way has no result yet that could be wrong.
		begun[2]?.done('late');
		expect(await waits[2]).toBe('late');
		expect(begun).toHaveLength(4);
	});

	it('is not begun for whoever has stopped already', async () => {
		const { begun, job } = manual();
		const signal = new CancelSource();
		const reason = new Error('stopped');
		signal.abort(reason);
		expect(await rejection(new SharedWork<string>().get('a', signal, job))).toBe(reason);
		expect(begun).toEqual([]);
	});
});
