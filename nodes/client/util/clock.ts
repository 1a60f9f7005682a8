import { sleep } from 'n8n-workflow';
import type { CancelSignal } from './cancelSignal';

/**
 * Milliseconds since the process began, whatever happens to the machine's clock. What is compared
 * with the service's own times is measured with this.
 */
export function monotonicNow(): number {
	return performance.now();
}

/** Time and chance as the client sees them; tests replace them to make backoff instant. */
export interface Clock {
	/** Milliseconds since the epoch, as of the start of the process: setting the clock moves nothing. */
	now(): number;
	/** Resolves after `ms` milliseconds; rejects with the signal's reason as soon as it aborts. */
	delay(ms: number, signal?: CancelSignal): Promise<void>;
	/** A number in [0, 1). */
	random(): number;
}

/**
 * Waits `ms` milliseconds or until `signal` aborts, whichever is first.
 *
 * Before n8n-workflow 2.34 `sleep` ignores its second argument, so the abort is raced here as well.
 *
 * @throws the abort reason of `signal`
 */
async function delay(ms: number, signal?: CancelSignal): Promise<void> {
	if (!signal) return await sleep(ms);
	signal.throwIfAborted();
	const controller = new AbortController();
	await new Promise<void>((resolve, reject) => {
		const abandon = () => {
			controller.abort(signal.reason);
			reject(signal.reason);
		};
		signal.addEventListener('abort', abandon);
		sleep(ms, controller.signal)
			.then(resolve, reject)
			.finally(() => signal.removeEventListener('abort', abandon));
	});
}

/** When the process began; its getter costs as much as the time itself. */
const { timeOrigin } = performance;

/** Real time. */
export const systemClock: Clock = {
	now: () => timeOrigin + performance.now(),
	delay,
	random: () => Math.random(),
};
