import { describe, expect, it } from 'vitest';
import { Account, accountFor } from '../../../nodes/client/api/account.ts';
import { systemClock, type Clock } from '../../../nodes/client/util/clock.ts';
import { TestClock } from '../../testClock.mts';
import { rejection } from '../support.mts';

const never = new AbortController().signal;
const account = (clock: Clock = systemClock) => new Account(clock);

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

	it('has no second one as long as somebody works with the first, however many keys come', async () => {
		const of = (key: string) => accountFor('https://many.example', key, systemClock);
		const one = of('inf_first');
		const { signal } = new AbortController();
		const leave = await one.slots.take(signal);
		for (let n = 0; n < 2_500; n += 1) of(`inf_${n}`);
		expect(of('inf_first')).toBe(one);
		leave();
	});
});
