import type { Clock } from './clock';

/** A stream that is watched. */
export interface QuietStream {
	/** When it last said something, or was last checked, ms since the epoch. */
	lastWord: number;
	/** How long it may be quiet before it is checked, ms. */
	patienceMs: number;
	/** Called when it has been quiet for so long. */
	onQuiet(): void;
}

const TICK_MS = 1_000;

/** Watches many streams for silence with one timer, which runs only while there are any. */
export class QuietWatch {
	private readonly streams = new Set<QuietStream>();
	private running = false;

	constructor(private readonly clock: Clock) {}

	add(stream: QuietStream): void {
		this.streams.add(stream);
		if (this.running) return;
		this.running = true;
		void this.run();
	}

	remove(stream: QuietStream): void {
		this.streams.delete(stream);
	}

	private async run(): Promise<void> {
		while (this.streams.size > 0) {
			await this.clock.delay(TICK_MS);
			const now = this.clock.now();
			for (const stream of this.streams) {
				if (now - stream.lastWord < stream.patienceMs) continue;
				stream.lastWord = now;
				stream.onQuiet();
			}
		}
		this.running = false;
	}
}
