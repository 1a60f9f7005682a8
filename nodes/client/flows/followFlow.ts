import { path } from '../api/api';
import type { ItemContext } from '../api/itemTime';
import type { RemoteWork } from '../errors';
import {
	DISAGREEMENTS,
	followToEnd,
	type Ask,
	type NewsEvent,
	type Reached,
	type Subject,
	type SubjectState,
} from '../follow/follower';
import { Stillness } from '../follow/stillness';
import { sameJson, type JsonObject } from '../util/json';
import {
	endedStrangely,
	flowRunFromWire,
	hasStrangeStatus,
	mergeFlowRun,
	type FlowRun,
} from './flowRun';

/**
 * Follows the run of a flow to its end. Its stream tells that it has ended; what its nodes did and
 * what it gives is then read by a request, which alone has the states of the nodes.
 *
 * @throws what `followToEnd` throws
 */
export async function followFlow(
	run: FlowRun,
	context: ItemContext,
): Promise<Reached & { readonly run: FlowRun }> {
	const subject = new FlowRunSubject(run, context);
	const reached = await followToEnd(subject, context);
	return { ...reached, run: subject.run };
}

class FlowRunSubject implements Subject {
	readonly about: RemoteWork;
	readonly route: string;
	/** A run has no route for its status alone. */
	readonly statusRoute: string;
	readonly seen = true;
	private isRead = false;
	private disagreements = 0;
	/** Of the run with a status that nobody knows. */
	private readonly stillness = new Stillness();

	constructor(
		public run: FlowRun,
		private readonly context: Pick<ItemContext, 'clock' | 'timings'>,
	) {
		this.about = { kind: 'flow run', id: run.id };
		this.route = path('flowruns', run.id);
		this.statusRoute = this.route;
	}

	get state(): SubjectState {
		if (!this.run.terminal) return hasStrangeStatus(this.run) ? 'doubtful' : 'running';
		return this.isRead ? 'complete' : 'over';
	}

	take(event: NewsEvent): boolean {
		if (event.kind === 'delta') return true;
		const { data } = event.update;
		// Its tasks and nodes may be told of as well.
		if (data['id'] !== undefined && data['id'] !== this.run.id) return true;
		const before = this.run;
		this.run = mergeFlowRun(before, event.update);
		return !sameJson(before.wire, this.run.wire);
	}

	opened(): void {
		// What an earlier stream has said is in the first line of the next.
	}

	async refresh(ask: Ask): Promise<void> {
		const end = this.run.terminal ? this.run : undefined;
		const fresh = await ask({ method: 'GET', path: this.route }, (value) => {
			const run = flowRunFromWire(value);
			return run?.id === this.run.id ? run : undefined;
		});
		if (!fresh) return;
		this.run = mergeFlowRun(this.run, { data: fresh.wire });
		this.lookForStrangeEnd();
		this.isRead = this.run.terminal;
		if (!end || this.run.terminal) return;
		// For a moment answers may disagree: an end that was told is trusted.
		this.disagreements += 1;
		this.run = end;
		this.isRead = this.disagreements >= DISAGREEMENTS;
	}

	/** Ends a run whose status nobody knows, if it has an error and stays as it is. */
	private lookForStrangeEnd(): void {
		const { run, stillness } = this;
		const { clock, timings } = this.context;
		if (!hasStrangeStatus(run)) return stillness.end();
		if (stillness.lastsFor(run.wire, clock.now()) < timings.stillMs) return;
		this.run = endedStrangely(run);
	}

	polled(status: JsonObject): boolean {
		return !sameJson(status['status'], this.run.wire['status']) || this.mayBeOver(status);
	}

	mayBeOver(status: JsonObject): boolean {
		const run = flowRunFromWire({ ...status, id: this.run.id });
		return run !== undefined && (run.terminal || hasStrangeStatus(run));
	}
}
