import { path } from '../api/api';
import type { ClientContext } from '../api/context';
import { NotFoundError } from '../errors';
import { claims } from '../once/claims';
import type { Creation } from '../once/createOnce';
import { lostSubmissions } from '../once/lostSubmissions';
import { searchRecent, type Candidate, type SearchResult } from '../once/searchRecent';
import type { CancelSignal } from '../util/cancelSignal';
import type { JsonObject } from '../util/json';
import { outcomeOf } from '../util/outcome';
import { FlowFingerprint, type FlowRequest } from './flowFingerprint';
import { flowRunFromWire, type FlowRun } from './flowRun';

/** Runs that are read one by one because the list does not tell enough. */
const MOST_READ = 20;

/** A run of a flow, to be started at most once: `POST /flowruns` has no idempotency key. */
export class FlowRunCreation implements Creation<FlowRun> {
	readonly words = {
		done: 'the flow was started',
		place: 'the list of flow runs',
		thing: 'flow run',
		hint: 'Look at the runs of the flow on inference.sh before running this item again, so that it is not paid twice.',
		nothing: 'This request has started nothing.',
	};
	readonly path = '/flowruns';
	readonly decode = flowRunFromWire;
	readonly fingerprint: FlowFingerprint;

	constructor(
		request: FlowRequest,
		private readonly context: ClientContext,
	) {
		this.fingerprint = new FlowFingerprint(request);
	}

	body(): JsonObject {
		const { flow, input } = this.fingerprint.request;
		return { flow, input };
	}

	idOf({ id }: FlowRun): string {
		return id;
	}

	createdAt({ createdAt }: FlowRun): string | undefined {
		return createdAt;
	}

	/**
	 * Looks for a run that is equal in all that the service shows, was created since the attempt began
	 * and belongs to no other item of this process.
	 *
	 * @throws InferenceError if the list cannot be read
	 */
	async lookUp(since: number, signal: CancelSignal): Promise<SearchResult<FlowRun>> {
		const { context, fingerprint } = this;
		let unclear = 0;
		const candidate = (run: FlowRun): Candidate<FlowRun> | undefined => {
			const sameness = fingerprint.compare(run.wire);
			if (sameness === 'different') return undefined;
			const isOthers = lostSubmissions(context.account).mayBeOthers(fingerprint, run.wire);
			const hasFailed = run.status === 'failed' || run.status === 'cancelled';
			return { sameness: isOthers ? 'unclear' : sameness, value: run, hasFailed };
		};
		return await searchRecent({
			context,
			signal,
			since,
			page: (limit, cursor) => ({
				method: 'POST',
				path: '/flowruns/list',
				body: { limit, sort: [{ field: 'created_at', dir: 'desc' }], cursor },
			}),
			recognise: async (row) => {
				const listed = flowRunFromWire(row);
				if (!listed || claims.has(listed.id)) return undefined;
				const found = candidate(listed);
				if (found?.sameness !== 'unclear' || (unclear += 1) > MOST_READ) return found;
				const whole = await this.read(listed, signal);
				return whole && candidate(whole);
			},
			claim: ({ id }) => claims.take(id),
		});
	}

	/** The whole run; undefined if there is none any more. */
	private async read(listed: FlowRun, signal: CancelSignal): Promise<FlowRun | undefined> {
		const call = { method: 'GET', path: path('flowruns', listed.id), signal } as const;
		const reply = await outcomeOf(this.context.api.send(call));
		if (!reply.ok) {
			if (reply.error instanceof NotFoundError) return undefined;
			throw reply.error;
		}
		const whole = flowRunFromWire(reply.value.value);
		return whole && (flowRunFromWire({ ...listed.wire, ...whole.wire }) ?? whole);
	}
}
