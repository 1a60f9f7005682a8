/** The table that the benchmark prints. */
import { isMet, type Measure } from './measures.mts';

const COLUMNS = ['what', 'median', 'spread', 'target', '', 'note'] as const;

/** Three significant digits are more than such numbers deserve. */
function rounded(value: number): string {
	const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
	return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}

function targetText({ target }: Measure): string {
	if (!target) return '';
	return 'least' in target ? `≥ ${rounded(target.least)}` : `≤ ${rounded(target.most)}`;
}

function row(measure: Measure): string[] {
	const { what, unit, figure, note = '' } = measure;
	const { median, low, high, rounds } = figure;
	const verdict = { true: 'met', false: 'MISSED', undefined: '' }[String(isMet(measure))] ?? '';
	return [
		what,
		Number.isNaN(median) ? '–' : `${rounded(median)} ${unit}`.trim(),
		rounds.length > 1 ? `${rounded(low)} – ${rounded(high)}` : '',
		targetText(measure),
		verdict,
		note,
	];
}

/** Lines of a Markdown table that is readable as it is. */
export function table(measures: readonly Measure[]): string {
	const rows = [[...COLUMNS], ...measures.map(row)];
	const widths = COLUMNS.map((_, column) =>
		Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)),
	);
	const line = (cells: readonly string[]): string =>
		`| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
	const [head = [], ...body] = rows;
	return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}
