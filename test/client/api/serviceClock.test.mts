import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ServiceClock } from '../../../nodes/client/api/serviceClock.ts';

/** The service's clock minus ours, ms; our clock begins at 0, as monotonic clocks do. */
const OFFSET = Date.parse('2026-11-30T12:00:00.400Z');
const iso = (ours: number, offset = OFFSET) => new Date(ours + offset).toISOString();
const httpDate = (ours: number, offset = OFFSET) => new Date(ours + offset).toUTCString();
const SINCE = 10_000;

/** A clock that has heard a few answers, some milliseconds under way each. */
function heardAt(moments: readonly number[], offset = OFFSET): ServiceClock {
	const clock = new ServiceClock();
	for (const at of moments) {
		clock.heard(httpDate(at, offset), { sentAt: at - 5, receivedAt: at + 5 });
	}
	return clock;
}

describe("the service's clock, by what was created here", () => {
	function clockWith(stamp: (ours: number) => string): ServiceClock {
		const clock = new ServiceClock();
		clock.createdHere(stamp(5_000), { sentAt: 4_990, receivedAt: 5_010 });
		return clock;
	}

	it.each([
		['with a zone', iso],
		['without a zone', (ours: number) => iso(ours).slice(0, -1)],
		['without a zone, in another zone', (ours: number) => iso(ours + 7_200_000).slice(0, -1)],
		['with microseconds', (ours: number) => iso(ours).replace('Z', '123Z')],
		['without milliseconds', (ours: number) => iso(ours - ((ours + OFFSET) % 1_000))],
	])('tells what is before from what is after, from times %s', (_what, stamp) => {
		const clock = clockWith(stamp);
		expect(clock.place(stamp(SINCE + 1_000), SINCE, SINCE + 2_000)).toBe('after');
		expect(clock.place(stamp(SINCE - 1_500), SINCE, SINCE + 2_000)).toBe('before');
	});

	it('says unclear of what was created only just before', () => {
		expect(clockWith(iso).place(iso(SINCE - 200), SINCE, SINCE + 100)).toBe('unclear');
	});

	it('says after of what follows a creation that happened to be at a whole second', () => {
		const clock = new ServiceClock();
		const whole = 5_600;
		clock.createdHere(iso(whole), { sentAt: whole - 10, receivedAt: whole + 10 });
		expect(clock.place(iso(SINCE + 5), SINCE, SINCE + 10)).toBe('after');
	});

	it('says unclear of what follows at once where all times are whole seconds', () => {
		const clock = new ServiceClock();
		const whole = 9_600;
		clock.createdHere(iso(whole), { sentAt: whole + 390, receivedAt: whole + 410 });
		expect(clock.place(iso(SINCE - 400), SINCE, SINCE + 10)).toBe('unclear');
	});

	it('forgets what it has learned long ago', () => {
		const clock = clockWith(iso);
		const later = SINCE + 3_600_000;
		expect(clock.place(iso(later + 1_000), later, later + 2_000)).toBe('unclear');
	});

	it('takes in new answers after the clock of the service was set', () => {
		const clock = clockWith(iso);
		clock.createdHere(iso(6_000, OFFSET + 3_600_000), { sentAt: 5_990, receivedAt: 6_010 });
		clock.createdHere(iso(7_000, OFFSET + 3_600_000), { sentAt: 6_990, receivedAt: 7_010 });
		const set = (ours: number) => iso(ours, OFFSET + 3_600_000);
		expect(clock.place(set(SINCE + 500), SINCE, SINCE + 1_000)).toBe('after');
		expect(clock.place(set(SINCE - 1_500), SINCE, SINCE + 1_000)).toBe('before');
	});
});

