import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
	backoffDelay,
	rateLimitReset,
	requestedDelay,
	SHORTEST_WAIT_MS,
} from '../../../nodes/client/api/retryTiming.ts';
import { headersOf } from '../../../nodes/client/transport/headers.ts';

const NOW = Date.UTC(2026, 9, 21, 7, 28, 0);
const http = (at: number) => new Date(at).toUTCString();
const unix = (at: number) => String(at / 1000);

/** How long to wait after a refusal for the rate. */
const waitOf = (values: Record<string, string>, now: number) => {
	const headers = headersOf(values);
	return requestedDelay(headers, now) ?? rateLimitReset(headers, now);
};

describe('an HTTP date', () => {
	it.each(['Wed Oct 21 07:28:09 2026', 'Wednesday, 21-Oct-26 07:28:09 GMT', '2026-10-21 07:28:09'])(
		'is in GMT, wherever this n8n is: %s',
		(date) => {
			vi.stubEnv('TZ', 'America/New_York');
			onTestFinished(() => void vi.unstubAllEnvs());
			expect(new Date(NOW).getTimezoneOffset()).toBe(240);
			expect(requestedDelay(headersOf({ 'retry-after': date }), NOW)).toBe(9_000);
		},
	);
});

describe('requestedDelay and rateLimitReset', () => {
	it.each<[what: string, headers: Record<string, string>, ms: number | undefined]>([
		['no header', {}, undefined],
		['seconds', { 'retry-after': '7' }, 7_000],
		['no wait', { 'retry-after': '0' }, 0],
		['decimal seconds', { 'retry-after': '1.5' }, 1_500],
		['seconds with blanks around', { 'retry-after': ' 7 ' }, 7_000],
		['milliseconds', { 'retry-after-ms': '250' }, 250],
		['milliseconds before seconds', { 'retry-after-ms': '250', 'retry-after': '1' }, 250],
		['a date', { 'retry-after': http(NOW + 9_000) }, 9_000],
		['a date that is over', { 'retry-after': http(NOW - 9_000) }, 0],
		['a time in unix seconds', { 'retry-after': String(NOW / 1000 + 9) }, 9_000],
		['a time in unix milliseconds', { 'retry-after': String(NOW + 9_000) }, 9_000],
		['a unix time that is over', { 'retry-after': String(NOW / 1000 - 9) }, 0],
		['seconds that come twice', { 'retry-after': '5, 5' }, 5_000],
		['several times, of which the longest counts', { 'retry-after': '5, 2.5,7' }, 7_000],
		[
			'a date that comes twice',
			{ 'retry-after': `${http(NOW + 9_000)}, ${http(NOW + 9_000)}` },
			9_000,
		],
		['seconds and a date', { 'retry-after': `5, ${http(NOW + 9_000)}` }, 9_000],
		['a date and seconds', { 'retry-after': `${http(NOW + 3_000)}, 5` }, 5_000],
		['the obsolete form of a date', { 'retry-after': 'Wednesday, 21-Oct-26 07:28:30 GMT' }, 30_000],
		['a date in ISO form', { 'retry-after': '2026-10-21T07:28:05Z' }, 5_000],
		['a reset in unix seconds', { 'x-ratelimit-reset': unix(NOW + 20_000) }, 20_000],
		['a reset in unix milliseconds', { 'x-ratelimit-reset': String(NOW + 1_234) }, 1_234],
		['a reset that is over', { 'x-ratelimit-reset': unix(NOW - 20_000) }, 0],
		['a reset in seconds from now', { 'x-ratelimit-reset': '12' }, 12_000],
		['Retry-After before the reset', { 'retry-after': '3', 'x-ratelimit-reset': '12' }, 3_000],
		[
			'the reset if Retry-After is nonsense',
			{ 'retry-after': 'soon', 'x-ratelimit-reset': '12' },
			12_000,
		],
		[
			'Retry-After if the milliseconds are nonsense',
			{ 'retry-after-ms': 'x', 'retry-after': '3' },
			3_000,
		],
	])('reads %s', (_what, headers, ms) => {
		expect(waitOf(headers, NOW)).toBe(ms);
	});

	it.each([
		'',
		' ',
		'soon',
		'in 5',
		'retry 5',
		'5s',
		'-5',
		'+5',
		'1e9',
		'0x10',
		'NaN',
		'Infinity',
		'null',
		'Fri, 99 Foo 2026 99:99:99 GMT',
	])('ignores the nonsense value "%s"', (value) => {
		expect(waitOf({ 'retry-after': value }, NOW)).toBeUndefined();
		expect(waitOf({ 'retry-after-ms': value }, NOW)).toBeUndefined();
		expect(waitOf({ 'x-ratelimit-reset': value }, NOW)).toBeUndefined();
	});

	it.each([
		['behind', -3_600_000],
		['ahead', 3_600_000],
	])("reads points in time by the service's clock when ours is an hour %s", (_what, skew) => {
		const headers = { date: http(NOW) };
		const ours = NOW + skew;
		const inFive = NOW + 5_000;
		expect(waitOf({ ...headers, 'retry-after': http(inFive) }, ours)).toBe(5_000);
		expect(waitOf({ ...headers, 'x-ratelimit-reset': unix(inFive) }, ours)).toBe(5_000);
		expect(waitOf({ ...headers, 'x-ratelimit-reset': String(inFive) }, ours)).toBe(5_000);
		expect(waitOf({ ...headers, 'retry-after': '5' }, ours)).toBe(5_000);
	});

	it('falls back to our clock if the Date header is nonsense', () => {
		const headers = { date: 'today', 'retry-after': http(NOW + 5_000) };
		expect(waitOf(headers, NOW)).toBe(5_000);
	});

	it('keep the reset that comes with every answer apart from a wish to wait', () => {
		const reset = { 'x-ratelimit-reset': '12' };
		expect(requestedDelay(headersOf(reset), NOW)).toBeUndefined();
		expect(requestedDelay(headersOf({ 'retry-after': '3', ...reset }), NOW)).toBe(3_000);
	});

	it('never gives a negative wait or none that is a number', () => {
		const header = fc.oneof(
			fc.string(),
			fc.integer().map(String),
			fc.double().map(String),
			fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
		);
		const names = fc.constantFrom('retry-after', 'retry-after-ms', 'x-ratelimit-reset', 'date');
		fc.assert(
			fc.property(fc.dictionary(names, header), (headers) => {
				const ms = waitOf(headers, NOW);
				expect(ms === undefined || ms >= 0).toBe(true);
			}),
		);
	});
});

