import type { Clock } from './clock';

/** A stream that is watched. */
export interface QuietStream {
	/** Whether it has been quiet for too long at this moment, ms as of the watch's clock. */
	isQuiet(now: number): boolean;
	/** Called when it has; again and again, as long as it is so. */
	onQuiet(): void;
}

const TICK_MS = 500;

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
			for (const stream of this.streams) if (stream.isQuiet(now)) stream.onQuiet();
		}
		this.running = false;
	}
}
