import {
	AbandonedError,
	FollowingRefusedError,
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
import { Refusals } from './refusals';

/** What bounds an item. */
export interface ItemBounds {
	/** Aborts with the node run. */
	readonly signal: CancelSignal;
	/** What it has failed to do when its time is over, as in "did not finish within 5 s". */
	readonly verb: 'finish' | 'answer';
}

/** What an item works with, as long as it has time. */
export interface ItemContext extends ClientContext {
	/** Of the task or chat that the item follows. */
	readonly refusals: Refusals;
}

/** Why an item is given up before its end, and what is wanted for whatever runs for it. */
export class GivenUp {
	/** Its own time or that of the whole run is over. */
	readonly timedOut: boolean;
	/** Whether what runs at the service is to go on. */
	readonly keep: boolean;

	constructor(
		private readonly reason: InferenceError,
		private readonly refusals: Refusals,
		{ onTimeout, onStop }: Pick<RunSettings, 'onTimeout' | 'onStop'>,
	) {
		this.timedOut = reason instanceof TimeoutError;
		const wish = reason instanceof StoppedError ? onStop : onTimeout;
		this.keep = reason instanceof AbandonedError || wish === 'keep';
	}

	/**
	 * The error that says so.
	 *
	 * @param subject what was given up, such as `Task x`
	 * @param fate what became of it, in whole sentences
	 */
	error(subject: string, fate: string, facts: ErrorFacts = {}): InferenceError {
		const { reason, refusals } = this;
		const what = `${subject} ${reason.message}`;
		if (reason instanceof StoppedError) return new StoppedError(`${what}. ${fate}`, facts);
		if (reason instanceof FollowingRefusedError) {
			const hint = [reason.hint, facts.hint].filter((text) => text !== undefined).join(' ');
			return reason.reworded(`${what}. ${fate}`, { ...facts, hint: hint || undefined });
		}
		if (refusals.last === undefined) return new TimeoutError(`${what}. ${fate}`, facts);
		const more = { hopeless: refusals.hopeless, cause: refusals.last };
		return new TimeoutError(`${what}: ${refusals.inWords}. ${fate}`, { ...facts, ...more });
	}
}

/**
 * Gives an item its place among those of its account, and then its time.
 *
 * @param job what the item does; its context's signal aborts when the item is given up
 * @param onGivenUp takes care of what runs for an item whose time is over, whose run was stopped or
 * which the service refuses to show, and makes the error that says what became of it; the item keeps
 * its place until then
 * @throws the error of `onGivenUp`; what `job` throws
 */
export async function withinItsTime<T>(
	{ signal: ofRun, verb }: ItemBounds,
	context: ClientContext,
	job: (inner: ItemContext) => Promise<T>,
	onGivenUp: (givenUp: GivenUp) => Promise<InferenceError>,
): Promise<T> {
	const { account, clock, settings, timings } = context;
	const { timeoutMs } = settings;
	const refusals = new Refusals(account, clock, timings);
	// No `using` where thousands pass: what it is compiled to costs more than a deadline.
	const scope = new Deadline(ofRun);
	const { signal } = scope;
	let leave: Release | undefined;
	try {
		signal.throwIfAborted();
		leave = account.slots.tryTake() ?? (await account.slots.take(signal));
		if (timeoutMs !== undefined) {
			scope.start(timeoutMs, () => {
				const limit = `${Math.round(timeoutMs / 100) / 10} s`;
				return new TimeoutError(`did not ${verb} within ${limit}`);
			});
		}
		return await job({ ...context, signal, refusals });
	} catch (error) {
		const reason: unknown = error instanceof FollowingRefusedError ? error : signal.reason;
		const givenUp = error === reason && reason instanceof InferenceError;
		throw givenUp ? await onGivenUp(new GivenUp(reason, refusals, settings)) : error;
	} finally {
		leave?.();
		scope[Symbol.dispose]();
	}
}

/** The error of an item whose turn never came because `reason` ended the whole run. */
export function notStarted(reason: unknown): InferenceError {
	const said = reason instanceof InferenceError ? reason.message : 'was not run';
	const Kind = reason instanceof TimeoutError ? TimeoutError : StoppedError;
	return new Kind(`The item ${said}. Nothing was started for it.`);
}