describe('backoffDelay', () => {
	const clock = (chance: number) => ({
		now: () => NOW,
		delay: async () => {},
		random: () => chance,
	});
	const settings = { baseMs: 1_000, capMs: 30_000 };

	it.each([
		[1, 500],
		[2, 1_000],
		[3, 2_000],
		[5, 8_000],
		[6, 15_000],
		[100, 15_000],
	])('after failure %i waits half of its bound when the dice show a half', (attempt, ms) => {
		expect(backoffDelay(attempt, settings, clock(0.5))).toBe(ms);
	});

	it('stays within the doubling bound and the cap for every number of failures', () => {
		const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
		fc.assert(
			fc.property(
				fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1 }), fc.constant(Infinity)),
				fc.nat({ max: 604_800_000 }),
				fc.nat({ max: 604_800_000 }),
				chance,
				(attempt, baseMs, capMs, dice) => {
					const ms = backoffDelay(attempt, { baseMs, capMs }, clock(dice));
					const least = 2 * SHORTEST_WAIT_MS;
					expect(ms).toBeGreaterThanOrEqual(SHORTEST_WAIT_MS);
					expect(ms).toBeLessThanOrEqual(Math.max(capMs, least));
					if (attempt > 30) return;
					expect(ms).toBeLessThanOrEqual(Math.max(baseMs * 2 ** (attempt - 1), least));
				},
			),
		);
	});

	it.each([
		[0, 30_000],
		[1_000, 0],
		[0, 0],
		[20, 50],
	])('waits a little even with base %i and cap %i, not everybody equally long', (baseMs, capMs) => {
		const waits = [0, 0.5, 0.99].map((dice) => backoffDelay(3, { baseMs, capMs }, clock(dice)));
		expect(waits).toEqual([100, 150, 199]);
	});

	it('reaches the cap in the end, however small the base is', () => {
		expect(backoffDelay(1_000, { baseMs: 1, capMs: 604_800_000 }, clock(1))).toBe(604_800_000);
	});
});
