/**
 * Pages in a row that may bring nothing. A service may have looked through many rows for none, but one
 * that has another cursor for every page never comes to an end.
 */
const MOST_BARREN = 50;

/** Whether the pages of a list, one after the other, still bring something. */
export class PageProgress {
	private readonly seen = new Set<string>();
	private barren = 0;

	/** Takes in a page. */
	take(rows: ReadonlyArray<{ readonly id: string }>): void {
		const before = this.seen.size;
		for (const { id } of rows) this.seen.add(id);
		this.barren = this.seen.size > before ? 0 : this.barren + 1;
	}

	/** Whether the last page brought nothing that was not on one before. */
	get isBarren(): boolean {
		return this.barren > 0;
	}

	/** Whether that has been so for long enough to take it for the end. */
	get isOver(): boolean {
		return this.barren >= MOST_BARREN;
	}
}
