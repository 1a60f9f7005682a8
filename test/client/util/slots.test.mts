import { getEventListeners } from 'node:events';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slots } from '../../../nodes/client/util/slots.ts';
import { nextTurn } from '../../until.mts';
import { rejection } from '../support.mts';

const never = new AbortController().signal;

function slotsOf(most: number): Slots {
	const slots = new Slots();
	slots.limitTo(most);
	return slots;
}

/** Waits for a place and says whether it has one. */
function waiter(slots: Slots, signal = never) {
	const state = { has: false };
	const taken = slots.take(signal).then((release) => {
		state.has = true;
		return release;
	});
	return { state, taken };
}

describe('slots', () => {
	it('never let more than the limit through, and let everyone through in the end', async () => {
		const durations = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 25 });
		await fc.assert(
			fc.asyncProperty(fc.integer({ min: 1, max: 5 }), durations, async (limit, all) => {
				const slots = slotsOf(limit);
				let inFlight = 0;
				let most = 0;
				await Promise.all(
					all.map(async (ticks) => {
						const release = slots.tryTake() ?? (await slots.take(never));
						inFlight += 1;
						most = Math.max(most, inFlight);
						for (let tick = 0; tick < ticks; tick += 1) await nextTurn();
						inFlight -= 1;
						release();
					}),
				);
				expect(most).toBe(Math.min(limit, all.length));
			}),
			{ numRuns: 50 },
		);
	});

	it('keep to the newest limit while it changes, in order, until everyone is done', async () => {
		const step = fc.oneof(
			fc.record({ kind: fc.constant('come' as const), ticks: fc.integer({ min: 1, max: 4 }) }),
			fc.record({
				kind: fc.constant('limit' as const),
				most: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(Infinity)),
			}),
			fc.record({ kind: fc.constant('stop' as const), whom: fc.nat({ max: 20 }) }),
		);
		await fc.assert(
			fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
				const slots = slotsOf(2);
				let limit = 2;
				let inFlight = 0;
				const order: number[] = [];
				const stops: AbortController[] = [];
				const all: Array<Promise<void>> = [];
				const run = async (number: number, ticks: number, signal: AbortSignal) => {
					const release = slots.tryTake() ?? (await slots.take(signal));
					inFlight += 1;
					order.push(number);
					// Nobody begins above the limit, whatever it was before.
					expect(inFlight).toBeLessThanOrEqual(limit);
					for (let tick = 0; tick < ticks; tick += 1) await nextTurn();
					inFlight -= 1;
					release();
				};
				for (const next of steps) {
					if (next.kind === 'limit') {
						limit = next.most;
						slots.limitTo(limit);
					} else if (next.kind === 'stop') stops[next.whom]?.abort(new Error('stopped'));
					else {
						const stop = new AbortController();
						const began = run(stops.push(stop), next.ticks, stop.signal);
						all.push(began.catch((error: unknown) => expect(error).toBe(stop.signal.reason)));
					}
					await nextTurn();
				}
				await Promise.all(all);
				expect(inFlight).toBe(0);
				// Without a limit nobody waits for those who still do.
				if (!steps.some((one) => one.kind === 'limit' && one.most === Infinity)) {
					expect(order).toEqual([...order].sort((left, right) => left - right));
				}
			}),
			{ numRuns: 150 },
		);
	});

	it('that are more from now on are given out at once', async () => {
		const slots = slotsOf(1);
		await slots.take(never);
		const [second, third, fourth] = [waiter(slots), waiter(slots), waiter(slots)];
		await nextTurn();
		expect(second.state.has).toBe(false);
		slots.limitTo(3);
		await nextTurn();
		expect([second, third, fourth].map(({ state }) => state.has)).toEqual([true, true, false]);
		slots.limitTo(Infinity);
		await nextTurn();
		expect(fourth.state.has).toBe(true);
	});

	it('that are fewer from now on are not given out until enough have come back', async () => {
		const slots = slotsOf(3);
		const held = [await slots.take(never), await slots.take(never), await slots.take(never)];
		slots.limitTo(1);
		const next = waiter(slots);
		held[0]?.();
		held[1]?.();
		await nextTurn();
		expect(next.state.has).toBe(false);
		held[2]?.();
		(await next.taken)();
	});

	it('count those who came when there was no limit', async () => {
		const slots = new Slots();
		const held = [slots.tryTake(), slots.tryTake(), slots.tryTake()];
		expect(held.every((release) => release !== undefined)).toBe(true);
		slots.limitTo(2);
		expect(slots.tryTake()).toBeUndefined();
		held[0]?.();
		expect(slots.tryTake()).toBeUndefined();
		held[1]?.();
		expect(slots.tryTake()).toBeDefined();
	});

	it('are given out in the order they were asked for', async () => {
		const slots = slotsOf(1);
		const order: number[] = [];
		const first = await slots.take(never);
		const rest = [1, 2, 3].map(async (number) => {
			const release = await slots.take(never);
			order.push(number);
			release();
		});
		await nextTurn();
		// Whoever comes later does not get past those who wait.
		expect(slots.tryTake()).toBeUndefined();
		first();
		await Promise.all(rest);
		expect(order).toEqual([1, 2, 3]);
	});

	it('can be given back twice without making room for two', async () => {
		const slots = slotsOf(1);
		const first = await slots.take(never);
		first();
		first();
		const second = await slots.take(never);
		first();
		const third = waiter(slots);
		await nextTurn();
		expect(third.state.has).toBe(false);
		second();
		(await third.taken)();
	});

	it('are refused at once to whoever is over already', async () => {
		const reason = new Error('over');
		expect(await rejection(slotsOf(1).take(AbortSignal.abort(reason)))).toBe(reason);
	});

	it('are given up at once by whoever stops waiting, and go to the next one', async () => {
		const slots = slotsOf(1);
		const holder = await slots.take(never);
		const stop = new AbortController();
		const reason = new Error('stopped');
		const givenUp = rejection(slots.take(stop.signal));
		const next = waiter(slots);
		await nextTurn();
		stop.abort(reason);
		expect(await givenUp).toBe(reason);
		holder();
		(await next.taken)();
		(await slots.take(never))();
	});

	it('stay with whoever has one when it is stopped, until it gives it back', async () => {
		const slots = slotsOf(1);
		const stop = new AbortController();
		const release = await slots.take(stop.signal);
		stop.abort();
		const next = waiter(slots);
		await nextTurn();
		expect(next.state.has).toBe(false);
		release();
		(await next.taken)();
	});

	it('leave no listener behind', async () => {
		const slots = slotsOf(2);
		const { signal } = new AbortController();
		const releases = [await slots.take(signal), await slots.take(signal)];
		const third = slots.take(signal);
		expect(getEventListeners(signal, 'abort')).toHaveLength(1);
		for (const release of releases) release();
		(await third)();
		expect(getEventListeners(signal, 'abort')).toHaveLength(0);
	});
});
