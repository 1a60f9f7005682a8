import { fateInWords, mayRunOn } from '../api/cancelRemote';
import type { ClientContext } from '../api/context';
import type { ServiceNotice } from '../api/envelope';
import { withinItsTime, type GivenUp, type ItemContext } from '../api/itemTime';
import { TaskCancelledError, TaskFailedError, type InferenceError } from '../errors';
import type { Reached } from '../follow/follower';
import { createOnce, findCreated, type SubmitOptions } from '../once/createOnce';
import type { CancelSignal } from '../util/cancelSignal';
import { cancelFlow } from './cancelFlow';
import type { FlowRequest } from './flowFingerprint';
import { nodesIn, type FlowRun } from './flowRun';
import { followFlow } from './followFlow';
import { FlowRunCreation } from './submitFlow';

/** What is known of an item's run from an earlier try in the same execution. */
export type FlowProgress =
	| { readonly state: 'none' }
	/** A request that may have started a run is on its way or lost. */
	| {
			readonly state: 'starting';
			readonly request: FlowRequest;
			/** When its first attempt began, by the monotonic clock (ms). */
			readonly since: number;
			readonly attempts: number;
	  }
	| {
			readonly state: 'following';
			readonly run: FlowRun;
			readonly attempts: number;
			/** This execution has cancelled it; it may complete all the same. */
			readonly cancelled?: boolean;
	  };

/** How to run a flow for one item. */
export interface FlowRunOptions {
	/** What an earlier try has done. */
	readonly progress: FlowProgress;
	/** Told before and after everything that may cost money. */
	onProgress(progress: FlowProgress): void;
	/** `none` returns as soon as the run exists. */
	readonly wait: 'result' | 'none';
	/** What to run; within the item's time, because files may have to be uploaded for it. */
	prepare(signal: CancelSignal): Promise<FlowRequest>;
	/** Aborts with the node run. */
	readonly signal: CancelSignal;
}

/** A run that was started, or has completed, for an item. */
export interface FlowResult extends Reached {
	readonly run: FlowRun;
	/** Requests that tried to start it. */
	readonly attempts: number;
	/** From the item's start to its end, ms. */
	readonly durationMs: number;
	/** Found in the list of runs after its submission got no answer. */
	readonly adopted: boolean;
	readonly notices: readonly ServiceNotice[];
}

/**
 * Runs a flow to its end, within an item's time.
 *
 * @throws TimeoutError and StoppedError, after the run has been cancelled or left as asked;
 * TaskFailedError, TaskCancelledError; what `createOnce` and `followToEnd` throw
 */
export function runFlow(options: FlowRunOptions, context: ClientContext): Promise<FlowResult> {
	let { progress } = options;
	const note = (next: FlowProgress) => {
		progress = next;
		options.onProgress(next);
	};
	return withinItsTime(
		{ signal: options.signal, verb: 'finish' },
		context,
		async (inner) => await new FlowAttempt(options, inner, note).run(),
		async (givenUp) => await giveUpFlow(givenUp, progress, context, note),
	);
}

class FlowAttempt {
	private readonly startedAt: number;
	private made: number;
	private adopted = false;
	private notices: readonly ServiceNotice[] = [];

	constructor(
		private readonly options: FlowRunOptions,
		private readonly context: ItemContext,
		private readonly note: (progress: FlowProgress) => void,
	) {
		const { progress } = options;
		this.startedAt = context.clock.now();
		this.made = progress.state === 'none' ? 0 : progress.attempts;
	}

	async run(): Promise<FlowResult> {
		const { progress, wait } = this.options;
		const earlier = progress.state === 'following' ? progress : undefined;
		const end = await this.ended(earlier?.run ?? (await this.begin()), wait);
		if (earlier?.cancelled === true && end.run.status === 'cancelled') {
			// What an earlier try has cancelled itself is started anew.
			this.note({ state: 'none' });
			return this.told(await this.ended(await this.begin(true), wait));
		}
		return this.told(end);
	}

