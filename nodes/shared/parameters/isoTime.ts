/** What a text is as a point in time. */
export type PointInTime =
	/** In RFC 3339, UTC. */
	| { readonly kind: 'time'; readonly at: string }
	/** It is none, or not exactly one; `wanted` continues "must be …". */
	| { readonly kind: 'wrong'; readonly wanted: string };

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

const EXAMPLES = '2030-06-01T09:30 or 2030-06-01T09:30+02:00';
const NO_TIME = `a date and time in ISO 8601, such as ${EXAMPLES}`;
const NUMBER = `${NO_TIME}, and a number may be seconds or milliseconds: use DateTime.fromSeconds(…) or DateTime.fromMillis(…)`;
const NO_DAY = 'a date and time that exists';

/**
 * ISO 8601: a day of the calendar (2030-06-01), of a week (2030-W22-6) or of the year (2030-152), and,
 * after a T or a space, a time with or without its offset from UTC. Also the basic format with its
 * time (20300601T0930), and the name of a time zone in brackets, as Luxon and Temporal write it.
 */
const ISO = new RegExp(
	'^(?:' +
		'(?<year>\\d{4})-(?:(?<month>\\d\\d)-(?<day>\\d\\d)|W(?<week>\\d\\d)-(?<weekday>[1-7])|(?<ordinal>\\d{3}))' +
		'|(?<basic>\\d{8})(?=t))' +
		'(?:[t ](?<hour>\\d\\d)(?::?(?<minute>\\d\\d)(?::?(?<second>\\d\\d)(?:[.,](?<fraction>\\d+))?)?)?' +
		'(?<offset>z|[+-]\\d\\d(?::?\\d\\d)?)?)?' +
		'(?:\\[(?<zone>[\\w/+-]+)\\])?$',
	'i',
);

type Parts = Readonly<Record<string, string | undefined>>;

/** Midnight of a day as if it were one of UTC, ms; undefined if there is no such day. */
function dayOf(parts: Parts): number | undefined {
	const { basic, year, month, day, week, weekday, ordinal } = parts;
	if (basic !== undefined) return calendarDay(basic.replace(/^(....)(..)(..)$/, '$1-$2-$3'));
	if (year === undefined) return undefined;
	if (month !== undefined) return calendarDay(`${year}-${month}-${day ?? ''}`);
	const newYear = Date.parse(`${year}-01-01`);
	if (ordinal !== undefined) {
		const at = newYear + (Number(ordinal) - 1) * DAY_MS;
		return new Date(at).toISOString().startsWith(year) ? at : undefined;
	}
	// The first week is the one with 4 January in it; weeks begin on Monday.
	const fourth = newYear + 3 * DAY_MS;
	const monday = fourth - ((new Date(fourth).getUTCDay() + 6) % 7) * DAY_MS;
	const thursday = monday + ((Number(week) - 1) * 7 + 3) * DAY_MS;
	if (!new Date(thursday).toISOString().startsWith(year)) return undefined;
	return thursday + (Number(weekday) - 4) * DAY_MS;
}

/** @param date `2030-06-01` */
function calendarDay(date: string): number | undefined {
	const at = Date.parse(date);
	// 30 February is read as 2 March.
	const exists = !Number.isNaN(at) && new Date(at).toISOString().startsWith(date);
	return exists ? at : undefined;
}

/** Time since midnight, ms; undefined if there is no such time. */
function timeOf({
	hour = '0',
	minute = '0',
	second = '0',
	fraction = '',
}: Parts): number | undefined {
	const [hours, minutes, seconds] = [Number(hour), Number(minute), Number(second)];
	const ms =
		hours * HOUR_MS +
		minutes * MINUTE_MS +
		seconds * 1000 +
		Number(fraction.padEnd(3, '0').slice(0, 3));
	return minutes < 60 && seconds < 60 && ms <= DAY_MS ? ms : undefined;
}

/** How far a time is ahead of UTC, ms; undefined if nothing is. */
function offsetOf(written: string): number | undefined {
	if (written.toLowerCase() === 'z') return 0;
	const [, hours, minutes = '0'] = /^.(\d\d):?(\d\d)?$/.exec(written) ?? [];
	if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
	const ms = Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS;
	return written.startsWith('-') ? -ms : ms;
}

/** What the clocks of a time zone show. */
class Zone {
	private constructor(private readonly format: Intl.DateTimeFormat) {}

	/** Undefined if there is no such time zone. */
	static named(timeZone: string): Zone | undefined {
		try {
			const two = '2-digit';
			const time = { hour: two, minute: two, second: two, hourCycle: 'h23' } as const;
			const date = { era: 'short', year: 'numeric', month: two, day: two } as const;
			return new Zone(new Intl.DateTimeFormat('en-US', { timeZone, ...date, ...time }));
		} catch {
			return undefined;
		}
	}

	/**
	 * When its clocks show a time. Where they are put back and show it twice, that is the first time;
	 * where they are put forward and skip it, the clocks are read as if they had not been (as
	 * RFC 5545 and Temporal do).
	 *
	 * @param local ms, as if it were a time of UTC
	 */
	when(local: number): number {
		const before = this.aheadAt(local - DAY_MS);
		const candidates = [before, this.aheadAt(local + DAY_MS)].map((ahead) => local - ahead);
		const shown = candidates.filter((at) => at + this.aheadAt(at) === local);
		return shown.length > 0 ? Math.min(...shown) : local - before;
	}

	/** How far its clocks are ahead of UTC at a moment, ms. */
	private aheadAt(at: number): number {
		const whole = Math.floor(at / 1000) * 1000;
		const parts = new Map(this.format.formatToParts(whole).map(({ type, value }) => [type, value]));
		const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? '';
		const date = `${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`;
		return Date.parse(`${date}T${part('hour')}:${part('minute')}:${part('second')}Z`) - whole;
	}
}

/**
 * Reads a point in time in ISO 8601. What can be read in more than one way (01.06.2030, 6/1/2030, a
 * number) is refused, and so is a day or time that does not exist.
 *
 * @param text without blanks around it
 * @param timeZone where the time is meant if it does not say so
 */
export function pointInTime(text: string, timeZone: string): PointInTime {
	const parts: Parts | undefined = ISO.exec(text)?.groups;
	if (!parts)
		return {
			kind: 'wrong',
			wanted: /^[+-]?[\d.]+$/.test(text) && !/\..*\./.test(text) ? NUMBER : NO_TIME,
		};
	const day = dayOf(parts);
	const time = timeOf(parts);
	const { offset, zone: named = timeZone } = parts;
	const ahead = offset === undefined ? 0 : offsetOf(offset);
	const zone = Zone.named(named);
	if (day === undefined || time === undefined || ahead === undefined) {
		return { kind: 'wrong', wanted: NO_DAY };
	}
	if (!zone) return { kind: 'wrong', wanted: `in a time zone that exists (${named} does not)` };
	const at = offset === undefined ? zone.when(day + time) : day + time - ahead;
	return { kind: 'time', at: new Date(at).toISOString() };
}
