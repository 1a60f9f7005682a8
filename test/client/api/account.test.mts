import { getEventListeners } from 'node:events';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Account, accountFor } from '../../../nodes/client/api/account.ts';
import { systemClock, type Clock } from '../../../nodes/client/util/clock.ts';
import { TestClock } from '../../testClock.mts';
import { nextTurn } from '../../until.mts';
import { rejection } from '../support.mts';

const never = new AbortController().signal;
const account = (clock: Clock = systemClock) => new Account(clock);

describe('slots', () => {
	it('never let more than the limit through, and let everyone through in the end', async () => {
		const durations = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 25 });
		await fc.assert(
			fc.asyncProperty(fc.integer({ min: 1, max: 5 }), durations, async (limit, all) => {
				const shared = account();
				let inFlight = 0;
				let most = 0;
				await Promise.all(
					all.map(async (ticks) => {
						const release = await shared.slot(limit, never);
						inFlight += 1;
						most = Math.max(most, inFlight);
						for (let tick = 0; tick < ticks; tick += 1) await nextTurn();
						inFlight -= 1;
						release();
					}),
				);
				expect(most).toBeLessThanOrEqual(limit);
				expect(most).toBe(Math.min(limit, all.length));
			}),
			{ numRuns: 50 },
		);
	});

	it('are given out in the order they were asked for', async () => {
		const shared = account();
		const order: number[] = [];
		const first = await shared.slot(1, never);
		const rest = [1, 2, 3].map(async (number) => {
			const release = await shared.slot(1, never);
			order.push(number);
			release();
		});
		first();
		await Promise.all(rest);
		expect(order).toEqual([1, 2, 3]);
	});

	it('can be given back twice without making room for two', async () => {
		const shared = account();
		const first = await shared.slot(1, never);
		first();
		first();
		const second = await shared.slot(1, never);
		first();
		let third = false;
		const waiting = shared.slot(1, never).then((release) => {
			third = true;
			return release;
		});
		await nextTurn();
		expect(third).toBe(false);
		second();
		(await waiting)();
	});

	it('are refused at once to whoever is over already', async () => {
		const reason = new Error('over');
		expect(await rejection(account().slot(1, AbortSignal.abort(reason)))).toBe(reason);
	});

	it('are given up at once by whoever stops waiting, and go to the next one', async () => {
		const shared = account();
		const holder = await shared.slot(1, never);
		const stop = new AbortController();
		const reason = new Error('stopped');
		const givenUp = rejection(shared.slot(1, stop.signal));
		const next = shared.slot(1, never);
		stop.abort(reason);
		expect(await givenUp).toBe(reason);
		holder();
		(await next)();
		(await shared.slot(1, never))();
	});

	it('stay with whoever has one when it is stopped, until it gives it back', async () => {
		const shared = account();
		const stop = new AbortController();
		const release = await shared.slot(1, stop.signal);
		stop.abort();
		let next = false;
		const waiting = shared.slot(1, never).then((freed) => {
			next = true;
			return freed;
		});
		await nextTurn();
		expect(next).toBe(false);
		release();
		(await waiting)();
	});

	it('leave no listener behind', async () => {
		const shared = account();
		const { signal } = new AbortController();
		const releases = [await shared.slot(2, signal), await shared.slot(2, signal)];
		const third = shared.slot(2, signal);
		expect(getEventListeners(signal, 'abort')).toHaveLength(1);
		for (const release of releases) release();
		(await third)();
		expect(getEventListeners(signal, 'abort')).toHaveLength(0);
	});
});

describe('the pause after a 429', () => {
	it('makes everyone wait', async () => {
		const clock = new TestClock();
		const shared = account(clock);
		shared.pause(5_000);
		let through = 0;
		const all = Array.from({ length: 10 }, async () => {
			await shared.ready(0, never);
			through += 1;
		});
		await clock.pass(4_999);
		expect(through).toBe(0);
		await clock.pass(1);
		await Promise.all(all);
		expect(through).toBe(10);
	});

	it('is longer for everyone if a later one asks for more', async () => {
		const clock = new TestClock();
		const shared = account(clock);
		shared.pause(5_000);
		let through = false;
		const waiting = shared.ready(0, never).then(() => {
			through = true;
		});
		await clock.pass(3_000);
		shared.pause(5_000);
		await clock.pass(2_000);
		expect(through).toBe(false);
		await clock.pass(3_000);
		await waiting;
	});

	it('is not shortened by a later one that asks for less', async () => {
		const clock = new TestClock();
		const shared = account(clock);
		shared.pause(5_000);
		shared.pause(1_000);
		let through = false;
		const waiting = shared.ready(0, never).then(() => {
			through = true;
		});
		await clock.pass(4_000);
		expect(through).toBe(false);
		await clock.pass(1_000);
		await waiting;
	});

	it('is left at different moments', async () => {
		const clock = new TestClock();
		const shared = account(clock);
		shared.pause(1_000);
		let through = false;
		const waiting = shared.ready(1_000, never).then(() => {
			through = true;
		});
		await clock.pass(1_499);
		expect(through).toBe(false);
		await clock.pass(1);
		await waiting;
	});

	it('costs nothing when there is none', async () => {
		const clock = new TestClock();
		await account(clock).ready(1_000, never);
		expect(clock.waits).toEqual([]);
	});

	it('is left at once by whoever is stopped', async () => {
		const clock = new TestClock();
		const shared = account(clock);
		shared.pause(60_000);
		const stop = new AbortController();
		const reason = new Error('stopped');
		const waiting = rejection(shared.ready(0, stop.signal));
		stop.abort(reason);
		expect(await waiting).toBe(reason);
	});
});

describe('accountFor', () => {
	it('is one account for each address and key in the whole process', () => {
		const of = (url: string, key: string) => accountFor(url, key, systemClock);
		const one = of('https://a.example', 'inf_1');
		expect(of('https://a.example', 'inf_1')).toBe(one);
		expect(of('https://b.example', 'inf_1')).not.toBe(one);
		expect(of('https://a.example', 'inf_2')).not.toBe(one);
	});
});