describe("the service's clock, by the dates of its answers", () => {
	const shownAt = SINCE + 50;

	it('tells nothing without any', () => {
		expect(new ServiceClock().place(iso(SINCE + 10), SINCE, shownAt)).toBe('unclear');
	});

	it.each(['', 'today', undefined])('tells nothing from %j', (date) => {
		const clock = new ServiceClock();
		clock.heard(date, { sentAt: SINCE, receivedAt: SINCE });
		expect(clock.place(iso(SINCE + 10), SINCE, shownAt)).toBe('unclear');
	});

	it('asks for more where a second is too coarse', () => {
		const clock = heardAt([SINCE + 10]);
		expect(clock.place(iso(SINCE + 10), SINCE, shownAt)).toBe('close');
		expect(clock.place(iso(SINCE - 60_000), SINCE, shownAt)).toBe('before');
	});

	it('is precise after a few answers at the right moments', () => {
		const clock = heardAt([SINCE + 10]);
		let now = SINCE + 100;
		let questions = 0;
		while (clock.place(iso(SINCE + 10), SINCE, now) === 'close') {
			now += clock.untilTelling(now);
			clock.heard(httpDate(now), { sentAt: now - 5, receivedAt: now + 5 });
			questions += 1;
		}
		expect(questions).toBeLessThanOrEqual(6);
		expect(now - SINCE).toBeLessThan(6_000);
		expect(clock.place(iso(SINCE + 10), SINCE, now)).toBe('after');
		expect(clock.place(iso(SINCE - 400), SINCE, now)).toBe('unclear');
		expect(clock.place(iso(SINCE - 15_000), SINCE, now)).toBe('before');
	});

	it('does not believe in a creation after it was shown', () => {
		expect(heardAt([SINCE + 10]).place(iso(SINCE + 5_000), SINCE, shownAt)).toBe('unclear');
	});

	it('cannot tell times without a zone, unless no zone could make them recent', () => {
		const clock = heardAt([SINCE + 10]);
		const bare = (ours: number) => iso(ours).slice(0, -1);
		expect(clock.place(bare(SINCE + 10), SINCE, shownAt)).toBe('unclear');
		expect(clock.place(bare(SINCE - 3_600_000), SINCE, shownAt)).toBe('unclear');
		expect(clock.place(bare(SINCE - 24 * 3_600_000), SINCE, shownAt)).toBe('before');
	});

	it.each([undefined, '', 'yesterday', '0001-01-01T00:00:00Z'])(
		'cannot tell the time %j',
		(created) => {
			expect(heardAt([SINCE + 10]).place(created, SINCE, shownAt)).toBe('unclear');
		},
	);
});

it('never places anything on the wrong side, whatever the clocks, networks and moments', () => {
	const delay = fc.integer({ min: 0, max: 400 });
	fc.assert(
		fc.property(
			fc.integer({ min: -86_400_000, max: 86_400_000 }),
			fc.array(fc.tuple(fc.integer({ min: 0, max: 9_000 }), delay, delay), { maxLength: 8 }),
			fc.array(fc.tuple(fc.integer({ min: 0, max: 9_000 }), delay, delay), { maxLength: 3 }),
			fc.integer({ min: -20_000, max: 2_000 }),
			// Some databases keep whole seconds, minutes or days.
			fc.constantFrom(1, 1_000, 60_000, 86_400_000),
			(skew, dates, creations, apart, step) => {
				const offset = OFFSET + skew;
				const stamp = (ours: number) => iso(Math.floor((ours + offset) / step) * step, 0);
				const clock = new ServiceClock();
				for (const [at, there, back] of dates) {
					clock.heard(httpDate(at, offset), { sentAt: at - there, receivedAt: at + back });
				}
				for (const [at, there, back] of creations) {
					clock.createdHere(stamp(at), { sentAt: at - there, receivedAt: at + back });
				}
				const placed = clock.place(stamp(SINCE + apart), SINCE, SINCE + 2_500);
				// Networks this slow leave no more than half of their delays in doubt.
				if (apart < -500) expect(placed).not.toBe('after');
				if (apart >= 0) expect(placed).not.toBe('before');
			},
		),
		{ numRuns: 3_000 },
	);
});
