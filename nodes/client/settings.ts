/** Situations in which an attempt may be repeated. */
export type RetryReason = 'rateLimit' | 'network' | 'serverError' | 'taskFailed';

/** How one item is run; times in milliseconds. */
export interface RunSettings {
	/** Time an item may take from its start, undefined for no limit. */
	readonly timeoutMs: number | undefined;
	/** Attempts after the first one. */
	readonly maxRetries: number;
	readonly retryOn: ReadonlySet<RetryReason>;
	readonly backoffBaseMs: number;
	readonly backoffCapMs: number;
	/** A longer Retry-After is not waited for. */
	readonly maxRetryAfterMs: number;
	/** What happens to the remote task when the item's time is over. */
	readonly onTimeout: 'cancel' | 'keep';
	/** What happens to the remote task when the execution is stopped. */
	readonly onStop: 'cancel' | 'keep';
	/** What to do when it is not known whether a submission was accepted. */
	readonly onUnclearSubmit: 'check' | 'fail' | 'resubmit';
	/** How a running task is watched. */
	readonly follow: 'auto' | 'stream' | 'poll';
	/** Shortest wait between two polls. */
	readonly pollIntervalMs: number;
	/** Nobody has set any of this, and errors do not tell to change it. */
	readonly isFixed?: true;
}

/** Limits that no parameter sets. Tests shorten them; users have no reason to. */
export interface Timings {
	/** Longest wait for an answer's head. */
	readonly headersMs: number;
	/** The same for a submission, which may wait for a gateway. */
	readonly submitMs: number;
	/** Silence after which a stream is dead: four missed heartbeats (API notes 4.5). */
	readonly streamSilenceMs: number;
	/** A stream through which no heartbeat has come alone is checked after this silence. */
	readonly silentCheckMs: number;
	/** The same where streams were held back before: in good time for an end to be known in 2 s. */
	readonly heldCheckMs: number;
	/** A stream with heartbeats is checked after this silence: by then one is missing. */
	readonly missedBeatMs: number;
	/** A stream with heartbeats that says nothing of its task for this long is checked, too. */
	readonly quietCheckMs: number;
	/** Streams that may fail in a row without news before polling takes over. */
	readonly streamFailures: number;
	/** Upper bound of the growing poll interval. */
	readonly pollCapMs: number;
	/** Time for cancelling a task, and for learning the id of one that is on its way. */
	readonly cancelMs: number;
	/** Of these, the time after which what is on its way is looked for. */
	readonly lateLookMs: number;
	/** Time after a lost answer by which a slow gateway or a lagging list must be done. */
	readonly lookAgainMs: number;
	/** With no timeout set: time without any answer after which a task is given up. */
	readonly contactMs: number;
	/** How long a chat may seem idle although its answer has begun and not ended. */
	readonly doubtMs: number;
	/** How long a task with an unknown status and a sign of its end must not change to have ended. */
	readonly stillMs: number;
	/** For how long the service must refuse to show what it has accepted before that is believed. */
	readonly refusedMs: number;
	/** How often it must refuse it in that time. */
	readonly refusals: number;
	/** For how long an id that nobody here has seen may be unknown: it may have been created just now. */
	readonly unseenMs: number;
}

export const DEFAULT_TIMINGS: Timings = {
	headersMs: 30_000,
	submitMs: 60_000,
	streamSilenceMs: 45_000,
	silentCheckMs: 4_000,
	heldCheckMs: 1_250,
	missedBeatMs: 15_000,
	quietCheckMs: 45_000,
	streamFailures: 4,
	pollCapMs: 10_000,
	cancelMs: 5_000,
	lateLookMs: 1_000,
	lookAgainMs: 2_000,
	contactMs: 10 * 60_000,
	doubtMs: 60_000,
	stillMs: 10_000,
	refusedMs: 45_000,
	refusals: 5,
	unseenMs: 2_000,
};
