import type { CancelSignal } from './cancelSignal';

/** Gives a place back; calling it again does nothing. */
export type Release = () => void;

/**
 * Lets at most `places` holders in at once; the others wait in line, first come, first served.
 *
 * Of the package's own: p-limit, which n8n 2.x has, is not there for community nodes in 1.x.
 */
export class Semaphore {
	private held = 0;
	/** Who waits, in order of arrival. */
	private readonly line = new Set<() => void>();

	constructor(private readonly places: number) {}

	/**
	 * Waits for a place.
	 *
	 * @throws the abort reason of `signal`; the place in the line is given up
	 */
	async acquire(signal: CancelSignal): Promise<Release> {
		signal.throwIfAborted();
		if (this.held < this.places) this.held += 1;
		else await this.turn(signal);
		let released = false;
		return () => {
			if (!released) this.pass();
			released = true;
		};
	}

	private async turn(signal: CancelSignal): Promise<void> {
		await new Promise<void>((resolve, reject) => {
			const leave = () => {
				this.line.delete(enter);
				reject(signal.reason);
			};
			const enter = () => {
				signal.removeEventListener('abort', leave);
				resolve();
			};
			this.line.add(enter);
			signal.addEventListener('abort', leave);
		});
	}

	/** Hands a place to the next in line, or leaves it free. */
	private pass(): void {
		const [next] = this.line;
		if (!next) {
			this.held -= 1;
			return;
		}
		this.line.delete(next);
		next();
	}
}
