/** How far a long piece of work is: lines for a log, or one line of a terminal that is kept up to date. */

const LINE_EVERY_MS = 30_000;

/** Is told about a piece of work while it goes on. */
export interface Progress {
	/** Tells something once. */
	note(line: string): void;
	/**
	 * Tells what is being done. May be called as often as one likes.
	 *
	 * @param what another text than before begins another part of the work
	 * @param howFar for example `949 of about 2370`
	 */
	doing(what: string, howFar?: string): void;
}

/** A time for people: `0.3 s`, `42 s`, `3 min 5 s`. */
export function duration(ms: number): string {
	if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
	const seconds = Math.round(ms / 1000);
	return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * Says each part of the work when it begins and when it is done, and every half minute how far it
 * is; a terminal shows that all the time. Disposing of it ends the last part.
 */
export class ShownProgress implements Progress, Disposable {
	private readonly say: (line: string) => void;
	private readonly show: ((line: string) => void) | undefined;
	private part: { readonly what: string; readonly since: number } | undefined;
	private saidAt = 0;

	/**
	 * @param say writes a line
	 * @param show replaces the last line of a terminal, if there is one
	 */
	constructor(say: (line: string) => void, show?: (line: string) => void) {
		this.say = say;
		this.show = show;
	}

	note(line: string): void {
		this.say(line);
	}

	doing(what: string, howFar?: string): void {
		const now = performance.now();
		if (this.part?.what !== what) {
			this.end();
			this.part = { what, since: now };
			this.saidAt = now;
			if (!this.show) this.say(`${what} …`);
		}
		const far = howFar === undefined ? '' : `: ${howFar}`;
		const line = `${what}${far} (${duration(now - this.part.since)})`;
		if (this.show) this.show(line);
		else if (now - this.saidAt >= LINE_EVERY_MS) {
			this.saidAt = now;
			this.say(line);
		}
	}

	private end(): void {
		if (!this.part) return;
		this.say(`${this.part.what}: done in ${duration(performance.now() - this.part.since)}`);
		this.part = undefined;
	}

	[Symbol.dispose](): void {
		this.end();
	}
}
