import { getEventListeners } from 'node:events';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { CancelSignal } from '../../../nodes/client/util/cancelSignal.ts';
import { Deadline, Grace, timerFor } from '../../../nodes/client/util/deadline.ts';
import { StoppedError, TimeoutError } from '../../../nodes/client/errors.ts';
import { TestClock } from '../../testClock.mts';
import { ruleTime } from '../../ruleTime.mts';

const tooLate = () => new TimeoutError('too late');
const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;
/** The reason of a signal, as soon as it has one. */
async function reasonOf(signal: CancelSignal): Promise<unknown> {
	if (!signal.aborted) {
		await new Promise<void>((resolve) => {
			signal.addEventListener('abort', resolve);
		});
	}
	return signal.reason;
}

const clock = new TestClock();
beforeEach(() => ruleTime(clock));

describe('Deadline', () => {
	it('aborts with the given error when its time is over', async () => {
		using deadline = new Deadline(undefined, 60_000, tooLate);
		await clock.pass(59_999);
		expect(deadline.signal.aborted).toBe(false);
		await clock.runOut(1_000);
		expect(await reasonOf(deadline.signal)).toMatchObject({ code: 'timeout', message: 'too late' });
	});

	it.each([0, -5, 0.2])('with a time of %d ms is over at once', async (ms) => {
		using deadline = new Deadline(undefined, ms, tooLate);
		// A fraction of a millisecond and a step, in whole ones.
		await clock.pass(2);
		expect(await reasonOf(deadline.signal)).toBeInstanceOf(TimeoutError);
	});

	it('passes the reason of its parent on if that is one of ours', () => {
		const parent = new AbortController();
		using deadline = new Deadline(parent.signal);
		const reason = tooLate();
		parent.abort(reason);
		expect(deadline.signal.reason).toBe(reason);
	});

	it("calls it stopped if the parent aborts without a reason, as n8n's signal does", () => {
		const parent = new AbortController();
		using deadline = new Deadline(parent.signal, 60_000, tooLate);
		parent.abort();
		expect(deadline.signal.reason).toBeInstanceOf(StoppedError);
	});

	it('is over from the start if its parent is', () => {
		const reason = tooLate();
		using ours = new Deadline(AbortSignal.abort(reason), 60_000, tooLate);
		using theirs = new Deadline(AbortSignal.abort(), 60_000, tooLate);
		expect(ours.signal.reason).toBe(reason);
		expect(theirs.signal.reason).toBeInstanceOf(StoppedError);
	});

	it('never ends without a time and a parent', async () => {
		using deadline = new Deadline(undefined, undefined, tooLate);
		await clock.pass(1e9);
		expect(deadline.signal.aborted).toBe(false);
	});

	it('can be ended by hand, and keeps the first reason', () => {
		const parent = new AbortController();
		using deadline = new Deadline(parent.signal);
		const first = new StoppedError('first');
		deadline.abort(first);
		parent.abort();
		expect(deadline.signal.reason).toBe(first);
	});

	it('does not listen on its parent after disposal', () => {
		const parent = new AbortController();
		const deadline = new Deadline(parent.signal, 60_000, tooLate);
		expect(listeners(parent.signal)).toBe(1);
		deadline[Symbol.dispose]();
		expect(listeners(parent.signal)).toBe(0);
		parent.abort();
		expect(deadline.signal.aborted).toBe(false);
	});

	it('does not end any more after disposal', async () => {
		const deadline = new Deadline(undefined, 1, tooLate);
		deadline[Symbol.dispose]();
		await clock.pass(1e9);
		expect(deadline.signal.aborted).toBe(false);
	});

	it('leaves nothing on its parent, however many there were', () => {
		const parent = new AbortController();
		for (let count = 0; count < 1_000; count += 1) {
			using _deadline = new Deadline(parent.signal, 60_000, tooLate);
		}
		expect(listeners(parent.signal)).toBe(0);
	});
});

describe('Grace', () => {
	it('aborts a while after its parent, with its reason', async () => {
		const parent = new AbortController();
		using grace = new Grace(parent.signal, 20);
		const reason = tooLate();
		parent.abort(reason);
		await clock.pass(19);
		expect(grace.signal.aborted).toBe(false);
		await clock.runOut(1);
		expect(await reasonOf(grace.signal)).toBe(reason);
	});

	it('starts at once if its parent is over already', async () => {
		const reason = tooLate();
		using grace = new Grace(AbortSignal.abort(reason), 20);
		expect(grace.signal.aborted).toBe(false);
		await clock.runOut(20);
		expect(await reasonOf(grace.signal)).toBe(reason);
	});

	it('does not abort while its parent goes on', async () => {
		using grace = new Grace(new AbortController().signal, 1);
		await clock.pass(1e9);
		expect(grace.signal.aborted).toBe(false);
	});

	it('does not listen on its parent after disposal', () => {
		const parent = new AbortController();
		const grace = new Grace(parent.signal, 1);
		expect(listeners(parent.signal)).toBe(1);
		grace[Symbol.dispose]();
		expect(listeners(parent.signal)).toBe(0);
	});

	it('that was disposed of before its parent aborted never aborts', async () => {
		const parent = new AbortController();
		const grace = new Grace(parent.signal, 1);
		grace[Symbol.dispose]();
		parent.abort();
		await clock.pass(1e9);
		expect(grace.signal.aborted).toBe(false);
	});
});

it('time limits are not mistaken for each other because the wall clock has been set back', () => {
	const wall = vi.spyOn(Date, 'now').mockReturnValue(1_000_000);
	const before = timerFor(60_000, 1);
	wall.mockReturnValue(1_000_000 - 30_000);
	expect(timerFor(90_000, 1)).not.toBe(before);
	wall.mockRestore();
});
