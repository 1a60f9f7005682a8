import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogLines } from '../../../nodes/StreamTask/logLines.ts';
import { comparedBy } from '../../workMeters.mts';

/** Lines that come of logs which are shown one after another, and of their end. */
function linesOf(...views: unknown[]): string[] {
	const log = new LogLines();
	return [...views.flatMap((view) => log.see(view)), ...log.finish()];
}

/** One log entry of the wire. */
const entry = (content: string, log_type = 1, more = {}) => ({ log_type, content, ...more });

describe('Log lines', () => {
	it.each([
		['of a text that grows', ['a\nb\n', 'a\nb\nc\n'], ['a', 'b', 'c']],
		['of an entry that grows', [[entry('a\n')], [entry('a\nb\n')]], ['a', 'b']],
		['that come again', [[entry('a\n')], [entry('a\n')], [entry('a\n')]], ['a']],
		[
			'of an older view',
			[[entry('a\nb\n')], [entry('a\n')], [entry('a\nb\nc\n')]],
			['a', 'b', 'c'],
		],
		['that are equal', [[entry('a\na\n')], [entry('a\na\na\n')]], ['a', 'a', 'a']],
		['of several types', [[entry('a\n', 3), entry('b\n')], [entry('a\nc\n', 3)]], ['a', 'b', 'c']],
		['that end in CR LF', ['a\r', 'a\r\nb\r\n'], ['a', 'b']],
		['of a progress bar', ['10%\r20%\r', '10%\r20%\r30%\n'], ['10%', '20%', '30%']],
		['without a last end', ['a\nb', 'a\nbc'], ['a', 'bc']],
		['that are blank', ['a\n\n\r\nb\n'], ['a', 'b']],
		['of a text that is replaced', ['Loading…', 'Done\n'], ['Loading…', 'Done']],
		[
			'of entries that are added instead of growing',
			[[entry('a')], [entry('a'), entry('b')], [entry('a'), entry('b'), entry('c')]],
			['a', 'b', 'c'],
		],
		[
			'of entries whose ids come and go',
			[[entry('a\n', 1, { id: 'l1' })], [entry('a\nb\n')], [entry('a\nb\nc\n', 1, { id: 'l1' })]],
			['a', 'b', 'c'],
		],
		[
			'of entries of which only the newest are kept',
			[
				[entry('a', 1, { id: '1' }), entry('b', 1, { id: '2' })],
				[entry('b', 1, { id: '2' }), entry('c', 1, { id: '3' })],
			],
			['a', 'b', 'c'],
		],
		['of plain texts', [['a\n', 'b\n']], ['a', 'b']],
		['of nothing', [null, undefined, [], [null, 5, { content: 7 }], {}], []],
	])('%s come once each', (_what, views, lines) => {
		expect(linesOf(...views)).toEqual(lines);
	});

	it('are shown when they are complete', () => {
		const log = new LogLines();
		expect(log.see('a\nb')).toEqual(['a']);
		expect(log.unfinished).toBe(true);
		expect(log.see('a\nbc\n')).toEqual(['bc']);
		expect(log.unfinished).toBe(false);
	});

	it('that were ended early go on as another line', () => {
		const log = new LogLines();
		expect(log.see('wait')).toEqual([]);
		expect(log.finish()).toEqual(['wait']);
		expect(log.finish()).toEqual([]);
		expect(log.see('wait … done\nb')).toEqual([' … done']);
	});

	const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/g, ''));
	const text = fc.array(line).map((lines) => lines.join('\n'));
	const cuts = fc.array(fc.nat(), { maxLength: 20 });

	it('are the same however the log grows, and whatever is shown again', () => {
		fc.assert(
			fc.property(text, cuts, (whole, ends) => {
				const views = ends.map((end) => whole.slice(0, end % (whole.length + 1)));
				expect(linesOf(...views, whole)).toEqual(whole.split('\n').filter((one) => one !== ''));
			}),
		);
	});

	it('are not lost or repeated if only the end of a log is kept', () => {
		fc.assert(
			fc.property(fc.integer({ min: 50, max: 400 }), cuts, (kept, ends) => {
				const all = Array.from({ length: 200 }, (_, number) => `line ${number} of this log`);
				const whole = `${all.join('\n')}\n`;
				let shown = 0;
				const views: string[] = [];
				// Views overlap; what was never in one cannot be known.
				for (const step of ends) {
					shown = Math.min(whole.length, shown + (step % Math.floor(kept / 2)));
					views.push(whole.slice(Math.max(0, shown - kept), shown));
				}
				const lines = linesOf(...views);
				expect(lines).toEqual(whole.slice(0, shown).split('\n').filter(Boolean));
			}),
		);
	});

	it.each([
		['the same', 'tick\n'.repeat(20)],
		['nearly the same', `${'tick\n'.repeat(19)}tack\n`],
		['one character', 'a'.repeat(100)],
	])('are found with work that grows like a log that says %s again and again', (_what, part) => {
		const workOf = (size: number) => {
			const all = part.repeat(size);
			return comparedBy(() => linesOf(`${all}x`, `${all}y`, `${all.slice(50)}y\nz\n`));
		};
		expect(workOf(400)).toBeLessThan(3 * workOf(200));
	});

	it('are not repeated if the end that is kept of a log repeats itself', () => {
		const part = 'tick\n'.repeat(40);
		expect(linesOf(`${part}tack\n`, `${part.slice(50)}tack\ntick\n`)).toEqual([
			...part.split('\n').slice(0, 40),
			'tack',
			'tick',
		]);
	});
});
