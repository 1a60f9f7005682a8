import { describe, expect, it } from 'vitest';
import { KeyedQueue } from '../../../nodes/client/util/keyedQueue.ts';
import { nextTurn } from '../../until.mts';
import { rejection } from '../support.mts';

const NEVER = new AbortController().signal;

describe('a queue by key', () => {
	it('lets those with one key through one after another, in their order', async () => {
		const queue = new KeyedQueue();
		const order: number[] = [];
		const leave: Array<() => void> = [];
		const enter = async (n: number) => {
			leave.push(await queue.enter('a', NEVER));
			order.push(n);
		};
		const all = [enter(1), enter(2), enter(3)];
		await nextTurn();
		expect(order).toEqual([1]);
		leave[0]?.();
		await nextTurn();
		expect(order).toEqual([1, 2]);
		leave[1]?.();
		await Promise.all(all);
		expect(order).toEqual([1, 2, 3]);
	});

	it('keeps those with different keys apart', async () => {
		const queue = new KeyedQueue();
		await queue.enter('a', NEVER);
		await queue.enter('b', NEVER);
	});

	it('closes the gap of one who gives up', async () => {
		const queue = new KeyedQueue();
		const stop = new AbortController();
		const leave = await queue.enter('a', NEVER);
		const gone = rejection(queue.enter('a', stop.signal));
		const next = queue.enter('a', NEVER);
		stop.abort(new Error('enough'));
		expect(await gone).toEqual(new Error('enough'));
		let through = false;
		void next.then(() => (through = true));
		await nextTurn();
		expect(through).toBe(false);
		leave();
		(await next)();
		expect(await rejection(queue.enter('a', stop.signal))).toEqual(new Error('enough'));
	});

	it('does not mind being left twice, and starts afresh when everybody is done', async () => {
		const queue = new KeyedQueue();
		const leave = await queue.enter('a', NEVER);
		leave();
		leave();
		await nextTurn();
		(await queue.enter('a', NEVER))();
		await queue.enter('a', NEVER);
	});
});
