import { describe, expect, it } from 'vitest';
import { pointInTime } from '../../../nodes/shared/parameters/isoTime.ts';

const in_ = (zone: string) => (text: string) => {
	const time = pointInTime(text, zone);
	return time.kind === 'time' ? time.at : time.wanted;
};
const tokyo = in_('Asia/Tokyo');
const berlin = in_('Europe/Berlin');

describe('a point in time', () => {
	it.each([
		['2030-06-01', '2030-05-31T15:00:00.000Z'],
		['2030-06-01T09', '2030-06-01T00:00:00.000Z'],
		['2030-06-01T09:30', '2030-06-01T00:30:00.000Z'],
		['2030-06-01 09:30:15', '2030-06-01T00:30:15.000Z'],
		['2030-06-01t09:30:15.5', '2030-06-01T00:30:15.500Z'],
		['2030-06-01T09:30:15,123456', '2030-06-01T00:30:15.123Z'],
		['2030-06-01T24:00', '2030-06-01T15:00:00.000Z'],
		['2030-06-01T09:30Z', '2030-06-01T09:30:00.000Z'],
		['2030-06-01T09:30:00z', '2030-06-01T09:30:00.000Z'],
		['2030-06-01T09:30+02:00', '2030-06-01T07:30:00.000Z'],
		['2030-06-01T09:30-0930', '2030-06-01T19:00:00.000Z'],
		['2030-06-01T09:30+14', '2030-05-31T19:30:00.000Z'],
		['2030-06-01T09:30[Europe/Berlin]', '2030-06-01T07:30:00.000Z'],
		['2030-06-01T09:30:00.000+02:00[Europe/Berlin]', '2030-06-01T07:30:00.000Z'],
		['20300601T093000Z', '2030-06-01T09:30:00.000Z'],
		['20300601T0930', '2030-06-01T00:30:00.000Z'],
		['2028-02-29T00:00Z', '2028-02-29T00:00:00.000Z'],
		['2030-W22-6T09:30Z', '2030-06-01T09:30:00.000Z'],
		['2026-W53-7T00:00Z', '2027-01-03T00:00:00.000Z'],
		['2030-001T00:00Z', '2030-01-01T00:00:00.000Z'],
		['2028-366T00:00Z', '2028-12-31T00:00:00.000Z'],
		['0099-06-01T09:30Z', '0099-06-01T09:30:00.000Z'],
	])('is %s', (text, at) => expect(tokyo(text)).toBe(at));

	it.each([
		'01.06.2030 09:30',
		'2030/06/01 09:30',
		'6/1/2030',
		'1 June 2030',
		'Jun 1, 2030 09:30',
		'tomorrow',
		'09:30',
		'T09:30',
		'2030-06',
		'2030-W22',
		'2030-6-1',
		'2030-06-01T9:30',
		'2030-06-01T09:30 AM',
		'2030-06-01T09:30 +02:00',
		'2030-06-01T09:30 CET',
		'2030-06-01Z',
		'2030-06-01T',
		'+012030-06-01T09:30',
		'PT5M',
		'Sat, 01 Jun 2030 09:30:00 GMT',
		'2030-06-01T09:30/2030-06-02T09:30',
	])('is not %s', (text) => {
		expect(tokyo(text)).toBe(
			'a date and time in ISO 8601, such as 2030-06-01T09:30 or 2030-06-01T09:30+02:00',
		);
	});

	it.each(['2030', '1906504200', '1906504200000', '20300601', '-5', '1.5'])(
		'is no number: %s',
		(text) => {
			expect(tokyo(text)).toContain('DateTime.fromSeconds(…) or DateTime.fromMillis(…)');
		},
	);

	it.each([
		'2030-02-30',
		'2030-02-29T09:30',
		'2030-13-01',
		'2030-00-10',
		'2030-06-31T09:30Z',
		'20300230T0930',
		'2030-W53-1',
		'2030-W00-1',
		'2030-366',
		'2030-000',
		'2030-06-01T24:01',
		'2030-06-01T25:00',
		'2030-06-01T09:60',
		'2030-06-01T09:30:60',
		'2030-06-01T09:30+24:00',
		'2030-06-01T09:30+02:60',
	])('has to exist: %s', (text) => expect(tokyo(text)).toBe('a date and time that exists'));

	it('is in a time zone that exists', () => {
		const wanted = 'in a time zone that exists (Mars/Olympus does not)';
		expect(tokyo('2030-06-01T09:30[Mars/Olympus]')).toBe(wanted);
		expect(in_('Mars/Olympus')('2030-06-01T09:30')).toBe(wanted);
	});
});

describe('where clocks are changed, a time', () => {
	it.each([
		['before', '2030-03-31T01:59', '2030-03-31T00:59:00.000Z'],
		['that is skipped is read as if they were not', '2030-03-31T02:30', '2030-03-31T01:30:00.000Z'],
		['after', '2030-03-31T03:00', '2030-03-31T01:00:00.000Z'],
		['before they are put back', '2030-10-27T01:59', '2030-10-26T23:59:00.000Z'],
		['that comes twice is the first one', '2030-10-27T02:30', '2030-10-27T00:30:00.000Z'],
		['after they were put back', '2030-10-27T03:00', '2030-10-27T02:00:00.000Z'],
		['that comes twice may say which', '2030-10-27T02:30+01:00', '2030-10-27T01:30:00.000Z'],
	])('%s', (_what, text, at) => expect(berlin(text)).toBe(at));

	it.each([
		['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00.000Z'],
		['Australia/Lord_Howe', '2030-10-06T02:15', '2030-10-05T15:45:00.000Z'],
		['Pacific/Apia', '2011-12-30T12:00', '2011-12-30T22:00:00.000Z'],
		['UTC', '2030-06-01T09:30', '2030-06-01T09:30:00.000Z'],
		['Asia/Kathmandu', '2030-06-01T09:30', '2030-06-01T03:45:00.000Z'],
	])('also in %s: %s', (zone, text, at) => expect(in_(zone)(text)).toBe(at));
});
