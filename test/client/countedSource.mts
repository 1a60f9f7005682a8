import { CancelSource } from '../../nodes/client/util/cancelSignal.ts';

/** A signal that tells who listens on it. */
export class CountedSource extends CancelSource {
	readonly listening = new Set<() => void>();

	override addEventListener(type: 'abort', listener: () => void): void {
		this.listening.add(listener);
		super.addEventListener(type, listener);
	}

	override removeEventListener(type: 'abort', listener: () => void): void {
		this.listening.delete(listener);
		super.removeEventListener(type, listener);
	}
}
