/** Tables for a terminal. */

const graphemes = new Intl.Segmenter();
const WIDE = /\p{Emoji_Presentation}|\uFE0F|\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}/u;

function columns(text: string): number {
	let width = 0;
	for (const { segment } of graphemes.segment(text)) width += WIDE.test(segment) ? 2 : 1;
	return width;
}

/** The text on one line and no wider than that. */
export function shortened(text: string, width: number): string {
	const line = text.replace(/\s+/g, ' ').trim();
	if (columns(line) <= width) return line;
	let kept = '';
	for (const { segment } of graphemes.segment(line)) {
		if (columns(kept + segment) >= width) break;
		kept += segment;
	}
	return `${kept}…`;
}

/** Rows under their heads; numbers to the right. */
export function table(heads: readonly string[], rows: ReadonlyArray<readonly unknown[]>): string {
	const text = (value: unknown): string =>
		typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
	const widths = heads.map((head, i) =>
		Math.max(columns(head), ...rows.map((row) => columns(text(row[i])))),
	);
	const line = (cells: readonly unknown[]): string =>
		cells
			.map((cell, i) => {
				const content = text(cell);
				const padding = ' '.repeat(Math.max(0, (widths[i] ?? 0) - columns(content)));
				return typeof cell === 'number' ? padding + content : content + padding;
			})
			.join('  ')
			.trimEnd();
	const rule = widths.map((width) => '─'.repeat(width)).join('  ');
	return [line(heads), rule, ...rows.map(line)].join('\n');
}
