import pLimit from 'p-limit';
import type { CancelSignal } from './cancelSignal';
import type { Release } from './keyedQueue';

/**
 * A number of places that are given out in the order in which they are asked for. The number may
 * change at any time: whoever has a place keeps it, and everybody counts, whatever the number was
 * when it was taken.
 *
 * p-limit 3 keeps the order, but its number cannot change. So it lets one at a time come to the front
 * of the queue, where places are counted.
 */
export class Slots {
	private given = 0;
	private readonly inOrder = pLimit(1);
	/** Lets whoever is at the front look again. */
	private lookAgain = () => {};

	constructor(private most = Infinity) {}

	/** Places that somebody has. */
	get taken(): number {
		return this.given;
	}

	/** About how many wait for one; those that gave up may count until their turn. */
	get waiting(): number {
		return this.inOrder.activeCount + this.inOrder.pendingCount;
	}

	/** Whether nobody has a place or waits for one. */
	get unused(): boolean {
		return this.given === 0 && this.waiting === 0;
	}

	/** @param most places from now on; Infinity for no limit */
	limitTo(most: number): void {
		this.most = most;
		this.lookAgain();
	}

	/** Takes a place if that needs no waiting, so that a promise is spared. */
	tryTake(): Release | undefined {
		const isFree = this.most === Infinity || (this.given < this.most && this.waiting === 0);
		return isFree ? this.give() : undefined;
	}

	/**
	 * Waits for a place.
	 *
	 * @throws the abort reason of `signal`; the place in the queue is given up
	 */
	async take(signal: CancelSignal): Promise<Release> {
		signal.throwIfAborted();
		return await new Promise<Release>((resolve, reject) => {
			let gaveUp = false;
			const leave = () => {
				gaveUp = true;
				reject(signal.reason);
				this.lookAgain();
			};
			signal.addEventListener('abort', leave);
			void this.inOrder(async () => {
				while (!gaveUp && this.given >= this.most) await this.change();
				if (gaveUp) return;
				signal.removeEventListener('abort', leave);
				resolve(this.give());
			});
		});
	}

	private async change(): Promise<void> {
		await new Promise<void>((resolve) => {
			this.lookAgain = resolve;
		});
	}

	private give(): Release {
		this.given += 1;
		let isHeld = true;
		return () => {
			if (!isHeld) return;
			isHeld = false;
			this.given -= 1;
			this.lookAgain();
		};
	}
}
