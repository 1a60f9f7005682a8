/** What the sandbox does later: in its own good time, or when a test says so. */

/** Real time, also where a test rules over what others take for the time. */
const realNow = performance.now.bind(performance);

/** Node's timers fire at once if they are set for longer. */
const LONGEST_MS = 2 ** 31 - 1;

/** Something that will happen, unless it is cancelled. */
export interface Appointment {
	cancel(): void;
}

interface Entry {
	readonly then: () => void;
	/** On a clock of this process, ms; of no meaning while time is held. */
	dueAt: number;
	/** Milliseconds to go; of no meaning while time runs. */
	left: number;
	timer: NodeJS.Timeout | undefined;
}

/**
 * The timers of tasks, agents, webhooks and delayed answers. A test that needs something not to have
 * happened yet holds them: then only `advance` makes time pass, however slow the machine is. Those
 * whose own clock is ahead of real time let it keep up.
 */
export class Timetable {
	/** In the order in which they were made. */
	private readonly entries = new Set<Entry>();
	private held = false;

	/** Runs something `ms` milliseconds from now. */
	after(ms: number, then: () => void): Appointment {
		const entry: Entry = { then, dueAt: realNow() + ms, left: ms, timer: undefined };
		this.entries.add(entry);
		if (!this.held) this.start(entry, ms);
		return {
			cancel: () => {
				clearTimeout(entry.timer);
				this.entries.delete(entry);
			},
		};
	}

	async sleep(ms: number): Promise<void> {
		await new Promise<void>((resolve) => void this.after(ms, resolve));
	}

	/** Stops time: nothing happens any more until it is advanced or released. */
	hold(): void {
		if (this.held) return;
		this.held = true;
		const now = realNow();
		for (const entry of this.entries) {
			clearTimeout(entry.timer);
			entry.left = Math.max(0, entry.dueAt - now);
		}
	}

	/** Lets held time run: everything takes as long as it had left. */
	release(): void {
		if (!this.held) return;
		this.held = false;
		const now = realNow();
		for (const entry of this.entries) {
			entry.dueAt = now + entry.left;
			this.start(entry, entry.left);
		}
	}

	/** Makes held time pass at once: what is due meanwhile happens now, in order. */
	advance(ms: number): void {
		if (!this.held) throw new Error('time runs by itself unless it is held');
		for (let rest = ms; ; ) {
			const next = this.next();
			const step = Math.min(rest, next?.left ?? rest);
			for (const entry of this.entries) entry.left -= step;
			rest -= step;
			if (!next || next.left > 0) return;
			this.happen(next);
		}
	}

	/** Time has passed elsewhere at once: it passes here, too, unless it is held. */
	keepUp(ms: number): void {
		if (this.held) return;
		this.hold();
		this.advance(ms);
		this.release();
	}

	private start(entry: Entry, ms: number): void {
		entry.timer = setTimeout(
			() => {
				if (ms > LONGEST_MS) this.start(entry, ms - LONGEST_MS);
				else this.happen(entry);
			},
			Math.min(ms, LONGEST_MS),
		);
	}

	private happen(entry: Entry): void {
		this.entries.delete(entry);
		entry.then();
	}

	/** The first that is due, of equals the one made first. */
	private next(): Entry | undefined {
		let first: Entry | undefined;
		for (const entry of this.entries) if (!first || entry.left < first.left) first = entry;
		return first;
	}
}
