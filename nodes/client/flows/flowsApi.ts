import type { CancelOutcome } from '../api/cancelRemote';
import type { ClientContext } from '../api/context';
import { readService } from '../api/readService';
import { listSummaries, type AppSummary, type Page } from '../apps/summaries';
import type { PendingWork } from '../util/pendingWork';
import { cancelFlow } from './cancelFlow';
import { flowFromWire, flowRoute, type Flow } from './flow';
import { runFlow, type FlowResult, type FlowRunOptions } from './runFlow';

/** Flows: several apps that work together, run as one (API notes 7.2). */
export class FlowsApi {
	/** Flows that items have named, each read once. */
	private readonly known = new Map<string, Promise<Flow>>();

	/** @param work is told of everything under way */
	constructor(
		private readonly context: ClientContext,
		private readonly work: PendingWork,
	) {}

	/**
	 * Flows of the key's own workspace (`POST /flows/list`), a page at a time.
	 *
	 * @param search term by which the service filters them
	 * @throws InferenceError if the list cannot be read
	 */
	async list(search: string | undefined, cursor?: string): Promise<Page<AppSummary>> {
		return await this.work.track(listSummaries('/flows/list', search, cursor, this.context));
	}

	/**
	 * A flow with its schemas.
	 *
	 * @param ref its id, or `namespace/name`
	 * @throws NotFoundError if there is none; InferenceError
	 */
	async get(ref: string): Promise<Flow> {
		const flow = this.known.get(ref) ?? this.work.track(this.read(ref));
		this.known.set(ref, flow);
		// The next item asks again for what could not be read.
		flow.catch(() => this.known.delete(ref));
		return await flow;
	}

	/** Runs a flow to its end; see `runFlow`. */
	run(options: FlowRunOptions): Promise<FlowResult> {
		return this.work.track(runFlow(options, this.context));
	}

	/** Cancels the run of a flow; never throws. */
	async cancel(id: string): Promise<CancelOutcome> {
		return await this.work.track(cancelFlow(id, this.context));
	}

	private async read(ref: string): Promise<Flow> {
		return await readService({ method: 'GET', path: flowRoute(ref) }, flowFromWire, this.context);
	}
}
