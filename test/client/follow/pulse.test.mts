import { describe, expect, it } from 'vitest';
import { Account } from '../../../nodes/client/api/account.ts';
import { StreamPulse } from '../../../nodes/client/follow/pulse.ts';
import type { StreamEvent } from '../../../nodes/client/follow/streamEvents.ts';
import { DEFAULT_TIMINGS } from '../../../nodes/client/settings.ts';
import { QuietWatch } from '../../../nodes/client/util/quietWatch.ts';
import { TestClock } from '../../testClock.mts';

const HEARTBEAT: StreamEvent = { kind: 'heartbeat' };
const WORD: StreamEvent = { kind: 'update', event: undefined, update: { data: { id: 't1' } } };
const HALF_AN_HOUR = 30 * 60_000;

interface Heard {
	/** Seconds after the stream began. */
	readonly at: number;
	readonly events: readonly StreamEvent[];
}

const heartbeats = (...at: readonly number[]): Heard[] =>
	at.map((each) => ({ at: each, events: [HEARTBEAT] }));
const words = (...at: readonly number[]): Heard[] =>
	at.map((each) => ({ at: each, events: [WORD] }));
const every = (seconds: number, until: number): number[] =>
	Array.from({ length: Math.floor(until / seconds) }, (_none, index) => (index + 1) * seconds);

/** When a stream is found quiet, in seconds after it began, if questions are answered with `running`. */
async function questions(
	seconds: number,
	heard: readonly Heard[],
	{ held = false } = {},
): Promise<number[]> {
	const clock = new TestClock();
	const account = new Account(clock);
	account.streamsHeld = held;
	const watch = new QuietWatch(clock);
	const start = clock.now();
	const asked: number[] = [];
	const pulse: StreamPulse = new StreamPulse(
		{ clock, account, timings: DEFAULT_TIMINGS },
		start,
		() => {
			asked.push((clock.now() - start) / 1_000);
			pulse.looks();
			pulse.looked(false);
		},
	);
	watch.add(pulse);
	for (const { at, events } of [...heard].sort((one, other) => one.at - other.at)) {
		await clock.pass(start + at * 1_000 - clock.now());
		pulse.heard(events);
	}
	await clock.pass(start + seconds * 1_000 - clock.now());
	watch.remove(pulse);
	await clock.pass(1_000);
	return asked;
}

/** The longest time between a moment and the next question. */
function longestGap(asked: readonly number[], from: number, to: number): number {
	const times = [from, ...asked.filter((at) => at > from && at < to), to];
	return Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? 0)));
}

describe('A stream that', () => {
	it('says something and beats is asked twice at the most until it beats, then every 45 s', async () => {
		const heard = [...words(0), ...heartbeats(...every(10, 120))];
		expect(await questions(120, heard)).toEqual([4, 8, 53, 98]);
	});

	it('says something every few seconds is never asked', async () => {
		expect(await questions(120, words(...every(3, 120)))).toEqual([]);
	});

	it('beats and says nothing is asked after 4 s, and then every 45 s', async () => {
		expect(await questions(60, heartbeats(...every(1, 60)))).toEqual([4, 49]);
	});

	it('is held back is asked so often that an end is known in 5 s', async () => {
		const asked = await questions(120, []);
		expect(longestGap(asked, 0, 120)).toBeLessThan(5);
	});

	it.each([
		['after its first word', words(0)],
		['after some words', words(0, 1, 2, 3)],
		['in blocks', [{ at: 30, events: [WORD, HEARTBEAT, HEARTBEAT] }]],
	])('is held back %s is asked as often', async (_what, heard) => {
		const last = heard.at(-1)?.at ?? 0;
		expect(longestGap(await questions(120, heard), last, 120)).toBeLessThan(5);
	});

	it('beats no more is asked when a second heartbeat would be due, and then often', async () => {
		const asked = await questions(60, [...words(0), ...heartbeats(10, 20)]);
		expect(asked.filter((at) => at > 20)[0]).toBe(35);
		expect(longestGap(asked, 35, 60)).toBeLessThan(5);
	});

	it('is held back where others were is asked so often that an end is known in 2 s', async () => {
		const asked = await questions(60, [], { held: true });
		expect(longestGap(asked, 0, 60)).toBeLessThan(2);
	});

	it('beats where others were held back is asked no more', async () => {
		const asked = await questions(50, [...words(0), ...heartbeats(1, 11, 21, 31, 41)], {
			held: true,
		});
		expect(asked).toEqual([45]);
	});

	it('is held back for long is asked less often, by the part of its time', async () => {
		const asked = await questions(1_800, [], { held: true });
		expect(longestGap(asked, 600, 1_800)).toBeLessThan(11);
		expect(asked.length).toBeLessThan(420);
	});
});

describe('That streams are held back', () => {
	function begun(heard: readonly StreamEvent[]) {
		const clock = new TestClock();
		const account = new Account(clock);
		const context = { clock, account, timings: DEFAULT_TIMINGS };
		const pulse = new StreamPulse(context, clock.now(), () => {});
		if (heard.length > 0) pulse.heard(heard);
		return { clock, account, pulse };
	}

	it.each([
		['nothing has come', [], 4_000, true],
		['nothing more has come', [WORD], 4_000, true],
		['something has come just now', [WORD], 200, false],
		['it beats', [HEARTBEAT], 4_000, false],
	] as const)(
		'is remembered or not if the end was learned otherwise and %s',
		async (_what, heard, silentMs, held) => {
			const { clock, account, pulse } = begun(heard);
			await clock.pass(silentMs);
			pulse.looks();
			pulse.looked(true);
			expect(account.streamsHeld).toBe(held);
		},
	);

	it('is forgotten after half an hour, or with the next heartbeat', async () => {
		const { clock, account, pulse } = begun([]);
		account.streamsHeld = true;
		await clock.pass(HALF_AN_HOUR - 1);
		expect(account.streamsHeld).toBe(true);
		await clock.pass(1);
		expect(account.streamsHeld).toBe(false);
		account.streamsHeld = true;
		pulse.heard([HEARTBEAT]);
		expect(account.streamsHeld).toBe(false);
	});
});
