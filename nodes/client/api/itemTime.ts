import {
	AbandonedError,
	InferenceError,
	StoppedError,
	TimeoutError,
	type ErrorFacts,
} from '../errors';
import type { RunSettings } from '../settings';
import type { CancelSignal } from '../util/cancelSignal';
import { Deadline } from '../util/deadline';
import type { Release } from '../util/keyedQueue';
import type { ClientContext } from './context';

/** What bounds an item. */
export interface ItemBounds {
	/** Aborts with the node run. */
	readonly signal: CancelSignal;
	/** What it has failed to do when its time is over, as in "did not finish within 5 s". */
	readonly verb: 'finish' | 'answer';
}

/** Why an item is given up before its end, and what is wanted for whatever runs for it. */
export class GivenUp {
	/** Its own time or that of the whole run is over; else it was stopped. */
	readonly timedOut: boolean;
	/** Whether what runs at the service is to go on. */
	readonly keep: boolean;

	constructor(
		private readonly reason: InferenceError,
		{ onTimeout, onStop }: Pick<RunSettings, 'onTimeout' | 'onStop'>,
	) {
		this.timedOut = reason instanceof TimeoutError;
		const wish = this.timedOut ? onTimeout : onStop;
		this.keep = reason instanceof AbandonedError || wish === 'keep';
	}

	/**
	 * The error that says so.
	 *
	 * @param subject what was given up, such as `Task x`
	 * @param fate what became of it, in whole sentences
	 */
	error(subject: string, fate: string, facts?: ErrorFacts): InferenceError {
		const Kind = this.timedOut ? TimeoutError : StoppedError;
		return new Kind(`${subject} ${this.reason.message}. ${fate}`, facts);
	}
}

/**
 * Gives an item its place among those of its account, and then its time.
 *
 * @param job what the item does; its context's signal aborts when the item is given up
 * @param onGivenUp takes care of what runs for an item whose time is over or whose run was stopped,
 * and makes the error that says what became of it; the item keeps its place until then
 * @throws the error of `onGivenUp`; what `job` throws
 */
export async function withinItsTime<T>(
	{ signal: ofRun, verb }: ItemBounds,
	context: ClientContext,
	job: (inner: ClientContext) => Promise<T>,
	onGivenUp: (givenUp: GivenUp) => Promise<InferenceError>,
): Promise<T> {
	const { account, settings } = context;
	const { timeoutMs } = settings;
	using scope = new Deadline(ofRun);
	const { signal } = scope;
	let leave: Release | undefined;
	try {
		signal.throwIfAborted();
		leave = account.slots.tryTake() ?? (await account.slots.take(signal));
		if (timeoutMs !== undefined) {
			const limit = `${Math.round(timeoutMs / 100) / 10} s`;
			scope.start(timeoutMs, () => new TimeoutError(`did not ${verb} within ${limit}`));
		}
		return await job({ ...context, signal });
	} catch (error) {
		const reason: unknown = signal.reason;
		const givenUp = error === reason && reason instanceof InferenceError;
		throw givenUp ? await onGivenUp(new GivenUp(reason, settings)) : error;
	} finally {
		leave?.();
	}
}

/** The error of an item whose turn never came because `reason` ended the whole run. */
export function notStarted(reason: unknown): InferenceError {
	const said = reason instanceof InferenceError ? reason.message : 'was not run';
	const Kind = reason instanceof TimeoutError ? TimeoutError : StoppedError;
	return new Kind(`The item ${said}. Nothing was started for it.`);
}
