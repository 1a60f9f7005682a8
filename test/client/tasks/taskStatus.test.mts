import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isTerminal, parseTaskStatus } from '../../../nodes/client/tasks/taskStatus.ts';

const NAMES = [
	'unknown',
	'received',
	'queued',
	'dispatched',
	'preparing',
	'serving',
	'setting_up',
	'running',
	'cancelling',
	'uploading',
	'completed',
	'failed',
	'cancelled',
] as const;

describe('parseTaskStatus', () => {
	it.each(NAMES.map((name, number) => [number, name] as const))(
		'reads %i as %s',
		(number, name) => {
			expect(parseTaskStatus(number)).toBe(name);
			expect(parseTaskStatus(String(number))).toBe(name);
			expect(parseTaskStatus(name)).toBe(name);
			expect(parseTaskStatus(name.toUpperCase())).toBe(name);
			expect(parseTaskStatus(` ${name}\n`)).toBe(name);
		},
	);

	it('reads both spellings of cancelled', () => {
		expect([parseTaskStatus('canceled'), parseTaskStatus('Canceled')]).toEqual([
			'cancelled',
			'cancelled',
		]);
	});

	it.each([
		[13],
		[-1],
		[10.5],
		[NaN],
		[Infinity],
		['13'],
		['-1'],
		['10.5'],
		[''],
		['paused'],
		['constructor'],
		['length'],
		[null],
		[undefined],
		[true],
		[{ status: 10 }],
		[[10]],
	])('reads %j as unknown', (value) => {
		expect(parseTaskStatus(value)).toBe('unknown');
	});

	it('never takes a status that it does not know for the end', () => {
		fc.assert(
			fc.property(fc.anything(), (value) => {
				const status = parseTaskStatus(value);
				expect(NAMES).toContain(status);
				if (status === 'unknown') expect(isTerminal(status)).toBe(false);
			}),
		);
	});
});

describe('isTerminal', () => {
	it('is said of completed, failed and cancelled only', () => {
		expect(NAMES.filter(isTerminal)).toEqual(['completed', 'failed', 'cancelled']);
	});
});