	private async ended(run: FlowRun, wait: FlowRunOptions['wait']) {
		if (wait === 'none') return { run, via: 'submit', fellBack: false } as const;
		return await followFlow(run, this.context);
	}

	/** @throws the failure of a run that has ended without a result */
	private told(end: Reached & { readonly run: FlowRun }): FlowResult {
		const { adopted, notices, made: attempts, startedAt, context, options } = this;
		const failure = options.wait === 'result' && failureOf(end.run, context);
		if (failure) {
			this.note({ state: 'none' });
			throw failure;
		}
		const durationMs = Math.round(context.clock.now() - startedAt);
		return { ...end, attempts: Math.max(1, attempts), durationMs, adopted, notices };
	}

	/** Finds the run that an earlier try may have started, by what was sent then; else starts one. */
	private async begin(anew = false): Promise<FlowRun> {
		const { options, context } = this;
		const { progress } = options;
		if (progress.state === 'starting' && !anew) {
			const sent = new FlowRunCreation(progress.request, context);
			const reports = this.reports(progress.request);
			const found = await findCreated(sent, progress.since, reports, context);
			if (found) {
				this.adopted = true;
				return found.value;
			}
		}
		const before = this.made;
		const request = await options.prepare(context.signal);
		const creation = new FlowRunCreation(request, context);
		const reports = this.reports(request, before);
		const { value, adopted, notices } = await createOnce(creation, reports, context);
		this.adopted = adopted;
		this.notices = notices;
		return value;
	}

	/** Notes what becomes of a submission. */
	private reports(request: FlowRequest, before = this.made): SubmitOptions<FlowRun> {
		return {
			failedAttempts: this.made - before,
			onAttempt: (since) => {
				this.made += 1;
				this.note({ state: 'starting', request, since, attempts: this.made });
			},
			onNothingStarted: () => this.note({ state: 'none' }),
			onCreated: (run) => this.note({ state: 'following', run, attempts: this.made }),
		};
	}
}

/** Why a run has no result; undefined if it has one. */
function failureOf(run: FlowRun, { api }: Pick<ClientContext, 'api'>): InferenceError | undefined {
	const about = { kind: 'flow run', id: run.id } as const;
	if (run.status === 'cancelled') {
		return new TaskCancelledError(`Flow run ${run.id} was cancelled on inference.sh`, {
			about,
			hint: 'Somebody or something outside this workflow cancelled it.',
		});
	}
	if (run.status !== 'failed') return undefined;
	const failed = nodesIn(run, 'failed');
	const reason = api.clean(run.error ?? 'the service gave no reason');
	return new TaskFailedError(`Flow run ${run.id} failed: ${reason}`, {
		about,
		hint:
			failed.length === 0
				? 'The reason comes from the flow. Look at its run on inference.sh.'
				: `Nodes of the flow that failed: ${failed.join(', ')}. Look at its run on inference.sh.`,
	});
}

async function giveUpFlow(
	givenUp: GivenUp,
	progress: FlowProgress,
	context: ClientContext,
	note: (progress: FlowProgress) => void,
): Promise<InferenceError> {
	if (progress.state === 'none') return givenUp.error('The item', 'Nothing was started for it.');
	if (progress.state === 'starting') {
		return givenUp.error(
			'The item',
			'Its flow was being started, and it is not known whether it was.',
			{
				mayRun: true,
				hint: 'Look at the runs of the flow on inference.sh before running this item again.',
			},
		);
	}
	const { id } = progress.run;
	const outcome = givenUp.keep ? undefined : await cancelFlow(id, context);
	if (outcome && outcome.kind !== 'failed') note({ ...progress, cancelled: true });
	const longer = givenUp.timedOut ? ' Raise "Timeout (Seconds)" if the flow needs longer.' : '';
	return givenUp.error(`Flow run ${id}`, `The run ${fateInWords(outcome)}.`, {
		about: { kind: 'flow run', id },
		mayRun: mayRunOn(outcome),
		hint: `The operation "Get" of flow runs shows it by its ID, ${id}.${longer}`,
	});
}
