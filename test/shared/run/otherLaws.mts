/** Other known laws for a window, to compare with: small, and with the figures of their authors. */
import type { AdaptiveWindow } from '../../../nodes/shared/run/adaptiveWindow.ts';

/** What a law has to do with. */
export type Law = Pick<AdaptiveWindow, 'size' | 'begin' | 'started' | 'ran'>;

abstract class OtherLaw implements Law {
	protected width = 2;
	protected typicalMs = 0;
	private round = 0;
	private readonly most: number;

	constructor(most: number) {
		this.most = most;
	}

	get size(): number {
		return Math.max(1, Math.min(this.most, Math.floor(this.width)));
	}

	begin(): { readonly round: number } {
		return { round: this.round };
	}

	started({ round }: { readonly round: number }, waitedMs: number): void {
		const isNews = round >= this.round;
		const width = this.next(waitedMs, isNews);
		if (width < this.width) this.round += 1;
		this.width = Math.min(this.most, Math.max(1, width));
	}

	ran(ms: number): void {
		this.typicalMs = this.typicalMs === 0 ? ms : this.typicalMs * 0.9 + ms * 0.1;
	}

	/** @param isNews whether the task has begun since the last change for the worse */
	protected abstract next(waitedMs: number, isNews: boolean): number;

	protected isWait(waitedMs: number): boolean {
		return waitedMs > Math.max(100, this.typicalMs * 0.1);
	}
}

/** Half of it at each wait, one more in each round without, as TCP Reno does at losses. */
export class Halving extends OtherLaw {
	protected next(waitedMs: number, isNews: boolean): number {
		if (!this.isWait(waitedMs)) return this.width + 1 / this.width;
		return isNews ? this.width / 2 : this.width;
	}
}

/** One more while fewer than `ALPHA` of its tasks wait, one fewer above `BETA` (TCP Vegas). */
export class Vegas extends OtherLaw {
	private static readonly ALPHA = 1;
	private static readonly BETA = 3;

	protected next(waitedMs: number): number {
		const waiting = (this.width * waitedMs) / (waitedMs + this.typicalMs || 1);
		if (waiting < Vegas.ALPHA) return this.width + 1 / this.width;
		return waiting > Vegas.BETA ? this.width - 1 / this.width : this.width;
	}
}

/** By how much slower than usual it is, and room for the root of it (Netflix, concurrency-limits: Gradient). */
export class Gradient extends OtherLaw {
	private static readonly SMOOTHING = 0.2;

	protected next(waitedMs: number): number {
		const slower = this.typicalMs / (this.typicalMs + waitedMs || 1);
		const wanted = this.width * Math.max(0.5, slower) + Math.sqrt(this.width);
		return this.width + (Gradient.SMOOTHING * (wanted - this.width)) / this.width;
	}
}

export const OTHER_LAWS: Readonly<Record<string, (most: number) => Law>> = {
	'half at each wait': (most) => new Halving(most),
	Vegas: (most) => new Vegas(most),
	gradient: (most) => new Gradient(most),
};
