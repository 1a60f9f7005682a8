import { describe, expect, test } from 'vitest';
import { CancelSource } from '../../nodes/client/cancelSignal.ts';
import { Semaphore } from '../../nodes/client/semaphore.ts';

const never = new CancelSource();

describe('semaphore', () => {
	test('lets in as many as it has places, and the others in order as places become free', async () => {
		const semaphore = new Semaphore(2);
		const entered: number[] = [];
		const releases = new Map<number, () => void>();
		const all = Array.from({ length: 6 }, async (_, index) => {
			releases.set(index, await semaphore.acquire(never));
			entered.push(index);
		});
		for (const next of [0, 1, 2, 3]) {
			await Promise.all(all.slice(0, next + 2));
			expect(entered).toEqual(Array.from({ length: next + 2 }, (_, index) => index));
			releases.get(next)?.();
		}
		await Promise.all(all);
		expect(entered).toEqual([0, 1, 2, 3, 4, 5]);
	});

	test('who gives up leaves the line and takes no place', async () => {
		const semaphore = new Semaphore(1);
		const release = await semaphore.acquire(never);
		const impatient = new CancelSource();
		const leaving = semaphore.acquire(impatient);
		const patient = semaphore.acquire(never);
		impatient.abort(new Error('enough'));
		await expect(leaving).rejects.toThrow('enough');
		release();
		(await patient)();
		await semaphore.acquire(never);
	});

	test('an aborted signal gets no place, even if there is one', async () => {
		const late = new CancelSource();
		late.abort(new Error('too late'));
		const semaphore = new Semaphore(1);
		await expect(semaphore.acquire(late)).rejects.toThrow('too late');
		await semaphore.acquire(never);
	});

	test('a place given back twice is free once', async () => {
		const semaphore = new Semaphore(1);
		const release = await semaphore.acquire(never);
		release();
		release();
		await semaphore.acquire(never);
		const giveUp = new CancelSource();
		const third = semaphore.acquire(giveUp);
		giveUp.abort(new Error('no place'));
		await expect(third).rejects.toThrow('no place');
	});

	test('an abort after entering changes nothing', async () => {
		const semaphore = new Semaphore(1);
		const first = await semaphore.acquire(never);
		const signal = new CancelSource();
		const second = semaphore.acquire(signal);
		first();
		const release = await second;
		signal.abort(new Error('later'));
		const third = semaphore.acquire(never);
		release();
		(await third)();
	});
});
